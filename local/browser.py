"""Chromium without a screen, for looking at the page as a visitor does.

Playwright steers it; the browser itself is the machine's own: the one that CHROMIUM names, or one of the usual programs. On
Debian as root it is installed if there is none. Without a browser nothing is shown, so that is a failure and never a skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Error, sync_playwright

from progress import StackError

USUAL = ("chromium", "google-chrome", "chromium-browser")
# It asks nobody but the page: no updates, no reports, no accounts.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)
MISSING = (
    "the page is looked at with Chromium, and there is none: install it (Debian and Ubuntu: apt-get install chromium; "
    "elsewhere Chromium or Google Chrome), or say where it is: CHROMIUM=/path/to/chromium"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, closed at the end."""
    program = _found() or _installed()
    # A sandbox of its own is nothing that root can have.
    flags = [*QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=program, args=flags)
        except Error as error:
            raise StackError(f"{program} does not start: {error.message.splitlines()[0]}") from error
        try:
            yield browser
        finally:
            browser.close()


def _found() -> str | None:
    if named := os.environ.get("CHROMIUM"):
        if shutil.which(named) is None:
            raise StackError(f"CHROMIUM={named} is no program")
        return named
    places = (f"/usr/bin/{name}" for name in USUAL)
    return next((place for place in places if os.access(place, os.X_OK)), None) or next(
        filter(None, map(shutil.which, USUAL)), None
    )


def _installed() -> str:
    """Debian's package, where we may install it."""
    apt = shutil.which("apt-get")
    if os.geteuid() != 0 or apt is None or not Path("/etc/debian_version").exists():
        raise StackError(MISSING)
    print("there is no browser: installing the package chromium with apt-get", file=sys.stderr, flush=True)
    quietly = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = [apt, "install", "--yes", "--no-install-recommends", "chromium"]
    for argv in ([apt, "update"], install):
        # What apt prints goes beside our own results, not among them.
        if subprocess.run(argv, env=quietly, stdout=sys.stderr, check=False).returncode != 0:
            raise StackError(f"`{' '.join(argv)}` failed; its messages are above. {MISSING}")
    if program := _found():
        return program
    raise StackError(MISSING)
