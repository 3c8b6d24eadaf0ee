"""The third part of the demonstration: what comes after a message. Each act is told as stories (stage.py).

What became of the texts, as Podium's webhooks tell it; what people were told of reviews, and how; an outage in which
webhooks are lost (demo_outage.py); and what a customer, or the shop, may demand about what is kept (demo_privacy.py).
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import chats
import demo_outage
import demo_privacy
from after import After
from chats import Event
from desk import KEYWORD, counted
from orders import masked
from people import SLACK, TOPIC, WEBHOOK, WEBHOOK_PATH, Told
from reviews import HOSTILE, Review
from running import RunningStack
from stage import Case, Ledger, Stage, Story
from timeline import Timeline

TIMERS = ("promote", "sweep", "sessions", "mirror", "sends", "notices")

DAY_S = 86_400
# How much later than its webhook Podium answers a call.
OVERTAKEN_MS = 5000
# Longer than our own patience with a channel, which Slack does not know.
RETRY_AFTER_S = 8
MAY_BE_SENT = ("sent", "unknown")


def demonstrate(stack: RunningStack, timeline: Timeline, *, to_the_end: bool) -> bool:
    """Plays all of it and returns whether it ended as it should. `to_the_end`: the shop's data is erased as well."""
    after, ledger = After(stack), Ledger(stack)
    stack.run_timer("locations")
    good = True
    try:
        with after.webhooks():
            for title, timers, cases in _acts(after, to_the_end):
                timeline.say(f"\n{title}\n")
                good = Stage(stack, ledger, timeline, TIMERS + timers).play(cases, after) and good
        timeline.say()
        good = _right_texts(after, ledger, timeline) and good
    finally:
        after.leave()
    return good


def _acts(after: After, to_the_end: bool) -> Iterator[tuple[str, tuple[str, ...], list[Case]]]:
    """What is played together, one after the other; and which timers it needs beside the usual ones."""
    yield "What became of the texts, and who was told of reviews", (), deliveries(after) + reviews(after)
    yield "Webhooks get lost, and the providers' lists are compared", demo_outage.LISTS, demo_outage.cases(after)
    after.lose_webhooks(False)
    yield "What customers may demand about their data", (), demo_privacy.of_customers(after)
    yield "Shopify's other events, each at every endpoint", (), demo_privacy.samples(after)
    yield "The shop takes the app away, and comes back", (), demo_privacy.uninstalled(after)
    if to_the_end:
        yield "The shop has everything erased", (), demo_privacy.of_the_shop(after)


# ---- What became of a text


def arrives(after: After) -> Story:
    customer = after.shop.customer()
    after.plan(str(customer.phone), "delivered")
    made = yield from after.asked(customer)
    return f"{after.shop.state_of(made)}; {(yield from after.fate_told(made))}"


def handed_on(after: After) -> Story:
    """Podium says no more than that it passed it to the carrier."""
    customer = after.shop.customer()
    made = yield from after.asked(customer)
    return f"{after.shop.state_of(made)}; {(yield from after.fate_told(made))}"


def overtakes(after: After) -> Story:
    """The webhook is faster than Podium's answer, so that our own row does not know the text's id yet."""
    customer = after.shop.customer()
    phone = str(customer.phone)
    after.plan(phone, "delivered")
    path = "/v4/messages" if after.is_published else "/v4/review-invitations"
    match = {"method": "POST", "path_prefix": path, "phone": phone}
    after.fault(match, {"reply_delay_ms": OVERTAKEN_MS})
    made = yield from after.asked(customer)
    fate = yield from after.fate_told(made)
    [event] = after.sent_by_podium(lambda one: one["phone"] == phone)
    row = after.stack.event(event) or {}
    first = float(row.get("ended_at_ms", "inf")) < float(after.sends[made.id]["settled_at_ms"])
    return f"the news {'came first' if first else 'came second'}; {fate}"


def filtered(after: After) -> Story:
    customer = after.shop.customer()
    phone = str(customer.phone)
    after.plan(phone, "failed", "P0005" if after.is_published else "carrier_filtered")
    made = yield from after.asked(customer)
    fate = yield from after.fate_told(made)
    flagged = "flagged" if "flagged_at_ms" in after.stack.contacts([phone])[phone] else "not flagged"
    # One notice a day: a sender that is not registered has every text of the day filtered.
    day = f"notice#carrier_filtered#day-{int(time.time()) // DAY_S}"
    yield from after.until(lambda: any(told.key == day for told in after.people.told(ever=True)))
    told = sum(told.key == day for told in after.people.told(ever=True))
    after.unplan(phone)
    again = yield from after.next_order(customer)
    return f"{fate}, {flagged}; told {'once today' if told == 1 else f'{told} times'}; the next order: {again}"


def refused_for_opt_out(after: After) -> Story:
    customer = after.shop.customer()
    phone = str(customer.phone)
    after.plan(phone, "failed", "recipient_optout")
    made = yield from after.asked(customer)
    fate = yield from after.fate_told(made)
    row = after.stack.contacts([phone])[phone]
    wish = f"{row[KEYWORD]} by {row[f'{KEYWORD}_evidence']['source']}" if KEYWORD in row else "no wish"
    return f"{fate}, {wish}; the next order: {(yield from after.next_order(customer))}"


def landline(after: After) -> Story:
    customer = after.shop.customer()
    after.plan(str(customer.phone), "failed", "landline")
    made = yield from after.asked(customer)
    fate = yield from after.fate_told(made)
    return f"{fate}; the next order: {(yield from after.next_order(customer))}"


def late_failure(after: After) -> Story:
    """What arrived did arrive, whatever is said later."""
    customer = after.shop.customer()
    after.plan(str(customer.phone), "delivered")
    made = yield from after.asked(customer)
    first = yield from after.fate_told(made)
    after.stack.set_delivery(after.id_of(made), status="failed", failure_reason="landline", tell=True)
    yield from after.until(lambda: len(after.sent_by_podium(lambda one: one["phone"] == made.phone)) > 1)
    late = after.sent_by_podium(lambda one: one["phone"] == made.phone)[-1]
    yield from after.until(lambda: (after.stack.event(late) or {}).get("st") == "done")
    now = after.fate(made)
    return f"{first}; then {now}; the next order: {(yield from after.next_order(customer))}"


def told_again_and_again(after: After) -> Story:
    customer = after.shop.customer()
    after.plan(str(customer.phone), "failed", "landline")
    made = yield from after.asked(customer)
    yield from after.fate_told(made)
    before = dict(after.sends[made.id])
    [event] = after.sent_by_podium(lambda one: one["phone"] == made.phone)
    heard = [after.hears(event.to(path)).text for path in chats.ENDPOINTS]
    # And once more, as something that only says the same.
    other = _under_another_id(event)
    heard.append(after.hears(other).text)
    end = yield from after.became(other)
    yield from after.until(lambda: made.id in after.sends)
    return f"{', '.join(heard)}; {end}; {'unchanged' if before == after.sends[made.id] else 'changed'}"


def _under_another_id(event: Event) -> Event:
    body = json.loads(event.body)
    if "metadata" in body:
        body["metadata"]["eventUid"] = str(uuid.uuid4())
    else:
        body["id"] = f"evt_{uuid.uuid4()}"
    return replace(event, body=chats.wire(body))


def silence_that_podium_ends(after: After) -> Story:
    """Nobody told within a day. Then Podium is asked, and what it does not know either is left to people."""
    made = yield from _silent_for_a_day(after, lambda made: after.stack.set_delivery(after.id_of(made), status="sent"))
    return (yield from _what_of_silence(after, made))


def silence_for_good(after: After) -> Story:
    made = yield from _silent_for_a_day(after, lambda _: None)
    return (yield from _what_of_silence(after, made))


def _silent_for_a_day(after: After, meanwhile: Callable[[Any], None]) -> Any:
    customer = after.shop.customer()
    after.plan(str(customer.phone), "pending")
    made = yield from after.asked(customer)
    yield from after.until(lambda: after.sends.get(made.id, {}).get("st") == "accepted")
    meanwhile(made)
    after.stack.age_send(made.id, DAY_S + 60)
    return made


def _what_of_silence(after: After, made: Any) -> Story:
    notice = f"notice#unresolved#review-request#{after.stack.shop}#{made.id}"
    yield from after.until(lambda: "since_ms" not in after.sends[made.id])
    if after.fate(made) != "no news":
        yield from after.a_while()
        return f"{after.fate(made)}; {counted(len(after.tellings(notice)), 'notice')}"
    told = yield from after.is_told(notice)
    return f"people were told over {told.way}"


# ---- Reviews


def one_star(after: After) -> Story:
    return (yield from _escalated(after, Review.published))


def one_star_in_brief(after: After) -> Story:
    return (yield from _escalated(after, Review.brief))


def _escalated(after: After, write: Callable[[Review, Any], Event]) -> Story:
    """Harmful words of somebody who was asked for a review."""
    made = yield from after.asked(after.shop.customer())
    number = after.number()
    local = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    review = after.review(made, text=HOSTILE.format(number=local))
    event = write(review, 1)
    after.hears(event)
    end = yield from after.became(event)
    told = yield from after.is_told(review.notice())
    order = "its order named" if f"Order: {made.id}" in told.text else "no order named"
    return f"{end}; told over {told.way} {after.how_soon(told, event)}, {_harm(told, number)}, {order}"


def _harm(told: Told, number: str) -> str:
    """What of the hostile words came through as it was written."""
    hostile = ("<!channel>", "<@U012AB3CD>", "mara.quill@example.com", "https://evil")
    harmful = [what for what in hostile if what in told.body]
    if number[-10:] in re.sub(r"\D", "", told.text.split("They wrote:")[-1]):
        harmful.append("the number")
    if "Rude!" not in told.text:
        harmful.append("no words at all")
    return ", ".join(harmful) or "words harmless"


def edited(after: After) -> Story:
    """From one star to five: whoever came round is thanked, if the shop wants that."""
    made = yield from after.asked(after.shop.customer())
    review = after.review(made)
    bad = review.published(1, changed_at=time.time() - 60)
    after.hears(bad)
    first = yield from after.became(bad)
    yield from after.is_told(review.notice())
    good = review.published(5, edited=True)
    after.hears(good)
    second = yield from after.became(good)
    yield from after.a_while()
    thanks = after.stack.settings["REVIEW_THANKS_MESSAGE"].split("{location_name}")[0]
    texts = [text for text in after.texts if text["phone"] == made.phone and thanks in (text["body"] or "")]
    return f"{first}, {second}; {counted(len(texts), 'thank-you')}"


def five_stars(after: After) -> Story:
    return (yield from _quiet(after, 5))


def three_stars(after: After) -> Story:
    return (yield from _quiet(after, 3))


def no_stars(after: After) -> Story:
    return (yield from _quiet(after, None))


def _quiet(after: After, rating: Any) -> Story:
    """In either shape; nobody has to know."""
    ends = []
    for write in (Review.published, Review.brief):
        review = after.review()
        event = write(review, rating)
        after.hears(event)
        ends.append((yield from after.became(event)))
        yield from after.a_while(1.0)
        ends.append(f"told {len([told for told in after.told if review.uid in told.key])}")
    return ", ".join(dict.fromkeys(ends))


def no_number_of_stars(after: After) -> Story:
    """People have to read what nobody can sort."""
    ends = []
    for rating in (7, "five"):
        review = after.review()
        event = review.published(rating)
        after.hears(event)
        ends.append((yield from after.became(event)))
        yield from after.is_told(review.unreadable)
    return f"{', '.join(dict.fromkeys(ends))}; both told"


def told_once(after: After) -> Story:
    """The same event at every endpoint, and other events that change nothing about it."""
    review = after.review()
    event = review.published(1)
    heard = [after.hears(event.to(path)).text for path in chats.ENDPOINTS]
    more = [review.published(2, edited=True), review.brief(1)]
    for each in more:
        after.hears(each)
    yield from after.became(event)
    ends = yield from after.all_became(more)
    yield from after.is_told(review.notice())
    yield from after.a_while()
    told = [told for told in after.told if review.uid in told.key]
    return f"{', '.join(heard)}; {', '.join(sorted(ends))}; told {counted(len(told), 'time')}"


def slack_is_dead(after: After) -> Story:
    review = after.review()
    after.slack_fails(review, {"close_before_acting": True})
    event = review.published(1)
    after.hears(event)
    told = yield from after.is_told(review.notice())
    signed = "signed" if after.people.is_signed(told) else "not signed"
    return f"told over {told.way}, {signed}, {_when(after, told, event)}"


def slack_and_the_webhook_are_dead(after: After) -> Story:
    review = after.review()
    after.slack_fails(review, {"status": 503})
    after.way_fails("webhook", WEBHOOK_PATH, review, {"close_before_acting": True})
    event = review.published(1)
    after.hears(event)
    told = yield from after.is_told(review.notice())
    return f"told over {told.way}, {_when(after, told, event)}"


def channel_is_gone(after: After) -> Story:
    """Waiting would change nothing."""
    review = after.review()
    after.slack_fails(review, {"canned": "slack_channel_is_archived"})
    event = review.published(1)
    after.hears(event)
    told = yield from after.is_told(review.notice())
    return f"told over {told.way}, {_when(after, told, event)}"


def slack_wants_to_be_left_alone(after: After) -> Story:
    review = after.review()
    headers = {"retry-after": str(RETRY_AFTER_S)}
    after.slack_fails(review, {"status": 429, "headers": headers, "body": "rate_limited"}, 1)
    event = review.published(1)
    after.hears(event)
    told = yield from after.is_told(review.notice())
    [key] = event.keys
    waited_s = (told.at_ms - float(after.rows[key]["received_at_ms"])) / 1000
    return f"told over {told.way}, {'after its time' if waited_s >= RETRY_AFTER_S else f'after {waited_s:.1f} s'}"


def _when(after: After, told: Told, event: Event) -> str:
    """Whether the first way was given its time."""
    [key] = event.keys
    waited_s = (told.at_ms - float(after.rows[key]["received_at_ms"])) / 1000
    return "after its time" if waited_s >= after.stack.seconds("NOTIFY_WITHIN_SECONDS") else "without waiting"


# ---- All of them, and what holds for all of them


def deliveries(after: After) -> list[Case]:
    # The briefs' Podium says that an invitation arrived; the published one passes a text on.
    usual = "handed on" if after.is_published else "delivered"
    noted = "delivery_noted"
    return [
        Case("a text arrives", "sent; delivered", arrives),
        Case("a text is passed on", f"sent; {usual}", handed_on),
        Case("the news overtakes Podium's answer", "the news came first; delivered", overtakes),
        Case(
            "filtered by the carrier",
            "carrier_filtered, flagged; told once today; the next order: sent",
            filtered,
        ),
        Case(
            "refused: they had opted out there",
            "recipient_optout, out by podium; the next order: skipped opted_out",
            refused_for_opt_out,
        ),
        Case("a landline after all", "landline; the next order: skipped phone_not_textable", landline),
        Case(
            "failed, after it had arrived", "delivered; then delivered; the next order: skipped cooldown", late_failure
        ),
        Case(
            "the news comes again and again",
            f"duplicate, duplicate, duplicate, duplicate, accepted; {noted}; unchanged",
            told_again_and_again,
        ),
        Case("no news for a day; Podium knows", "handed on; 0 notices", silence_that_podium_ends),
        Case("no news for a day; nobody knows", "people were told over slack", silence_for_good),
    ]


def reviews(after: After) -> list[Case]:
    escalated = f"review_escalated; told over {SLACK} within seconds, words harmless, its order named"
    thanked = 1 if after.stack.settings["REVIEW_THANKS"] == "on" else 0
    return [
        Case("one star, with hostile words", escalated, one_star),
        Case("one star, in the briefs' words", escalated, one_star_in_brief),
        Case("one star becomes five", f"review_escalated, review_positive; {counted(thanked, 'thank-you')}", edited),
        Case("five stars", "review_positive, told 0", five_stars),
        Case("three stars", "review_neutral, told 0", three_stars),
        Case("no stars", "review_unrated, told 0", no_stars),
        Case("seven stars, and five in letters", "rating_unusable; both told", no_number_of_stars),
        Case(
            "a review, told of again and again",
            "accepted, duplicate, duplicate, duplicate; review_known; told 1 time",
            told_once,
        ),
        Case("Slack is dead", f"told over {WEBHOOK}, signed, after its time", slack_is_dead),
        Case("Slack and the webhook are dead", f"told over {TOPIC}, after its time", slack_and_the_webhook_are_dead),
        Case("Slack's channel is gone", f"told over {WEBHOOK}, without waiting", channel_is_gone),
        Case("Slack wants to be left alone", f"told over {SLACK}, after its time", slack_wants_to_be_left_alone),
    ]


def _right_texts(after: After, ledger: Ledger, timeline: Timeline) -> bool:
    """One text for each request that says so, whoever it went to, and a thank-you at most."""
    after.look()
    sent = [id for id, row in after.shop.requests.items() if row["st"] in MAY_BE_SENT]
    due = Counter(after.shop.orders[id].phone for id in sent)
    thanks = after.stack.settings["REVIEW_THANKS_MESSAGE"].split("{location_name}")[0]
    own = [text for text in ledger.texts(due) if not (text["body"] or "").startswith(thanks)]
    got = Counter(text["phone"] for text in own)
    # Whoever wrote as well was answered, too.
    answered = {part.phone for part in after.parts if part.label.startswith("…")}
    wrong = {phone for phone in due if phone not in answered and got[phone] != due[phone]}
    for phone in sorted(filter(None, wrong)):
        timeline.say(f"{timeline.mark(False)} {masked(phone)} got {got[phone]} requests, and {due[phone]} were due")
    told = Counter(told.key for told in after.people.told())
    twice = [key for key, times in told.items() if times > 1]
    for key in twice:
        timeline.say(f"{timeline.mark(False)} people were told {told[key]} times of {key}")
    if not wrong and not twice:
        timeline.say(
            f"{timeline.mark(True)} {len(due)} customers got as many requests as were due, and people were told once "
            f"of {len(told)} things"
        )
    return not wrong and not twice


