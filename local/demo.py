"""The main job, by itself: signed orders go in, and a timeline shows what became of each and why.

    demo.py                       on the stack that runs, or on a fresh one that is gone afterwards
    demo.py --fresh               on a fresh one, whatever runs

It ends with 0 only if every order ended as it should and every customer got exactly the texts that were due.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import demo_cases
from demo_cases import Case, Shop, Story
from orders import Order, masked
from progress import StackError
from running import RunningStack, running_stack, stack_of_its_own
from timeline import RED, Timeline

PATIENCE_S = 90.0
TICK_S = 0.25
# On AWS a schedule starts them once a minute. Here nobody wants to wait for that.
TIMERS_EVERY_S = 1.0

# A request whose outcome nobody can tell was sent here: the demonstration knows, for it dropped the reply itself.
MAY_BE_SENT = ("sent", "unknown")

ALWAYS = "Mon-Sun 00:00-24:00"
# What the stack must be set to for the demonstration to end in a minute.
SETTINGS_MAX = {"PODIUM_LOOKUP_AFTER_SECONDS": 20, "REVIEW_RETRY_SECONDS": 10}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="on a stack of its own, even if one runs")
    parser.add_argument("--whole-workspace", action="store_true", help="for a fresh stack: see stack.py up --help")
    options = parser.parse_args()
    try:
        with _stack(options) as stack:
            if not demonstrate(stack, Timeline()):
                raise StackError("not everything ended as it should")
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _stack(options: argparse.Namespace) -> Iterator[RunningStack]:
    if not options.fresh and (stack := running_stack()):
        _check_settings(stack)
        print(f"on the stack that runs ({stack.described['endpoints']['front_door']})", file=sys.stderr)
        yield stack
        return
    with stack_of_its_own("demo", {}, whole_workspace=options.whole_workspace) as stack:
        yield stack


def _check_settings(stack: RunningStack) -> None:
    wrong = {name: str(most) for name, most in SETTINGS_MAX.items() if stack.seconds(name) > most}
    if stack.settings["REVIEW_ALLOWED_HOURS"] != ALWAYS:
        wrong["REVIEW_ALLOWED_HOURS"] = ALWAYS
    if stack.seconds("REVIEW_BUFFER_SECONDS") >= stack.seconds("REVIEW_MAX_AGE_DAYS") * 86_400:
        wrong["REVIEW_BUFFER_SECONDS"] = "5"
    if wrong:
        settings = " ".join(f"{name}='{value}'" for name, value in wrong.items())
        raise StackError(
            "the stack that runs is set to times that a demonstration cannot wait for. Stop it and start it as\n"
            f"  {settings} make run\nor let the demonstration have a stack of its own: make demo ARGS=--fresh"
        )


def demonstrate(stack: RunningStack, timeline: Timeline) -> bool:
    """Plays all cases and returns whether they ended as they should."""
    shop, ledger = Shop(stack), Ledger(stack)
    cases = demo_cases.cases(shop)
    buffer_s = stack.seconds("REVIEW_BUFFER_SECONDS")
    timeline.say(f"{len(cases)} cases at {stack.shop}; the buffer for refunds is set to {buffer_s} s\n")
    timeline.say(timeline.dim(f"{'time':>8}  order   ✓ {'what':<36} what became of it, and why"))
    try:
        good = Play(shop, ledger, timeline).run(cases)
    finally:
        for fault in shop.faults:
            stack.remove_fault(fault)
    timeline.say()
    return _right_texts(shop, ledger, timeline) and good


class Ledger:
    """What customers have noticed since the demonstration began."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._before = max((effect["seq"] for effect in stack.ledger()), default=0)

    def texts(self, phones: set[str]) -> list[dict[str, Any]]:
        new = (effect for effect in self._stack.ledger() if effect["seq"] > self._before)
        return [effect for effect in new if effect["phone"] in phones]


@dataclass
class Playing:
    """A case whose story has begun."""

    case: Case
    story: Story
    orders: list[Order] = field(default_factory=list)


class Play:
    """All stories side by side, until the last has ended."""

    def __init__(self, shop: Shop, ledger: Ledger, timeline: Timeline) -> None:
        self._shop = shop
        self._ledger = ledger
        self._timeline = timeline
        self._timers_at = float("-inf")
        self._good = True

    def run(self, cases: list[Case]) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        playing = [Playing(case, case.story(self._shop)) for case in cases]
        while playing and time.monotonic() < deadline:
            self._run_timers()
            self._shop.requests = self._shop.stack.requests(self._shop.orders)
            self._timeline.progress(f"{len(playing)} to go, such as: {playing[0].case.what}")
            playing = [each for each in playing if not self._has_ended(each)]
            time.sleep(TICK_S)
        for each in playing:
            stands = ", ".join(self._shop.stands(order) for order in each.orders)
            self._show(each, f"no end within {PATIENCE_S:.0f} s: {stands}")
        return self._good

    def _run_timers(self) -> None:
        if time.monotonic() - self._timers_at >= TIMERS_EVERY_S:
            self._timers_at = time.monotonic()
            self._shop.stack.run_timer("promote")
            self._shop.stack.run_timer("sweep")

    def _has_ended(self, playing: Playing) -> bool:
        known, became = set(self._shop.orders), None
        try:
            next(playing.story)
        except StopIteration as end:
            became = end.value
        playing.orders += [order for id, order in self._shop.orders.items() if id not in known]
        if became is not None:
            self._show(playing, became)
        return became is not None

    def _show(self, playing: Playing, became: str) -> None:
        timeline, case = self._timeline, playing.case
        good = became == case.expected
        self._good = self._good and good
        order = playing.orders[0].name if playing.orders else ""
        timeline.say(f"{timeline.clock}  {order:<7} {timeline.mark(good)} {case.what:<36} {became}")
        if not good:
            timeline.say(timeline.coloured(f"{'':>18}  expected: {case.expected}", RED))
        for text in self._ledger.texts({order.phone for order in playing.orders if order.phone}):
            words = f"“{text['body']}”" if text["kind"] == "message" else "a review invitation, in Podium's own words"
            timeline.say(timeline.dim(f"{'':>18}  {masked(text['phone'])} {words}"))


def _right_texts(shop: Shop, ledger: Ledger, timeline: Timeline) -> bool:
    """One text for each request that says so, whoever it went to, and no other."""
    shop.requests = shop.stack.requests(shop.orders)
    sent = [id for id, row in shop.requests.items() if row["st"] in MAY_BE_SENT]
    due = Counter(shop.orders[id].phone for id in sent)
    phones = shop.phones | {order.phone for order in shop.orders.values() if order.phone}
    got = Counter(text["phone"] for text in ledger.texts(phones))
    wrong = {phone for phone in phones if got[phone] != due[phone]}
    for phone in sorted(wrong):
        timeline.say(f"{timeline.mark(False)} {masked(phone)} got {got[phone]} texts, and {due[phone]} were due")
    if not wrong:
        asked, spared = len(due), len(phones) - len(due)
        timeline.say(f"{timeline.mark(True)} {asked} customers got one text each, {spared} got none, as they should")
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
