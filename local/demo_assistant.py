"""The fourth part of the demonstration: customers chat through Chatwoot, and an assistant answers.

First every sample event at the endpoint, then the brief's acceptance checks and what may go wrong, each told as a story
(stage.py), while Chatwoot sends its webhooks twice: as a bot's and as the account's. In the end the assistant's processes are
killed while customers write.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from assistant import Event, Hall, Talk, sample
from running import RunningStack
from stage import Case, Ledger, Stage, Story
from timeline import Timeline

DISCLOSURE = "You are chatting with our automated assistant."
HOURS = "When are you open?"
NINE_TO_FIVE = "We are open every day from 9 to 5."

# What the endpoint answers to each sample, in this order: Chatwoot's own updates come after what they update.
ANSWERS = {
    "message_created.incoming_text.json": "200 accepted",
    "message_created.incoming_image.json": "200 accepted",
    "message_created.incoming_audio.json": "200 accepted",
    "message_created.attachment_without_mime_pre_4_13.json": "200 accepted",
    "message_updated.input_select_answered.json": "200 accepted",
    "message_updated.audio_transcribed_by_chatwoot.json": "200 accepted",
    "message_created.outgoing_agent.json": "200 ignored: sent_by_agent",
    "message_created.outgoing_agent_bot.json": "200 ignored: sent_by_bot",
    "message_created.outgoing_agent_bot_input_select.json": "200 ignored: sent_by_bot",
    "message_created.private_note.json": "200 ignored: private",
    "message_created.template_greeting.json": "200 ignored: template",
    "message_updated.outgoing_delivery_failed.json": "200 ignored: nothing_new",
    "contact_updated.json": "200 ignored: other_event",
    "conversation_created.json": "200 ignored: other_event",
    "conversation_opened.agent_bot_only.json": "200 ignored: other_event",
    "conversation_resolved.agent_bot_only.json": "200 ignored: other_event",
    "conversation_status_changed.json": "200 ignored: other_event",
    "conversation_typing_on.json": "200 ignored: other_event",
    "conversation_updated.assigned.json": "200 ignored: other_event",
    "webwidget_triggered.json": "200 ignored: other_event",
}

# Messages are numbered as in the samples by the stand-in as well; so that they are no others' here, the samples' are higher.
NUMBERS, NOBODYS = re.compile(rb"\b881(\d\d)\b"), rb"990881\1"

KILL_CHATS, KILL_MESSAGES, KILLS = 6, 5, 6
KILL_PATIENCE_S = 240.0


def demonstrate(stack: RunningStack, timeline: Timeline) -> bool:
    """Plays all of it and returns whether it ended as it should."""
    hall = Hall(stack)
    # Its name is all that tells one voice from another there.
    hall.control("PUT", "/ai", {"transcripts": {"voice.mp3": {"text": HOURS}}})
    good = samples(hall, timeline)
    with hall.webhooks():
        told = cases()
        timeline.say(f"\n{len(told)} cases of customers who chat\n")
        good = Stage(stack, Ledger(stack), timeline, ("sweep",)).play(told, hall) and good
        return killed(hall, timeline) and good


def samples(hall: Hall, timeline: Timeline) -> bool:
    timeline.say(f"{len(ANSWERS)} of Chatwoot's sample events at its endpoint\n")
    good = True
    for file, expected in ANSWERS.items():
        became = str(hall.stack.deliver(Event(NUMBERS.sub(NOBODYS, sample(file)))))
        known = became == "200 duplicate" and expected == "200 accepted"
        right = became == expected or known
        good = good and right
        timeline.say(f"{timeline.clock}  {'':<7} {timeline.mark(right)} {file:<56} {became}")
        if not right:
            timeline.say(f"{'':>18}  expected: {expected}")
    return good


def cases() -> list[Case]:
    list_of_lamps = "text: title, price, stock, attributes and link of each"
    return [
        Case("1 a question", "answered; disclosed once, 1 answer; typing: on, off", asks),
        Case("2 an agent's message", "no answer, no row", an_agent_writes),
        Case("3 attachments left out of the webhook", "answered; asked for the message; 1 answer", left_out),
        Case("4 a voice message, upload under way", "answered; 2 loads without a token failed; it was heard", speaks),
        Case("5 products where there are no cards", f"answered; {list_of_lamps}", lamps("Channel::Sms")),
        Case("5 products in the widget", "answered; cards with a link each", lamps("Channel::WebWidget")),
        Case("6 502, timeout, success", "answered; 3 attempts, 1 answer", fails_twice),
        Case("6 a post whose answer was lost", "answered; 1 attempt, 1 answer", reply_is_lost),
        Case("6 502 for good", "ERR_CHAT_003 answer_not_posted; 3 attempts, open, people were told", fails_for_good),
        Case("6 too many requests", "answered; 2 attempts, 1 answer", is_throttled),
        Case("7 the same webhook twice", "accepted, duplicate; answered, answered; 2 answers", twice),
        Case("8 a wrong signature", "401, 401, 401, 401; no row", strangers),
        Case("a burst", "merged, merged, answered; 1 answer", burst),
        Case("a button", "answered, answered; Express delivery comes tomorrow.", clicks),
        Case("a number typed back", "answered, answered; Express delivery comes tomorrow.", types_back),
        Case("a person, please", "handed_over, left_to_people; team 5, note, open last; 1 answer", wants_a_person),
        Case("a person has it", "left_to_people; no answer", is_a_persons),
        Case("STOP, and then a question", "opted_out, left_to_people; out at once; no answer", stops("phone")),
        Case("STOP without a number", "opted_out, left_to_people; no answer", stops("nobody")),
    ]


# ---- The brief's acceptance checks


def asks(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says(HOURS)
    end = yield from talk.ended()
    yield from hall.a_while()
    typing = ", ".join(str(each["typing_status"]) for each in talk.seen()["typing"])
    words = talk.words()
    once = words.count(DISCLOSURE) == 1 and NINE_TO_FIVE in words
    return f"{end}; {'disclosed once' if once else words}, {counted(talk)}; typing: {typing}"


def an_agent_writes(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says(HOURS)
    yield from talk.ended()
    before = len(talk.answers())
    message = hall.control("POST", "/chatwoot/agent", {"conversation": talk.number, "text": "I will look"})["message"]
    yield from hall.a_while()
    rows = hall.stack.events([f"chatwoot#message_created-7-{message}"])
    # The agent's own words are no answer of the assistant's.
    return f"{'no answer' if len(talk.answers()) == before + 1 else talk.words()}, {'a row' if rows else 'no row'}"


def left_out(hall: Hall) -> Story:
    talk = hall.talk()
    picture = {"file_type": "image", "content_type": "image/png", "name": "hours.png", "text": "bytes"}
    message = talk.says(HOURS, attachments=[picture], omit_attachments=True)
    talk.says("", attachments=[picture], omit_attachments=True)
    del message
    end = yield from talk.ended()
    asked = any("after=" in str(call.get("query") or call["path"]) for call in reads(hall, talk))
    return f"{end.removeprefix('merged, ')}; {'asked for the message' if asked else 'not asked'}; {counted(talk)}"


def speaks(hall: Hall) -> Story:
    talk = hall.talk()
    voice = {"file_type": "audio", "content_type": "audio/mpeg", "name": "opening hours.mp3", "text": "b", "late_404": 2}
    talk.says("", attachments=[voice])
    end = yield from talk.ended()
    loads = [call for call in hall.control("GET", "/chatwoot/media")["calls"] if "opening" in str(call)]
    tokens = [call for call in loads if "api_access_token" in str(call.get("headers", {})).lower()]
    failed = sum(call.get("status") == 404 for call in loads)
    heard = NINE_TO_FIVE in talk.words()
    return (
        f"{end}; {failed} loads {'with' if tokens else 'without'} a token failed; "
        f"{'it was heard' if heard else talk.words()}"
    )


def lamps(channel: str) -> Callable[[Hall], Story]:
    def story(hall: Hall) -> Story:
        talk = hall.talk(channel)
        talk.says("Do you have a lamp?")
        end = yield from talk.ended()
        shown = [m for m in talk.answers() if m["content_type"] == "cards"]
        if shown:
            items = shown[0]["content_attributes"]["items"]
            linked = all(a["type"] == "link" and a["uri"].startswith("http") for i in items for a in i["actions"])
            return f"{end}; {'cards with a link each' if items and linked else items}"
        words = talk.words()
        there = all(part in words for part in ("1. ", "AUD", "in stock", "http"))
        return f"{end}; text: {'title, price, stock, attributes and link of each' if there else words}"

    return story


def fails_twice(hall: Hall) -> Story:
    talk = hall.talk()
    late = int(hall.stack.settings["CHATWOOT_TIMEOUT_MS"]) + 1_500
    hall.fails(talk, [{"canned": "chatwoot_bad_gateway"}, {"delay_ms": late, "close_before_acting": True}])
    return (yield from _posted(hall, talk))


def reply_is_lost(hall: Hall) -> Story:
    talk = hall.talk()
    hall.fails(talk, [{"drop_reply_after_acting": True}])
    return (yield from _posted(hall, talk))


def is_throttled(hall: Hall) -> Story:
    talk = hall.talk()
    hall.fails(talk, [{"canned": "chatwoot_flood"}])
    return (yield from _posted(hall, talk))


def _posted(hall: Hall, talk: Talk) -> Story:
    talk.says(HOURS)
    end = yield from talk.ended()
    yield from hall.a_while()
    return f"{end}; {_attempts(hall, talk)}, {counted(talk)}"


def fails_for_good(hall: Hall) -> Story:
    talk = hall.talk()
    hall.fails(talk, [{"canned": "chatwoot_bad_gateway"}] * 5)
    talk.says(HOURS)
    end = yield from talk.ended()
    told = f"{talk.number}"
    yield from hall.until(lambda: any(told in str(notice["body"]) for notice in hall.stack.notices()))
    return f"{end}; {_attempts(hall, talk)}, {talk.seen()['status']}, people were told"


def _attempts(hall: Hall, talk: Talk) -> str:
    posts = hall.posts(talk)
    return f"{posts} attempt{'' if posts == 1 else 's'}"


def twice(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says(HOURS)
    yield from talk.ended()
    message = talk.number * 10
    body = sample("message_created.incoming_text.json").decode().replace("Do you have the brass desk lamp in stock?", HOURS)
    body = body.replace('"id": 418', f'"id": {talk.number}').replace("88120", str(message))
    event = Event(body.encode(), f"chatwoot#message_created-7-{message}")
    heard = [hall.stack.deliver(event).text for _ in range(2)]
    talk.events.append(event.key)
    end = yield from talk.ended()
    yield from hall.a_while()
    return f"{', '.join(heard)}; {end}; {counted(talk)}"


def strangers(hall: Hall) -> Story:
    body = sample("message_created.incoming_text.json").replace(b"88120", b"99999001")
    key = "chatwoot#message_created-7-99999001"
    good = Event(body, key)
    answers = [
        hall.stack.deliver(good, secret="somebody-elses-secret"),
        hall.stack.deliver(Event(body, key, age_s=3_600)),
        hall.stack.deliver(Event(body, key, prefix="")),
        hall.stack.deliver(Event(body, key, prefix="sha256=00")),
    ]
    yield
    rows = hall.stack.events([key])
    return f"{', '.join(str(answer.status) for answer in answers)}; {'a row' if rows else 'no row'}"


# ---- And what else


def burst(hall: Hall) -> Story:
    talk = hall.talk()
    end, before = yield from talk.at_once(["Hello", "one more thing", HOURS], hall.debounce_s() / 2)
    yield from hall.a_while()
    return f"{end}; {counted(talk, before)}"


def clicks(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says("delivery please")
    yield from talk.ended()
    (asked,) = [m for m in talk.answers() if m["content_type"] == "input_select"]
    talk.clicks(asked["id"], "express")
    end = yield from talk.ended()
    return f"{end}; {talk.answers()[-1]['content']}"


def types_back(hall: Hall) -> Story:
    talk = hall.talk("Channel::Sms")
    talk.says("delivery please")
    yield from talk.ended()
    if "2. Express delivery" not in talk.words():
        return talk.words()
    talk.says("2")
    end = yield from talk.ended()
    return f"{end}; {talk.answers()[-1]['content']}"


def wants_a_person(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says("I want a human")
    yield from talk.ended()
    talk.says(HOURS)
    end = yield from talk.ended()
    yield from hall.a_while()
    seen = talk.seen()
    last = max(m["created_at"] for m in seen["messages"] if m["message_type"] == 1)
    opened = seen["statuses"][-1]
    in_order = opened["to"] == "open" and opened["at_ms"] >= last * 1_000 - 1_000
    note = "note" if any("Handed over" in note for note in talk.notes()) else "no note"
    return f"{end}; team {seen['team_id']}, {note}, {'open last' if in_order else seen['statuses']}; {counted(talk)}"


def is_a_persons(hall: Hall) -> Story:
    talk = hall.talk()
    talk.says(HOURS, status="open")
    end = yield from talk.ended()
    yield from hall.a_while()
    return f"{end}; {'no answer' if not talk.answers() else talk.words()}"


def stops(who: str) -> Callable[[Hall], Story]:
    def story(hall: Hall) -> Story:
        phone = hall.number() if who == "phone" else None
        talk = hall.talk("Channel::Whatsapp" if phone else "Channel::WebWidget", phone)
        talk.says("STOP")
        out = ""
        if phone:
            yield from hall.until(lambda: phone in hall.stack.contacts([phone]))
            out = " out at once;"
        yield from talk.ended()
        talk.says(HOURS)
        end = yield from talk.ended()
        yield from hall.a_while()
        return f"{end};{out} {'no answer' if not talk.answers() else talk.words()}"

    return story


def counted(talk: Talk, before: int = 0) -> str:
    marks = [m["content_attributes"].get("frontdesk") for m in talk.answers()[before:]]
    ours = [mark for mark in marks if mark]
    if len(set(ours)) != len(ours):
        return "the same answer twice"
    return f"{len(ours)} answer{'' if len(ours) == 1 else 's'}"


def reads(hall: Hall, talk: Talk) -> list[dict[str, object]]:
    path = f"/conversations/{talk.number}/messages"
    calls = hall.stack.provider_calls("chatwoot")
    return [call for call in calls if call["method"] == "GET" and path in str(call["path"])]


# ---- Killed


def killed(hall: Hall, timeline: Timeline) -> bool:
    """Its processes die in the middle, again and again: every message is answered by one answer, and none is lost."""
    timeline.say(f"\n{KILL_CHATS} chats of {KILL_MESSAGES} messages while the assistant is killed {KILLS} times\n")
    talks, kills = [hall.talk() for _ in range(KILL_CHATS)], 0
    for _ in range(KILL_MESSAGES):
        for talk in talks:
            talk.says(HOURS)
        until = time.monotonic() + 3.5
        while time.monotonic() < until:
            if kills < KILLS and (running := hall.stack.bootstraps("chatwoot-worker")):
                for process in running:
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                kills += 1
                time.sleep(1.2)
            time.sleep(0.05)
    deadline, waiting = time.monotonic() + KILL_PATIENCE_S, talks
    while waiting and time.monotonic() < deadline:
        hall.stack.run_timer("sweep")
        timeline.progress(f"{len(waiting)} chats to go")
        waiting = [talk for talk in waiting if not _over(talk)]
        time.sleep(1.0)
    good = not waiting and kills == KILLS
    for talk in talks:
        ends = Counter(_now(talk).split(", "))
        once = counted(talk).endswith(("answer", "answers"))
        answered = sum(ends[word] for word in ("answered", "merged", "dealt_with", "handed_over", "left_to_people"))
        right = once and answered == KILL_MESSAGES and bool(talk.answers())
        good = good and right
        became = f"{dict(ends)}; {counted(talk)}"
        timeline.say(f"{timeline.clock}  …{talk.number % 10_000:<6} {timeline.mark(right)} {became}")
    while (left := _left(hall)) and time.monotonic() < deadline:
        timeline.progress(f"still open: {left}")
        time.sleep(1.0)
    timeline.say(f"{timeline.clock}  {'':<7} {timeline.mark(not left)} {left or 'no event is open, nothing is in dead letters'}")
    return good and not left


def _left(hall: Hall) -> str:
    """What has no end. Messages of the killed may show again for a while yet; their events are over."""
    rows = sum(key.startswith("chatwoot#") for key in hall.stack.open_keys("inbox", "waiting"))
    dead = hall.stack.queue_depths()["chatwoot_dead_letters"]
    return f"{rows} events, {dead} dead letters" if rows or dead else ""


def _over(talk: Talk) -> bool:
    try:
        next(talk.ended())
    except StopIteration:
        return True
    return False


def _now(talk: Talk) -> str:
    try:
        next(talk.ended())
    except StopIteration as end:
        return str(end.value)
    return "open"
