"""The verdict after the killing: from the ledger and the tables alone, never from what anybody says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kill_traffic import Buyer, Traffic
from orders import masked
from running import Row, RunningStack

ENDS = ("sent", "skipped", "failed", "unknown")
DEAD_LETTERS = "dead_letters"


@dataclass(frozen=True)
class Findings:
    """Everything that the judge looks at, read once."""

    buyers: list[Buyer]
    requests: dict[int, Row]
    events: dict[str, Row]
    outbox: dict[str, int]
    texts: Counter[str]
    queues: dict[str, int]
    waiting: int

    @classmethod
    def of(cls, stack: RunningStack, traffic: Traffic) -> Findings:
        orders = [order.id for buyer in traffic.buyers for order in buyer.orders]
        return cls(
            buyers=traffic.buyers,
            requests=stack.requests(orders),
            events={row["pk"]: row for row in stack.all_rows("inbox", ["pk", "st", "outcome", "attempts"])},
            outbox=Counter(row["st"] for row in stack.all_rows("outbox", ["st"])),
            texts=Counter(effect["phone"] for effect in stack.ledger()),
            queues=stack.queue_depths(),
            waiting=len(stack.open_keys("inbox", "waiting")) + len(stack.open_keys("review_requests", "due")),
        )

    def status(self, buyer: Buyer) -> list[str]:
        return [self.requests.get(order.id, {}).get("st", "missing") for order in buyer.orders]

    @property
    def dead_letters(self) -> int:
        return sum(depth for name, depth in self.queues.items() if name.endswith(DEAD_LETTERS))

    @property
    def queued(self) -> int:
        return sum(depth for name, depth in self.queues.items() if not name.endswith(DEAD_LETTERS))

    @property
    def settled(self) -> bool:
        """Nothing waits any more, in no table and no queue."""
        ended = all(status in ENDS for buyer in self.buyers for status in self.status(buyer))
        return ended and not self.waiting and not self.queued

    def open(self) -> str:
        """What is not settled yet, in words."""
        requests = sum(status not in ENDS for buyer in self.buyers for status in self.status(buyer))
        return f"{requests} requests, {self.waiting} rows in the indexes, {self.queued} messages in the queues"


def problems(found: Findings, traffic: Traffic) -> Iterator[str]:
    """Whatever must not be; nothing when all is well."""
    for buyer in found.buyers:
        yield from (f"{masked(buyer.phone)}, {buyer.kind}: {problem}" for problem in _wrong(buyer, found))
    strangers = set(found.texts) - {buyer.phone for buyer in found.buyers}
    yield from (f"{masked(phone)} was texted and never bought anything" for phone in strangers)
    for webhook in traffic.taken:
        row = found.events.get(f"shopify#{webhook.id}")
        if row is None or row["st"] != "done":
            yield f"an event that was answered 2xx is {row['st'] if row else 'gone'}: {webhook.topic} {webhook.id}"
    for webhook in traffic.given_up:
        yield f"an event was never taken: {webhook.topic} {webhook.id}"
    if found.waiting:
        yield f"{found.waiting} rows still stand in the indexes of what waits"
    if unsettled := found.outbox.get("sending", 0):
        yield f"{unsettled} sends were begun and never settled"


def _wrong(buyer: Buyer, found: Findings) -> Iterator[str]:
    texts, status = found.texts[buyer.phone], found.status(buyer)
    if texts > buyer.texts_due:
        yield f"{texts} texts instead of {buyer.texts_due}"
    asked = sum(word in ("sent", "unknown") for word in status)
    if unfinished := [word for word in status if word not in ("sent", "skipped", "unknown")]:
        yield f"its request is {', '.join(unfinished)}"
    elif asked != buyer.texts_due:
        yield f"{asked} requests were sent instead of {buyer.texts_due}: {', '.join(status)}"
    if "sent" in status and not texts:
        yield "its request says sent, and no text went out"


def table(found: Findings, traffic: Traffic) -> list[tuple[str, int]]:
    """The numbers, most important first."""
    due = [buyer for buyer in found.buyers if buyer.texts_due]
    spared = [buyer for buyer in found.buyers if not buyer.texts_due]
    sent = [buyer for buyer in due if "sent" in found.status(buyer)]
    unknown = [buyer for buyer in due if "unknown" in found.status(buyer)]
    twice = [buyer for buyer in found.buyers if found.texts[buyer.phone] > 1]
    kinds = Counter(buyer.kind for buyer in spared)
    return [
        ("customers to be asked", len(due)),
        ("  texted exactly once", sum(found.texts[buyer.phone] == 1 for buyer in sent)),
        ("  parked as unknown, for a person to look at", len(unknown)),
        ("    of them texted once", sum(found.texts[buyer.phone] == 1 for buyer in unknown)),
        ("  texted twice", len(twice)),
        ("  lost", len(due) - len(sent) - len(unknown)),
        ("customers not to be asked", len(spared)),
        *((f"  {kind}", count) for kind, count in sorted(kinds.items())),
        ("  texted all the same", sum(found.texts[buyer.phone] > 0 for buyer in spared)),
        ("webhooks taken", len(traffic.taken)),
        *((f"  {answer}", count) for answer, count in sorted(traffic.answers.items())),
        ("  stored, though their sender heard nothing", traffic.stored_unanswered),
        ("events begun more than once", sum(row.get("attempts", 0) > 1 for row in found.events.values())),
        ("requests begun more than once", sum(row.get("attempts", 0) > 1 for row in found.requests.values())),
        ("messages in dead-letter queues", found.dead_letters),
    ]


def looked_up(calls: list[dict[str, Any]]) -> int:
    """How many lost texts were asked for at Podium."""
    return sum(call["method"] == "GET" and call["path"].startswith("/v4/contacts/") for call in calls)
