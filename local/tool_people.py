"""The tool's commands about people, each on a stack that runs: somebody is asked for a review, writes, complains, and goes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from after import After
from chats import Event
from orders import Order
from running import RunningStack
from stage import Case, Story
from tool import Bench, Ran

# Valid, and nobody's.
NOBODY = "+12025550199"
# A notifier that works tells people within seconds; this is for a machine that is busy.
WAIT_S = 50


class Counter(After):
    """The front desk with somebody at it who has the tool."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(stack)
        self.bench = Bench(stack)

    def tool(self, *args: str, **more: Any) -> Ran:
        return self.bench.run(*args, **more)


def cases() -> list[Case]:
    return [
        Case("phone normalize", "0 +61412345678 in AU, Sydney's time; 1 no_region", _told(normalize)),
        Case("cooldown check", "1 held by the request; 0 for nobody; no answer is 2", cooldown),
        Case("optout record, audit, compliance, clear", "0 out; 0 agree; 0 suppressed; 2 unasked, 0 back; 2", opt_outs),
        Case("sessions scan", "0 active; only looked; no answer is 2", sessions),
        Case("reviews replay", "0 escalate, dry; 0 ok, told; 0 duplicate; 2 malformed; 1 unsigned", replayed),
        Case("reviews list, show", "0 listed, told over a channel; 1 not found; no answer is 2", reviews),
        Case("requests show", "0 sent, cooldown its own; 1 not found; no answer is 2", requests),
        Case("export, erase", "0 whole; 0 planned; 0 erased; 1 nothing left to erase; remembered; no answer is 2", goes),
    ]


def _told(story: Callable[[Counter], str]) -> Callable[[Counter], Story]:
    """A story in one breath."""

    def told(counter: Counter) -> Story:
        yield
        return story(counter)

    return told


def normalize(counter: Counter) -> str:
    read = ("phone", "normalize", "--phone", "0412 345 678", "--output", "json")
    known, unknown = counter.tool(*read, "--default-country", "AU"), counter.tool(*read)
    number = known.document
    zone = "Sydney's time" if "Australia/Sydney" in number["time_zones"] else str(number["time_zones"])
    return f"{known.code} {number['e164']} in {number['country']}, {zone}; {unknown.code} {unknown.document['reason']}"


def cooldown(counter: Counter) -> Story:
    made = yield from counter.asked(counter.shop.customer())
    check = ("cooldown", "check", "--phone")
    asked, nobody = counter.tool(*check, str(made.phone)), counter.tool(*check, NOBODY)
    held = "held by the request" if asked.document["held_by"] == _effect(counter, made) else str(asked.document)
    free = "for nobody" if nobody.document["can_send"] and nobody.document["last_contact_at"] is None else nobody.out
    return f"{asked.code} {held}; {nobody.code} {free}; {_no_answer(counter, *check, NOBODY)}"


def _effect(counter: Counter, made: Order) -> str:
    return f"review-request#{counter.stack.shop}#{made.id}"


def _no_answer(counter: Counter, *args: str) -> str:
    silent = counter.bench.unreachable(*args)
    return f"no answer is {silent.code}" if not silent.out else f"an answer without tables: {silent.out[:200]}"


def opt_outs(counter: Counter) -> Story:
    yield
    phone = ("--phone", counter.number())
    reason = ("--reason", "asked at the counter", "--by", "the demonstration")
    out = counter.tool("optout", "record", *phone, *reason)
    audit, flags = counter.tool("optout", "audit", *phone), counter.tool("optout", "compliance", *phone)
    unasked = counter.tool("optout", "clear", *phone, *reason)
    back = counter.tool("optout", "clear", *phone, *reason, "--yes")
    words = [
        f"{out.code} {'out' if out.document['suppressed'] else out.out}",
        f"{audit.code} {'agree' if audit.document['consistent'] else audit.out}",
        f"{flags.code} {'suppressed' if flags.document['suppressed'] else flags.out}",
        f"{unasked.code} unasked, {back.code} {'back' if not back.document['suppressed'] else back.out}",
        str(counter.bench.unreachable("optout", "record", *phone, *reason).code),
    ]
    return "; ".join(words)


def sessions(counter: Counter) -> Story:
    visitor = counter.visitor()
    event = visitor.chats("Where is it?")
    counter.hears(event)
    yield from counter.became(event)
    before = counter.session(visitor)
    scan = counter.tool("sessions", "scan")
    mine = [one for one in scan.document["sessions"] if one["phone"] == visitor.phone]
    state = mine[0]["state"] if mine else f"not among {scan.document['scanned']}"
    looked = "only looked" if counter.session(visitor) == before else "changed"
    return f"{scan.code} {state}; {looked}; {_no_answer(counter, 'sessions', 'scan')}"


def _replay(counter: Counter, event: Event, *more: str) -> Ran:
    options = ("--event-file", "-", "--wait", str(WAIT_S))
    return counter.tool("reviews", "replay", *options, *more, stdin=event.body.decode())


def replayed(counter: Counter) -> Story:
    event = counter.review().published(1)
    yield
    dry = _replay(counter, event, "--dry-run")
    first, second = _replay(counter, event), _replay(counter, event)
    wrong = counter.tool("reviews", "replay", "--event-file", "-", stdin="{}")
    unsigned = _replay(counter, event, "--signature", "0" * 64, "--timestamp", "1", "--verify")
    told = "told" if first.document.get("escalated") else first.out
    return (
        f"{dry.code} {dry.document['decision']}, {'dry' if dry.document.get('dry_run') else 'wet'}; "
        f"{first.code} {first.document['status']}, {told}; {second.code} {second.document['status']}; "
        f"{wrong.code} malformed; {unsigned.code} unsigned"
    )


def reviews(counter: Counter) -> Story:
    review = counter.review()
    event = review.published(2)
    counter.hears(event)
    yield from counter.became(event)
    yield from counter.is_told(review.notice())
    listed = counter.tool("reviews", "list", "--since", "1h", "--class", "escalate")
    shown = counter.tool("reviews", "show", review.uid)
    found = any(one["uid"] == review.uid for one in listed.document["reviews"])
    [turn] = shown.document["turns"]
    told = "told over a channel" if turn["escalation"]["told_over"] else str(turn)
    missing = counter.tool("reviews", "show", "rev-of-nobody")
    return (
        f"{listed.code} {'listed' if found else 'not listed'}, {told}; {missing.code} not found; "
        f"{_no_answer(counter, 'reviews', 'list')}"
    )


def requests(counter: Counter) -> Story:
    made = yield from counter.asked(counter.shop.customer())
    show = ("requests", "show", "--order")
    shown, missing = counter.tool(*show, str(made.id)), counter.tool(*show, "1")
    request = shown.document
    own = "cooldown its own" if (request["cooldown"] or {}).get("held_by_this") else f"cooldown {request['cooldown']}"
    return f"{shown.code} {request['status']}, {own}; {missing.code} not found; {_no_answer(counter, *show, '1')}"


def goes(counter: Counter) -> Story:
    """Somebody who bought and said STOP wants to know what is kept, and then to be forgotten."""
    visitor = counter.visitor()
    made = counter.buys(visitor)
    counter.shop.deliver(made.fulfilled())
    yield from counter.shop.end_of(made)
    stop = visitor.texts("STOP")
    counter.hears(stop)
    yield from counter.became(stop)
    phone = ("--phone", visitor.phone)
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "story.json"
        exported = counter.tool("export", *phone, "--out", str(out))
        story = json.loads(out.read_text(encoding="utf-8")) if exported.code == 0 else {"counts": exported.why}
    tables = {"contacts", "inbox", "outbox", "review_requests"}
    whole = "whole" if tables <= set(story["counts"]) else str(story["counts"])
    reason = ("--reason", "asked by letter", "--by", "the demonstration")
    planned = counter.tool("erase", *phone, *reason, "--dry-run")
    erased = counter.tool("erase", *phone, *reason, "--yes")
    again = counter.tool("erase", *phone, *reason, "--dry-run")
    left = counter.tool("export", *phone).document["remembered_of_erased"]
    remembered = "remembered" if left and left[0]["opt_outs"] else "forgotten altogether"
    return (
        f"{exported.code} {whole}; {planned.code} {'planned' if planned.document['dry_run'] else 'done'}; "
        f"{erased.code} {'erased' if erased.code == 0 else erased.why}; {again.code} nothing left to erase; "
        f"{remembered}; {_no_answer(counter, 'export', *phone)}"
    )
