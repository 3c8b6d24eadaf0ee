"""The verdict after the killing: from the ledger and the tables alone, never from what anybody says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chats import Event
from desk import KEYWORD, answers
from kill_chats import Chats, Guest
from kill_deliveries import Deliveries
from kill_reviews import Reviews, Written
from kill_traffic import Buyer, Traffic
from orders import masked
from people import People
from running import Row, RunningStack

# From when on nobody who said STOP may get anything.
SILENT_AFTER_S = 60.0

ENDS = ("sent", "skipped", "failed", "unknown")
# Where it stands what somebody has to see to yet.
WAITING = (("inbox", "waiting"), ("review_requests", "due"), ("outbox", "attention"))
DEAD_LETTERS = "dead_letters"
# What a notifier had in hand that was killed comes to light again after two and a half minutes, when the clock has long
# brought its notice to another.
NOTICES = "notices"


@dataclass(frozen=True)
class Findings:
    """Everything that the judge looks at, read once."""

    buyers: list[Buyer]
    guests: list[Guest]
    written: list[Written]
    # What people were told, and how often.
    told: Counter[str]
    requests: dict[int, Row]
    events: dict[str, Row]
    outbox: dict[str, str]
    contacts: dict[str, Row]
    sessions: dict[str, Row]
    at_podium: Counter[str]
    ledger: list[dict[str, Any]]
    texts: Counter[str]
    queues: dict[str, int]
    waiting: int

    @classmethod
    def of(cls, stack: RunningStack, traffic: Traffic, chats: Chats, reviews: Reviews) -> Findings:
        orders = [order.id for buyer in traffic.buyers for order in buyer.orders]
        ledger = stack.ledger()
        return cls(
            buyers=traffic.buyers,
            guests=chats.guests,
            written=reviews.written,
            told=Counter(told.key for told in People(stack).told(ever=True)),
            requests=stack.requests(orders),
            events={row["pk"]: row for row in stack.all_rows("inbox", ["pk", "st", "outcome", "attempts"])},
            # What is known of a provider's id has no status.
            outbox={row["pk"]: row.get("st", "") for row in stack.all_rows("outbox", ["pk", "st"])},
            contacts={row["pk"]: row for row in stack.all_rows("contacts", ["pk", KEYWORD])},
            sessions=stack.sessions([guest.visitor.session for guest in chats.guests]),
            at_podium=stack.podium_phones(),
            ledger=ledger,
            texts=Counter(effect["phone"] for effect in ledger),
            queues=stack.queue_depths(),
            waiting=sum(len(stack.open_keys(table, index)) for table, index in WAITING),
        )

    def begun(self, *, reviews: bool) -> int:
        """Sends without an outcome: of review requests, or of what is said in conversations."""
        begun = [key for key, status in self.outbox.items() if status == "sending"]
        return sum(key.startswith("review-request#") == reviews for key in begun)

    def times_told(self, written: Written) -> int:
        return sum(times for key, times in self.told.items() if written.review.uid in key)

    def status(self, buyer: Buyer) -> list[str]:
        return [self.requests.get(order.id, {}).get("st", "missing") for order in buyer.orders]

    @property
    def dead_letters(self) -> int:
        return sum(depth for name, depth in self.queues.items() if name.endswith(DEAD_LETTERS))

    @property
    def queued(self) -> int:
        counted = (name for name in self.queues if not name.endswith(DEAD_LETTERS) and name != NOTICES)
        return sum(self.queues[name] for name in counted)

    @property
    def settled(self) -> bool:
        """Nothing waits any more, in no table and no queue."""
        ended = all(status in ENDS for buyer in self.buyers for status in self.status(buyer))
        return ended and not self.waiting and not self.queued

    def open(self) -> str:
        """What is not settled yet, in words."""
        requests = sum(status not in ENDS for buyer in self.buyers for status in self.status(buyer))
        return f"{requests} requests, {self.waiting} rows in the indexes, {self.queued} messages in the queues"


def problems(found: Findings, deliveries: Deliveries) -> Iterator[str]:
    """Whatever must not be; nothing when all is well."""
    for guest in found.guests:
        yield from (f"{masked(guest.phone)}, {guest.kind}: {problem}" for problem in _amiss(guest, found, deliveries))
    for written in found.written:
        if written.bad != bool(found.times_told(written)):
            yield f"{written.kind}: people were told {found.times_told(written)} times of {written.review.uid}"
    for buyer in found.buyers:
        yield from (f"{masked(buyer.phone)}, {buyer.kind}: {problem}" for problem in _wrong(buyer, found))
    strangers = set(found.texts) - {person.phone for person in (*found.buyers, *found.guests)}
    yield from (f"{masked(phone)} was texted and never bought or wrote anything" for phone in strangers)
    for webhook in deliveries.taken:
        for key in webhook.keys:
            row = found.events.get(key)
            if row is None or row["st"] != "done":
                yield f"an event that was answered 2xx is {row['st'] if row else 'gone'}: {webhook.path} {key}"
    for webhook in deliveries.given_up:
        yield f"an event was never taken: {webhook.path} {webhook.keys[0]}"
    if found.waiting:
        yield f"{found.waiting} rows still stand in the indexes of what waits"
    if unsettled := found.begun(reviews=True):
        yield f"{unsettled} review requests were begun and never settled"


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


def _amiss(guest: Guest, found: Findings, deliveries: Deliveries) -> Iterator[str]:
    """Nobody's words are lost or doubled, nobody is confirmed twice, and nobody is written to who said STOP."""
    if found.texts[guest.phone] > 1:
        yield f"{found.texts[guest.phone]} confirmations of one session"
    kept = answers(found.sessions.get(guest.visitor.session))
    if sorted(kept) != sorted(guest.said):
        yield f"the session holds {kept}, and they said {guest.said}"
    if (contacts := found.at_podium[guest.phone]) > 1:
        yield f"{contacts} contacts at Podium"
    if guest.stop:
        if found.contacts.get(guest.phone, {}).get(KEYWORD) != "out":
            yield "said STOP, and it is not written down"
        if guest.silent and found.texts[guest.phone]:
            yield "was written to, and had said STOP before anything else"
        if late := _late(guest.phone, guest.stop, found, deliveries, SILENT_AFTER_S):
            yield f"{late} texts more than {SILENT_AFTER_S:.0f} s after the STOP was taken"
    elif not contacts:
        yield "has no contact at Podium"


def reviews_table(found: Findings) -> list[tuple[str, int]]:
    """The numbers of those who were not silent about it."""
    kinds = Counter(written.kind for written in found.written)
    told = [found.times_told(written) for written in found.written if written.bad]
    return [
        ("reviews", len(found.written)),
        *((f"  {kind}", count) for kind, count in sorted(kinds.items())),
        ("  people were told of", sum(times > 0 for times in told)),
        ("  and were told twice of, as who told them was killed", sum(times > 1 for times in told)),
    ]


def _late(phone: str, stop: Event, found: Findings, deliveries: Deliveries, after_s: float) -> int:
    taken_at = deliveries.taken_at.get(stop.keys[0])
    silent_ms = (taken_at + after_s) * 1000 if taken_at else float("inf")
    return sum(effect["phone"] == phone and effect["at_ms"] > silent_ms for effect in found.ledger)


def chats_table(found: Findings, deliveries: Deliveries) -> list[tuple[str, int]]:
    """The numbers of those who wrote."""
    stopped = [(guest.phone, guest.stop) for guest in found.guests if guest.stop]
    kinds = Counter(guest.kind for guest in found.guests)
    return [
        ("customers who wrote", len(found.guests)),
        *((f"  {kind}", count) for kind, count in sorted(kinds.items())),
        ("  confirmed once", sum(found.texts[guest.phone] == 1 for guest in found.guests)),
        ("  confirmed twice", sum(found.texts[guest.phone] > 1 for guest in found.guests)),
        ("  their messages", sum(len(guest.said) for guest in found.guests)),
        ("  whose STOP was taken", sum(stop.keys[0] in deliveries.taken_at for _, stop in stopped)),
        ("    texts to them afterwards", sum(_late(phone, stop, found, deliveries, 0.0) for phone, stop in stopped)),
        ("  confirmations begun, and nobody knows how they ended", found.begun(reviews=False)),
    ]


def table(found: Findings, deliveries: Deliveries) -> list[tuple[str, int]]:
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
        ("webhooks taken", len(deliveries.taken)),
        *((f"  {answer}", count) for answer, count in sorted(deliveries.answers.items())),
        ("  stored, though their sender heard nothing", deliveries.stored_unanswered),
        ("events begun more than once", sum(row.get("attempts", 0) > 1 for row in found.events.values())),
        ("requests begun more than once", sum(row.get("attempts", 0) > 1 for row in found.requests.values())),
        ("messages in dead-letter queues", found.dead_letters),
    ]


def looked_up(calls: list[dict[str, Any]], buyers: list[Buyer]) -> int:
    """How many lost texts were asked for at Podium."""
    phones = {buyer.phone for buyer in buyers}
    asked = (call for call in calls if call["method"] == "GET" and call["path"].startswith("/v4/contacts/"))
    return sum(call["phone"] in phones for call in asked)
