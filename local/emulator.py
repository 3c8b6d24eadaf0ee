"""MiniStack, which plays AWS: DynamoDB, SQS, Lambda, Scheduler, Secrets Manager and CloudFormation in one process.

It runs our real binaries as child processes and deploys the template as CloudFormation would. With AUTH on, each function
gets the credentials of its own role and is refused what the role does not allow, so a permission that is missing in the
template fails here and not in production. What is asked of each role is written down (emulator_main.py), so a permission that
is superfluous is found as well. Requests signed by the key `test` are the account's owner and may do everything.
"""

from __future__ import annotations

import base64
import os
import sys
import urllib.request
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

import processes
from processes import LOCALHOST, Process

NAME = "MiniStack"
REGION = "us-east-1"
MAIN = Path(__file__).with_name("emulator_main.py")
# The variable that names where a stack leaves, when it goes down, what was asked of its roles: for local/check_permissions.py.
KEEP_PERMISSIONS = "FRONTDESK_LOCAL_KEEP_PERMISSIONS"
ACCESS_KEY = "test"
SECRET_KEY = "test"


@dataclass(frozen=True)
class Emulator:
    """An emulator on `port` that keeps its state in `state_dir`."""

    port: int
    state_dir: Path

    @property
    def endpoint(self) -> str:
        return f"http://{LOCALHOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.state_dir / "logs" / "ministack.log"

    @property
    def permissions(self) -> Path:
        """What was asked of the roles since the start: the ledger of emulator_main.py."""
        return self.state_dir / "permissions.jsonl"

    def start(self) -> Process:
        (self.state_dir / "tmp").mkdir(parents=True, exist_ok=True)
        # -P: what it imports comes from what is installed, not from beside our module.
        argv = [sys.executable, "-P", str(MAIN), str(self.permissions)]
        return processes.start(NAME, argv, self._environment(), self.state_dir, self.log)

    def wait_until_ready(self, process: Process) -> None:
        processes.wait_for_port(process, self.port, 60.0, self.log)
        with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=30) as answer:
            answer.read()

    def program_of(self, code_sha256: str) -> Path:
        """Where the emulator unpacks the program of a function, told by the hash that Lambda reports for its code."""
        unpacked = self.state_dir / "tmp" / f"ministack-provided-code-{self.port}"
        return unpacked / base64.b64decode(code_sha256).hex() / "bootstrap"

    def _environment(self) -> dict[str, str]:
        # MiniStack hands its own environment on to the functions, so it gets no more of ours than a process needs:
        # a setting in the developer's shell must come by the template, or it would not come on AWS.
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ}
        return kept | {
            "HOME": str(self.state_dir),
            "TMPDIR": str(self.state_dir / "tmp"),
            "BIND_HOST": LOCALHOST,
            "MINISTACK_HOST": LOCALHOST,
            "GATEWAY_PORT": str(self.port),
            "AWS_ENDPOINT_URL": self.endpoint,
            "AUTH": "true",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state_dir / "aws"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state_dir / "s3"),
            # Lambda derives this from the template's LoggingConfig; MiniStack does not.
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
        }

    def client(self, service: str) -> Any:
        return _client(service, self.endpoint)


@lru_cache
def _client(service: str, endpoint: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=120),
    )
