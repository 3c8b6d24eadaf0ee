"""The operator's tool on a stack that runs: asked as a person or a script would ask it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

from deployment import STACK_NAME
from running import RunningStack
from stage import Part

# Somebody who has to wait longer at 11 on a Saturday takes another tool.
PATIENCE_S = 60.0
# Where nobody listens.
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Ran:
    """What a run left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it printed for programs."""
        try:
            return json.loads(self.out)
        except ValueError:
            raise AssertionError(f"exit code {self.code} and no JSON: {self.out[:300]} {self.err[:600]}") from None

    @property
    def why(self) -> str:
        """The last thing that it said to people."""
        return (self.err.strip().splitlines() or [""])[-1].removeprefix("frontdesk: ")


class Bench:
    """Where the tool is tried: a stack, and the tool with what a shell would know of it."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.parts: list[Part] = []
        self.program = stack.described["programs"]["frontdesk"]

    def look(self) -> None:
        """Each story looks for itself."""

    def stands(self, part: Part) -> str:
        return part.label

    def environment(self, **more: str) -> dict[str, str]:
        """What `stack.py env` prints, and nothing of the shell's own."""
        aws = self.stack.described["aws"]
        return {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": self.stack.described["endpoints"]["aws"],
            "AWS_REGION": aws["region"],
            "AWS_ACCESS_KEY_ID": aws["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": aws["secret_access_key"],
            "FRONTDESK_STACK": STACK_NAME,
            **more,
        }

    def run(self, *args: str, stdin: str = "", patience_s: float = PATIENCE_S, **more: str) -> Ran:
        """Runs it to its end; `more`: variables besides."""
        done = subprocess.run(
            [self.program, *args],
            env=self.environment(**more),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=patience_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def unreachable(self, *args: str) -> Ran:
        """The same, and AWS does not answer."""
        return self.run(*args, AWS_ENDPOINT_URL=NOWHERE)
