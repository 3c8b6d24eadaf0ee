"""The chat's requests one by one, without a browser: both generations of the chat widget, what is refused and in which
words, who may read an answer, and what becomes of forms.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

from demo_assistant import DISCLOSURE, HOURS, NINE_TO_FIVE
from stage import Case, Story
from web import (
    CHAT,
    CHECK,
    CONFIG,
    FORM,
    Body,
    NewWidget,
    OldWidget,
    Reply,
    Website,
    Widget,
    faults,
    mark,
)

# What is asked for each kind of answer; the words are in parameters.json.
ASKED = {
    "text": HOURS,
    "article": "How do returns work?",
    "card": "Do you have a lamp?",
    "quick_reply": "How does delivery work?",
    "form": "I would like to leave a message",
}
THANKS = "Thank you! We received your message and will respond soon."
EXPIRED = "This form has expired. Please ask for it again."
# Grapheme clusters: each of these is one character to people, and seven code points.
FAMILY = "👨‍👩‍👧‍👦"
PROMPT_CHARS_MAX = 1_000
BODY_BYTES_MAX = 64 * 1024
MIB = 1024 * 1024
# The first pixel of a picture, and what follows.
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2_000)
HEADERS = "Content-Type, X-CSRFToken, X-CSRF-Token"


def cases() -> list[Case]:
    preflight = f"204; POST, OPTIONS; {HEADERS}; 600; its origin, varies, no credentials"
    return [
        Case("0.6.4: its preflight", preflight, told(lambda site: preflighted(OldWidget(site).preflight(), site))),
        Case("0.6.4: a question", "200; it reads: 9 to 5", told(lambda site: reads(OldWidget(site)))),
        Case("0.6.4: five questions at once", "200, 200, 200, 200, 200; each its own answer", told(overlaps)),
        Case("0.6.4: everybody's session", "nobody's memory", told(lambda site: remembers(OldWidget(site)))),
        Case("HEAD: its preflights", f"{preflight}, twice", told(new_preflights)),
        Case("HEAD: a question, no session", "200; it reads: 9 to 5", told(lambda site: reads(NewWidget(site)))),
        Case("HEAD: no session", "nobody's memory", told(lambda site: remembers(NewWidget(site)))),
        Case("HEAD: a session of the page's", "it remembers", told(lambda site: remembers(NewWidget(site, name())))),
        Case("HEAD: refused, and asks again", "400, 400; shown: its own words", told(repeats)),
        Case("HEAD: cut off, and asks again", "answered at the second try", told(is_cut_off)),
        Case("a button clicked twice", "200, 200; the same answer", told(clicks_twice)),
        *(Case(f"an answer: {kind}", f"{kind}, complete", told(answers(kind))) for kind in ASKED),
        Case("prompts that are none", "400 Invalid prompt, 7 times", told(wrong_prompts)),
        Case("a prompt of 1000, and of 1001", "200; 400 Prompt too long", told(long_prompts)),
        Case("sessions that are none", "400 Invalid session_id, 5 times", told(wrong_sessions)),
        Case("no JSON, and too deep", "400 Invalid JSON, 4 times", told(wrong_bodies)),
        Case("a body over 64 KiB", "413 Request too large", told(large_body)),
        Case("other methods", "405, POST, OPTIONS, 3 times; 405, GET, OPTIONS", told(wrong_methods)),
        Case("who may read an answer", "200 and 400 and 403 and 405 and 413 theirs; nobody else's", told(origins)),
        Case("a page of somebody else", "403 Origin not allowed; 403 ERR_WEB_001; nothing to read", told(foreign)),
        Case("a CSRF token", "both spellings taken; none taken; 403 Invalid CSRF token", told(csrf)),
        Case("the form's address", f"403 {EXPIRED}, 3 times", told(forged_forms)),
        Case("a form, wrong", "name is required, Invalid email format, is too long", told(wrong_forms)),
        Case("a form, sent twice", "200, 200, thanked twice; told once", sent_twice),
        Case("a form, filled in by a program", "200, thanked; nobody told", honeypot),
    ]


def told(check: Callable[[Website], str]) -> Callable[[Website], Story]:
    """A story that waits for nothing."""

    def story(site: Website) -> Story:
        yield
        return check(site)

    return story


# ---- The widgets


def preflighted(reply: Reply, site: Website) -> str:
    headers = reply.headers
    methods, names = headers.get("access-control-allow-methods"), headers.get("access-control-allow-headers")
    credentials = "credentials" if "access-control-allow-credentials" in headers else "no credentials"
    whose = f"{'its origin' if is_theirs(reply, site) else 'nobody'}, {varies(reply)}, {credentials}"
    return f"{reply.status}; {methods}; {names}; {headers.get('access-control-max-age')}; {whose}"


def is_theirs(reply: Reply, site: Website) -> bool:
    return reply.headers.get("access-control-allow-origin") == site.origin


def varies(reply: Reply) -> str:
    return "varies" if "origin" in reply.headers.get("vary", "").lower() else "does not vary"


def reads(widget: Widget) -> str:
    reply = widget.asks(HOURS)
    shown = widget.shows(reply)
    return f"{reply.status}; it reads: {'9 to 5' if NINE_TO_FIVE in shown else shown}"


def overlaps(site: Website) -> str:
    widget = OldWidget(site)
    # One after the other in other words: the same would be one question.
    replies = widget.at_once([HOURS, "hours?", "opening hours", "standard", "express"])
    right = [NINE_TO_FIVE] * 3 + ["Standard delivery", "Express delivery"]
    good = all(words in widget.shows(reply) for words, reply in zip(right, replies, strict=True))
    own = "each its own answer" if good else str([widget.shows(reply) for reply in replies])
    return f"{', '.join(str(reply.status) for reply in replies)}; {own}"


def remembers(widget: Widget) -> str:
    """Who is remembered is told once that a machine answers; who is not, each time."""
    shown = [widget.shows(widget.asks(prompt)) for prompt in ("hours", "standard")]
    match [DISCLOSURE in words for words in shown]:
        case [True, False]:
            return "it remembers"
        case [True, True]:
            return "nobody's memory"
    return str(shown)


def new_preflights(site: Website) -> str:
    without, with_token = NewWidget(site).preflight(), NewWidget(site, token="some-token").preflight()
    both = {preflighted(without, site), preflighted(with_token, site)}
    return f"{both.pop()}, twice" if len(both) == 1 else str(both)


def repeats(site: Website) -> str:
    widget = NewWidget(site)
    reply = widget.asks("x" * (PROMPT_CHARS_MAX + 1))
    shown = widget.shows(reply)
    # The body of an error is never shown, whatever it says.
    words = "its own words" if shown == widget.sorry else shown
    return f"{', '.join(str(each.status) for each in widget.tries)}; shown: {words}"


def is_cut_off(site: Website) -> str:
    """The first answer is lost on its way; the same question comes again while it is still fresh."""
    session, prompt = name(), HOURS
    site.chat(prompt, session)
    time.sleep(0.15)
    reply = site.chat(prompt, session)
    shown = NewWidget(site).shows(reply)
    # Answered a second time, it would not have been disclosed again.
    return "answered at the second try" if NINE_TO_FIVE in shown and DISCLOSURE in shown else shown


def clicks_twice(site: Website) -> str:
    replies = NewWidget(site, name()).at_once(["express", "express"])
    same = "the same answer" if replies[0].text == replies[1].text else str([reply.text for reply in replies])
    return f"{', '.join(str(reply.status) for reply in replies)}; {same}"


def answers(kind: str) -> Callable[[Website], str]:
    def check(site: Website) -> str:
        reply = site.chat(ASKED[kind], name())
        wrong = faults(reply.json)
        return f"{reply.json.get('content_type', 'text')}, {', '.join(wrong) or 'complete'}"

    return check


def name() -> str:
    """A session of a visitor's own."""
    return str(uuid.uuid4())


# ---- What is refused


def counted(replies: list[Reply]) -> str:
    said = list(dict.fromkeys(map(str, replies)))
    return f"{said[0]}, {len(replies)} times" if len(said) == 1 else ", ".join(said)


def wrong_prompts(site: Website) -> str:
    bodies: list[Body] = [{"session_id": None}]
    bodies += [{"prompt": prompt, "session_id": None} for prompt in ("", "  \n", None, 7, ["hello"], {"a": 1})]
    return counted([site.post(CHAT, body) for body in bodies])


def long_prompts(site: Website) -> str:
    fits = site.chat(FAMILY * PROMPT_CHARS_MAX)
    return f"{fits}; {site.chat(FAMILY * PROMPT_CHARS_MAX + 'x')}"


def wrong_sessions(site: Website) -> str:
    return counted([site.chat(HOURS, session) for session in (7, True, ["a"], "x" * 201, "a\u0000b")])


def wrong_bodies(site: Website) -> str:
    deep = b'{"prompt":' + b"[" * 17 + b"]" * 17 + b"}"
    return counted([site.post(CHAT, body) for body in (b"", b"{", b"\xff\xfe", deep)])


def large_body(site: Website) -> str:
    return str(site.chat("x", "y" * BODY_BYTES_MAX))


def wrong_methods(site: Website) -> str:
    posted = [site.ask("GET", CHAT), site.ask("PUT", FORM), site.ask("DELETE", CHECK)]
    said = {f"{reply.status}, {reply.headers.get('allow')}" for reply in posted}
    config = site.ask("POST", CONFIG, {})
    return f"{'; '.join(said)}, {len(posted)} times; {config.status}, {config.headers.get('allow')}"


def origins(site: Website) -> str:
    theirs = [
        site.chat(HOURS),
        site.chat(""),
        site.post(FORM, {}),
        site.ask("GET", CHAT),
        site.chat("x", "y" * BODY_BYTES_MAX),
    ]
    good = [str(reply.status) for reply in theirs if is_theirs(reply, site) and varies(reply) == "varies"]
    # A server is no browser, so there is nobody to be told.
    server = site.chat(HOURS, origin=None)
    nobody = server.status == 200 and "access-control-allow-origin" not in server.headers
    return f"{' and '.join(good)} theirs; {'nobody else' if nobody else str(server.headers)}'s"


def foreign(site: Website) -> str:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    others = (site.foreign, "https://harbour-lane.example", f"{site.origin}.example", "null")
    chats = [site.chat(HOURS, origin=origin) for origin in others]
    forms = [site.ask("GET", CONFIG, origin=origin) for origin in others]
    preflights = [site.ask("OPTIONS", CHAT, origin=origin, **asked) for origin in others]
    allowed = [reply for reply in chats + forms + preflights if "access-control-allow-origin" in reply.headers]
    refused = {str(reply) for reply in chats} | {f"{reply.status} {reply.json.get('code')}" for reply in forms}
    return f"{'; '.join(sorted(refused, reverse=True))}; {'something' if allowed else 'nothing'} to read"


def csrf(site: Website) -> str:
    token = site.config()["csrf_token"]
    taken = [site.chat(HOURS, **{header: token}) for header in ("X-CSRFToken", "X-CSRF-Token")]
    none = [site.chat(HOURS), site.chat(HOURS, **{"X-CSRFToken": ""}), site.chat(HOURS, **{"X-CSRF-Token": ""})]
    wrong = [site.chat(HOURS, **{"X-CSRFToken": token[:-3] + "xyz"}), site.chat(HOURS, **{"X-CSRF-Token": "made-up"})]
    both = "both spellings taken" if all(reply.status == 200 for reply in taken) else str([*map(str, taken)])
    empty = "none taken" if all(reply.status == 200 for reply in none) else str([*map(str, none)])
    return f"{both}; {empty}; {'; '.join({str(reply) for reply in wrong})}"


# ---- Forms


def form_of(site: Website, session: str | None = None) -> Body:
    """The form as the chat offers it."""
    body = site.chat(ASKED["form"], session or name()).json
    return dict(body["content_attributes"]["form"])


def filled(form: Body, **values: Any) -> Body:
    """What somebody might write into each field that has to be filled in."""
    usual = {"email": "mia@example.com", "tel": "+1 512 555 0100", "checkbox": True}
    needed = [field for field in form["fields"] if field.get("required")]
    options = {field["id"]: field["options"][0]["value"] for field in needed if field.get("options")}
    return {field["id"]: usual.get(field["type"], "Mia") for field in needed} | options | values


def forged_forms(site: Website) -> str:
    form = form_of(site)
    values, url = filled(form), str(form["submitUrl"])
    return counted([site.post(at, values) for at in (FORM, f"{FORM}?token=made-up", url[:-3] + "xyz")])


def wrong_forms(site: Website) -> str:
    form = form_of(site)
    url, good = form["submitUrl"], filled(form)
    first = next(field["id"] for field in form["fields"] if field.get("required"))
    email = next(field["id"] for field in form["fields"] if field["type"] == "email")
    text = next(field["id"] for field in form["fields"] if field["type"] in ("text", "textarea"))
    missing = site.post(url, {key: value for key, value in good.items() if key != first})
    odd = site.post(url, good | {email: "not an address"})
    long = site.post(url, good | {text: "x" * 20_000})
    right = (missing.status, odd.status, long.status) == (400, 400, 400)
    said = [missing.error.replace(first, "name", 1), odd.error, long.error.removeprefix(f"{text} ")]
    return ", ".join(said) if right else f"{missing}, {odd}, {long}"


def sent_twice(site: Website) -> Story:
    """Whoever clicks twice, or whose browser does."""
    form, words = form_of(site), mark()
    text = next(field["id"] for field in form["fields"] if field["type"] == "textarea")
    replies = [site.post(form["submitUrl"], filled(form, **{text: f"Do you deliver? {words}"})) for _ in range(2)]
    thanked = sum(reply.json.get("message") == THANKS for reply in replies)
    yield from site.until(lambda: site.notices(words))
    yield from site.a_while()
    told = len(site.notices(words))
    said = f"{', '.join(map(str, replies))}, {'thanked twice' if thanked == 2 else replies[1].text}"
    return f"{said}; {'told once' if told == 1 else f'told {told} times'}"


def honeypot(site: Website) -> Story:
    form, words = form_of(site), mark()
    text = next(field["id"] for field in form["fields"] if field["type"] == "textarea")
    trap = site.stack.settings.get("FORM_HONEYPOT", "website")
    reply = site.post(form["submitUrl"], filled(form, **{text: f"Buy this {words}", trap: "https://spam.example"}))
    yield from site.a_while()
    told = site.notices(words)
    thanked = "thanked" if reply.json.get("message") == THANKS else reply.text
    return f"{reply}, {thanked}; {'nobody told' if not told else told}"
