"""The shop's website without a browser: requests as pages make them, and the chat widgets that are out there.

Two generations of the widget exist and differ on the wire. What each sends was observed, so that is what is sent here; and what
each shows of an answer is what counts as an answer.
"""

from __future__ import annotations

import http.client
import json
import random
import time
import urllib.parse
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar

from chats import Visitor
from desk import OPEN, word
from orders import fictional_us
from people import People
from running import Row, RunningStack
from stage import Part, Story

CHAT, FORM, CHECK, UPLOADS, MESSAGES = "/chat", "/contact-form", "/webchat/check", "/webchat/uploads", "/webchat/messages"
CONFIG = "/webchat/config"
LOCATION = "loc_austin"
# What every visitor is to the old widget, as long as the page does not say otherwise.
EVERYBODY = "sample_session"
# After which the new widget asks again, whatever went wrong.
RETRY_S = 0.15
NOTHING_SHOWN = "Sorry, I couldn't process that."

Waiting = Generator[None, None, None]
Body = dict[str, Any]


@dataclass(frozen=True)
class Reply:
    """What came back. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Body:
        try:
            read = json.loads(self.text)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def error(self) -> str:
        return str(self.json.get("error", self.text))

    def __str__(self) -> str:
        return f"{self.status} {self.error}" if self.status >= 400 else str(self.status)


def request(method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
    """One request over a connection of its own, with these headers and no others."""
    to = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(to.hostname or "", to.port, timeout=40)
    try:
        connection.request(method, to._replace(scheme="", netloc="").geturl() or "/", body, dict(headers or {}))
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
    finally:
        connection.close()


class Website:
    """The page's address, the front door behind it, and what becomes of what is sent there."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.origin: str = stack.described["endpoints"]["site"]
        self.door: str = stack.described["endpoints"]["front_door"]
        self.people = People(stack)
        self.parts: list[Part] = []
        numbers = list(fictional_us())
        known = stack.known_phones(numbers)
        self._numbers = [number for number in numbers if number not in known]
        random.shuffle(self._numbers)
        self._began_ms = int(time.time() * 1000)
        self._awaited: set[str] = set()
        self._inbox: dict[str, Row] = {}

    @property
    def foreign(self) -> str:
        """The same page by number: another origin."""
        return self.origin.replace("localhost", "127.0.0.1")

    # ---- Asking

    def ask(self, method: str, path: str, body: Any = None, *, origin: str | None = "", **headers: str) -> Reply:
        """As the page would; `origin=None` is no browser. Header names are written with `_` for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if origin is not None:
            sent["Origin"] = origin or self.origin
        raw = body if isinstance(body, bytes | None) else json.dumps(body, ensure_ascii=False).encode(errors="replace")
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        return request(method, path if "://" in path else self.door + path, raw, sent)

    def post(self, path: str, body: Any, **headers: Any) -> Reply:
        return self.ask("POST", path, body, **headers)

    def chat(self, prompt: Any, session: Any = None, **headers: Any) -> Reply:
        return self.post(CHAT, {"prompt": prompt, "session_id": session}, **headers)

    def config(self) -> Body:
        return self.ask("GET", CONFIG).json

    def forget_rates(self) -> None:
        """Lets nobody have asked too often: another demonstration may have run a moment ago."""
        for row in self.stack.all_rows("limits", ["pk"]):
            if str(row["pk"]).startswith("rate#"):
                self.stack.forget("limits", str(row["pk"]))

    # ---- Who writes

    def number(self) -> str:
        """Of somebody whom nobody here knows."""
        phone = self._numbers.pop()
        self.parts.append(Part(f"…{phone[-4:]}", phone))
        return phone

    def local(self, phone: str) -> str:
        """The number as people of its country write it."""
        return Visitor(phone, None, "", "").local

    # ---- What became of it

    def look(self) -> None:
        """Reads the inbox once for all that wait for a message of theirs."""
        if self._awaited:
            self._inbox = self.stack.inbox_since(self._began_ms)

    def stands(self, part: Part) -> str:
        return part.label

    def became(self, mark: str) -> Story:
        """How a message ended that holds this: the outcome's word, or the code of what is wrong."""
        self._awaited.add(mark)
        while (row := self._row_of(mark)) is None or row["st"] in OPEN:
            yield
        self._awaited.remove(mark)
        return word(row)

    def _row_of(self, mark: str) -> Row | None:
        return next((row for row in self._inbox.values() if mark in row["text"]), None)

    def has_row(self, mark: str) -> bool:
        """Whether a message that holds this was taken at all."""
        return any(mark in row["text"] for row in self.stack.inbox_since(self._began_ms).values())

    def shown(self, phone: str) -> list[Body]:
        """What Podium's inbox shows of a person: {"body", "direction", "imported"}, oldest first."""
        conversations = self.stack.control("GET", "/podium/conversations")["conversations"]
        return [message for one in conversations if one["phone"] == phone for message in one["messages"]]

    def notices(self, mark: str) -> set[str]:
        """What people were told that holds this, each thing once however it came."""
        return {told.key for told in self.people.told() if mark in told.text}

    def until(self, holds: Callable[[], object]) -> Waiting:
        while not holds():
            yield

    def a_while(self, seconds: float = 4.0) -> Waiting:
        """Long enough for whatever would happen twice to do it."""
        end = time.monotonic() + seconds
        yield from self.until(lambda: time.monotonic() > end)


# ---- The widgets


@dataclass
class Widget:
    """What both generations have in common."""

    site: Website
    session: str | None = None
    token: str = ""

    # What it shows instead of an answer that is none.
    sorry: ClassVar[str] = ""

    @property
    def wants(self) -> str:
        """What its preflight asks for."""
        raise NotImplementedError

    def preflight(self, path: str = CHAT) -> Reply:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": self.wants}
        return self.site.ask("OPTIONS", path, **asked)

    def asks(self, prompt: str) -> Reply:
        raise NotImplementedError

    def at_once(self, prompts: list[str]) -> list[Reply]:
        """Nothing keeps a visitor from writing on while an answer is awaited."""
        with ThreadPoolExecutor(len(prompts)) as pool:
            return list(pool.map(self.asks, prompts))

    def shows(self, reply: Reply) -> str:
        """What a visitor reads: words, or the kind of what is shown beside them. Never the body of an error."""
        if not 200 <= reply.status < 300 or not reply.json:
            return self.sorry
        body = reply.json
        if body.get("content_type") and body.get("content"):
            return str(body["content_type"])
        return str(body.get("output") or body.get("message") or NOTHING_SHOWN)

    def submits(self, url: str, values: Body) -> Reply:
        """Both generations send a form without session and without token: only the address says whose it is."""
        return self.site.post(url, values)


@dataclass
class OldWidget(Widget):
    """0.6.4, the last that was published: one session for everybody, always a CSRF header, and no second try."""

    session: str | None = EVERYBODY
    sorry: ClassVar[str] = "Sorry, I'm having trouble processing your message. Please try again later."

    @property
    def wants(self) -> str:
        return "content-type,x-csrftoken"

    def asks(self, prompt: str) -> Reply:
        return self.site.post(CHAT, {"prompt": prompt, "session_id": self.session}, **{"X-CSRFToken": self.token})


@dataclass
class NewWidget(Widget):
    """The rewritten one: no session unless the page has one, a CSRF header only with a token, and a second try."""

    sorry: ClassVar[str] = "Sorry, something went wrong."
    tries: list[Reply] = field(default_factory=list)

    @property
    def wants(self) -> str:
        return "content-type,x-csrf-token" if self.token else "content-type"

    def asks(self, prompt: str) -> Reply:
        reply = self._asks(prompt)
        if not 200 <= reply.status < 300:
            time.sleep(RETRY_S)
            reply = self._asks(prompt)
        return reply

    def _asks(self, prompt: str) -> Reply:
        headers = {"X-CSRF-Token": self.token} if self.token else {}
        self.tries.append(self.site.post(CHAT, {"prompt": prompt, "session_id": self.session}, **headers))
        return self.tries[-1]


# ---- What a widget can show


def faults(body: Body) -> list[str]:
    """What is missing for the widgets to show an answer as it is meant; empty when nothing is."""
    if "content_type" not in body:
        return [] if isinstance(body.get("output"), str) and body["output"] else ["no output"]
    kind, attributes = body["content_type"], body.get("content_attributes") or {}
    found = [] if body.get("content") else ["no content"]
    match kind:
        case "article":
            found += _each(attributes.get("items"), ("title", "description", "link"), web=("link",))
        case "card":
            cards = (attributes.get("cards") or {}).get("cards")
            found += _each(cards, ("title", "description"), web=("image", "link"), texts=("price", "badge"))
        case "quick_reply" | "canned_response":
            responses = (attributes.get("responses") or {}).get("responses")
            found += _each(responses, ("id", "text"), texts=("value",))
            ids = [each.get("id") for each in responses or []]
            found += [] if len(set(ids)) == len(ids) <= 5 else ["ids that are not different, or more than five"]
        case "form":
            form = attributes.get("form") or {}
            found += _each(form.get("fields"), ("id", "type", "label"))
            found += [] if _is_web(form.get("submitUrl")) else ["no address to submit to"]
        case _:
            found.append(f"unknown type {kind}")
    return found + (["a null"] if "null" in json.dumps(body) else [])


def _each(items: Any, needed: tuple[str, ...], web: tuple[str, ...] = (), texts: tuple[str, ...] = ()) -> list[str]:
    if not isinstance(items, list) or not items:
        return ["nothing to show"]
    found = [f"no {name}" for item in items for name in needed if not isinstance(item.get(name), str) or not item[name]]
    found += [f"{name} is no address" for item in items for name in web if name in item and not _is_web(item[name])]
    return found + [f"{name} is no text" for item in items for name in texts if not isinstance(item.get(name, ""), str)]


def _is_web(address: Any) -> bool:
    return isinstance(address, str) and address.startswith(("http://", "https://"))


def mark() -> str:
    """A word that stands nowhere else. Of letters: what might be a number is hidden where people are told."""
    return "mark" + "".join(random.choices("bcdfghjkmnqrtvwxz", k=14))
