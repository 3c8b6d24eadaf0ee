"""The stage of the demonstrations: stories told side by side, until the last has ended.

A story is a generator. It yields whenever it has to wait, so that all of them run at once, and returns in words what
came of it. The words are compared with what its case expects.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from orders import masked
from running import RunningStack
from timeline import RED, Timeline

PATIENCE_S = 90.0
TICK_S = 0.25
# On AWS a schedule starts them once a minute. Here nobody wants to wait for that.
TIMERS_EVERY_S = 1.0

Story = Generator[None, None, str]


@dataclass(frozen=True)
class Case:
    """A story and how it has to end."""

    what: str
    expected: str
    story: Callable[[Any], Story]


@dataclass(frozen=True)
class Part:
    """What a story is about, as far as it is shown: an order, or somebody who writes."""

    label: str
    phone: str | None


class Scene(Protocol):
    """Where stories take place."""

    # Whatever the stories bring in is appended here.
    parts: list[Part]

    def look(self) -> None:
        """Reads what may have changed since the last time."""

    def stands(self, part: Part) -> str:
        """How something stands, for a story without an end."""


class Ledger:
    """What customers have noticed since the demonstration began."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._before = max((effect["seq"] for effect in stack.ledger()), default=0)

    def texts(self, phones: Iterable[str]) -> list[dict[str, Any]]:
        wanted = set(phones)
        return [text for text in self._stack.ledger() if text["seq"] > self._before and text["phone"] in wanted]


@dataclass
class _Playing:
    """A case whose story has begun."""

    case: Case
    story: Story
    parts: list[Part] = field(default_factory=list)


class Stage:
    """Plays stories, and shows how each of them ended."""

    def __init__(self, stack: RunningStack, ledger: Ledger, timeline: Timeline, timers: Iterable[str]) -> None:
        self._stack = stack
        self._ledger = ledger
        self._timeline = timeline
        self._timers = list(timers)
        self._timers_at = float("-inf")
        self._good = True

    def play(self, cases: list[Case], scene: Scene, *, one_by_one: bool = False) -> bool:
        """Whether all of them ended as they should. `one_by_one`: each begins when the one before it has ended."""
        self._timeline.say(self._timeline.dim(f"{'time':>8}  {'':<7} ✓ {'what':<36} what became of it, and why"))
        for together in [[case] for case in cases] if one_by_one else [cases]:
            self._play(together, scene)
        return self._good

    def _play(self, cases: list[Case], scene: Scene) -> None:
        deadline = time.monotonic() + PATIENCE_S
        playing = [_Playing(case, case.story(scene)) for case in cases]
        while playing and time.monotonic() < deadline:
            self._run_timers()
            scene.look()
            self._timeline.progress(f"{len(playing)} to go, such as: {playing[0].case.what}")
            playing = [each for each in playing if not self._has_ended(each, scene)]
            time.sleep(TICK_S)
        for each in playing:
            stands = ", ".join(map(scene.stands, each.parts))
            self._show(each, f"no end within {PATIENCE_S:.0f} s: {stands}")

    def _run_timers(self) -> None:
        if time.monotonic() - self._timers_at >= TIMERS_EVERY_S:
            self._timers_at = time.monotonic()
            for task in self._timers:
                self._stack.run_timer(task)

    def _has_ended(self, playing: _Playing, scene: Scene) -> bool:
        known, became = len(scene.parts), None
        try:
            next(playing.story)
        except StopIteration as end:
            became = end.value
        playing.parts += scene.parts[known:]
        if became is not None:
            self._show(playing, became)
        return became is not None

    def _show(self, playing: _Playing, became: str) -> None:
        timeline, case = self._timeline, playing.case
        good = became == case.expected
        self._good = self._good and good
        label = playing.parts[0].label if playing.parts else ""
        timeline.say(f"{timeline.clock}  {label:<7} {timeline.mark(good)} {case.what:<36} {became}")
        if not good:
            timeline.say(timeline.coloured(f"{'':>18}  expected: {case.expected}", RED))
        for text in self._ledger.texts(part.phone for part in playing.parts if part.phone):
            words = f"“{text['body']}”" if text["kind"] == "message" else "a review invitation, in Podium's own words"
            timeline.say(timeline.dim(f"{'':>18}  {masked(text['phone'])} {words}"))
