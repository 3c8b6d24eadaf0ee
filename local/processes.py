"""Processes that outlive the program that started them: start them, recognise them later, stop them.

A process id alone proves nothing, because the system gives it to another process one day. So each is kept with the moment
it was born, and a process of the same id but another birth counts as gone. So does a zombie: it is over, only not yet reaped.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from progress import StackError

LOCALHOST = "127.0.0.1"
# Linux tells about processes here, without any tool installed; elsewhere `ps` does.
PROC = Path("/proc") if Path("/proc/self/stat").exists() else Path("/nonexistent")


@dataclass(frozen=True)
class Process:
    """A running program, and what is needed to know it again."""

    name: str
    pid: int
    born: str

    def alive(self) -> bool:
        _reap(self.pid)
        return _birth(self.pid) == self.born

    def stop(self, patience_s: float) -> bool:
        """Asks it to end and waits; true if it did so by itself."""
        if not self.alive():
            return True
        _signal(self.pid, signal.SIGTERM)
        if _wait_until(lambda: not self.alive(), patience_s):
            return True
        _signal(self.pid, signal.SIGKILL)
        _wait_until(lambda: not self.alive(), 5.0)
        return False


def start(name: str, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path) -> Process:
    """Starts a program in a session of its own, so that Ctrl-C reaches us alone and we stop things in order."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        child = subprocess.Popen(
            list(argv),
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # Popen would warn that the child still runs when we leave it behind on purpose; we reap by id instead.
    child.returncode = 0
    return Process(name, child.pid, _birth(child.pid) or "gone")


def running(program: Path) -> list[int]:
    """Ids of the processes that run the program at this path, a script among them."""
    return sorted(pid for pid, line in _command_lines() if str(program) in line)


def port_in_use(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return True
    return False


def wait_for_port(process: Process, port: int, patience_s: float, log: Path) -> None:
    """Returns once `process` accepts connections on `port`; otherwise shows the end of its log."""

    def settled() -> bool:
        return accepts(port) or not process.alive()

    if not _wait_until(settled, patience_s) or not process.alive():
        what = "does not answer" if process.alive() else "ended at once"
        raise StackError(f"{process.name} {what} on port {port}. The end of {log}:\n{tail(log)}")


def accepts(port: int) -> bool:
    try:
        with socket.create_connection((LOCALHOST, port), timeout=1.0):
            return True
    except OSError:
        return False


def tail(log: Path, lines: int = 15) -> str:
    if not log.exists():
        return "  (empty)"
    return "\n".join("  " + line for line in log.read_text(errors="replace").splitlines()[-lines:])


def _wait_until(condition: Callable[[], bool], patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _command_lines() -> Iterator[tuple[int, str]]:
    if PROC.exists():
        for entry in PROC.glob("[0-9]*/cmdline"):
            with suppress(OSError):
                words = entry.read_bytes().rstrip(b"\0").replace(b"\0", b" ")
                yield int(entry.parent.name), words.decode(errors="replace")
        return
    listing = subprocess.run(["ps", "-axo", "pid=,command="], capture_output=True, text=True, check=True).stdout
    for row in listing.splitlines():
        pid, _, line = row.strip().partition(" ")
        yield int(pid), line.strip()


def _birth(pid: int) -> str | None:
    """When the process started, in whatever words the system uses; None if there is none, or only its shell is left."""
    if PROC.exists():
        try:
            # The name in the second field may hold anything, but it ends at the last parenthesis.
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else fields[19]
    argv = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
    told = subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()
    return None if not told or told.startswith("Z") else told.split(None, 1)[1]


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
