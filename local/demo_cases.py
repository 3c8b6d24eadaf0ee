"""The first part of the demonstration: a day of orders, each told as a story from its webhook to its end (stage.py)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from chats import says_stop
from orders import (
    FICTIONAL_AU,
    FICTIONAL_AU_LANDLINE,
    Customer,
    Order,
    OrderIds,
    Webhook,
    changed,
    fictional_us,
    from_sample,
    order,
)
from running import Answer, Row, RunningStack
from stage import Case, Part, Story

# What comes before the end of the buffer must come in time however slow this machine is.
LATER_S = 60.0
SOON_S = 12.0
# A Shopify location that no setting lists.
UNKNOWN_LOCATION = 88110029999
ENDS = ("sent", "skipped", "failed", "unknown")


class Shop:
    """The shop on the day of the demonstration: who buys, what was delivered, how far each request is."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.ids = OrderIds()
        self.orders: dict[int, Order] = {}
        self.requests: dict[int, Row] = {}
        self.parts: list[Part] = []
        self.faults: list[int] = []
        self.phones: set[str] = {FICTIONAL_AU_LANDLINE}
        self.location: int = stack.locations[0]["shopify_location_ids"][0]
        numbers = list(fictional_us())
        known = stack.known_phones(numbers)
        # A number that an earlier demonstration used may be cooling down.
        self._numbers = [number for number in numbers if number not in known]
        random.shuffle(self._numbers)

    # ---- Who buys what

    def customer(self) -> Customer:
        """Somebody who never bought here."""
        return self._met(self._numbers.pop())

    def australian(self) -> Customer:
        known = self.stack.known_phones(FICTIONAL_AU)
        phone = random.choice([phone for phone in FICTIONAL_AU if phone not in known] or FICTIONAL_AU)
        if phone in known:
            # All thirty were asked by earlier demonstrations.
            self.stack.forget_contact(phone)
        return self._met(phone)

    def known_customer(self, phone: str) -> Customer:
        """Somebody who wrote here, and buys something."""
        return self._met(phone)

    def _met(self, phone: str) -> Customer:
        self.phones.add(phone)
        return Customer.of(phone)

    def order(self, customer: Customer, due_in: float = -1.0) -> Order:
        """An order shipped so long ago that its buffer ends in a moment, or has just ended."""
        return self.keep(order(next(self.ids), customer, self.shipped(due_in), self.location))

    def sample(self, file: str) -> Order:
        return self.keep(from_sample(file, next(self.ids), self.shipped(-1.0)))

    def keep(self, made: Order) -> Order:
        if made.id not in self.orders:
            self.parts.append(Part(made.name, made.phone))
        self.orders[made.id] = made
        return made

    def shipped(self, due_in: float) -> float:
        return time.time() - self.stack.seconds("REVIEW_BUFFER_SECONDS") + due_in

    # ---- What happens

    def deliver(self, webhook: Webhook, **options: Any) -> Answer:
        return self.stack.deliver(webhook, **options)

    def send_fault(self, phone: str, action: dict[str, Any]) -> int:
        """Lets the next text to this phone go wrong."""
        path = "/v4/messages" if self.texts_are_ours else "/v4/review-invitations"
        match = {"provider": "podium", "method": "POST", "path_prefix": path, "phone": phone}
        self.faults.append(self.stack.add_fault({"match": match, "action": action}))
        return self.faults[-1]

    @property
    def texts_are_ours(self) -> bool:
        """In the published contract; in the briefs' one Podium words them, and cannot be asked about them."""
        return self.stack.settings.get("PODIUM_CONTRACT", "published") == "published"

    # ---- What became of it

    def look(self) -> None:
        self.requests = self.stack.requests(self.orders)

    def stands(self, part: Part) -> str:
        return ", ".join(self.state_of(made) for made in self.orders.values() if made.name == part.label)

    def state_of(self, made: Order) -> str:
        """Status and reason of an order's request, in words."""
        row = self.requests.get(made.id)
        return " ".join(filter(None, (row["st"], row.get("reason_code")))) if row else "no request yet"

    def end_of(self, made: Order) -> Story:
        while self.requests.get(made.id, {}).get("st") not in ENDS:
            yield
        return self.state_of(made)

    def planned(self, made: Order) -> Generator[None, None, None]:
        while made.id not in self.requests:
            yield


# ---- Orders that are asked for a review


def eligible_au(shop: Shop) -> Story:
    made = shop.order(shop.australian())
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


def eligible_us(shop: Shop) -> Story:
    made = shop.order(shop.customer())
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


def delivered_again_and_again(shop: Shop) -> Story:
    made = shop.order(shop.customer())
    webhook = made.fulfilled()
    answers = [shop.deliver(webhook).text, shop.deliver(webhook).text]
    end = yield from shop.end_of(made)
    # Other topics tell of the same order under ids of their own.
    answers.append(shop.deliver(made.updated()).text)
    return f"{', '.join(answers)}; {end}"


def told_to_slow_down(shop: Shop) -> Story:
    made = shop.order(shop.customer())
    fault = shop.send_fault(str(made.phone), {"canned": "podium_rate_limit_brief"})
    shop.deliver(made.fulfilled())
    end = yield from shop.end_of(made)
    return f"{'429' if shop.stack.fault_fired(fault) else 'no 429'}, then {end}"


def reply_lost(shop: Shop) -> Story:
    made = shop.order(shop.customer())
    fault = shop.send_fault(str(made.phone), {"drop_reply_after_acting": True})
    shop.deliver(made.fulfilled())
    end = yield from shop.end_of(made)
    return f"{'reply lost' if shop.stack.fault_fired(fault) else 'no reply lost'}, then {end}"


# ---- Orders that must not be


def second_order(shop: Shop) -> Story:
    customer = shop.customer()
    first, second = shop.order(customer), shop.order(customer)
    shop.deliver(first.fulfilled())
    one = yield from shop.end_of(first)
    shop.deliver(second.fulfilled())
    return f"{one}; {(yield from shop.end_of(second))}"


def refunded_in_the_buffer(shop: Shop) -> Story:
    made = shop.order(shop.customer(), LATER_S)
    shop.deliver(made.fulfilled())
    yield from shop.planned(made)
    shop.deliver(made.refunded())
    return (yield from shop.end_of(made))


def cancelled_in_the_buffer(shop: Shop) -> Story:
    made = shop.order(shop.customer(), LATER_S)
    shop.deliver(made.fulfilled())
    yield from shop.planned(made)
    shop.deliver(made.cancelled())
    return (yield from shop.end_of(made))


def refund_that_only_shopify_knows(shop: Shop) -> Story:
    made = shop.order(shop.customer())
    shop.stack.set_order(made.id, displayFinancialStatus="REFUNDED")
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


def opted_out_long_ago(shop: Shop) -> Story:
    made = shop.order(shop.customer())
    says_stop(shop.stack, str(made.phone))
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


def opts_out_in_the_buffer(shop: Shop) -> Story:
    made = shop.order(shop.customer(), SOON_S)
    shop.deliver(made.fulfilled())
    yield from shop.planned(made)
    says_stop(shop.stack, str(made.phone))
    return (yield from shop.end_of(made))


def never_subscribed(shop: Shop) -> Story:
    made = shop.order(shop.customer())
    shop.stack.set_order(made.id, marketingState="NOT_SUBSCRIBED")
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


def as_sampled(file: str) -> Callable[[Shop], Story]:
    def story(shop: Shop) -> Story:
        made = shop.sample(file)
        shop.deliver(made.fulfilled())
        return (yield from shop.end_of(made))

    return story


def unmapped(shop: Shop) -> Story:
    made = shop.order(shop.customer())
    [fulfillment] = made.body["fulfillments"]
    made = shop.keep(changed(made, fulfillments=[fulfillment | {"location_id": UNKNOWN_LOCATION}]))
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


def company(shop: Shop) -> Story:
    made = shop.keep(changed(shop.order(shop.customer()), company={"id": 5150001, "location_id": 5150002}))
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


def gift(shop: Shop) -> Story:
    made = shop.order(replace(shop.customer(), phone=None))
    recipient = made.body["shipping_address"] | {"first_name": "Noah", "name": "Noah Grieve", "last_name": "Grieve"}
    made = shop.keep(changed(made, shipping_address=recipient | {"phone": shop.customer().phone}))
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


def landline(shop: Shop) -> Story:
    made = shop.order(Customer.of(FICTIONAL_AU_LANDLINE))
    shop.deliver(made.fulfilled())
    return (yield from shop.end_of(made))


# ---- Requests that are no orders


def forged(shop: Shop) -> Story:
    webhook = shop.order(shop.customer()).fulfilled()
    answer = shop.deliver(webhook, secret="guessed")
    yield
    return f"{answer.status}; {stored(shop, webhook)}"


def malformed(shop: Shop) -> Story:
    whole = shop.order(shop.customer()).fulfilled()
    cut = replace(whole, body=whole.body[: len(whole.body) // 2])
    answer = shop.deliver(cut)
    yield
    return f"{answer.status} {answer.text}; {stored(shop, cut)}"


def same_id_other_body(shop: Shop) -> Story:
    made, other = shop.order(shop.customer()), shop.order(shop.customer())
    webhook = made.fulfilled()
    answers = [shop.deliver(webhook), shop.deliver(replace(webhook, body=other.fulfilled().body))]
    end = yield from shop.end_of(made)
    return f"{', '.join(answer.text for answer in answers)}; {end}"


def stored(shop: Shop, webhook: Webhook) -> str:
    row = shop.stack.event(webhook)
    return f"row {row['st']}: {row.get('outcome', 'no reason').split(':')[0]}" if row else "nothing stored"


def cases(shop: Shop) -> list[Case]:
    lost = "sent" if shop.texts_are_ours else "unknown outcome_unknown"
    return [
        Case("an order from Australia", "sent", eligible_au),
        Case("an order from the United States", "sent", eligible_us),
        Case("the same order delivered three times", "accepted, duplicate, accepted; sent", delivered_again_and_again),
        Case("two orders of one customer", "sent; skipped cooldown", second_order),
        Case("refunded before its time", "skipped refunded", refunded_in_the_buffer),
        Case("cancelled before its time", "skipped cancelled", cancelled_in_the_buffer),
        Case("refunded, as only Shopify knows", "skipped refunded", refund_that_only_shopify_knows),
        Case("the customer once said STOP", "skipped opted_out", opted_out_long_ago),
        Case("the customer says STOP meanwhile", "skipped opted_out", opts_out_in_the_buffer),
        Case("never agreed to texts", "skipped no_consent", never_subscribed),
        Case("a test order", "skipped test_order", as_sampled("orders-fulfilled-test.json")),
        Case("sold over the counter", "skipped point_of_sale", as_sampled("orders-fulfilled-pos.json")),
        Case("bought by a company", "skipped b2b", company),
        Case("no phone", "skipped no_phone", as_sampled("orders-fulfilled-no-phone.json")),
        Case("a gift: only the recipient's phone", "skipped no_phone", gift),
        Case("a landline", "skipped phone_not_textable", landline),
        Case("shipped from an unknown location", "skipped unmapped_location", unmapped),
        Case("Podium asks to slow down", "429, then sent", told_to_slow_down),
        Case("Podium sends it, its reply is lost", f"reply lost, then {lost}", reply_lost),
        Case("a forged signature", "401; nothing stored", forged),
        Case("half a body, well signed", "200 rejected; row rejected: malformed", malformed),
        Case("a known id with another body", "accepted, mismatch; sent", same_id_other_body),
    ]
