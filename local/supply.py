"""Looks at what others wrote and we build in: licences, second versions, crates that are banned, where they come from, known holes.

What is allowed stands in deny.toml. The tool is cargo-deny, in the version below, which is built once (a minute or two of processor) into
.tools. Known holes are listed in a repository of the RustSec project's; where that cannot be reached everything else is checked all the same,
and the last line says so.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSION = "0.20.2"
TOOL = ROOT / ".tools" / "bin" / "cargo-deny"
# The fuzz targets are a workspace of their own, with less in it: what is excused there and not met is no news.
TREES = {"Cargo.toml": (), "tests/fuzz/Cargo.toml": ("license-not-encountered", "unmatched-skip", "unused-wrapper")}
# Without a network a fetch should end soon.
FETCH_SECONDS = 120


def main() -> int:
    tool = _tool()
    for manifest, silent in TREES.items():
        allowed = [part for lint in silent for part in ("--allow", lint)]
        print(f"{manifest}: licences, bans, sources", flush=True)
        _run(tool, "--locked", "--manifest-path", manifest, "check", *allowed, "licenses", "bans", "sources")
    if not _fetched(tool):
        print("NOT CHECKED: known holes (advisories). Their list could not be fetched; licences, bans and sources were checked.", flush=True)
        return 0
    for manifest in TREES:
        print(f"{manifest}: advisories", flush=True)
        _run(tool, "--locked", "--manifest-path", manifest, "check", "--disable-fetch", "advisories")
    print("checked: licences, bans, sources, advisories", flush=True)
    return 0


def _tool() -> str:
    if not TOOL.exists() or _version(TOOL) != VERSION:
        # Unoptimised: it runs for seconds, and is built five times as fast.
        profile = ("--profile", "dev", "--config", "profile.dev.debug=false")
        print(f"building cargo-deny {VERSION} into {TOOL.parent.parent.relative_to(ROOT)}", flush=True)
        _run("cargo", "install", "cargo-deny", "--version", VERSION, "--locked", "--force", "--root", ".tools", *profile)
    return str(TOOL)


def _version(tool: Path) -> str:
    return subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def _fetched(tool: str) -> bool:
    try:
        return subprocess.run([tool, "fetch", "db"], cwd=ROOT, capture_output=True, timeout=FETCH_SECONDS).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _run(*argv: str) -> None:
    subprocess.run(argv, cwd=ROOT, check=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{Path(str(error.cmd[0])).name} says no")
