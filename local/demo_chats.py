"""The second part of the demonstration: what customers write, and what must never happen to it.

First every sample event at every endpoint (demo_samples.py), then the cases, each told as a story (stage.py): STOP in
all its disguises, answers that nobody loses, silence, outages, crowds, and requests that are not Podium's.
"""

from __future__ import annotations

import base64
import itertools
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import chats
import demo_samples
from chats import CONTACTS, ENDPOINTS, Event, Visitor
from desk import KEYWORD, LOCATION, Desk, Waiting, answers, counted, word
from orders import masked
from running import RunningStack
from stage import Case, Ledger, Stage, Story
from timeline import Timeline

TIMERS = ("promote", "sweep", "sessions", "mirror")

CROWD = 100
BURST_MORE = 5
# A text that passed the gate before the STOP was written down may still be on its way.
UNDER_WAY_S = 5.0
# What comes before the end of the buffer must come in time however slow this machine is.
LATER_S = 25.0
# When STOP is said, from when the request is due.
RACES_S = (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
# More than a row can hold, however well it is packed.
LARGE_BYTES = 2_000_000


def demonstrate(stack: RunningStack, timeline: Timeline) -> bool:
    """Plays all of it and returns whether it ended as it should."""
    desk, ledger = Desk(stack), Ledger(stack)
    # A STOP from a local number is read by the countries of the locations, so the list comes first, as on AWS.
    stack.run_timer("locations")
    try:
        good = demo_samples.play(stack, desk.schemes, desk.number, timeline)
        written = cases(desk)
        timeline.say(f"\n{len(written)} cases of what customers write\n")
        good = Stage(stack, ledger, timeline, TIMERS).play(written, desk) and good
    finally:
        desk.leave()
    timeline.say()
    return _silence(desk, ledger, timeline) and good


# ---- STOP, whatever else is wrong


def stop_at_no_known_location(desk: Desk) -> Story:
    return (yield from _stopped(desk, desk.visitor("loc_nowhere"), lambda v: v.chats("STOP.")))


def stop_without_a_location(desk: Desk) -> Story:
    return (yield from _stopped(desk, desk.visitor(None), lambda v: v.chats("Unsubscribe!")))


def stop_from_a_local_number(desk: Desk) -> Story:
    """The country is the location's, and the endpoint has to know it before it answers."""
    return (yield from _stopped(desk, desk.visitor(), lambda v: v.chats_as_in_the_briefs("stop", **{"from": v.local})))


def stop_from_a_local_number_nowhere(desk: Desk) -> Story:
    visitor = desk.visitor("loc_nowhere")
    return (yield from _stopped(desk, visitor, lambda v: v.chats_as_in_the_briefs("Opt-Out!", **{"from": v.local})))


def stop_with_an_unusable_attachment(desk: Desk) -> Story:
    attached = [{"name": "a.jpg", "size_bytes": -1}]
    return (
        yield from _stopped(desk, desk.visitor(), lambda v: v.chats_as_in_the_briefs("stop pls", attachments=attached))
    )


def _stopped(desk: Desk, visitor: Visitor, says: Callable[[Visitor], Event]) -> Story:
    event = says(visitor)
    answer = desk.hears(event)
    # Right behind the answer: no worker is needed for it.
    at_once = desk.wish(visitor)
    return f"{answer.text}, {at_once} at once; {(yield from desk.became(event))}"


def stop_by_mail(desk: Desk) -> Story:
    visitor = desk.guest()
    event = visitor.mails("Please unsubscribe me from your texts")
    desk.hears(event)
    end = yield from desk.became(event)
    return f"{end}, {desk.wish(visitor)}"


def stop_under_a_known_id(desk: Desk) -> Story:
    """The same id with another body: which of the two is right does not matter to somebody who wants no messages."""
    visitor = desk.visitor()
    first = visitor.chats_as_in_the_briefs("Hello")
    second = replace(first, body=first.body.replace(b'"Hello"', b'"STOP"'))
    heard = [desk.hears(first).text]
    end = yield from desk.became(first)
    heard.append(desk.hears(second).text)
    return f"{', '.join(heard)}; {end}; {desk.wish(visitor)}"


def no_stop_at_all(desk: Desk) -> Story:
    visitor = desk.visitor()
    events = [visitor.texts("Please cancel my order"), visitor.texts("I'll stop by at 5")]
    for event in events:
        desk.hears(event)
    ends = yield from desk.all_became(events)
    return f"{', '.join(ends)}; {desk.wish(visitor)}"


def kept_for_the_staff(desk: Desk) -> Story:
    visitor = desk.guest()
    desk.hears(visitor.texts("STOP"))
    event = visitor.chats("Where is my order?")
    desk.hears(event)
    end = yield from desk.became(event)
    yield from desk.a_while()
    return f"{end}; {counted(desk.confirmations(visitor), 'confirmation')}"


def start_reopens(desk: Desk) -> Story:
    visitor = desk.guest()
    for word in ("STOP", "START"):
        event = visitor.texts(word)
        desk.hears(event)
        yield from desk.became(event)
    event = visitor.chats("Are you open?")
    desk.hears(event)
    end = yield from desk.became(event)
    return f"{desk.wish(visitor)}; {end}, {counted(desk.confirmations(visitor), 'confirmation')}"


def a_web_page_proves_no_number(desk: Desk) -> Story:
    visitor = desk.visitor()
    desk.hears(visitor.texts("STOP"))
    event = visitor.chats("START")
    desk.hears(event)
    return f"{(yield from desk.became(event))}; {desk.wish(visitor)}"


def an_older_start_changes_nothing(desk: Desk) -> Story:
    visitor = desk.visitor()
    desk.hears(visitor.texts("STOP"))
    event = visitor.texts("START", time.time() - 60)
    desk.hears(event)
    return f"{(yield from desk.became(event))}; {desk.wish(visitor)}"


def podium_is_told(desk: Desk) -> Story:
    visitor = desk.guest()
    event = visitor.texts("STOP")
    desk.mishap(visitor, "POST" if desk.is_published else "PATCH", "/v4/contacts", {"status": 500})
    desk.hears(event)
    yield from desk.until(lambda: desk.told_podium(visitor))
    desk.hears(visitor.texts("UNSTOP"))
    yield from desk.until(lambda: not desk.told_podium(visitor))
    return "told; and told again after UNSTOP"


# ---- STOP and review requests


def stop_then_an_order(desk: Desk) -> Story:
    visitor = desk.visitor()
    desk.hears(visitor.texts("STOP"))
    made = desk.buys(visitor)
    desk.shop.deliver(made.fulfilled())
    return (yield from desk.shop.end_of(made))


def an_order_then_stop(desk: Desk) -> Story:
    visitor = desk.visitor()
    made = desk.buys(visitor, LATER_S)
    desk.shop.deliver(made.fulfilled())
    yield from desk.shop.planned(made)
    desk.hears(visitor.chats("take me off your list"))
    return (yield from desk.shop.end_of(made))


def stop_races_the_request(desk: Desk) -> Story:
    """STOP at every moment around the send: what goes out passed the gate before, and nothing does afterwards."""
    due_at = time.time() + 4.0
    visitors = [desk.visitor() for _ in RACES_S]
    orders = [desk.buys(visitor, due_at - time.time()) for visitor in visitors]
    for made in orders:
        desk.shop.deliver(made.fulfilled())
    moments = [(due_at + after_s, visitor.texts("STOP")) for after_s, visitor in zip(RACES_S, visitors, strict=True)]
    stopped = yield from desk.hears_at(moments)
    ends = []
    for made in orders:
        ends.append((yield from desk.shop.end_of(made)))
    yield from desk.a_while(UNDER_WAY_S)
    silent_at = {visitor.phone: at + UNDER_WAY_S for visitor, at in zip(visitors, stopped, strict=True)}
    late = sum(text["at_ms"] / 1000 > silent_at.get(text["phone"], text["at_ms"]) for text in desk.texts)
    odd = set(ends) - {"sent", "skipped opted_out"}
    return f"{counted(late, 'text')} after the STOP" + (f", ended as {odd}" if odd else "")


# ---- Sessions


def second_message_wipes_nothing(desk: Desk) -> Story:
    visitor = desk.visitor()
    events = [visitor.chats("1"), visitor.chats_as_in_the_briefs("blue"), visitor.texts("two please")]
    for event in events:
        desk.hears(event)
    yield from desk.all_became(events)
    return " / ".join(answers(desk.session(visitor)))


def asked_once_a_spell(desk: Desk) -> Story:
    visitor, warn_s = desk.guest(), desk.stack.seconds("WEBCHAT_WARN_SECONDS")
    asked = []
    for text in ("1", "2"):
        before = desk.prompts(visitor)
        yield from _says(desk, visitor, text)
        desk.stack.age_session(visitor.session, warn_s + 1)
        yield from desk.until(lambda before=before: desk.prompts(visitor) > before)
        yield from desk.a_while()
        asked.append(desk.prompts(visitor) - before)
    return f"asked {asked[0]} time; wrote; asked {asked[1]} time"


def closed_and_continued(desk: Desk) -> Story:
    """28 minutes of silence, and then another word."""
    visitor, close_s = desk.guest(), desk.stack.seconds("WEBCHAT_CLOSE_SECONDS")
    warn_s = desk.stack.seconds("WEBCHAT_WARN_SECONDS")
    yield from _says(desk, visitor, "1", "large")
    desk.stack.age_session(visitor.session, warn_s + 1)
    yield from desk.until(lambda: desk.prompts(visitor))
    yield from desk.a_while()
    desk.stack.age_session(visitor.session, close_s - warn_s)
    yield from desk.until(lambda: desk.session(visitor).get("st") == "closed")
    asked, kept, noted = desk.prompts(visitor), answers(desk.session(visitor), "kept"), len(desk.notes(visitor))
    closed = "closed" if desk.stack.conversation(visitor.conversation)["closed"] else "left open"
    # At Podium a customer who writes opens their conversation by it.
    desk.stack.open_conversation(visitor.conversation, visitor.phone, LOCATION)
    yield from _says(desk, visitor, "in red", "thanks")
    yield from desk.a_while()
    notes, session = desk.notes(visitor), desk.session(visitor)
    told = sum("1. 1" in note and "2. large" in note for note in notes)
    return (
        f"{counted(asked, 'prompt')}; {closed} with {counted(noted, 'note')}, kept {' / '.join(kept)}; "
        f"back: {counted(len(notes), 'note')}, {told} with the answers; now {' / '.join(answers(session))}"
    )


def silent_and_opted_out(desk: Desk) -> Story:
    visitor, warn_s = desk.guest(), desk.stack.seconds("WEBCHAT_WARN_SECONDS")
    desk.hears(visitor.texts("STOP"))
    event = visitor.chats("1")
    desk.hears(event)
    end = yield from desk.became(event)
    desk.stack.age_session(visitor.session, warn_s + 1)
    yield from desk.until(lambda: desk.session(visitor).get("prompted"))
    return f"{end}; {counted(desk.prompts(visitor), 'prompt')}"


def _says(desk: Desk, visitor: Visitor, *texts: str) -> Waiting:
    """One after the other, each when the one before it is through."""
    for text in texts:
        event = visitor.chats(text)
        desk.hears(event)
        yield from desk.became(event)


def confirmed_once(desk: Desk) -> Story:
    visitor = desk.guest()
    events = [visitor.chats(text) for text in ("Hello", "Anybody there?", "Hello??")]
    for event in events:
        desk.hears(event)
    yield from desk.all_became(events)
    yield from desk.a_while(1.0)
    return counted(desk.confirmations(visitor), "confirmation")


# ---- When something fails


def podium_is_down(desk: Desk) -> Story:
    visitor = desk.visitor()
    fault = desk.mishap(visitor, "GET", "/v4/contacts", {"status": 500})
    event = visitor.chats("1")
    desk.hears(event)
    yield from desk.until(lambda: desk.stack.fault_fired(fault))
    end = yield from desk.became(event)
    return f"failed, then {end}; {' / '.join(answers(desk.session(visitor)))}; {_known(desk, visitor)}"


def reply_lost_when_made(desk: Desk) -> Story:
    visitor = desk.visitor()
    fault = desk.mishap(visitor, "POST", "/v4/contacts", {"drop_reply_after_acting": True})
    event = visitor.chats("Hello")
    desk.hears(event)
    end = yield from desk.became(event)
    lost = "reply lost" if desk.stack.fault_fired(fault) else "no reply lost"
    return f"{lost}, then {end}; {_known(desk, visitor)}"


def reply_lost_when_confirmed(desk: Desk) -> Story:
    visitor = desk.guest()
    path = "/v4/messages" if desk.is_published else f"/v4/conversations/{visitor.conversation}/messages"
    fault = desk.mishap(visitor, "POST", path, {"drop_reply_after_acting": True})
    first = visitor.chats("Hello")
    desk.hears(first)
    yield from desk.became(first)
    second = visitor.chats("Hello?")
    desk.hears(second)
    ends = yield from desk.all_became([first, second])
    yield from desk.a_while()
    lost = "reply lost" if desk.stack.fault_fired(fault) else "no reply lost"
    return f"{lost}, then {', '.join(ends)}; {counted(desk.confirmations(visitor), 'confirmation')}"


def delivered_again_and_again(desk: Desk) -> Story:
    visitor = desk.visitor()
    event = visitor.chats("1")
    heard = [desk.hears(event.to(path)).text for path in ENDPOINTS]
    yield from desk.became(event)
    return f"{', '.join(heard)}; {' / '.join(answers(desk.session(visitor)))}"


def a_crowd_of_one(desk: Desk) -> Story:
    visitor = desk.visitor()
    paths = itertools.cycle(ENDPOINTS)
    events = [visitor.chats(f"message {number}").to(next(paths)) for number in range(CROWD)]
    heard = yield from desk.hears_at_once(events)
    ends = yield from desk.all_became(events)
    here = len(desk.stack.contacts([visitor.phone]))
    taken = sum(answer.text == "accepted" for answer in heard)
    return f"{taken} accepted, {', '.join(sorted(ends))}; {here} here, {_known(desk, visitor)}"


def _known(desk: Desk, visitor: Visitor) -> str:
    return f"{len(desk.stack.podium_contacts(visitor.phone))} at Podium"


# ---- Locations


def archived(desk: Desk) -> Story:
    event = desk.visitor(desk.location(archived=True)).chats("Hello")
    desk.hears(event)
    return (yield from desk.became(event))


def a_location_appears(desk: Desk) -> Story:
    uid = f"loc_{uuid.uuid4().hex[:12]}"
    visitor = desk.visitor(uid)
    before = visitor.chats("Hello")
    desk.hears(before)
    first = yield from desk.became(before)
    desk.list_location(uid, name="Waco")
    # A list that was loaded a moment ago is not loaded again for an unknown name.
    yield from desk.a_while(desk.stack.seconds("PODIUM_LOCATIONS_FRESH_SECONDS") + 1.0)
    after = visitor.chats("Hello again")
    desk.hears(after)
    return f"{first}; then {(yield from desk.became(after))}"


def local_number_of_no_country(desk: Desk) -> Story:
    visitor = desk.visitor(desk.location(country=None))
    yield from desk.a_while(desk.stack.seconds("PODIUM_LOCATIONS_FRESH_SECONDS") + 1.0)
    event = visitor.chats_as_in_the_briefs("Hello", **{"from": visitor.local})
    desk.hears(event)
    return (yield from desk.became(event))


def one_alarm_for_many(desk: Desk) -> Story:
    """A page whose widget is set up wrongly: everybody on it is turned away, and the shop is told once."""
    limit = int(desk.stack.settings["WEBCHAT_REJECTION_BURST"])
    events = [desk.visitor(None).chats("Hello") for _ in range(limit + BURST_MORE)]
    yield from desk.hears_at_once(events)
    ends = yield from desk.all_became(events)
    yield from desk.until(lambda: desk.alarms("ERR_WEBCHAT_012"))
    yield from desk.a_while()
    window_ms = desk.stack.seconds("WEBCHAT_REJECTION_BURST_SECONDS") * 1000
    stretches = [at_ms // window_ms for at_ms in desk.alarms("ERR_WEBCHAT_012")]
    once = len(stretches) == len(set(stretches))
    return f"{', '.join(ends)}; {'one alarm' if once else f'{len(stretches)} alarms'}"


# ---- Deliveries that are not what they should be


def unsigned(desk: Desk) -> Story:
    visitor = desk.visitor()
    return (yield from _refused(desk, visitor, [replace(visitor.texts("STOP"), signed={})]))


def signed_by_a_stranger(desk: Desk) -> Story:
    visitor = desk.visitor()
    events = [replace(visitor.texts("STOP"), scheme=scheme) for scheme in desk.schemes]
    return (yield from _refused(desk, visitor, events, secret="guessed"))


def signed_the_wrong_way(desk: Desk) -> Story:
    """A right signature under another scheme's headers, over other bytes, or of a scheme that is not configured."""
    visitor = desk.visitor()
    event = visitor.texts("STOP")
    secret = desk.stack.described["secrets"][event.secret]["value"]
    right = {scheme: chats.signed(scheme, secret, event.body, time.time()) for scheme in chats.SCHEMES}
    plain = right["brief_body"]["x-podium-signature"]
    wrong = [
        {"podium-signature": plain},
        {"podium-timestamp": str(int(time.time() * 1000)), "podium-signature": plain},
        {"x-podium-signature": right["published"]["podium-signature"]},
        {"x-podium-signature": f"t={int(time.time())},v1={plain}"},
        chats.signed(desk.schemes[0], secret, event.body + b" ", time.time()),
        *(headers for scheme, headers in right.items() if scheme not in desk.schemes),
    ]
    return (yield from _refused(desk, visitor, [replace(event, signed=headers) for headers in wrong]))


def _refused(desk: Desk, visitor: Visitor, events: list[Event], **options: Any) -> Story:
    heard = {str(desk.stack.deliver(event.to(path), **options).status) for event in events for path in ENDPOINTS}
    yield
    stored = {desk.stored(event) for event in events}
    return f"{', '.join(sorted(heard))}; {', '.join(sorted(stored))}, {desk.wish(visitor)}"


def no_json(desk: Desk) -> Story:
    return (yield from _shown(desk, [Event(f"STOP, says {uuid.uuid4()}".encode(), path) for path in ENDPOINTS]))


def unknown_kind(desk: Desk) -> Story:
    kinds = ("invoice.created", "webchat.closed", "something.new", "feedback.created")
    bodies = [{"data": {}, "metadata": {"eventType": kind, "eventUid": str(uuid.uuid4())}} for kind in kinds]
    events = [Event(chats.wire(body), path) for body, path in zip(bodies, ENDPOINTS, strict=True)]
    return (yield from _shown(desk, events))


def two_megabytes(desk: Desk) -> Story:
    noise = base64.b64encode(random.randbytes(LARGE_BYTES * 3 // 4)).decode()
    body = {"data": {"body": noise}, "metadata": {"eventType": "message.received", "eventUid": str(uuid.uuid4())}}
    event = replace(Event(chats.wire(body), CONTACTS), scheme=desk.schemes[0])
    answer = desk.stack.deliver(event)
    yield
    # It is too large to be kept, so its row is named after its hash.
    rows = desk.stack.events([f"podium#{chats.hash_id(event.body)}", *event.keys])
    return f"{answer}; " + ", ".join(f"row {row['st']}: {word(row)}" for row in rows.values())


def _shown(desk: Desk, events: list[Event]) -> Story:
    heard = {str(desk.hears(event)) for event in events}
    yield from desk.all_became(events)
    return f"{', '.join(sorted(heard))}; {', '.join(sorted({desk.stored(event) for event in events}))}"


# ---- All of them, and what holds for all of them


def cases(desk: Desk) -> list[Case]:
    out = "accepted, out by webchat at once; opted_out"
    return [
        Case("STOP at an unknown location", out, stop_at_no_known_location),
        Case("STOP at no location", out, stop_without_a_location),
        Case("STOP from a local number", out, stop_from_a_local_number),
        Case("STOP from a local number, nowhere", out, stop_from_a_local_number_nowhere),
        Case("STOP with a broken attachment", out, stop_with_an_unusable_attachment),
        Case("STOP by e-mail", "opted_out, out by email", stop_by_mail),
        Case("STOP under a known id", "accepted, mismatch; ingested; out by webchat", stop_under_a_known_id),
        Case("no STOP: cancel my order, stop by", "ingested; no wish", no_stop_at_all),
        Case("somebody opted out has a question", "kept_for_staff; 0 confirmations", kept_for_the_staff),
        Case("START takes STOP back", "in by sms; ingested, 1 confirmation", start_reopens),
        Case("START on a page, after a text's STOP", "kept_for_staff; out by sms", a_web_page_proves_no_number),
        Case("START that was sent before STOP", "kept_for_staff; out by sms", an_older_start_changes_nothing),
        Case("Podium is told, and fails at first", "told; and told again after UNSTOP", podium_is_told),
        Case("STOP, then an order", "skipped opted_out", stop_then_an_order),
        Case("an order, then STOP", "skipped opted_out", an_order_then_stop),
        Case("STOP races the review request", "0 texts after the STOP", stop_races_the_request),
        Case("a second message, and a third", "1 / blue / two please", second_message_wipes_nothing),
        Case("silent, twice", "asked 1 time; wrote; asked 1 time", asked_once_a_spell),
        Case(
            "silent for good, and back",
            "1 prompt; closed with 1 note, kept 1 / large; back: 2 notes, 2 with the answers; now in red / thanks",
            closed_and_continued,
        ),
        Case("silent and opted out", "kept_for_staff; 0 prompts", silent_and_opted_out),
        Case("three messages, confirmed once", "1 confirmation", confirmed_once),
        Case("Podium is down for a while", "failed, then ingested; 1; 1 at Podium", podium_is_down),
        Case("a contact is made, the reply lost", "reply lost, then ingested; 1 at Podium", reply_lost_when_made),
        Case("confirmed, the reply lost", "reply lost, then ingested; 1 confirmation", reply_lost_when_confirmed),
        Case("one event at each endpoint", "accepted, duplicate, duplicate, duplicate; 1", delivered_again_and_again),
        Case(f"{CROWD} first messages at once", f"{CROWD} accepted, ingested; 1 here, 1 at Podium", a_crowd_of_one),
        Case("an archived location", "ERR_WEBCHAT_003", archived),
        Case("a location that is new at Podium", "ERR_WEBCHAT_003; then ingested", a_location_appears),
        Case("a local number of no country", "ERR_WEBCHAT_001", local_number_of_no_country),
        Case("a page without a location", "ERR_WEBCHAT_002; one alarm", one_alarm_for_many),
        Case("no signature", "401; nothing stored, no wish", unsigned),
        Case("a forged signature", "401; nothing stored, no wish", signed_by_a_stranger),
        Case("a right signature in a wrong place", "401; nothing stored, no wish", signed_the_wrong_way),
        Case("no JSON", "200 rejected; row rejected: malformed", no_json),
        Case("events of unknown kinds", "200 accepted; row done: nothing_to_do", unknown_kind),
        Case("2 MB of noise", "200 rejected; row rejected: too_large", two_megabytes),
    ]


def _silence(desk: Desk, ledger: Ledger, timeline: Timeline) -> bool:
    """Nobody who had opted out was written to after that; whoever they were."""
    phones = {str(phone) for phone in desk.shop.phones}
    since: dict[str, float] = {}
    for phone, row in desk.stack.contacts(phones).items():
        if row.get(KEYWORD) == "out":
            since[phone] = float(row[f"{KEYWORD}_evidence"]["recorded_at_ms"])
    late = [text for text in ledger.texts(since) if text["at_ms"] > since[text["phone"]] + UNDER_WAY_S * 1000]
    for text in late:
        timeline.say(f"{timeline.mark(False)} {masked(text['phone'])} had opted out, and got “{text['body']}”")
    if not late:
        timeline.say(f"{timeline.mark(True)} {len(since)} people opted out, and nobody wrote to them after that")
    return not late
