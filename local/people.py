"""The shop's people: what they were told, over which way, and when. Read from the stand-ins' ledger, not from our tables."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

from running import RunningStack

SLACK, WEBHOOK, TOPIC = "slack", "webhook", "topic"
WEBHOOK_PATH, TOPIC_PATH = "/frontdesk", "/topic"
SIGNATURE = "x-frontdesk-signature"


@dataclass(frozen=True)
class Told:
    """Something that people were told. Its key names it for ever, over whichever way it came."""

    key: str
    way: str
    at_ms: int
    text: str
    body: str
    headers: dict[str, str]

    @property
    def kind(self) -> str:
        return self.key.split("#")[1]


class People:
    """Those who have to know."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._before = max((notice["seq"] for notice in stack.notices()), default=0)

    def told(self, *, ever: bool = False) -> list[Told]:
        """What they were told since this began, or ever."""
        since = 0 if ever else self._before
        read = (_read(notice) for notice in self._stack.notices() if notice["seq"] > since and notice["status"] == 200)
        return [told for told in read if told]

    def is_signed(self, told: Told) -> bool:
        """Whether the signature on a webhook is the shop's own."""
        secret = json.loads(self._stack.described["secrets"]["NOTIFY_WEBHOOK_SECRET_ARN"]["value"])["signing_secret"]
        parts = dict(part.split("=", 1) for part in told.headers.get(SIGNATURE, "t=0,v1=").split(","))
        made = hmac.new(secret.encode(), f"{parts['t']}.{told.body}".encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(made, parts["v1"])


def _read(notice: dict[str, Any]) -> Told | None:
    body = json.loads(notice["body"])
    if notice["channel"] == SLACK:
        texts = [_text_of(block) for block in body["blocks"]]
        way, key, text = SLACK, texts[-1], "\n".join([body["text"], *texts])
    elif notice["path"] == TOPIC_PATH:
        if body["Type"] != "Notification":
            return None
        way, key, text = TOPIC, body["Message"].splitlines()[-1], body["Message"]
    else:
        facts = [f"{label}: {value}" for label, value in body["facts"].items()]
        way, key = WEBHOOK, body["id"]
        text = "\n".join(filter(None, [body["headline"], *facts, body["quote"], body["action"]]))
    return Told(key, way, notice["at_ms"], text, notice["body"], notice["headers"])


def _text_of(block: dict[str, Any]) -> str:
    return str((block.get("text") or block["elements"][0])["text"])
