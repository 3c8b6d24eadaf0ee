"""Reviews as Podium's webhooks bring them, in each of the two shapes, and as its list has them."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from chats import REVIEWS, Event, iso, sample, wire

# Words that are meant to do harm where they are shown, and hold what nobody should see in passing.
HOSTILE = "Rude! <!channel> <@U012AB3CD> ring me: {number}, mara.quill@example.com <https://evil.example|Open>"


@dataclass(frozen=True)
class Review:
    """What somebody wrote about a location; the invitation that led to it, if one did."""

    location: str
    text: str = "Parcel never arrived"
    invitation: str | None = None
    uid: str = field(default_factory=lambda: f"rev-{uuid.uuid4()}")

    def notice(self, turn: int = 1) -> str:
        """The name of what people are told of it, when it comes into the class of bad ones for so many times."""
        return f"notice#bad_review#{self.uid}#{turn}"

    @property
    def unreadable(self) -> str:
        return f"notice#unreadable_review#{self.uid}"

    def published(self, rating: Any, *, changed_at: float | None = None, edited: bool = False) -> Event:
        """In Podium's own words."""
        body = sample("published.review.created.1star.json")
        at = iso(changed_at or time.time())
        body["data"] |= {"uid": self.uid, "updatedAt": at, "locations": [{"uid": self.location}]}
        body["data"] |= {} if edited else {"createdAt": at}
        body["data"]["review"] |= {"rating": rating, "body": self.text}
        attribution = {"reviewInvitationUid": self.invitation, "userUid": None, "apiClientUid": None}
        body["data"]["attributions"] = [attribution] if self.invitation else []
        kind = "review.updated" if edited else "review.created"
        body["metadata"] |= {"eventType": kind, "eventUid": str(uuid.uuid4())}
        return Event(wire(body), REVIEWS)

    def brief(self, rating: Any) -> Event:
        """In the briefs' words."""
        body = sample("brief.review.received.1star.json")
        body |= {"id": f"evt_{uuid.uuid4()}", "occurred_at": round(time.time(), 3)}
        body["data"] |= {"id": self.uid, "rating": rating, "body": self.text, "location_uid": self.location}
        body["data"] |= {"invitation_id": self.invitation} if self.invitation else {}
        return Event(wire(body), REVIEWS)
