"""Deliveries while functions are killed, as Shopify and Podium make them: a webhook that gets no 2xx within five seconds
comes again, with the same id and the same bytes, until it is taken.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor

from running import Delivery, RunningStack

PATIENCE_S = 5.0
# They wait minutes and hours; a demonstration cannot.
REPEATED_AFTER_S = (0.2, 1.0)
REPEATED_AT_MOST = 60
NOT_TAKEN = "no 2xx, delivered again"
AT_ONCE = 8


class Deliveries:
    """All that is on its way in, side by side."""

    def __init__(self, stack: RunningStack, rng: random.Random) -> None:
        self.taken: list[Delivery] = []
        self.given_up: list[Delivery] = []
        self.answers: Counter[str] = Counter()
        self.stored_unanswered = 0
        # When each was answered 2xx first, by the key of its first event.
        self.taken_at: dict[str, float] = {}
        self._stack = stack
        self._rng = rng
        self._pool = ThreadPoolExecutor(max_workers=AT_ONCE)
        self._running: list[Future[None]] = []
        self._lock = threading.Lock()
        self._in_flight: Counter[str] = Counter()
        self._stopping = threading.Event()

    def deliver(self, *webhooks: Delivery) -> None:
        """One after the other: each when the one before it is taken."""
        # Its own random numbers: threads come to their turn in no fixed order.
        rng = random.Random(self._rng.random())
        self._running.append(self._pool.submit(self._in_turn, webhooks, rng))

    def in_flight(self, path: str) -> int:
        """Webhooks sent to paths that begin like this, and not yet answered."""
        with self._lock:
            return sum(count for sent_to, count in self._in_flight.items() if sent_to.startswith(path))

    @property
    def open(self) -> int:
        """Senders who are not through yet."""
        self._running = [future for future in self._running if not future.done() or future.exception()]
        for future in self._running:
            if future.done():
                future.result()
        return len(self._running)

    def stop(self) -> None:
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _in_turn(self, webhooks: tuple[Delivery, ...], rng: random.Random) -> None:
        for webhook in webhooks:
            if not self._until_taken(webhook, rng):
                return

    def _until_taken(self, webhook: Delivery, rng: random.Random) -> bool:
        for attempt in range(REPEATED_AT_MOST):
            with self._lock:
                self._in_flight[webhook.path] += 1
            answer = self._stack.deliver(webhook, patience_s=PATIENCE_S)
            with self._lock:
                self._in_flight[webhook.path] -= 1
                self.answers[answer.text if answer.taken else NOT_TAKEN] += 1
            if answer.taken:
                # It was stored before, but whoever stored it died before it could say so.
                self.stored_unanswered += attempt > 0 and answer.text == "duplicate"
                self.taken.append(webhook)
                self.taken_at.setdefault(webhook.keys[0], time.time())
                return True
            if self._stopping.wait(rng.uniform(*REPEATED_AFTER_S)):
                return False
        self.given_up.append(webhook)
        return False
