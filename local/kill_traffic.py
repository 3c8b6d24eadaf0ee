"""Orders that flow while functions are killed: who buys, what is delivered how often, and what each buyer must get.

Shopify's part is played as Shopify plays it: a webhook that gets no 2xx within five seconds comes again, with the same
id and the same bytes, until it is taken.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from orders import FICTIONAL_AU, Customer, Order, OrderIds, Webhook, fictional_us, order
from running import RunningStack

SHOPIFYS_PATIENCE_S = 5.0
# Shopify waits minutes and hours; a demonstration cannot.
REPEATED_AFTER_S = (0.2, 1.0)
REPEATED_AT_MOST = 60
NOT_TAKEN = "no 2xx, delivered again"
# Long enough to refund an order before it is due, short enough to fall due while functions are still being killed.
REFUND_BUFFER_S = 12.0


@dataclass
class Buyer:
    """A customer, and how many texts are right."""

    kind: str
    customer: Customer
    texts_due: int
    orders: list[Order] = field(default_factory=list)

    @property
    def phone(self) -> str:
        assert self.customer.phone
        return self.customer.phone


class Traffic:
    """A shop's orders, delivered side by side."""

    def __init__(self, stack: RunningStack, rng: random.Random) -> None:
        self.buyers: list[Buyer] = []
        self.taken: list[Webhook] = []
        self.given_up: list[Webhook] = []
        self.answers: Counter[str] = Counter()
        self.stored_unanswered = 0
        self._stack = stack
        self._rng = rng
        self._ids = OrderIds()
        self._phones: Iterator[str] = iter([*FICTIONAL_AU, *fictional_us()])
        self._location: int = stack.locations[0]["shopify_location_ids"][0]
        self._pool = ThreadPoolExecutor(max_workers=8)
        self._running: list[Future[None]] = []
        self._lock = threading.Lock()
        self._in_flight = 0
        self._stopping = threading.Event()

    # ---- What flows

    def burst(self, buyers: int) -> None:
        """So many new customers at once."""
        kinds: list[Callable[[], None]] = [
            *([self._one_order] * 4),
            *([self._delivered_twice] * 3),
            *([self._two_orders] * 2),
            self._refunded,
            self._opted_out,
        ]
        for _ in range(buyers):
            self._rng.choice(kinds)()

    def _one_order(self) -> None:
        made = self._buys("one order", texts_due=1)
        self._deliver(made.fulfilled())

    def _delivered_twice(self) -> None:
        made = self._buys("an order delivered three times", texts_due=1)
        webhook = made.fulfilled()
        for copy in (webhook, webhook, made.updated()):
            self._deliver(copy)

    def _two_orders(self) -> None:
        first = self._buys("two orders at once", texts_due=1)
        second = self._order(self.buyers[-1], due_in=0.0)
        self._deliver(first.fulfilled())
        self._deliver(second.fulfilled())

    def _refunded(self) -> None:
        made = self._buys("an order refunded in time", texts_due=0, due_in=REFUND_BUFFER_S)
        self._stack.set_order(made.id, displayFinancialStatus="REFUNDED")
        self._deliver(made.fulfilled())
        self._deliver(made.refunded())

    def _opted_out(self) -> None:
        made = self._buys("an order of somebody who said STOP", texts_due=0)
        self._stack.opt_out(self.buyers[-1].phone)
        self._deliver(made.fulfilled())

    def _buys(self, kind: str, texts_due: int, due_in: float = 0.0) -> Order:
        self.buyers.append(Buyer(kind, Customer.of(next(self._phones)), texts_due))
        return self._order(self.buyers[-1], due_in)

    def _order(self, buyer: Buyer, due_in: float) -> Order:
        shipped = time.time() - self._stack.seconds("REVIEW_BUFFER_SECONDS") + due_in
        made = order(next(self._ids), buyer.customer, shipped, self._location)
        buyer.orders.append(made)
        return made

    # ---- How it is delivered

    @property
    def in_flight(self) -> int:
        """Webhooks sent and not yet answered."""
        return self._in_flight

    @property
    def open(self) -> int:
        """Webhooks not yet taken."""
        self._running = [future for future in self._running if not future.done() or future.exception()]
        for future in self._running:
            if future.done():
                future.result()
        return len(self._running)

    def stop(self) -> None:
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _deliver(self, webhook: Webhook) -> None:
        # Its own random numbers: threads come to their turn in no fixed order.
        rng = random.Random(self._rng.random())
        self._running.append(self._pool.submit(self._until_taken, webhook, rng))

    def _until_taken(self, webhook: Webhook, rng: random.Random) -> None:
        for attempt in range(REPEATED_AT_MOST):
            with self._lock:
                self._in_flight += 1
            answer = self._stack.deliver(webhook, patience_s=SHOPIFYS_PATIENCE_S)
            with self._lock:
                self._in_flight -= 1
                self.answers[answer.text if answer.taken else NOT_TAKEN] += 1
            if answer.taken:
                # It was stored before, but whoever stored it died before it could say so.
                self.stored_unanswered += attempt > 0 and answer.text == "duplicate"
                self.taken.append(webhook)
                return
            if self._stopping.wait(rng.uniform(*REPEATED_AFTER_S)):
                return
        self.given_up.append(webhook)
