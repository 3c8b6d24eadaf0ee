"""All checks in order, as `make test` and CI run them: the fast ones first, so that a slip is told within seconds.

    check.py                  everything
    check.py lint docs        only these sections
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from emulator import KEEP_PERMISSIONS, REGION, Emulator

ROOT = Path(__file__).resolve().parent.parent
SHIP = ROOT / ".venv-ship" / "bin"  # what ships Frontdesk, from local/requirements-ship.txt
PYTHON = sys.executable
FUZZ = "tests/fuzz/Cargo.toml"  # a workspace of its own
# What the end-to-end section's stacks asked of the functions' roles.
PERMISSIONS = ROOT / "target" / "permissions"


@dataclass(frozen=True)
class Section:
    """A heading and what runs under it."""

    name: str
    title: str
    run: Callable[[], None]


def main() -> int:
    names = [section.name for section in SECTIONS]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="*", metavar="SECTION", help=", ".join(names))
    wanted = parser.parse_args().section
    if unknown := set(wanted) - set(names):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    chosen = [section for section in SECTIONS if not wanted or section.name in wanted]
    started = time.monotonic()
    for number, section in enumerate(chosen, start=1):
        if not _passes(section, f"{number}/{len(chosen)}", started):
            return 1
    print(f"\n══ all passed in {_clock(time.monotonic() - started)}", flush=True)
    return 0


def _passes(section: Section, number: str, started: float) -> bool:
    begun = time.monotonic()
    print(f"\n══ {number} {section.title}  (at {_clock(begun - started)})", flush=True)
    try:
        section.run()
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd)).replace(PYTHON, "python")
        print(
            f"\n══ {section.title} FAILED after {_clock(time.monotonic() - begun)}: {command}",
            file=sys.stderr,
            flush=True,
        )
        return False
    print(f"── passed in {_clock(time.monotonic() - begun)}", flush=True)
    return True


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min" if seconds >= 60 else f"{seconds:.1f} s"


def _run(*argv: str, env: Mapping[str, str] | None = None) -> None:
    subprocess.run(argv, cwd=ROOT, env=os.environ | (env or {}), check=True)


# ---- Sections


def formatting() -> None:
    _run("cargo", "fmt", "--all", "--check")
    _run("cargo", "fmt", "--manifest-path", FUZZ, "--check")


def template() -> None:
    _run(PYTHON, "local/check_template.py")
    _run(PYTHON, "local/check_permissions.py")
    _run(PYTHON, "local/test_permissions.py")
    _run(_tool("cfn-lint"), "template.yaml")
    # It asks nobody: neither AWS nor, without telemetry, its makers. A region it wants to know all the same.
    alone = {"SAM_CLI_TELEMETRY": "0", "AWS_DEFAULT_REGION": REGION}
    _run(_tool("sam"), "validate", "--lint", "--template", "template.yaml", env=alone)


def lint() -> None:
    _run("cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings")
    fuzz_only = ("--manifest-path", FUZZ, "--target-dir", "target/fuzz/blind", "--features", "blind")
    _run("cargo", "clippy", *fuzz_only, "--all-targets", "--locked", "--", "-D", "warnings")


def supply() -> None:
    _run(PYTHON, "local/supply.py")


def docs() -> None:
    _run("cargo", "doc", "--workspace", "--no-deps", "--locked", env={"RUSTDOCFLAGS": "-D warnings"})


def tests() -> None:
    _run("cargo", "test", "--workspace", "--locked")


def uploads() -> None:
    """The emulator checks signatures; nothing that the other tests have does. It is asked with a session's credentials, as
    a function would."""
    with TemporaryDirectory() as state:
        storage = Emulator(int(os.environ.get("FRONTDESK_TEST_PORT_AWS", "14566")), Path(state))
        process = storage.start()
        try:
            storage.wait_until_ready(process)
            storage.client("s3").create_bucket(Bucket="files")
            page = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["http://localhost:8790"]}
            rules = [{**page, "AllowedHeaders": ["content-type"]}]
            storage.client("s3").put_bucket_cors(Bucket="files", CORSConfiguration={"CORSRules": rules})
            session = storage.client("sts").get_session_token()["Credentials"]
            environment = {
                "AWS_REGION": REGION,
                "AWS_ACCESS_KEY_ID": session["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
                "AWS_SESSION_TOKEN": session["SessionToken"],
                "AWS_ENDPOINT_URL_S3": storage.endpoint,
            }
            suite = ("--package", "frontdesk-tests", "--test", "aws", "--locked")
            _run("cargo", "test", *suite, "uploads::", "--", "--ignored", env=environment)
        finally:
            process.stop(10.0)


def arm64() -> None:
    """Built as `make release` does it, with zig for a linker, but in the quick profile: that it compiles and links for Lambda is
    what can break. Apart from what this machine runs, and without what only a debugger needs."""
    if not _has_standard_library("aarch64-unknown-linux-gnu"):
        print("NOT BUILT: Rust's standard library for arm64 is not on this machine, and rustup cannot fetch it", flush=True)
        return
    target = ROOT / "target" / "arm64"
    lean = {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_DEV_STRIP": "debuginfo", "CARGO_INCREMENTAL": "0"}
    environment = {"CARGO_TARGET_DIR": str(target), "PATH": f"{SHIP}{os.pathsep}{os.environ['PATH']}", **lean}
    packages = [f"--package={path.parent.name}" for path in sorted(ROOT.glob("functions/*/Cargo.toml"))]
    _run(_tool("cargo-lambda"), "lambda", "build", "--arm64", "--locked", *packages, env=environment)
    _run(_tool("python"), "local/check_binaries.py", str(target / "lambda"))


def _has_standard_library(target: str) -> bool:
    """Whether Rust can build for it, now or after fetching what that takes. A machine without a way out of its network can do
    all else."""
    try:
        return subprocess.run(["rustup", "target", "add", target], cwd=ROOT, check=False).returncode == 0
    except FileNotFoundError:
        found = subprocess.run(["rustc", "--print", "target-libdir", "--target", target], capture_output=True, text=True)
        return found.returncode == 0 and Path(found.stdout.strip()).exists()


def _tool(name: str) -> str:
    tool = SHIP / name
    if not tool.exists():
        raise SystemExit(f"{tool.relative_to(ROOT)} is missing: make venv-ship")
    return str(tool)


def fuzzing() -> None:
    _run("sh", "tests/fuzz/run.sh", "10")


def end_to_end() -> None:
    shutil.rmtree(PERMISSIONS, ignore_errors=True)
    with _stack_of_its_own() as environment:
        _run(PYTHON, "local/demo.py", "--to-the-end", "--whole-workspace", env=environment)
    # These have stacks of their own, for their settings and for what they do to them.
    own, brief, kept = "--whole-workspace", ("--contract", "brief"), {KEEP_PERMISSIONS: str(PERMISSIONS)}
    _run(PYTHON, "local/demo.py", own, *brief, "--part", "chats", "--part", "after", env=kept)
    _run(PYTHON, "local/demo_models.py", own, env=kept)
    _run(PYTHON, "local/demo_rarely.py", own, env=kept)
    _run(PYTHON, "local/tool_events.py", own, env=kept)
    _run(PYTHON, "local/demo_kill.py", own, env=kept)
    _run(PYTHON, "local/demo_kill.py", own, *brief, "--rounds", "8", env=kept)


def iam() -> None:
    """Each stack of the end-to-end section has left what was asked of its functions' roles."""
    _run(PYTHON, "local/check_permissions.py", "--used", str(PERMISSIONS))


@contextmanager
def _stack_of_its_own() -> Iterator[Mapping[str, str]]:
    """A fresh stack beside the developer's. The environment says which, to stack.py and to whoever calls it."""
    environment = {"FRONTDESK_LOCAL_STATE_DIR": str(ROOT / "target" / "e2e-stack")}
    for name, port in (("FRONT_DOOR", "18787"), ("STAND_INS", "18788"), ("AWS", "14566"), ("SITE", "18790")):
        environment[f"FRONTDESK_LOCAL_PORT_{name}"] = os.environ.get(f"FRONTDESK_TEST_PORT_{name}", port)
    stack = [PYTHON, "local/stack.py"]
    _run(*stack, "down", env=environment)
    _run(*stack, "forget", env=environment)
    # The test section has just built the whole workspace, so this builds nothing. What failed at Podium comes again soon, and
    # what people have to know is told over the next way soon.
    soon = {"WORKER_VISIBILITY_SECONDS": "20", "NOTIFY_WITHIN_SECONDS": "15", "REVIEW_THANKS": "on"}
    _run(*stack, "up", "--detach", "--quiet", "--whole-workspace", env={**environment, **soon})
    try:
        yield environment
    finally:
        _run(*stack, "down", env={**environment, KEEP_PERMISSIONS: str(PERMISSIONS)})


SECTIONS = [
    Section("format", "Formatting", formatting),
    Section("template", "Template", template),
    Section("lint", "Lints", lint),
    Section("supply", "Supply chain: licences, versions, sources, and known holes where their list can be reached", supply),
    Section("docs", "Documentation", docs),
    Section("tests", "Unit, race, crash and conformance tests", tests),
    Section("uploads", "Files by presigned addresses, against storage that checks signatures", uploads),
    Section("arm64", "The functions for Lambda's processor", arm64),
    Section("fuzz", "Fuzzing, ten seconds for each target; make fuzz takes longer", fuzzing),
    Section("e2e", "End to end: the deployed template, real binaries, processes killed", end_to_end),
    Section("iam", "Permissions: nothing was refused, and nothing is permitted that was never asked for", iam),
]

if __name__ == "__main__":
    sys.exit(main())
