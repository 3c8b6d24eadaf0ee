"""What customers, and the shop itself, may demand about what is kept; and what happens when the app is taken away."""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from after import After
from desk import OPEN
from orders import (
    DATA_REQUEST,
    ENDPOINTS,
    REDACT_CUSTOMER,
    REDACT_SHOP,
    Customer,
    Order,
    Person,
    Webhook,
    webhook,
)
from stage import Case, Story

# An erasure looks again after twenty minutes, when whatever was under way has ended.
LOOKS_AGAIN_S = 20 * 60
NOT_YET_S = LOOKS_AGAIN_S / 2
WAITS_S = 3600
SOON_S = 5.0
SINCE_S = 3.0


def of_customers(_: After) -> list[Case]:
    everywhere = "contacts, inbox, outbox, review_requests, sessions"
    return [
        Case("what is kept about me?", "people were told over slack, and not who", asks),
        Case(
            "forget me",
            f"kept in {everywhere}; then nowhere but in the demand; customer_erased, nowhere, told; "
            "their review is nobody's; the next order: skipped opted_out",
            wants_to_be_forgotten,
        ),
    ]


def samples(_: After) -> list[Case]:
    return [Case(sample.file.removesuffix(".json"), sample.expected, _at_each_endpoint(sample)) for sample in SAMPLES]


def uninstalled(_: After) -> list[Case]:
    ends = "app_uninstalled, told; what is due waits; the next shipped order: sent; what waited: sent"
    return [Case("the app is uninstalled", ends, app_uninstalled)]


def of_the_shop(_: After) -> list[Case]:
    return [Case("forget the shop", "kept of many; then of nobody; shop_erased, told", shop_wants_to_be_forgotten)]


# ---- Customers


def _person(after: After) -> Person:
    number = uuid.uuid4().int
    return Person(number % 10**13, f"customer-{number % 10**9}@example.com", after.number())


def _rare() -> str:
    """A word that nobody else says."""
    return "".join(random.choices("bcdfghjklmnpqrstvwxz", k=10))


def asks(after: After) -> Story:
    person = _person(after)
    demand = person.asks()
    after.shop.deliver(demand)
    told = yield from after.is_told(f"notice#data_request#{demand.id}")
    named = person.phone[1:] in re.sub(r"\D", "", told.body) or person.email in told.body
    return f"people were told over {told.way}, and {'who it is' if named else 'not who'}"


def wants_to_be_forgotten(after: After) -> Story:
    """Somebody who bought, wrote, was unhappy and said STOP."""
    person, visitor = _person(after), after.visitor()
    person = replace(person, phone=visitor.phone)
    word, name = _rare(), _rare().title()
    visitor = replace(visitor, name=f"{name} Example")
    made = _order(after, person, name)
    after.shop.deliver(made.fulfilled())
    yield from after.shop.end_of(made)
    local = f"({person.phone[2:5]}) {person.phone[5:8]}-{person.phone[8:]}"
    review = after.review(made, text=f"{word}! Call me: {local}")
    events = [
        visitor.chats(f"Where is it? {word}, {person.email}"),
        visitor.texts(f"It is {name}, {local}"),
        review.published(1),
        visitor.texts("STOP"),
    ]
    for event in events:
        after.hears(event)
        yield from after.became(event)
    yield from after.is_told(review.notice())
    yield from after.until(lambda: after.told_podium(visitor))
    planted = [person.phone[-10:], person.email, name, word]
    before, linked = _kept(after, planted), "order_key" in after.stack.reviews([review.uid])[review.uid]
    demand = person.wants_out(made)
    after.shop.deliver(demand)
    yield from _put_off(after, demand)
    elsewhere, first = _kept(after, planted, but=demand), _kept(after, planted)
    end = yield from _looked_again(after, demand)
    second = _kept(after, planted)
    again = _order(after, person, name)
    after.shop.deliver(again.fulfilled())
    next_order = yield from after.shop.end_of(again)
    review_row = after.stack.reviews([review.uid])[review.uid]
    whose = "still theirs" if "order_key" in review_row or not linked else "nobody's"
    only = f"in {elsewhere}" if elsewhere else "nowhere but in the demand" if first else "nowhere"
    return (
        f"kept in {before}; then {only}; {end}, {second or 'nowhere'}, told; their review is {whose}; "
        f"the next order: {next_order}"
    )


def _order(after: After, person: Person, name: str) -> Order:
    made = after.shop.order(Customer(name, person.phone, "US"))
    return after.shop.keep(person.buys(made))


def _put_off(after: After, demand: Webhook) -> Story:
    """Until everything was looked through once; the second look comes long after the demonstration."""
    [key] = demand.keys
    while True:
        row = after.stack.events([key]).get(key, {})
        if row.get("st") == "waiting" and float(row["waiting_since_ms"]) / 1000 > time.time() + NOT_YET_S:
            return str(row["st"])
        if row.get("st") not in OPEN:
            return str(row["st"])
        yield


def _looked_again(after: After, demand: Webhook) -> Story:
    """Twenty minutes later: how the demand ended, once people were told."""
    [key] = demand.keys
    after.stack.age_demand(key, LOOKS_AGAIN_S + 60)
    end = yield from after.ended(demand)
    yield from after.is_told(f"notice#erased#{demand.id}")
    return end


def _kept(after: After, planted: list[str], but: Webhook | None = None) -> str:
    """Where any of it stands, however a number is written; nowhere, if that is empty."""
    own = but.keys if but else []
    values = [_plain(value) for value in planted]
    places = set()
    for place, key, text in after.stack.everything():
        plain = _plain(f"{key} {text}")
        if key not in own and any(value in plain for value in values):
            places.add(place)
    if any(value in _plain(line) for line in after.stack.logged(after.began_ms) for value in values):
        places.add("the logs")
    return ", ".join(sorted(places))


def _plain(text: str) -> str:
    """Without what people write between the digits of a number."""
    return re.sub(r"[\s().\\/-]", "", text).lower()


# ---- Shopify's other events


@dataclass(frozen=True)
class Sample:
    """A sample event, and how it has to end wherever it comes in."""

    file: str
    topic: str
    expected: str


SAMPLES = [
    Sample("customers-data-request.json", DATA_REQUEST, "data_request_noted"),
    Sample("customers-redact.json", REDACT_CUSTOMER, "waiting"),
    Sample("fulfillment-events-create-attempted.json", "fulfillment_events/create", "in_transit"),
    Sample("fulfillment-events-create-delivered.json", "fulfillment_events/create", "delivered"),
    Sample("returns-request.json", "returns/request", "nothing_to_change"),
    Sample("returns-cancel.json", "returns/cancel", "return_ended"),
    Sample(
        "customers-marketing-consent-update-unsubscribed.json", "customers_marketing_consent/update", "consent_noted"
    ),
]


def _at_each_endpoint(sample: Sample) -> Callable[[After], Story]:
    def story(after: After) -> Story:
        events = [_fresh(after, sample, path) for path in ENDPOINTS]
        heard = {after.delivers_to_shop(event) for event in events}
        ends = set()
        for event in events:
            if sample.topic == REDACT_CUSTOMER:
                ends.add((yield from _put_off(after, event)))
            else:
                ends.add((yield from after.ended(event)))
        return ", ".join(sorted(ends | (heard - {"accepted"})))

    return story


def _fresh(after: After, sample: Sample, path: str) -> Webhook:
    """The sample, as if it were about somebody whom nobody else in the demonstration is."""
    made = webhook(sample.file, sample.topic, path)
    person = _person(after)
    body = made.body.decode().replace("+61491570156", person.phone).replace("mia.tennant@example.com", person.email)
    body = re.sub(r"\b(997|702)4\d{9}\b", lambda _: str(uuid.uuid4().int % 10**13), body)
    return replace(made, body=body.encode())


# ---- The app, and the shop


def app_uninstalled(after: After) -> Story:
    waiting = after.shop.order(after.shop.customer(), SOON_S)
    after.shop.deliver(waiting.fulfilled())
    yield from after.shop.planned(waiting)
    events = [webhook("app-uninstalled.json", "app/uninstalled", path) for path in ENDPOINTS]
    ends = set()
    for event in events:
        after.shop.deliver(event)
        ends.add((yield from after.ended(event)))
    for event in events:
        yield from after.is_told(f"notice#uninstalled#{event.id}")
    # It is put off for hours, as it may have been a mistake.
    far = (time.time() + WAITS_S) * 1000
    yield from after.until(lambda: float(after.shop.requests[waiting.id].get("send_after_ms", 0)) > far)
    sent = sum(text["phone"] == waiting.phone for text in after.texts)
    # Shipped since, so the shop has us again. Shopify's times have whole seconds.
    yield from after.a_while(SINCE_S)
    made = after.shop.order(after.shop.customer(), after.stack.seconds("REVIEW_BUFFER_SECONDS") - 1.0)
    after.shop.deliver(made.fulfilled())
    end = yield from after.shop.end_of(made)
    after.stack.hasten(waiting.id)
    last = yield from after.shop.end_of(waiting)
    due = "what is due waits" if not sent else "what is due was sent"
    return f"{', '.join(sorted(ends))}, told; {due}; the next shipped order: {end}; what waited: {last}"


def shop_wants_to_be_forgotten(after: After) -> Story:
    phones = {str(made.phone)[-10:] for made in after.shop.orders.values() if made.phone}
    before = _known_of_shop(after, phones)
    demand = webhook("shop-redact.json", REDACT_SHOP, ENDPOINTS[-1])
    after.shop.deliver(demand)
    yield from _put_off(after, demand)
    left = _known_of_shop(after, phones)
    end = yield from _looked_again(after, demand)
    return f"kept of {'many' if before > 1 else before}; then of {left or 'nobody'}; {end}, told"


def _known_of_shop(after: After, phones: set[str]) -> int:
    """Of how many customers anything stands in what came from the shop. What they wrote to Podium is Podium's."""
    found = set()
    for place, key, text in after.stack.everything():
        ours = key.startswith("shopify#") or place == "review_requests" or key.startswith("review-request#")
        if ours:
            plain = _plain(text)
            found |= {phone for phone in phones if phone in plain}
    return len(found)


