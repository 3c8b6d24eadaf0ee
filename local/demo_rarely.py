"""What seldom happens: webhooks at another address than usual, tokens that are taken away, a worker that stands still, a
reminder after a week. The other demonstrations leave some permissions of the functions' roles unused; these are needed here.

It has a stack of its own, for its settings. Everything happens one by one, and is over only when the function in question has
asked for what it is to ask for: so local/check_permissions.py can tell what is superfluous from what is rare.
"""

from __future__ import annotations

import argparse
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import chats
from after import After
from assistant import Hall
from chats import iso
from demo_edge import written
from demo_wire import filled
from desk import KEYWORD, LOCATION, answers
from orders import ANY_TOPIC, PRIVACY, Person, in_the_shops_time, webhook
from progress import StackError
from running import RunningStack, stack_of_its_own
from stage import Case, Ledger, Stage, Story
from timeline import Timeline
from web import MESSAGES, Website, mark

DAY_S = 86_400
REMINDER_DAYS = 7
SETTINGS = {
    "REVIEW_REMINDER_DAYS": str(REMINDER_DAYS),
    # From delivery on; what is not known to be delivered waits as long as usual.
    "REVIEW_AFTER_DELIVERY_SECONDS": "1",
    "FRONTDESK_SWEEP_AFTER_SECONDS": "2",
    "PODIUM_SIGNATURE_SCHEMES": "published,brief_body,brief_t_v1",
    "AGENT_PROVIDER": "openai",
    "AGENT_MODEL": "gpt-6.1-terra",
    "WOOCOMMERCE_API": "rest",
    "WOOCOMMERCE_CURRENCY": "AUD",
}
CONSENT = "customers_marketing_consent/update"
MARKETING = "marketing_sms_opt_out"
KEEP_TOKEN, READ, WRITE = "secretsmanager:PutSecretValue", "secretsmanager:GetSecretValue", "dynamodb:UpdateItem"
# So much is waited between two tries, for a function that does something else first.
AGAIN_S = 3.0
LATER_S = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whole-workspace", action="store_true", help="see stack.py up --help")
    options = parser.parse_args()
    try:
        with stack_of_its_own("demo-rarely", SETTINGS, whole_workspace=options.whole_workspace) as stack:
            if not demonstrate(stack, Timeline()):
                raise StackError("not everything ended as it should")
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


class Seldom(After):
    """The front desk, and whoever else comes by."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(stack)
        self.site = Website(stack)
        self.hall = Hall(stack)

    def times_asked(self, package: str, action: str, about: str = "") -> int:
        """How often a function's role was asked for something."""
        return sum(about in f"{row['resource']} {row['keys']}" for row in self.stack.asked(package, action))

    def again_until(self, act: Callable[[], object], package: str, action: str, about: str = "") -> Story:
        """Does it again and again, until a function has asked for something; says which."""
        before, at = self.times_asked(package, action, about), float("-inf")
        while self.times_asked(package, action, about) == before:
            if time.monotonic() - at > AGAIN_S:
                act()
                at = time.monotonic()
            yield
        return package

    def flag(self, phone: str, flag: str) -> str:
        return str(self.stack.contacts([phone]).get(phone, {}).get(flag, "no wish"))


def demonstrate(stack: RunningStack, timeline: Timeline) -> bool:
    """Plays all of it and returns whether it ended as it should."""
    seldom = Seldom(stack)
    # A STOP from a local number is read by the countries of the locations, so the list comes first, as on AWS.
    stack.run_timer("locations")
    stack.control("PUT", "/podium", {"rotate_refresh_tokens": True})
    try:
        with seldom.webhooks(), seldom.hall.webhooks():
            stage = Stage(stack, Ledger(stack), timeline, ())
            return stage.play(cases(), seldom, one_by_one=True)
    finally:
        seldom.leave()


def cases() -> list[Case]:
    kept = "a new one, kept by"
    return [
        *(Case(f"STOP and START at {path}", "out, in", podium_wish(path)) for path in chats.ENDPOINTS),
        *(Case(f"consent at {path}", "out, in", shopify_wish(path)) for path in (ANY_TOPIC, PRIVACY)),
        Case("STOP, aloud, in Chatwoot", "out, in, out", chatwoot_wish),
        Case("a message, then STOP, in the form", "out", form_wish),
        Case("a missed STOP of somebody known", "out", missed_wish),
        Case("Podium takes the tokens: timers", f"{kept} timers", timers_token),
        Case("Podium takes the tokens: the worker", f"{kept} podium-worker", workers_token),
        Case("Podium takes the tokens: the sender", f"{kept} review-sender", senders_token),
        Case("Podium takes the tokens: follow-up", f"{kept} follow-up", follow_ups_token),
        Case("Shopify takes the tokens: the sender", "a new one, shared by review-sender", senders_shop_token),
        Case("Shopify takes the tokens: follow-up", "a new one, shared by follow-up", follow_ups_shop_token),
        Case("Podium asks the timers to wait", "noted by timers", timers_wait),
        Case("Podium asks the follow-up to wait", "noted by follow-up", follow_up_waits),
        Case("the worker stands still", "queued again by timers; sent", sweep),
        Case("silent, and forgotten meanwhile", "asked once", forgotten),
        Case("a parcel arrives", "retimed; sent", arrived),
        Case("a week without a review", "reminded once", reminded),
        Case("forget my form and my chat", "form and chat, by privacy-worker", erased),
        Case("what does the shop have?", "found by chatwoot-worker, by chat", products),
        Case("no money for the model", "people are told by chat", money_gone),
    ]


# ---- Who wants no messages, told where it is not expected


def podium_wish(path: str) -> Callable[[Seldom], Story]:
    def story(seldom: Seldom) -> Story:
        """From a number as people of the location's country write it, and from somebody whom nobody knows."""
        visitor = seldom.visitor()
        said = []
        for text in ("STOP", "START"):
            event = visitor.chats_as_in_the_briefs(text, **{"from": visitor.local}).to(path)
            seldom.delivers(event)
            said.append(seldom.wish(visitor).split(" ")[0])
            yield
        return ", ".join(said)

    return story


def shopify_wish(path: str) -> Callable[[Seldom], Story]:
    def story(seldom: Seldom) -> Story:
        phone, customer = seldom.number(), uuid.uuid4().int % 10**13
        said = []
        for state, age_s in (("unsubscribed", 60), ("subscribed", 30)):
            given = {"state": state, "consent_updated_at": in_the_shops_time(time.time() - age_s)}
            consent = {"opt_in_level": "single_opt_in", "consent_collected_from": "SHOPIFY", **given}
            file = "customers-marketing-consent-update-unsubscribed.json"
            seldom.delivers_to_shop(
                webhook(file, CONSENT, path, id=customer, phone=phone, sms_marketing_consent=consent)
            )
            said.append(seldom.flag(phone, MARKETING))
            yield
        return ", ".join(said)

    return story


def chatwoot_wish(seldom: Seldom) -> Story:
    """Said aloud, taken back in writing, and said aloud again in another chat. What was said the worker hears, and nobody
    before it."""
    hall, phone = seldom.hall, seldom.hall.number()
    # Every voice comes there under this name.
    hall.control("PUT", "/ai", {"transcripts": {"voice.mp3": {"text": "STOP"}}})
    voice = {"file_type": "audio", "content_type": "audio/mpeg", "name": "stop.mp3", "text": "b"}
    first, second = (hall.talk("Channel::Sms", phone) for _ in range(2))
    said = []
    for talk, text in ((first, ""), (first, "START"), (second, "")):
        talk.says(text, attachments=[] if text else [voice])
        yield from talk.ended()
        said.append(seldom.flag(phone, KEYWORD))
    return ", ".join(said)


def form_wish(seldom: Seldom) -> Story:
    """Of somebody who is known, because they wrote before."""
    phone, words = seldom.number(), mark()
    seldom.site.post(MESSAGES, written(seldom.site, phone, f"Hello {words}"))
    end = seldom.site.became(words)
    while True:
        seldom.site.look()
        try:
            next(end)
        except StopIteration:
            break
        yield
    seldom.site.post(MESSAGES, written(seldom.site, phone, "STOP"))
    return seldom.flag(phone, KEYWORD)


def missed_wish(seldom: Seldom) -> Story:
    """Its webhook got lost; the list of messages has it."""
    visitor = seldom.visitor()
    event = visitor.chats("Hello")
    seldom.hears(event)
    yield from seldom.became(event)
    seldom.lose_webhooks(True)
    told = {"at": iso(seldom.long_ago), "name": visitor.name}
    seldom.stack.customer_writes(visitor.phone, LOCATION, "STOP", **told)
    seldom.lose_webhooks(False)
    yield from seldom.again_until(lambda: seldom.stack.run_timer("reconcile-messages"), "follow-up", WRITE, "Contacts")
    yield from seldom.until(lambda: seldom.wish(visitor).startswith("out"))
    return "out"


# ---- Tokens that are taken away


def _new_token(seldom: Seldom, act: Callable[[], object], package: str) -> Story:
    """A function may have another token in its memory, so it can take more than one try until it has to ask for a new one.
    Podium gives a new refresh token as well, and forgets the old one."""

    def taken() -> None:
        seldom.stack.control("POST", "/podium/revoke")
        act()

    return f"a new one, kept by {(yield from seldom.again_until(taken, package, KEEP_TOKEN))}"


def timers_token(seldom: Seldom) -> Story:
    return (yield from _new_token(seldom, lambda: seldom.stack.run_timer("locations"), "timers"))


def follow_ups_token(seldom: Seldom) -> Story:
    return (yield from _new_token(seldom, lambda: seldom.stack.run_timer("reconcile-reviews"), "follow-up"))


def workers_token(seldom: Seldom) -> Story:
    def writes() -> None:
        seldom.hears(seldom.guest().chats("Hello"))

    return (yield from _new_token(seldom, writes, "podium-worker"))


def senders_token(seldom: Seldom) -> Story:
    return (yield from _new_token(seldom, _order(seldom), "review-sender"))


def senders_shop_token(seldom: Seldom) -> Story:
    return (yield from _new_shop_token(seldom, _order(seldom), "review-sender"))


def follow_ups_shop_token(seldom: Seldom) -> Story:
    return (yield from _new_shop_token(seldom, lambda: seldom.stack.run_timer("reconcile-orders"), "follow-up"))


def _new_shop_token(seldom: Seldom, act: Callable[[], object], package: str) -> Story:
    def taken() -> None:
        seldom.stack.control("POST", "/shopify/revoke")
        act()

    by = yield from seldom.again_until(taken, package, WRITE, "token#shopify")
    return f"a new one, shared by {by}"


def _order(seldom: Seldom) -> Callable[[], None]:
    """Somebody's order is due; without the clock nothing of it is handed over."""

    def buys() -> None:
        seldom.shop.deliver(seldom.shop.order(seldom.shop.customer()).fulfilled())
        time.sleep(1.0)
        seldom.stack.run_timer("promote")

    return buys


# ---- Providers that ask to wait


def timers_wait(seldom: Seldom) -> Story:
    return (yield from _asked_to_wait(seldom, "/v4/locations", "locations", "timers"))


def follow_up_waits(seldom: Seldom) -> Story:
    return (yield from _asked_to_wait(seldom, "/v4/reviews", "reconcile-reviews", "follow-up"))


def _asked_to_wait(seldom: Seldom, path: str, task: str, package: str) -> Story:
    match, slow_down = {"method": "GET", "path_prefix": path}, {"status": 429, "headers": {"retry-after": "1"}}
    fault = seldom.fault(match, slow_down, "forever")
    by = yield from seldom.again_until(lambda: seldom.stack.run_timer(task), package, WRITE, "Limits")
    seldom.faults.remove(fault)
    seldom.stack.remove_fault(fault)
    yield from seldom.a_while(2.0)
    return f"noted by {by}"


# ---- What is late


def sweep(seldom: Seldom) -> Story:
    """Its event waits in the table longer than the queue should take."""
    made = seldom.shop.order(seldom.shop.customer())
    with seldom.stack.standing_still("shopify-worker"):
        seldom.shop.deliver(made.fulfilled())
        by = yield from seldom.again_until(
            lambda: seldom.stack.run_timer("sweep"), "timers", "sqs:SendMessage", "shopify-events"
        )
    return f"queued again by {by}; {(yield from _end(seldom, made))}"


def _end(seldom: Seldom, made: Any) -> Story:
    """How an order's request ends, with the clock going."""
    end = seldom.shop.end_of(made)
    while True:
        seldom.stack.run_timer("promote")
        try:
            next(end)
        except StopIteration as ended:
            return str(ended.value)
        yield


def forgotten(seldom: Seldom) -> Story:
    """Nothing is known of whom the session is about any more; the gate remembers whether they had opted out."""
    visitor = seldom.guest()
    event = visitor.chats("Hello")
    seldom.hears(event)
    yield from seldom.became(event)
    yield from seldom.until(lambda: answers(seldom.session(visitor)))
    seldom.stack.forget_contact(visitor.phone)
    seldom.stack.age_session(visitor.session, seldom.stack.seconds("WEBCHAT_WARN_SECONDS") + 1)
    yield from seldom.again_until(lambda: seldom.stack.run_timer("sessions"), "timers", READ, "Pepper")
    yield from seldom.until(lambda: seldom.prompts(visitor))
    return {1: "asked once"}.get(seldom.prompts(visitor), "asked again")


def arrived(seldom: Seldom) -> Story:
    made = seldom.shop.order(seldom.shop.customer(), LATER_S)
    seldom.shop.deliver(made.fulfilled())
    yield from seldom.shop.planned(made)
    at = in_the_shops_time(time.time() - 5)
    told = webhook(
        "fulfillment-events-create-delivered.json",
        "fulfillment_events/create",
        order_id=made.id,
        id=uuid.uuid4().int % 10**13,
        happened_at=at,
        created_at=at,
    )
    seldom.delivers_to_shop(told)
    end = yield from seldom.ended(told)
    return f"{end}; {(yield from _end(seldom, made))}"


def reminded(seldom: Seldom) -> Story:
    customer = seldom.shop.customer()
    seldom.plan(str(customer.phone), "delivered")
    made = seldom.shop.order(customer)
    seldom.shop.deliver(made.fulfilled())
    yield from _end(seldom, made)
    yield from seldom.until(lambda: seldom.sends.get(made.id, {}).get("st") == "delivered")
    seldom.stack.age_reminder(made.id, REMINDER_DAYS * DAY_S)
    words = seldom.stack.settings["REVIEW_REMINDER_MESSAGE"].split("{location_name}")[1].split("{link}")[0]

    def times() -> int:
        return sum(text["phone"] == customer.phone and words in str(text["body"]) for text in seldom.stack.ledger())

    while not times():
        seldom.stack.run_timer("sends")
        yield
    yield from seldom.a_while()
    return {1: "reminded once"}.get(times(), "reminded again")


def erased(seldom: Seldom) -> Story:
    """Somebody who chatted and filled in the form, and wants to be forgotten."""
    number = uuid.uuid4().int
    person = Person(number % 10**13, f"customer-{number % 10**9}@example.com", seldom.hall.number())
    contact = seldom.site.config()["contact_form"]
    address = {field["id"]: person.email for field in contact["form"]["fields"] if field["type"] == "email"}
    seldom.site.post(contact["submit_url"], filled(contact["form"]) | address)
    talk = seldom.hall.talk("Channel::Sms", person.phone)
    talk.says("Hello")
    yield from talk.ended()
    seldom.shop.deliver(person.wants_out())
    by = yield from seldom.again_until(lambda: None, "privacy-worker", "dynamodb:DeleteItem", "Forms")
    yield from seldom.until(lambda: seldom.times_asked("privacy-worker", WRITE, "Chats"))
    return f"form and chat, by {by}"


# ---- Models, and what they ask for


def products(seldom: Seldom) -> Story:
    """By WooCommerce's API that needs a key, which each of them fetches for itself."""
    talk = seldom.hall.talk()
    by = yield from seldom.again_until(lambda: talk.says("lamp"), "chatwoot-worker", READ, "woocommerce")
    also = yield from seldom.again_until(lambda: seldom.site.chat("lamp"), "chat", READ, "woocommerce")
    return f"found by {by}, by {also}"


def money_gone(seldom: Seldom) -> Story:
    fault = seldom.stack.add_fault(
        {"match": {"provider": "ai"}, "times": "forever", "action": {"canned": "openai_money_gone"}}
    )
    seldom.faults.append(fault)

    def asks() -> None:
        seldom.site.chat(f"Is anybody there? {uuid.uuid4()}")

    by = yield from seldom.again_until(asks, "chat", "dynamodb:PutItem", "notice#")
    return f"people are told by {by}"


if __name__ == "__main__":
    sys.exit(main())
