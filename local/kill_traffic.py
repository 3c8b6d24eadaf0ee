"""Orders that flow while functions are killed: who buys, what is delivered how often, and what each buyer must get."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chats import Visitor
from kill_deliveries import Deliveries
from orders import Customer, Order, OrderIds, order
from running import RunningStack

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

    def __init__(
        self, stack: RunningStack, rng: random.Random, deliveries: Deliveries, phones: Iterator[str]
    ) -> None:
        self.buyers: list[Buyer] = []
        self._stack = stack
        self._rng = rng
        self._deliveries = deliveries
        self._phones = phones
        self._ids = OrderIds()
        self._location: int = stack.locations[0]["shopify_location_ids"][0]

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
        self._deliveries.deliver(made.fulfilled())

    def _delivered_twice(self) -> None:
        made = self._buys("an order delivered three times", texts_due=1)
        webhook = made.fulfilled()
        for copy in (webhook, webhook, made.updated()):
            self._deliveries.deliver(copy)

    def _two_orders(self) -> None:
        first = self._buys("two orders at once", texts_due=1)
        second = self._order(self.buyers[-1], due_in=0.0)
        self._deliveries.deliver(first.fulfilled())
        self._deliveries.deliver(second.fulfilled())

    def _refunded(self) -> None:
        made = self._buys("an order refunded in time", texts_due=0, due_in=REFUND_BUFFER_S)
        self._stack.set_order(made.id, displayFinancialStatus="REFUNDED")
        self._deliveries.deliver(made.fulfilled())
        self._deliveries.deliver(made.refunded())

    def _opted_out(self) -> None:
        made = self._buys("an order of somebody who said STOP", texts_due=0)
        stop = Visitor(self.buyers[-1].phone, "loc_nowhere", "Ann Example", f"c-{made.id}").texts("STOP")
        self._deliveries.deliver(stop, made.fulfilled())

    def _buys(self, kind: str, texts_due: int, due_in: float = 0.0) -> Order:
        self.buyers.append(Buyer(kind, Customer.of(next(self._phones)), texts_due))
        return self._order(self.buyers[-1], due_in)

    def _order(self, buyer: Buyer, due_in: float) -> Order:
        shipped = time.time() - self._stack.seconds("REVIEW_BUFFER_SECONDS") + due_in
        made = order(next(self._ids), buyer.customer, shipped, self._location)
        buyer.orders.append(made)
        return made
