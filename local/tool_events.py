"""`frontdesk events redrive` over thousands of parked events, killed in the middle and said again: none is lost, none is
worked on twice.

    tool_events.py                 500 events, on a stack of its own
    tool_events.py --rows 10000    as many as the guarantee names
    tool_events.py --here          on the stack that runs, such as that of `make run`

Most of the events are reviews of five stars, which text nobody; some are first messages of people of fictional numbers, who
must get their one confirmation. It ends with 0 only if every event is done after one attempt, every review was acted on
once, and everybody who wrote was answered exactly once.
"""

from __future__ import annotations

import argparse
import hashlib
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from chats import Event, Visitor
from orders import fictional_us
from progress import StackError
from reviews import Review
from running import RunningStack, running_stack, stack_of_its_own
from timeline import Timeline
from tool import Bench

ROWS = 500
# So many write; there are only so many fictional numbers.
GUESTS_MAX = 100
# How many rows DynamoDB writes at once.
BATCH_MAX = 25
RATE = 1000
# When the tool dies, as a part of the rows.
DIES_AT = 0.4
PATIENCE_S = 1800.0
# A look reads the whole table, which keeps the emulator from working meanwhile.
LOOKS_AT_ROWS_A_SECOND = 1000
# How long ago people wrote, and reviews came: the oldest are set going first, and nobody is answered after half an hour.
WROTE_MS, RATED_MS = 120_000, 60_000


@dataclass(frozen=True)
class Planted:
    """Events that their worker gave up on, as if Podium had sent them a while ago."""

    outcome: str
    reviews: dict[str, str]
    guests: dict[str, str]

    @property
    def keys(self) -> set[str]:
        return {*self.reviews.values(), *self.guests.values()}


def plant(stack: RunningStack, rows: int) -> Planted:
    location = stack.locations[0]["podium_location"]
    guests = [Visitor(phone, location, "Ann Example", str(uuid.uuid4())) for phone in _strangers(stack, rows)]
    written = {guest.phone: guest.chats("do you have kayaks") for guest in guests}
    reviews = [Review(location, "Lovely") for _ in range(rows - len(guests))]
    rated = {review.uid: review.published(5) for review in reviews}
    outcome = f"too_many_attempts: planted {uuid.uuid4().hex[:8]}"
    came = {WROTE_MS: written.values(), RATED_MS: rated.values()}
    rows_of = (_parked(event, outcome, ago_ms) for ago_ms, events in came.items() for event in events)
    stack.put_rows("inbox", rows_of, BATCH_MAX)
    return Planted(outcome, _keys(rated), _keys(written))


def _strangers(stack: RunningStack, rows: int) -> list[str]:
    """People of whom nothing is known, so that each is to get one confirmation."""
    some = list(fictional_us())
    known = stack.known_phones(some)
    return list(islice((phone for phone in some if phone not in known), min(GUESTS_MAX, rows // 10)))


def _keys(events: dict[str, Event]) -> dict[str, str]:
    return {name: event.keys[0] for name, event in events.items()}


def _parked(event: Event, outcome: str, ago_ms: int) -> dict[str, Any]:
    key, now_ms = event.keys[0], int(time.time() * 1000)
    return {
        "pk": key,
        "st": "parked",
        "outcome": outcome,
        "body_form": "plain",
        "body_bytes": event.body,
        "body_sha256": hashlib.sha256(event.body).hexdigest(),
        "received_at_ms": now_ms - ago_ms,
        "ended_at_ms": now_ms,
        "receipt": uuid.uuid4().hex,
        "attempts": 8,
        "owner_token": "somebody-of-yesterday",
        "group_id": hashlib.sha256(key.encode()).hexdigest()[:32],
    }


class Trial:
    """One redrive, its death, and what came of all."""

    def __init__(self, stack: RunningStack, rows: int) -> None:
        self._stack = stack
        self._rows = rows
        self._bench = Bench(stack)
        self._timeline = Timeline()
        self._since_ms = int(time.time() * 1000)
        self._run = f"trial-{uuid.uuid4().hex[:8]}"
        self._problems: list[str] = []

    def run(self) -> bool:
        say, clock = self._timeline.say, lambda: self._timeline.clock
        # As on AWS, where it is loaded before anybody writes.
        self._stack.run_timer("locations")
        before = {effect["seq"] for effect in self._stack.ledger()}
        planted = plant(self._stack, self._rows)
        say(f"{clock()}  {self._rows} parked events, {len(planted.guests)} of them of people who wrote")
        counted = self._bench.run(*self._command(planted), "--dry-run").document["count"]
        self._check(counted == self._rows, f"the plan counts {counted}")
        say(f"{clock()}  the plan counts {counted}")
        first = self._killed(planted)
        say(f"{clock()}  kill -9 after {first} were set going")
        second = self._bench.run(*self._command(planted), "--yes", patience_s=PATIENCE_S)
        self._check(second.code == 0, f"the second run ended with {second.code}: {second.why}")
        redriven = second.document["redriven"]
        self._check(first + redriven == self._rows, f"{first} and {redriven} are not {self._rows}")
        say(f"{clock()}  the same again: {redriven} more, {first + redriven} in all")
        self._wait(planted)
        say(f"{clock()}  no event waits any more")
        time.sleep(2.0)
        self._judge(planted, before)
        for problem in self._problems:
            say(f"{self._timeline.mark(False)} {problem}")
        if not self._problems:
            say(f"{self._timeline.mark(True)} {self._rows} events, each worked on once; {len(planted.guests)} people, "
                "each answered once")
        return not self._problems

    def _command(self, planted: Planted) -> list[str]:
        described = ["--reason", planted.outcome, "--rate", str(RATE), "--run", self._run]
        return ["events", "redrive", *described, "--because", "the trial of the redrive"]

    def _killed(self, planted: Planted) -> int:
        """Starts it, kills it in the middle, and says how many rows it had set going."""
        tool = subprocess.Popen(
            [self._bench.program, *self._command(planted), "--yes"],
            env=self._bench.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while tool.poll() is None and self._set_going() < self._rows * DIES_AT:
                time.sleep(self._rows / LOOKS_AT_ROWS_A_SECOND / 2)
        finally:
            tool.kill()
        self._check(tool.wait() == -signal.SIGKILL, "it had come to its end before it was killed")
        return self._set_going()

    def _set_going(self) -> int:
        return self._stack.count_rows("inbox", "replay_run", self._run)

    def _wait(self, planted: Planted) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while (left := self._rows - self._ended(planted)) > 0:
            if time.monotonic() > deadline:
                self._check(False, f"{left} events came to no end within {PATIENCE_S:.0f} s")
                return
            self._timeline.progress(f"{left} events are open")
            # What died between its write and the queue is the sweeper's, which has its own patience.
            self._stack.run_timer("sweep")
            time.sleep(self._rows / LOOKS_AT_ROWS_A_SECOND)

    def _ended(self, planted: Planted) -> int:
        ends = ("done", "rejected", "parked")
        return sum(1 for row in self._standing(planted) if row["st"] in ends and row.get("replays") == 1)

    def _standing(self, planted: Planted) -> list[dict[str, Any]]:
        rows = self._stack.all_rows("inbox", ["pk", "st", "outcome", "attempts", "replays"])
        return [row for row in rows if row["pk"] in planted.keys]

    # ---- What came of it

    def _judge(self, planted: Planted, before: set[int]) -> None:
        rows = self._standing(planted)
        self._check(len(rows) == self._rows, f"{self._rows - len(rows)} rows are gone")
        self._all(rows, lambda row: row["st"] == "done", "came to another end than done")
        self._all(rows, lambda row: row.get("replays") == 1, "were set going more than once, or never")
        self._all(rows, lambda row: row["attempts"] == 1, "were worked on more than once")
        kept = self._stack.reviews(planted.reviews)
        self._check(len(kept) == len(planted.reviews), f"{len(planted.reviews) - len(kept)} reviews are not known")
        self._all(kept.values(), lambda row: row["version_number"] == 1, "reviews were written more than once")
        acted = Counter(self._acted())
        once = sum(1 for key in planted.reviews.values() if acted[key] == 1)
        self._check(once == len(planted.reviews), f"{len(planted.reviews) - once} reviews were not acted on exactly once")
        answered = Counter(
            effect["phone"]
            for effect in self._stack.ledger()
            if effect["seq"] not in before and effect["phone"] in planted.guests
        )
        once = sum(1 for phone in planted.guests if answered[phone] == 1)
        self._check(once == len(planted.guests), f"{len(planted.guests) - once} people were not answered exactly once")

    def _acted(self) -> Iterator[str]:
        """The events whose review was acted on, each time."""
        for line in self._stack.all_log_lines("podium-worker", self._since_ms):
            if line.get("action") == "review_received":
                yield f"podium#{line['event_id']}"

    def _all(self, rows: Iterable[dict[str, Any]], holds: Callable[[dict[str, Any]], bool], otherwise: str) -> None:
        wrong = sum(1 for row in rows if not holds(row))
        self._check(wrong == 0, f"{wrong} {otherwise}")

    def _check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self._problems.append(otherwise)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS, help=f"default {ROWS}")
    parser.add_argument("--here", action="store_true", help="on the stack that runs")
    parser.add_argument("--whole-workspace", action="store_true", help="see stack.py up --help")
    options = parser.parse_args()
    if options.rows < 50:
        parser.error("--rows: 50 at least, or there is no middle")
    try:
        if options.here:
            stack = running_stack()
            if stack is None:
                raise StackError("nothing runs: `make run` first, in another terminal")
            return 0 if Trial(stack, options.rows).run() else 1
        with stack_of_its_own("demo-redrive", {}, whole_workspace=options.whole_workspace) as stack:
            if not Trial(stack, options.rows).run():
                raise StackError("it does not hold")
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
