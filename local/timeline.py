"""A timeline for people: one line for each thing that came to its end, and a line that shows what is waited for."""

from __future__ import annotations

import os
import shutil
import sys
import time

GREEN, RED, DIM, BOLD = "32", "31", "2", "1"
# On a terminal the line of progress is rewritten; elsewhere it is repeated this often.
PROGRESS_EVERY_S = 10.0


class Timeline:
    """Lines on standard output; progress on standard error, so that what is redirected stays readable."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._live = sys.stderr.isatty()
        self._shown_at = float("-inf")

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    @property
    def clock(self) -> str:
        return f"{self.seconds:6.1f} s"

    def say(self, text: str = "") -> None:
        self._erase()
        print(text, flush=True)

    def progress(self, text: str) -> None:
        """Says what is waited for, without getting in the way of what has happened."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{f'{self.clock}  {text}'[:width]}", end="", file=sys.stderr, flush=True)
        elif self.seconds - self._shown_at >= PROGRESS_EVERY_S:
            self._shown_at = self.seconds
            print(f"{self.clock}  {text}", file=sys.stderr, flush=True)

    def mark(self, good: bool) -> str:
        return self.coloured("✓", GREEN) if good else self.coloured("✗", RED, BOLD)

    def dim(self, text: str) -> str:
        return self.coloured(text, DIM)

    def coloured(self, text: str, *codes: str) -> str:
        return f"\033[{';'.join(codes)}m{text}\033[0m" if self._coloured else text

    def _erase(self) -> None:
        if self._live:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
