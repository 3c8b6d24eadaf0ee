"""What comes after a message: what became of it at the carrier, what was written in reviews, and who was told of it.

The scene of the demonstration's third part: the front desk (desk.py), the people behind it, and a Podium that sends its
webhooks itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from chats import REVIEWS, SMS, Event
from desk import OPEN, Desk, word
from orders import Customer, Order, Webhook
from people import People, Told
from reviews import Review
from running import Row, RunningStack
from stage import Story

# Podium's webhooks as a shop sets them up: which events go where. Names of the shapes' events.
HOOKS = {"messages": (SMS, ["message.", "webchat."]), "reviews": (REVIEWS, ["review.", "review_invitation."])}
SCHEMES = {"published": "published", "brief": "brief_t_v1"}
# What people have to know at once they are to know within seconds, however slow this machine is.
SECONDS = 15.0


class After(Desk):
    """The front desk, and what comes after."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(stack)
        self.people = People(stack)
        self.told: list[Told] = []
        self.sends: dict[int, Row] = {}
        # Everybody who buys is shown, too.
        self.parts = self.shop.parts
        self._planned: set[str] = set()

    def leave(self) -> None:
        for phone in list(self._planned):
            self.unplan(phone)
        super().leave()

    def look(self) -> None:
        super().look()
        self.told = self.people.told()
        self.sends = self.stack.sends(self.shop.orders)

    # ---- Podium's webhooks

    @contextmanager
    def webhooks(self) -> Iterator[None]:
        """Podium tells of everything that happens there, as long as this lasts."""
        secret = self.stack.described["secrets"][Event.secret]["value"]
        scheme = SCHEMES[self.stack.settings["PODIUM_CONTRACT"]]
        for name, (path, kinds) in HOOKS.items():
            url = self.stack.described["endpoints"]["front_door"] + path
            self.stack.webhook(name, url=url, secret=secret, scheme=scheme, event_types=kinds, tries=20)
        try:
            yield
        finally:
            for name in HOOKS:
                self.stack.remove_webhook(name)

    def lose_webhooks(self, lost: bool) -> None:
        """Whether Podium's webhooks get lost on their way from now on."""
        for name in HOOKS:
            self.stack.webhook(name, drop=lost)

    def sent_by_podium(self, about: Callable[[dict[str, Any]], bool]) -> list[Event]:
        """What Podium sent or tried to send, as it can be delivered again."""
        found = [one for one in self.stack.podiums_webhooks() if one["hook"] in HOOKS and about(one)]
        bodies = dict.fromkeys((one["body"], HOOKS[one["hook"]][0]) for one in found)
        return [Event(body.encode(), path) for body, path in bodies]

    def plan(self, phone: str, status: str, reason: str | None = None) -> None:
        """What is to become of the texts to somebody."""
        self._planned.add(phone)
        self.stack.plan_delivery(phone, status, reason)

    def unplan(self, phone: str) -> None:
        self._planned.discard(phone)
        self.stack.forget_plan(phone)

    # ---- Requests, and what became of them

    def asked(self, customer: Customer, due_in: float = -1.0) -> Generator[None, None, Order]:
        """Somebody buys something, and the request for a review comes to its end."""
        made = self.shop.order(customer, due_in)
        self.shop.deliver(made.fulfilled())
        yield from self.shop.end_of(made)
        return made

    def next_order(self, customer: Customer) -> Story:
        """How the request of somebody's next order ends."""
        made = yield from self.asked(customer)
        return self.shop.state_of(made)

    def fate(self, made: Order) -> str:
        """What is known of the text of an order's request."""
        row = self.sends.get(made.id, {})
        match row.get("st"):
            case "accepted":
                return "handed on" if "news_weight" in row else "no news"
            case "undelivered":
                return str(row["failure_kind"])
            case word:
                return str(word)

    def fate_told(self, made: Order) -> Story:
        """The same, as soon as somebody said something."""
        while (fate := self.fate(made)) in ("no news", "None", "sending"):
            yield
        return fate

    def id_of(self, made: Order) -> str:
        """Podium's id of the text of an order's request."""
        return str(self.sends[made.id]["message_id"])

    def invitation(self, made: Order) -> str:
        """The id of what a review names that came of an order's request."""
        return str(self.sends[made.id].get("invite_uid") or self.id_of(made))

    # ---- Shopify's other webhooks

    def delivers_to_shop(self, webhook: Webhook) -> str:
        return self.shop.deliver(webhook).text

    def ended(self, webhook: Webhook) -> Story:
        """How the event of one of Shopify's webhooks ended."""
        [key] = webhook.keys
        while (row := self.stack.events([key]).get(key, {})).get("st") in OPEN:
            yield
        return word(row)

    # ---- Reviews, and who hears of them

    def review(self, made: Order | None = None, **fields: Any) -> Review:
        """Somebody reviews the shop; because they were asked to, if there is an order."""
        location = self.sends[made.id]["location_uid"] if made else self.location_uid
        return Review(location, invitation=self.invitation(made) if made else None, **fields)

    @property
    def location_uid(self) -> str:
        return str(self.stack.locations[0]["podium_location"])

    def tellings(self, key: str) -> list[Told]:
        return [told for told in self.told if told.key == key]

    def is_told(self, key: str) -> Generator[None, None, Told]:
        """What people were told under that name, once they are."""
        while not (tellings := self.tellings(key)):
            yield
        return tellings[0]

    def how_soon(self, told: Told, event: Event) -> str:
        """How long people had to wait for it, in words."""
        [key] = event.keys
        seconds = (told.at_ms - float(self.rows[key]["received_at_ms"])) / 1000
        return "within seconds" if seconds <= SECONDS else f"after {seconds:.0f} s"

    def slack_fails(self, review: Review, action: dict[str, Any], times: int | str = "forever") -> int:
        """Lets Slack fail about one review and no other."""
        return self.way_fails("slack", "/services", review, action, times)

    def way_fails(
        self, provider: str, path: str, review: Review, action: dict[str, Any], times: int | str = "forever"
    ) -> int:
        match = {"provider": provider, "path_prefix": path, "contains": review.uid}
        return self.fault(match, action, times)

    # ---- Time

    @property
    def long_ago(self) -> float:
        """A moment at which nobody waits for a webhook any more."""
        return time.time() - self.stack.seconds("RECONCILE_SETTLE_SECONDS") - 60
