"""Messages that flow while functions are killed: who writes, in which order, and what each of them must see."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from chats import ENDPOINTS, Event, Visitor
from kill_deliveries import Deliveries
from orders import NAMES
from running import RunningStack

LOCATION = "loc_austin"
CROWD = 5


@dataclass
class Guest:
    """Somebody who writes, and what of it has to be in the session."""

    kind: str
    visitor: Visitor
    # Whether STOP was taken before anything else was written.
    silent: bool = False
    said: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    stop: Event | None = None

    @property
    def phone(self) -> str:
        return self.visitor.phone


class Chats:
    """What customers write, delivered side by side and signed in every way that counts."""

    def __init__(
        self, stack: RunningStack, rng: random.Random, deliveries: Deliveries, phones: Iterator[str]
    ) -> None:
        self.guests: list[Guest] = []
        self._stack = stack
        self._rng = rng
        self._deliveries = deliveries
        self._phones = phones
        self._schemes = itertools.cycle(stack.settings["PODIUM_SIGNATURE_SCHEMES"].split(","))
        # The briefs' Podium answers into a conversation; the published one makes it with the first answer.
        self._opens = stack.settings["PODIUM_CONTRACT"] == "brief"

    def burst(self, guests: int) -> None:
        """So many new customers at once."""
        kinds: list[Callable[[], None]] = [
            *([self._writes] * 3),
            *([self._delivered_thrice] * 2),
            *([self._crowd] * 2),
            *([self._stops] * 2),
            *([self._stops_first] * 2),
        ]
        for _ in range(guests):
            self._rng.choice(kinds)()

    def _writes(self) -> None:
        guest = self._guest("three messages, one after the other")
        self._deliveries.deliver(*(self._says(guest, text) for text in ("1", "blue", "two please")))

    def _delivered_thrice(self) -> None:
        guest = self._guest("a message delivered to each endpoint")
        event = self._says(guest, "Hello")
        for path in ENDPOINTS:
            self._deliveries.deliver(event.to(path))

    def _crowd(self) -> None:
        guest = self._guest(f"{CROWD} first messages at once")
        for number in range(CROWD):
            self._deliveries.deliver(self._says(guest, f"message {number}"))

    def _stops(self) -> None:
        guest = self._guest("a message, STOP, and a message")
        first = self._says(guest, "Hello")
        self._deliveries.deliver(first, self._stop(guest), self._says(guest, "Hello?"))

    def _stops_first(self) -> None:
        guest = self._guest("STOP, and messages")
        guest.silent = True
        self._deliveries.deliver(self._stop(guest), self._says(guest, "1"), self._says(guest, "2"))

    def _guest(self, kind: str) -> Guest:
        phone = next(self._phones)
        visitor = Visitor(phone, LOCATION, f"{self._rng.choice(NAMES)} Example", f"conversation-{phone[1:]}")
        if self._opens:
            self._stack.open_conversation(visitor.conversation, phone, LOCATION)
        self.guests.append(Guest(kind, visitor))
        return self.guests[-1]

    def _says(self, guest: Guest, text: str) -> Event:
        says = self._rng.choice([guest.visitor.chats, guest.visitor.chats_as_in_the_briefs])
        guest.said.append(text)
        return self._sent(guest, says(text))

    def _stop(self, guest: Guest) -> Event:
        # Whatever else is wrong with it.
        nowhere = replace(guest.visitor, location=self._rng.choice([LOCATION, "loc_nowhere", None]))
        guest.stop = self._sent(guest, self._rng.choice([nowhere.texts, nowhere.chats])("STOP"))
        return guest.stop

    def _sent(self, guest: Guest, event: Event) -> Event:
        guest.events.append(replace(event, path=self._rng.choice(ENDPOINTS), scheme=next(self._schemes)))
        return guest.events[-1]
