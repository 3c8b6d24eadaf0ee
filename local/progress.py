"""What the person who waits gets to see: one line per step, with the time since the start."""

from __future__ import annotations

import sys
import time


class StackError(Exception):
    """Something a person can act on; its text is shown as it is, without a traceback."""


class Progress:
    """Prints steps to standard error, so that standard output stays free for what was asked for."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self._start:6.1f} s] {text}", file=sys.stderr, flush=True)
