"""Podium's side of the house: what customers write, as its webhooks bring it, signed in each of the three ways.

Every body starts as one of the sample events, so that it has all of Podium's fields, and gets an id, a person and a
time of its own.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from progress import StackError
from running import RunningStack

SAMPLES = Path(__file__).resolve().parent.parent / "events" / "podium"

WEBCHAT, SMS, CONTACTS, REVIEWS = ENDPOINTS = ("/podium/webchat", "/podium/sms", "/podium/contacts", "/podium/reviews")
SCHEMES = ("published", "brief_body", "brief_t_v1")

Body = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One delivery: Podium repeats it with the same bytes until it hears a 2xx."""

    body: bytes
    path: str = WEBCHAT
    scheme: str = "published"
    # The headers of a signature that was made long ago; else it is signed when it is sent.
    signed: Mapping[str, str] | None = None
    secret: ClassVar[str] = "PODIUM_WEBHOOK_SECRET_ARN"

    @property
    def keys(self) -> list[str]:
        """The inbox's keys of its events, in the order in which they stand there."""
        return [f"podium#{id}" for id in _ids(self.body)]

    def headers(self, shop: str, secret: str) -> dict[str, str]:
        signature = self.signed if self.signed is not None else signed(self.scheme, secret, self.body, time.time())
        return {"content-type": "application/json", **signature}

    def to(self, path: str) -> Event:
        return replace(self, path=path)


def signed(scheme: str, secret: str, body: bytes, at: float) -> dict[str, str]:
    """The headers that prove where a body comes from."""

    def digest(message: bytes) -> str:
        return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()

    match scheme:
        case "published":
            at_ms = str(int(at * 1000))
            return {"podium-timestamp": at_ms, "podium-signature": digest(f"{at_ms}.".encode() + body)}
        case "brief_body":
            return {"x-podium-signature": digest(body)}
        case "brief_t_v1":
            at_s = str(int(at))
            return {"x-podium-signature": f"t={at_s},v1={digest(f'{at_s}.'.encode() + body)}"}
    raise ValueError(f"no scheme: {scheme}")


@dataclass(frozen=True)
class Visitor:
    """Somebody who writes to a location; None is a page that does not say which."""

    phone: str
    location: str | None
    name: str
    conversation: str

    @property
    def session(self) -> str:
        return f"{self.phone}#{self.location}"

    @property
    def local(self) -> str:
        """The number as people of its country write it; one of the United States."""
        return f"({self.phone[2:5]}) {self.phone[5:8]}-{self.phone[8:]}"

    def chats(self, text: str, at: float | None = None) -> Event:
        """Writes on a web page."""
        return Event(self._published("published.message.received.webchat.json", text, at))

    def chats_as_in_the_briefs(self, text: str, at: float | None = None, **data: Any) -> Event:
        """The same in the briefs' words. Extra fields replace the usual ones; None leaves one out."""
        body = sample("brief.webchat.message.received.json")
        body |= {"id": f"evt_{uuid.uuid4()}", "occurred_at": round(at or time.time(), 3)}
        body["data"] |= {
            "session_uid": self.conversation,
            "message_uid": str(uuid.uuid4()),
            "from": self.phone,
            "country": None,
            "location_uid": self.location,
            "body": text,
        } | data
        body["data"] = {name: value for name, value in body["data"].items() if value is not None}
        return Event(wire(body), scheme="brief_t_v1")

    def texts(self, text: str, at: float | None = None) -> Event:
        """Sends a text message."""
        return Event(self._published("published.message.received.phone.json", text, at), SMS)

    def mails(self, text: str) -> Event:
        """Sends an e-mail, which names no phone."""
        return Event(self._published("published.message.received.email.json", text, None, "guest@example.test"), SMS)

    def _published(self, file: str, text: str, at: float | None, identifier: str | None = None) -> bytes:
        body = sample(file)
        data, written = body["data"], iso(at or time.time())
        data |= {"uid": str(uuid.uuid4()), "body": text, "createdAt": written, "contactName": self.name}
        data["contact"] |= {"name": self.name, "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, self.phone))}
        data["conversation"] |= {"uid": self.conversation, "startedAt": written}
        data["conversation"]["channel"]["identifier"] = identifier or self.phone
        data["location"] = {**data["location"], "uid": self.location} if self.location else None
        for item in data["items"]:
            item |= {"uid": str(uuid.uuid4()), "body": text, "createdAt": written}
        body["metadata"]["eventUid"] = str(uuid.uuid4())
        return wire(body)


def says_stop(stack: RunningStack, phone: str, at: float | None = None, source: str = "sms") -> None:
    """Somebody of whom nothing else is known said STOP, by a text or on a web page."""
    visitor = Visitor(phone, "loc_nowhere", "Ann Example", str(uuid.uuid4()))
    event = visitor.texts("STOP", at) if source == "sms" else visitor.chats("STOP", at)
    scheme = stack.settings["PODIUM_SIGNATURE_SCHEMES"].split(",")[0]
    if not (answer := stack.deliver(replace(event, scheme=scheme))).taken:
        raise StackError(f"a STOP was answered {answer}")


def sample(file: str) -> Body:
    return copy.deepcopy(_read(file))


@lru_cache
def _read(file: str) -> Body:
    return json.loads((SAMPLES / file).read_text(encoding="utf-8"))


def wire(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def hash_id(body: bytes) -> str:
    """The id of an event that has none of its own."""
    return f"sha256-{hashlib.sha256(body).hexdigest()}"


def _ids(body: bytes) -> list[str]:
    whole = hash_id(body)
    try:
        read = json.loads(body)
    except ValueError:
        return [whole]
    events = read.get("events") if isinstance(read, dict) else read
    if isinstance(events, list):
        return [_own_id(event) or "" for event in events]
    return [_own_id(read) or whole]


def _own_id(event: Any) -> str | None:
    if not isinstance(event, dict):
        return None
    metadata = event.get("metadata") or {}
    named = (metadata.get("eventUid"), metadata.get("event_uid"), event.get("event_id"), event.get("id"))
    return next(filter(None, named), None)
