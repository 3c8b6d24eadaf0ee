"""The shop's front desk on the day of the demonstration: who writes, what happens at Podium, and what became of it."""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from chats import Event, Visitor
from demo_cases import Shop
from orders import NAMES, Order
from running import Answer, Row, RunningStack
from stage import Ledger, Part, Story

LOCATION = "loc_austin"
KEYWORD = "podium_keyword_optout"
OPEN = (None, "waiting", "claimed")

# Long enough for a timer that would do something twice to do it.
WATCHED_S = 4.0
AT_ONCE = 50

Waiting = Generator[None, None, None]


class Desk:
    """The shop's front desk: who writes, and what became of it."""

    def __init__(self, stack: RunningStack) -> None:
        self.stack = stack
        self.shop = Shop(stack)
        self.parts: list[Part] = []
        self.rows: dict[str, Row] = {}
        self.texts: list[dict[str, Any]] = []
        self.schemes = stack.settings["PODIUM_SIGNATURE_SCHEMES"].split(",")
        self.faults: list[int] = []
        self.began_ms = int(time.time() * 1000)
        self._turns = itertools.cycle(self.schemes)
        self._locations: list[str] = []
        self._open: set[str] = set()
        self._ledger = Ledger(stack)
        self._pool = ThreadPoolExecutor(AT_ONCE)

    @property
    def is_published(self) -> bool:
        return self.stack.settings["PODIUM_CONTRACT"] == "published"

    def leave(self) -> None:
        """Takes away what the cases did to the providers."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for fault in self.faults + self.shop.faults:
            self.stack.remove_fault(fault)
        for location in self._locations:
            self.stack.remove_location(location)

    # ---- Who writes

    def number(self) -> str:
        """Of somebody whom nobody here knows."""
        return str(self.shop.customer().phone)

    def visitor(self, location: str | None = LOCATION) -> Visitor:
        phone = self.number()
        self.parts.append(Part(f"…{phone[-4:]}", phone))
        return Visitor(phone, location, random.choice(NAMES) + " Example", str(uuid.uuid4()))

    def guest(self) -> Visitor:
        """A visitor whose conversation is in Podium's inbox, as it is in life."""
        visitor = self.visitor()
        self.stack.open_conversation(visitor.conversation, visitor.phone, LOCATION)
        return visitor

    def location(self, **fields: Any) -> str:
        """One more location at Podium."""
        uid = f"loc_{uuid.uuid4().hex[:12]}"
        self.list_location(uid, **fields)
        return uid

    def list_location(self, uid: str, **fields: Any) -> None:
        self._locations.append(uid)
        self.stack.set_location(uid, **{"country": "US", **fields})

    # ---- What happens

    def hears(self, event: Event, **options: Any) -> Answer:
        """Delivers it, signed in each way in turn."""
        return self.delivers(replace(event, scheme=next(self._turns)), **options)

    def delivers(self, event: Event, **options: Any) -> Answer:
        self._open.update(event.keys)
        return self.stack.deliver(event, **options)

    def hears_at_once(self, events: Iterable[Event]) -> Generator[None, None, list[Answer]]:
        return (yield from self._all_of([self._pool.submit(self.hears, event) for event in events]))

    def hears_at(self, timed: Iterable[tuple[float, Event]]) -> Generator[None, None, list[float]]:
        """Delivers each at its moment, whatever else happens, and says when it was answered."""

        def deliver(at: float, event: Event) -> float:
            time.sleep(max(0.0, at - time.time()))
            self.hears(event)
            return time.time()

        return (yield from self._all_of([self._pool.submit(deliver, at, event) for at, event in timed]))

    def _all_of(self, running: list[Future[Any]]) -> Generator[None, None, list[Any]]:
        while not all(future.done() for future in running):
            yield
        return [future.result() for future in running]

    def buys(self, visitor: Visitor, due_in: float = -1.0) -> Order:
        """Somebody who writes here buys something, too."""
        return self.shop.order(self.shop.known_customer(visitor.phone), due_in)

    def fault(self, match: dict[str, Any], action: dict[str, Any], times: int | str = 1) -> int:
        rule = {"match": {"provider": "podium", **match}, "times": times, "action": action}
        self.faults.append(self.stack.add_fault(rule))
        return self.faults[-1]

    def mishap(self, visitor: Visitor, method: str, path: str, action: dict[str, Any], times: int = 1) -> int:
        """Lets Podium fail the next calls about somebody."""
        match = {"method": method, "path_prefix": path, "phone": visitor.phone}
        return self.fault(match, action, times)

    # ---- What became of it

    def look(self) -> None:
        self.shop.look()
        found = self.stack.events(list(self._open))
        self.rows |= found
        self._open -= {key for key, row in found.items() if row["st"] not in OPEN}
        self.texts = self._ledger.texts(part.phone for part in self.parts if part.phone)

    def stands(self, part: Part) -> str:
        waiting = sorted(self._open)
        return f"{part.label}; {len(waiting)} events have no end, such as {', '.join(waiting[:1]) or 'none'}"

    def became(self, event: Event) -> Story:
        """How the row of an event ended: the outcome's word, or the code of what is wrong."""
        [key] = event.keys
        while self.rows.get(key, {}).get("st") in OPEN:
            yield
        return word(self.rows[key])

    def all_became(self, events: Iterable[Event]) -> Generator[None, None, set[str]]:
        found = set()
        for event in events:
            found.add((yield from self.became(event)))
        return found

    def stored(self, event: Event) -> str:
        row = self.stack.event(event)
        return f"row {row['st']}: {word(row)}" if row else "nothing stored"

    def wish(self, visitor: Visitor) -> str:
        """What the contact's row says about being written to, and by which channel that came."""
        row = self.stack.contacts([visitor.phone]).get(visitor.phone, {})
        return f"{row[KEYWORD]} by {row[f'{KEYWORD}_evidence']['source']}" if KEYWORD in row else "no wish"

    def session(self, visitor: Visitor) -> Row:
        return self.stack.sessions([visitor.session]).get(visitor.session, {})

    def confirmations(self, visitor: Visitor) -> int:
        return self._said("WEBCHAT_CONFIRMATION", visitor)

    def prompts(self, visitor: Visitor) -> int:
        return self._said("WEBCHAT_PROMPT", visitor)

    def _said(self, setting: str, visitor: Visitor) -> int:
        # The words around the location's name.
        words = self.stack.settings[setting].split("{location_name}")
        told = [text["body"] for text in self.texts if text["phone"] == visitor.phone and text["kind"] == "message"]
        return sum(all(part in body for part in words) for body in told)

    def notes(self, visitor: Visitor) -> list[str]:
        return [note["body"] for note in self.stack.conversation(visitor.conversation)["notes"]]

    def told_podium(self, visitor: Visitor) -> bool:
        """Whether Podium's record says that somebody wants no messages, in whichever way it is told."""
        found = self.stack.podium_contacts(visitor.phone)
        return any(contact["tags"] or contact["opted_out"] or contact["campaigns"] == [] for contact in found)

    def until(self, condition: Callable[[], object]) -> Waiting:
        while not condition():
            yield

    def a_while(self, seconds: float = WATCHED_S) -> Waiting:
        """Looks whether something happens that should not."""
        end = time.monotonic() + seconds
        yield from self.until(lambda: time.monotonic() > end)

    def alarms(self, code: str) -> list[int]:
        """When the worker raised it, this stretch of time and later."""
        window_ms = self.stack.seconds("WEBCHAT_REJECTION_BURST_SECONDS") * 1000
        lines = self.stack.log_lines("podium-worker", self.began_ms // window_ms * window_ms)
        return [line["at_ms"] for line in lines if line.get("code") == code]


def word(row: Row) -> str:
    """What a row ended with: a word, or the code of what is wrong."""
    return row.get("outcome", row["st"]).split(" ")[0].rstrip(":")


def answers(session: Row | None, kind: str = "answers") -> list[str]:
    """What a customer answered in a session, or in the one before it (`kept`)."""
    return [answer["text"] for answer in (session or {}).get(kind, [])]


def counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
