"""Chatwoot's side of the house: customers who chat, what they read, and Chatwoot's webhooks, signed as it signs them.

The scene of the demonstration's fourth part: a Chatwoot that sends its webhooks itself, and conversations that are looked at
from the customer's side.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from running import RunningStack
from stage import Part

SAMPLES = Path(__file__).resolve().parent.parent / "events" / "chatwoot"
PATH = "/chatwoot"
ACCOUNT = 7
OPEN = (None, "waiting", "claimed")
# Long enough for an assistant that would answer twice to do it.
WATCHED_S = 4.0

Waiting = Generator[None, None, None]


@dataclass(frozen=True)
class Event:
    """One delivery, as Chatwoot makes it."""

    body: bytes
    key: str = ""
    # How old its signature is.
    age_s: float = 0.0
    prefix: str = "sha256="
    path: ClassVar[str] = PATH
    secret: ClassVar[str] = "CHATWOOT_WEBHOOK_SECRET_ARN"

    @property
    def keys(self) -> list[str]:
        return [self.key]

    def headers(self, shop: str, secret: str) -> Mapping[str, str]:
        del shop
        at = str(int(time.time() - self.age_s))
        digest = hmac.new(secret.encode(), f"{at}.".encode() + self.body, hashlib.sha256).hexdigest()
        return {
            "content-type": "application/json",
            "x-chatwoot-timestamp": at,
            "x-chatwoot-signature": f"{self.prefix}{digest}",
        }


def sample(file: str) -> bytes:
    return (SAMPLES / file).read_bytes()


@dataclass
class Talk:
    """A conversation, from the customer's side."""

    hall: Hall
    number: int
    channel: str
    phone: str | None
    events: list[str] = field(default_factory=list)

    def says(self, text: str, **fields: Any) -> int:
        """Writes a message; returns its id."""
        contact = {"phone_number": self.phone} if self.phone else {}
        body = {"conversation": self.number, "text": text, "channel": self.channel, "contact": contact, **fields}
        message = int(self.hall.control("POST", "/chatwoot/inbound", body)["message"])
        self.events.append(f"chatwoot#message_created-{ACCOUNT}-{message}")
        return message

    def clicks(self, message: int, value: str) -> None:
        self.hall.control("POST", "/chatwoot/submit", {"message": message, "value": value})
        self.events.append(f"chatwoot#message_updated-{ACCOUNT}-{message}")

    def seen(self) -> dict[str, Any]:
        return dict(self.hall.control("GET", f"/chatwoot/conversations/{ACCOUNT}/{self.number}"))

    def answers(self) -> list[dict[str, Any]]:
        """What the assistant said to the customer."""
        return [m for m in self.seen()["messages"] if m["message_type"] == 1 and not m["private"]]

    def notes(self) -> list[str]:
        return [str(m["content"]) for m in self.seen()["messages"] if m["private"]]

    def words(self) -> str:
        return " | ".join(str(m["content"]) for m in self.answers())

    def ended(self) -> Generator[None, None, str]:
        """Waits until all that was said is dealt with; says how."""
        while any(row is None or row.get("st") in OPEN for row in self._rows()):
            yield
        return ", ".join(str(row.get("outcome")) for row in self._rows() if row)

    def at_once(self, texts: list[str], within_s: float) -> Generator[None, None, tuple[str, int]]:
        """Says several things, one right after the other, and waits until they are dealt with. How many answers they get depends
        on how fast they came, and so on how busy the machine is: what took longer than `within_s` to arrive is said again.
        Returns how the last ones ended, and how many answers there were before them."""
        while True:
            # Before the first word there is no conversation.
            before = len(self.answers()) if self.events else 0
            self.events = []
            for text in texts:
                self.says(text)
            end = yield from self.ended()
            arrived = [float(row["received_at_ms"]) for row in self._rows() if row]
            if max(arrived) - min(arrived) < within_s * 1_000:
                return end, before

    def _rows(self) -> list[dict[str, Any] | None]:
        found = self.hall.stack.events(self.events)
        return [found.get(key) for key in self.events]


class Hall:
    """Where customers chat."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.parts: list[Part] = []
        self._next = random.randrange(10_000, 900_000) * 100
        self.faults: list[int] = []

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return self.stack.control(method, path, body)

    def look(self) -> None:
        """Each story looks for itself."""

    def stands(self, part: Part) -> str:
        return part.label

    def talk(self, channel: str = "Channel::WebWidget", phone: str | None = None) -> Talk:
        self._next += 1
        self.parts.append(Part(f"…{self._next % 10_000}", phone))
        return Talk(self, self._next, channel, phone)

    def debounce_s(self) -> float:
        """How long the assistant waits for what else somebody says."""
        return float(self.stack.settings["CHATWOOT_DEBOUNCE_SECONDS"])

    def number(self) -> str:
        """Of somebody whom nobody here knows."""
        return f"+6149157{random.randrange(1_000, 9_999)}"

    def fails(self, talk: Talk, actions: list[dict[str, Any]], **match: Any) -> None:
        """What becomes of the next posts into a conversation."""
        path = f"/api/v1/accounts/{ACCOUNT}/conversations/{talk.number}/messages"
        for nth, action in enumerate(actions, start=1):
            rule = {"provider": "chatwoot", "method": "POST", "path_prefix": path, "nth": nth, **match}
            self.faults.append(self.stack.add_fault({"match": rule, "action": action}))

    def posts(self, talk: Talk) -> int:
        """How often something was to be posted into a conversation."""
        path = f"/conversations/{talk.number}/messages"
        calls = self.stack.provider_calls("chatwoot")
        return sum(call["method"] == "POST" and path in call["path"] for call in calls)

    @contextmanager
    def webhooks(self) -> Iterator[None]:
        """Chatwoot tells of everything that happens there, as long as this lasts: as a bot's webhook, and as the account's."""
        url = self.stack.described["endpoints"]["front_door"] + PATH
        secret = self.stack.described["secrets"][Event.secret]["value"]
        for kind in ("bot", "account"):
            self.control("PUT", f"/chatwoot/webhooks/{kind}", {"url": url, "secret": secret, "kind": kind})
        try:
            yield
        finally:
            for kind in ("bot", "account"):
                self.control("DELETE", f"/chatwoot/webhooks/{kind}")
            for fault in self.faults:
                self.stack.remove_fault(fault)

    def a_while(self) -> Waiting:
        until = time.monotonic() + WATCHED_S
        while time.monotonic() < until:
            yield

    def until(self, holds: Callable[[], bool]) -> Waiting:
        while not holds():
            yield
