"""The operator's tool against a stack that runs: each command as somebody would use it who was just paged."""

from __future__ import annotations

import tool_installation
import tool_people
from running import RunningStack
from stage import Ledger, Stage
from timeline import Timeline
from tool import Bench

TIMERS = ("promote", "sweep")


def demonstrate(stack: RunningStack, timeline: Timeline) -> bool:
    """Plays it and returns whether every command said and did what it should."""
    counter, cases = tool_people.Counter(stack), tool_people.cases()
    timeline.say(f"{len(cases)} cases of the tool, about people\n")
    with counter.webhooks():
        people = Stage(stack, Ledger(stack), timeline, TIMERS).play(cases, counter, one_by_one=True)
    counter.leave()
    cases = tool_installation.cases()
    timeline.say(f"\n{len(cases)} cases of the tool, about the installation: what is broken on purpose is found\n")
    return Stage(stack, Ledger(stack), timeline, TIMERS).play(cases, Bench(stack), one_by_one=True) and people
