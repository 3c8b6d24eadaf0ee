"""The fifth part of the demonstration: the shop's website, as its visitors, its web developer and strangers see it.

First without a browser, request by request (demo_wire.py, demo_edge.py), then in one (demo_browser.py). What needs other
settings, a limit that is soon reached and a model that breaks, has a small stack of its own.
"""

from __future__ import annotations

import itertools
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import demo_browser
import demo_edge
import demo_wire
import pictures as pictures_of_page
from browser import chromium
from demo_assistant import HOURS
from demo_wire import name, told
from running import ROOT, RunningStack, stack_of_its_own
from stage import Case, Ledger, Stage, Story
from timeline import Timeline
from visit import Screen, Visit, visited
from web import CHAT, CHECK, CONFIG, FORM, LOCATION, Reply, Website, mark

PICTURES = ROOT / "docs" / "pictures"
TIMERS = ("sweep", "notices")

LIMIT, WINDOW_S = 20, 10
# Of the small stack: the limit is reached within seconds, and over as soon.
NARROW = {
    "WEB_RATE_LIMIT": str(LIMIT),
    "WEB_RATE_WINDOW_SECONDS": str(WINDOW_S),
    "AGENT_PROVIDER": "openai",
    "AGENT_MODEL": "gpt-6.1-terra",
    "AGENT_BREAKER_SECONDS": "10",
}
# Longer than anybody asks at once, should the limit not hold.
ASKED_MAX = LIMIT * 5
# The same question within this is the same question.
COALESCED_S = 2.0
TROUBLE = "I'm sorry, I'm experiencing technical difficulties. Please try again."
TOO_MANY = "Too many chat requests, please try again later."
DIES_AFTER_S = 1.5
SLOW_MS = 6_000
ANSWERED_WITHIN_MS = 45_000


def demonstrate(
    stack: RunningStack, timeline: Timeline, *, whole_workspace: bool = False, pictures: bool = False
) -> bool:
    """Plays all of it and returns whether it ended as it should. `pictures`: the documents' are taken anew."""
    site = Website(stack)
    # What is typed without its country is read by the countries of the locations, so the list comes first, as on AWS.
    stack.run_timer("locations")
    with chromium() as browser:
        good = _everyday(Screen(site, browser), timeline)
        if pictures:
            site.forget_rates()
            taken = pictures_of_page.take(Screen(site, browser), PICTURES)
            timeline.say(f"\npictures: {', '.join(str(file.relative_to(ROOT)) for file in taken)}")
        with stack_of_its_own("demo-website", NARROW, whole_workspace=whole_workspace) as narrow:
            return _narrow(Screen(Website(narrow), browser), timeline) and good


def _everyday(screen: Screen, timeline: Timeline) -> bool:
    site = screen.site
    stage = Stage(site.stack, Ledger(site.stack), timeline, TIMERS)
    wire, browser = demo_wire.cases() + demo_edge.cases(), demo_browser.cases()
    site.forget_rates()
    timeline.say(f"{len(wire)} cases of what pages send\n")
    good = stage.play(wire, site)
    site.forget_rates()
    timeline.say(f"\n{len(browser)} cases of visitors with a browser, at {site.origin}\n")
    return stage.play(browser, screen, one_by_one=True) and good


def _narrow(screen: Screen, timeline: Timeline) -> bool:
    site = screen.site
    site.stack.run_timer("locations")
    stage = Stage(site.stack, Ledger(site.stack), timeline, TIMERS)
    wire, browser = on_the_wire(), in_the_browser()
    timeline.say(f"\n{len(wire + browser)} cases of limits and failures: {LIMIT} requests in {WINDOW_S} s, and a model\n")
    good = stage.play(wire, site, one_by_one=True)
    return stage.play(browser, screen, one_by_one=True) and good


# ---- Limits and failures on the wire


def on_the_wire() -> list[Case]:
    held = "a forged address does not help; forms, config, preflights go on; answered after Retry-After"
    return [
        Case("too many questions", f"{LIMIT} answered; 429 {TOO_MANY}; {held}", too_many),
        Case("the same question at once", "the same answer 3 times, asked once; later asked again", told(coalesced)),
        Case("the model breaks", f"200, 200; {TROUBLE}", told(breaks)),
    ]


def uses_up(site: Website, path: str, body: object) -> list[Reply]:
    """Asks until it is too often. Side by side, so that it comes to that before the window is over."""
    site.forget_rates()
    numbers = itertools.count()
    replies: list[Reply] = []
    with ThreadPoolExecutor(4) as pool:
        while next(numbers) * 4 < ASKED_MAX:
            replies += pool.map(lambda _: site.post(path, body), range(4))
            if any(reply.status == 429 for reply in replies):
                break
    return replies


def too_many(site: Website) -> Story:
    replies = uses_up(site, CHAT, {"prompt": HOURS, "session_id": None})
    # Side by side the last few may have come too late together.
    answered = sum(reply.status == 200 for reply in replies)
    refused = [reply for reply in replies if reply.status == 429]
    if not refused:
        return f"{answered} answered, and no end"
    wait_s = int(refused[-1].headers.get("retry-after", "0"))
    forged = [
        site.chat(HOURS, **{"X-Forwarded-For": "203.0.113.9"}),
        site.chat(HOURS, Forwarded="for=203.0.113.9", X_Real_IP="203.0.113.9"),
    ]
    helped = "does not help" if all(reply.status == 429 for reply in forged) else "helps"
    form, config, preflight = site.post(FORM, {}), site.ask("GET", CONFIG), demo_wire.OldWidget(site).preflight()
    others = (form.status, config.status, preflight.status)
    go_on = "forms, config, preflights go on" if others == (403, 200, 204) else str(others)
    later = time.monotonic() + wait_s + 0.5
    yield from site.until(lambda: time.monotonic() > later)
    again = site.chat(HOURS)
    after = "after Retry-After" if 1 <= wait_s <= WINDOW_S else f"after {wait_s} s"
    recovered = "answered" if again.status == 200 else str(again)
    return f"{answered} answered; {refused[0]}; a forged address {helped}; {go_on}; {recovered} {after}"


def asked(site: Website, words: str) -> int:
    """How often a model was."""
    questions = site.stack.control("GET", "/ai/asked")["asked"]
    return sum(words in str(question.get("last_customer_text", "")) for question in questions)


def coalesced(site: Website) -> str:
    site.forget_rates()
    session, words = name(), f"What is it? {mark()}"
    with ThreadPoolExecutor(2) as pool:
        replies = list(pool.map(lambda _: site.chat(words, session), range(2)))
    replies.append(site.chat(words, session))
    times = asked(site, words)
    time.sleep(COALESCED_S + 1)
    site.chat(words, session)
    later = asked(site, words) - times
    same = "the same answer 3 times" if len({reply.text for reply in replies}) == 1 else str(replies)
    return f"{same}, asked {'once' if times == 1 else f'{times} times'}; later {'asked again' if later == 1 else later}"


def breaks(site: Website) -> str:
    words = mark()
    fault = broken(site, words)
    try:
        replies = [site.chat(f"Hello {words}", session) for session in (name(), None)]
    finally:
        site.stack.remove_fault(fault)
    said = {str(reply.json.get("output")) for reply in replies}
    return f"{', '.join(map(str, replies))}; {' | '.join(said)}"


def broken(site: Website, words: str) -> int:
    """No model answers a question that holds this."""
    return site.stack.add_fault(
        {"match": {"provider": "ai", "contains": words}, "times": "forever", "action": {"status": 500}}
    )


# ---- Limits and failures in the browser


def in_the_browser() -> list[Case]:
    return [
        Case("too many questions", "when to try again; then answered", visited(chat_is_full)),
        Case("too many requests of the form", "when to try again; then sent", visited(form_is_full)),
        Case("the model breaks", TROUBLE, visited(sees_it_break)),
        Case("the function dies at work", "said; asked again: answered", visited(sees_it_die)),
    ]


def seconds_in(sentence: str) -> float:
    """Of "try again in 8 seconds"; far too long, if there is none."""
    words = sentence.replace(".", " ").split()
    numbers = [float(word) for word, unit in itertools.pairwise(words) if unit.startswith("second") and word.isdigit()]
    return numbers[0] if numbers else 3_600.0


def chat_is_full(visit: Visit) -> Story:
    uses_up(visit.site, CHAT, {"prompt": HOURS, "session_id": None})
    visit.opens_chat()
    bubble = visit.asks("Hello?")
    said = bubble.inner_text()
    wait_s = seconds_in(said)
    if wait_s > WINDOW_S:
        return said
    yield
    visit.page.wait_for_timeout((wait_s + 0.5) * 1000)
    again = visit.panel.get_by_role("button", name="Try again")
    # The refusal goes, and the answer comes in its place.
    again.click()
    visit.panel.get_by_text("You said: Hello?").wait_for()
    return "when to try again; then answered"


def form_is_full(visit: Visit) -> Story:
    site = visit.site
    phone, words = site.number(), mark()
    visit.fills_in(site.local(phone), f"Hello {words}", LOCATION)
    uses_up(site, CHECK, {"location_uid": LOCATION})
    said = visit.sends()
    wait_s = seconds_in(said)
    if wait_s > WINDOW_S:
        return said
    yield
    visit.form.get_by_text("You can send it now.").wait_for()
    then = visit.sends()
    return f"when to try again; then {'sent' if 'We have your message.' in then else then}"


def sees_it_break(visit: Visit) -> Story:
    site, words = visit.site, mark()
    site.forget_rates()
    fault = broken(site, words)
    yield
    try:
        visit.opens_chat()
        said = visit.asks(f"Hello {words}").inner_text()
    finally:
        site.stack.remove_fault(fault)
    return TROUBLE if TROUBLE in said else said


def sees_it_die(visit: Visit) -> Story:
    site, words = visit.site, mark()
    site.stack.control("PUT", "/ai", {"script": [{"slow_ms": SLOW_MS, "reply": {"text": "Too late."}}]})
    visit.opens_chat()
    known = visit.panel.locator(".fd-theirs").count()
    visit.panel.get_by_placeholder("Write a message").fill(f"Hello {words}")
    visit.presses("Enter")
    yield from site.until(lambda: asked(site, words))
    time.sleep(DIES_AFTER_S)
    for process in site.stack.bootstraps("chat"):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    failed = visit.panel.locator(".fd-theirs").nth(known)
    failed.wait_for()
    said = failed.locator(".fd-text").inner_text()
    # The gateway's own answer names no origin, so the browser shows it to nobody.
    visit.errors = [error for error in visit.errors if "CORS policy" not in error and "ERR_FAILED" not in error]
    again = visit.panel.get_by_role("button", name="Try again")
    # Whoever was at work holds the question until its time is up, so the first who ask again may hear that it takes too long.
    answer = visit.answer_to(again.click, within_ms=ANSWERED_WITHIN_MS, instead=1).inner_text()
    if TROUBLE in answer:
        answer = visit.asks(f"Hello {words}").inner_text()
    answered = "answered" if f"You said: Hello {words}" in answer else answer
    return f"{'said' if 'try again' in said.lower() else said}; asked again: {answered}"
