"""The moments at which a function is killed: a round waits for one of them, so that kills land inside the work.

Nobody can see into a function from outside, but everybody can see what it has under way: webhooks not yet answered,
rows that it holds, calls that the providers have not answered yet.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError

from kill_chats import Chats
from kill_deliveries import Deliveries
from kill_traffic import Traffic
from running import RunningStack

LOOK_EVERY_S = 0.005
# A moment that has not come by then will not come this round; then any moment is as good.
PATIENCE_S = 8.0
# A lost text is looked up when the lease of whoever lost it is over.
LOOK_UP_PATIENCE_S = 16.0
JUST_NOW_MS = 200
ANY_MOMENT = "at a moment like any other"


class Clockwork(threading.Thread):
    """Starts the timers every second, as AWS would every minute, whatever becomes of them."""

    def __init__(self, stack: RunningStack) -> None:
        super().__init__(daemon=True)
        self.runs = 0
        self.broken_off = 0
        self.busy = False
        self._stack = stack
        self._stopping = threading.Event()

    def run(self) -> None:
        while not self._stopping.wait(0.5):
            for task in ("promote", "sweep", "sessions", "mirror", "sends", "notices"):
                self.busy = True
                try:
                    self.broken_off += not self._stack.run_timer(task)
                except BotoCoreError:
                    self.broken_off += 1
                self.busy = False
                self.runs += 1

    def stop(self) -> None:
        self._stopping.set()
        self.join()


@dataclass(frozen=True)
class Moment:
    """Something that a function has under way."""

    function: str
    words: str
    has_come: Callable[[Scene], object]
    # How much later the kill may come: about as long as the moment lasts.
    lasts_s: float
    patience_s: float = PATIENCE_S


@dataclass(frozen=True)
class Scene:
    """What can be seen from outside."""

    stack: RunningStack
    deliveries: Deliveries
    traffic: Traffic
    chats: Chats
    clockwork: Clockwork

    def calls(self, method: str, path: str, whose: Whose | None = None) -> list[dict[str, Any]]:
        """Calls to a provider that have no answer yet; those about certain people only."""
        provider = "shopify" if path.startswith("/admin") else "slack" if path.startswith("/services") else "podium"
        asked = self.stack.provider_calls(provider, method=method, path_prefix=path)
        phones = {person.phone for person in whose(self)} if whose else None
        since_ms = time.time() * 1000 - 5000
        open_calls = (call for call in asked if call["status"] is None and call["at_ms"] > since_ms)
        return [call for call in open_calls if phones is None or call["phone"] in phones]

    def holds(self, source: str) -> bool:
        """Whether a worker took an event just now; one that was killed seems to hold its own until the lease ends."""
        lease_ms = self.stack.seconds("FRONTDESK_LEASE_SECONDS") * 1000
        until_ms = int(time.time() * 1000) + lease_ms - JUST_NOW_MS
        return self.stack.leased("inbox", until_ms=until_ms, prefix=f"{source}#")

    def texts(self, whose: Whose, *, out: bool) -> bool:
        """Whether a text is under way: asked for and not sent yet, or sent and not yet answered."""
        asked = {call["request_id"] for path in TEXTS for call in self.calls("POST", path, whose)}
        if not asked:
            return False
        done = {effect["request_id"] for effect in self.stack.ledger()}
        return bool(asked & done) if out else bool(asked - done)


# Both kinds of people get texts, from different functions.
Whose = Callable[[Scene], Sequence[Any]]


def buyers(scene: Scene) -> Sequence[Any]:
    return scene.traffic.buyers


def guests(scene: Scene) -> Sequence[Any]:
    return scene.chats.guests


# What makes a customer's phone ring, in the one contract and in the other.
TEXTS = ("/v4/messages", "/v4/review-invitations", "/v4/conversations")

WEBHOOKS = Moment(
    "shopify-orders", "while webhooks were on their way in", lambda s: s.deliveries.in_flight("/shopify") > 0, 0.12
)
EVENTS = Moment("shopify-worker", "while it held an event", lambda s: s.holds("shopify"), 0.02)
PROMOTING = Moment("timers", "in the middle of a run", lambda s: s.clockwork.busy, 0.03)
READING = Moment("review-sender", "while it read an order again", lambda s: s.calls("POST", "/admin/api"), 0.3)
LINKING = Moment("review-sender", "while Podium made a link", lambda s: s.calls("POST", "/v4/reviews/invites"), 0.2)
SENDING = Moment(
    "review-sender", "while a text was asked for, not yet sent", lambda s: s.texts(buyers, out=False), 0.1
)
SENT = Moment(
    "review-sender", "while a text was out, Podium's reply not in", lambda s: s.texts(buyers, out=True), 0.1
)
LOOKING_UP = Moment(
    "review-sender",
    "while it looked a lost text up",
    lambda s: s.calls("GET", "/v4/con", buyers),
    0.05,
    LOOK_UP_PATIENCE_S,
)
WEBCHATS = Moment(
    "podium-webchat", "while webchats were on their way in", lambda s: s.deliveries.in_flight("/podium/webchat"), 0.12
)
MESSAGES = Moment(
    "podium-sms", "while texts were on their way in", lambda s: s.deliveries.in_flight("/podium/sms"), 0.12
)
NEWS = Moment(
    "podium-contacts", "while news were on their way in", lambda s: s.deliveries.in_flight("/podium/contacts"), 0.12
)
REVIEWS = Moment(
    "podium-reviews", "while reviews were on their way in", lambda s: s.deliveries.in_flight("/podium/reviews"), 0.12
)
TELLING = Moment("notifier", "while people were being told", lambda s: s.calls("POST", "/services"), 0.2)
WORKING = Moment("podium-worker", "while it held a message", lambda s: s.holds("podium"), 0.02)
FINDING = Moment(
    "podium-worker", "while Podium looked for a contact", lambda s: s.calls("GET", "/v4/contacts", guests), 0.1
)
MAKING = Moment(
    "podium-worker", "while Podium made a contact", lambda s: s.calls("POST", "/v4/contacts", guests), 0.1
)
CONFIRMING = Moment(
    "podium-worker", "while a reply was asked for, not yet sent", lambda s: s.texts(guests, out=False), 0.1
)
CONFIRMED = Moment(
    "podium-worker", "while a reply was out, Podium's answer not in", lambda s: s.texts(guests, out=True), 0.1
)

# Every function in turn, the senders at each step of a send, and now and then several functions at once.
TURNS: list[Moment | None] = [
    *(WEBHOOKS, WORKING, EVENTS, SENDING, WEBCHATS, CONFIRMING, SENT, TELLING),
    *(PROMOTING, MAKING, READING, CONFIRMED, None, MESSAGES, EVENTS, REVIEWS),
    *(FINDING, SENT, NEWS, LINKING, CONFIRMED, WORKING, LOOKING_UP, SENDING, TELLING),
]


@dataclass(frozen=True)
class Kill:
    """What was killed, and in the middle of what."""

    functions: dict[str, int]
    words: str

    def __str__(self) -> str:
        if len(self.functions) > 1:
            return f"{sum(self.functions.values())} processes of {len(self.functions)} functions"
        return "".join(f"{count} {function}" for function, count in self.functions.items()) or "nothing"


def strike(scene: Scene, moment: Moment | None, rng: random.Random) -> Kill:
    """Waits for the moment and kills; without a moment, kills several functions at once."""
    if moment is None:
        time.sleep(rng.uniform(0.0, 1.0))
        functions = rng.sample(scene.stack.functions(), k=rng.randint(2, 4))
        return Kill(_killed({function: scene.stack.bootstraps(function) for function in functions}), "all at once")
    words = moment.words if _wait_for(scene, moment) else ANY_MOMENT
    time.sleep(rng.uniform(0.0, moment.lasts_s))
    running = scene.stack.bootstraps(moment.function)
    # Who of them has the call under way cannot be seen: mostly all of them go.
    chosen = running if rng.random() < 0.7 else rng.sample(running, k=min(1, len(running)))
    return Kill(_killed({moment.function: chosen}), words)


def _wait_for(scene: Scene, moment: Moment) -> bool:
    deadline = time.monotonic() + moment.patience_s
    while not (moment.has_come(scene) and scene.stack.bootstraps(moment.function)):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True


def _killed(chosen: dict[str, list[int]]) -> dict[str, int]:
    """Kills, and counts those that were still there."""
    killed = Counter[str]()
    for function, pids in chosen.items():
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed[function] += 1
    return dict(killed)
