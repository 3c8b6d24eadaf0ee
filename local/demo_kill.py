"""`kill -9` on the functions, round after round, while orders and messages flow. Then the texts are counted.

    demo_kill.py                              each moment once, another seed each time
    demo_kill.py --rounds 100 --seed 7        more of them; a seed repeats the choices, though never the races
    demo_kill.py --contract brief             with the Podium of the briefs, which cannot be asked about a lost text
    demo_kill.py --podium-denies              Podium denies what it sent: this must fail, which shows that it can

It has a stack of its own, whatever else runs. It ends with 0 only if every customer who was to be asked was texted
exactly once (or is parked as unknown, for a person), nobody was texted twice, or after they said STOP, and nothing that
was accepted got lost: no order, no word of a message, and no bad review that people were not told of.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

import kill_judge
from kill_chats import Chats
from kill_deliveries import Deliveries
from kill_judge import Findings
from kill_moments import LINKING, LOOKING_UP, TURNS, Clockwork, Kill, Moment, Scene, strike
from kill_reviews import Reviews
from kill_traffic import Traffic
from orders import FICTIONAL_AU, fictional_us
from progress import StackError
from running import RunningStack, stack_of_its_own
from timeline import GREEN, RED, Timeline

# A lease outlives the function by the emulator's two seconds of grace and one to spare. What is due comes again soon,
# so that a killed function's work is taken up within the next rounds, and is killed again.
SETTINGS = {
    "WORKER_TIMEOUT_SECONDS": "10",
    "FRONTDESK_LEASE_SECONDS": "13",
    "WORKER_VISIBILITY_SECONDS": "20",
    "FRONTDESK_CONNECT_TIMEOUT_MS": "1000",
    "FRONTDESK_CALL_TIMEOUT_MS": "3000",
    "FRONTDESK_SWEEP_AFTER_SECONDS": "4",
    "FRONTDESK_REQUEUE_AFTER_SECONDS": "8",
    "PODIUM_LOOKUP_AFTER_SECONDS": "3",
    "REVIEW_BUFFER_SECONDS": "1",
    "REVIEW_RETRY_SECONDS": "1",
    "REVIEW_RETRY_MAX_SECONDS": "4",
}
BRIEF = {"PODIUM_CONTRACT": "brief", "PODIUM_CAMPAIGN_ID": "campaign-local"}

ROUNDS = len(TURNS)
ROUNDS_MAX = 220
# New customers each round, and how many may wait before a round brings none.
BUYERS = (3, 5)
GUESTS = (2, 4)
REVIEWS = (1, 2)
OPEN_MAX = 60
PAUSE_S = (0.5, 2.5)
# How long everything may take to come to its end after the last kill.
SETTLE_S = 180.0
AFTERMATH_S = 2.0
PROBLEMS_SHOWN = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}, at most {ROUNDS_MAX}")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="default: a random one")
    parser.add_argument("--contract", choices=["published", "brief"], default="published", help="default published")
    parser.add_argument("--podium-denies", action="store_true", help="as if no text had arrived, when it is asked")
    parser.add_argument("--whole-workspace", action="store_true", help="see stack.py up --help")
    options = parser.parse_args()
    if not 1 <= options.rounds <= ROUNDS_MAX:
        parser.error(f"--rounds: 1 to {ROUNDS_MAX}, for there are no more fictional phone numbers")
    settings = SETTINGS | (BRIEF if options.contract == "brief" else {})
    try:
        with stack_of_its_own("demo-kill", settings, whole_workspace=options.whole_workspace) as stack:
            if not Demonstration(stack, options).run():
                raise StackError(f"it does not hold: --seed {options.seed}")
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


class Demonstration:
    """The rounds and what comes after them."""

    def __init__(self, stack: RunningStack, options: argparse.Namespace) -> None:
        self._stack = stack
        self._rounds: int = options.rounds
        self._seed: int = options.seed
        self._rng = random.Random(options.seed)
        self._timeline = Timeline()
        self._deliveries = Deliveries(stack, random.Random(self._rng.random()))
        # Everybody has a number of their own, whether they buy or write.
        phones = iter([*FICTIONAL_AU, *fictional_us()])
        self._traffic = Traffic(stack, random.Random(self._rng.random()), self._deliveries, phones)
        self._chats = Chats(stack, random.Random(self._rng.random()), self._deliveries, phones)
        self._reviews = Reviews(stack, random.Random(self._rng.random()), self._deliveries)
        self._clockwork = Clockwork(stack)
        # The briefs' Podium makes no link and cannot be asked.
        missing = (LINKING, LOOKING_UP) if options.contract == "brief" else ()
        self._denies: bool = options.podium_denies
        self._turns: list[Moment | None] = [turn for turn in TURNS if turn not in missing]
        self._kills: list[Kill] = []

    def run(self) -> bool:
        self._timeline.say(f"{self._rounds} rounds with --seed {self._seed}\n")
        # As on AWS, where it is loaded before anybody writes.
        self._stack.run_timer("locations")
        self._clockwork.start()
        try:
            for number in range(self._rounds):
                self._round(number)
            found = self._settle()
        finally:
            self._deliveries.stop()
            self._clockwork.stop()
        return self._verdict(found)

    def _round(self, number: int) -> None:
        self._slow_down_the_providers()
        scene = Scene(self._stack, self._deliveries, self._traffic, self._chats, self._clockwork)
        if self._open() < OPEN_MAX:
            self._traffic.burst(self._rng.randint(*BUYERS))
            self._chats.burst(self._rng.randint(*GUESTS))
            self._reviews.burst(self._rng.randint(*REVIEWS))
        kill = strike(scene, self._turns[number % len(self._turns)], self._rng)
        self._kills.append(kill)
        texts = len(self._stack.ledger())
        self._timeline.say(
            f"{self._timeline.clock}  {number + 1:>3}/{self._rounds}  kill -9 {kill!s:<30}  {kill.words:<44}"
            f"{texts:>4} texts so far"
        )
        time.sleep(self._rng.uniform(*PAUSE_S))

    def _open(self) -> int:
        return len(self._stack.open_keys("review_requests", "due")) + len(self._stack.open_keys("inbox", "waiting"))

    def _slow_down_the_providers(self) -> None:
        """Other delays each round, before the act and after it, so that kills find calls under way."""
        slow = {
            ("shopify", "/admin/api"): (50, 300),
            ("podium", "/v4/reviews/invites"): (50, 250),
            ("podium", "/v4/messages"): (100, 400),
            ("podium", "/v4/review-invitations"): (100, 400),
            ("podium", "/v4/con"): (50, 200),
            ("slack", "/services"): (50, 250),
        }
        self._stack.clear_faults()
        if self._denies:
            self._deny()
        for (provider, path), between in slow.items():
            delays = {name: self._rng.randint(*between) for name in ("delay_ms", "reply_delay_ms")}
            match = {"provider": provider, "path_prefix": path}
            self._stack.add_fault({"match": match, "times": "forever", "action": delays})

    def _deny(self) -> None:
        """An answer that can only mean: nobody of that number was ever texted."""
        match = {"provider": "podium", "method": "GET", "path_prefix": "/v4/contacts"}
        never = {"status": 404, "body": {"code": "resource_not_found", "message": "The resource was not found."}}
        self._stack.add_fault({"match": match, "times": "forever", "action": never})

    def _settle(self) -> Findings:
        """No more kills: everything comes to its end, or shows that it never will."""
        self._timeline.say(f"\n{self._timeline.clock}  no more kills; what is under way comes to its end")
        self._stack.clear_faults()
        if self._denies:
            self._deny()
        deadline = time.monotonic() + SETTLE_S
        while True:
            webhooks = self._deliveries.open
            found = Findings.of(self._stack, self._traffic, self._chats, self._reviews)
            if (found.settled and not webhooks) or time.monotonic() > deadline:
                break
            self._timeline.progress(f"still open: {webhooks} webhooks, {found.open()}")
            time.sleep(1.0)
        self._timeline.say(f"{self._timeline.clock}  {'settled' if found.settled else 'not settled: ' + found.open()}")
        # Whatever a killed process asked for may still arrive; then it counts.
        time.sleep(AFTERMATH_S)
        return Findings.of(self._stack, self._traffic, self._chats, self._reviews)

    def _verdict(self, found: Findings) -> bool:
        timeline = self._timeline
        killed = Counter[str]()
        for kill in self._kills:
            killed.update(kill.functions)
        timeline.say(f"\nkilled: {', '.join(f'{count} {function}' for function, count in sorted(killed.items()))}")
        for words, count in Counter(kill.words for kill in self._kills).most_common():
            timeline.say(f"  {count:>4}  {words}")
        timeline.say("\nwhat came of it")
        rows = kill_judge.table(found, self._deliveries) + kill_judge.chats_table(found, self._deliveries)
        rows += kill_judge.reviews_table(found)
        looked_up = kill_judge.looked_up(self._stack.provider_calls("podium"), found.buyers)
        rows += [("lost texts looked up at Podium", looked_up)]
        rows += [("timer runs", self._clockwork.runs), ("  broken off", self._clockwork.broken_off)]
        for what, count in rows:
            timeline.say(f"  {count:>4}  {what}")
        wrong = list(kill_judge.problems(found, self._deliveries))
        turns = {turn.function for turn in self._turns[: self._rounds] if turn}
        wrong += [f"no process of {function} was ever killed, so nothing is shown" for function in turns - set(killed)]
        for problem in wrong[:PROBLEMS_SHOWN]:
            timeline.say(f"{timeline.mark(False)} {timeline.coloured(problem, RED)}")
        if len(wrong) > PROBLEMS_SHOWN:
            timeline.say(f"  and {len(wrong) - PROBLEMS_SHOWN} more like these")
        if not wrong:
            holds = (
                "everyone texted once or parked as unknown, nobody twice or after STOP, nobody and no word lost, and people "
                "told of every bad review"
            )
            timeline.say(f"\n{timeline.mark(True)} {timeline.coloured(holds, GREEN)}")
        return not wrong


if __name__ == "__main__":
    sys.exit(main())
