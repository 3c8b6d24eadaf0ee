"""The main job, by itself: signed orders and messages go in, and a timeline shows what became of each and why.

    demo.py                       on the stack that runs, or on a fresh one that is gone afterwards
    demo.py --fresh               on a fresh one, whatever runs
    demo.py --contract brief      on a fresh one, with the Podium of the briefs, that knows the briefs' signatures only
    demo.py --part chats          only what customers write; --part orders: only what they buy; --part after: only what
                                  comes after that: deliveries, reviews, an outage, demands about data; --part assistant:
                                  only what they write through Chatwoot; --part website: only what they do on the
                                  shop's page, in a browser; --part tool: only what an operator does
    demo.py --pictures            takes the documents' pictures of the page anew
    demo.py --to-the-end          the shop's data is erased in the end, as on a fresh stack; that of yours is gone, too

It ends with 0 only if every order, message and review ended as it should, every customer got exactly the texts that were
due, and people were told what they have to know.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import demo_after
import demo_assistant
import demo_cases
import demo_chats
import demo_tool
import demo_website
from demo_cases import Shop
from orders import masked
from progress import StackError
from running import RunningStack, running_stack, stack_of_its_own
from stage import Ledger, Stage
from timeline import Timeline

# A request whose outcome nobody can tell was sent here: the demonstration knows, for it dropped the reply itself.
MAY_BE_SENT = ("sent", "unknown")

ALWAYS = "Mon-Sun 00:00-24:00"
# What the stack must be set to for the demonstration to end in a minute or two.
SETTINGS_MAX = {
    "PODIUM_LOOKUP_AFTER_SECONDS": 20,
    "REVIEW_RETRY_SECONDS": 10,
    "PODIUM_LOCATIONS_FRESH_SECONDS": 5,
    "NOTIFY_WITHIN_SECONDS": 60,
    "NOTIFY_RETRY_SECONDS": 5,
}
# And for there to be something to see.
SETTINGS_WANTED = {
    "REVIEW_ALLOWED_HOURS": ALWAYS,
    "WEBCHAT_REPLY": "confirmation",
    "NOTIFY_CHANNELS": "slack,webhook,sns",
}

# Of a fresh stack: what failed at Podium comes again soon, and the first way to people has not much time.
OWN = {"WORKER_VISIBILITY_SECONDS": "20", "NOTIFY_WITHIN_SECONDS": "15", "REVIEW_THANKS": "on"}
BRIEF = OWN | {
    "PODIUM_CONTRACT": "brief",
    "PODIUM_CAMPAIGN_ID": "campaign-local",
    "PODIUM_SIGNATURE_SCHEMES": "brief_body,brief_t_v1",
    "OPTOUT_MIRROR": "brief_patch",
    "REVIEW_THANKS": "off",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fresh", action="store_true", help="on a stack of its own, even if one runs")
    parser.add_argument("--contract", choices=["published", "brief"], help="of a fresh stack; default published")
    parser.add_argument(
        "--part",
        action="append",
        choices=["orders", "chats", "assistant", "website", "tool", "after"],
        help="may be given again; default all but tool",
    )
    parser.add_argument("--pictures", action="store_true", help="take the pictures of the page anew (docs/pictures)")
    parser.add_argument("--to-the-end", action="store_true", help="erase the shop's data in the end")
    parser.add_argument("--whole-workspace", action="store_true", help="for a fresh stack: see stack.py up --help")
    options = parser.parse_args()
    try:
        with _stack(options) as (stack, its_own):
            to_the_end = options.to_the_end or its_own
            website = {"whole_workspace": options.whole_workspace, "pictures": options.pictures}
            if not demonstrate(stack, Timeline(), options.part, to_the_end=to_the_end, website=website):
                raise StackError("not everything ended as it should")
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


@contextmanager
def _stack(options: argparse.Namespace) -> Iterator[tuple[RunningStack, bool]]:
    """The stack, and whether it is gone afterwards."""
    if not options.fresh and not options.contract and (stack := running_stack()):
        _check_settings(stack)
        print(f"on the stack that runs ({stack.described['endpoints']['front_door']})", file=sys.stderr)
        yield stack, False
        return
    settings = BRIEF if options.contract == "brief" else OWN
    with stack_of_its_own("demo", settings, whole_workspace=options.whole_workspace) as stack:
        yield stack, True


def _check_settings(stack: RunningStack) -> None:
    wrong = {name: str(most) for name, most in SETTINGS_MAX.items() if stack.seconds(name) > most}
    wrong |= {name: wanted for name, wanted in SETTINGS_WANTED.items() if stack.settings[name] != wanted}
    if stack.settings["OPTOUT_MIRROR"] == "none":
        wrong["OPTOUT_MIRROR"] = "tag"
    if stack.seconds("REVIEW_BUFFER_SECONDS") >= stack.seconds("REVIEW_MAX_AGE_DAYS") * 86_400:
        wrong["REVIEW_BUFFER_SECONDS"] = "5"
    if wrong:
        settings = " ".join(f"{name}='{value}'" for name, value in wrong.items())
        raise StackError(
            "the stack that runs is set to what a demonstration cannot work with, or wait for. Stop it and start it as\n"
            f"  {settings} make run\nor let the demonstration have a stack of its own: make demo ARGS=--fresh"
        )


def demonstrate(
    stack: RunningStack,
    timeline: Timeline,
    parts: list[str] | None = None,
    *,
    to_the_end: bool = False,
    website: Mapping[str, bool] | None = None,
) -> bool:
    """Plays everything, or some parts of it, and returns whether it ended as it should. `website`: how its part is played."""
    after = partial(demo_after.demonstrate, to_the_end=to_the_end)
    assistant = demo_assistant.demonstrate
    page = partial(demo_website.demonstrate, **(website or {}))
    plays = {
        "orders": _orders,
        "chats": demo_chats.demonstrate,
        "assistant": assistant,
        "website": page,
        "tool": demo_tool.demonstrate,
        "after": after,
    }
    results = []
    for name, play in plays.items():
        # The tool breaks things on purpose, so it is played only for who asks for it.
        if name in parts if parts else name != "tool":
            results.append(play(stack, timeline))
            timeline.say()
    return all(results)


def _orders(stack: RunningStack, timeline: Timeline) -> bool:
    shop, ledger = Shop(stack), Ledger(stack)
    cases = demo_cases.cases(shop)
    buffer_s = stack.seconds("REVIEW_BUFFER_SECONDS")
    timeline.say(f"{len(cases)} cases at {stack.shop}; the buffer for refunds is set to {buffer_s} s\n")
    try:
        good = Stage(stack, ledger, timeline, ("promote", "sweep")).play(cases, shop)
    finally:
        for fault in shop.faults:
            stack.remove_fault(fault)
    timeline.say()
    return _right_texts(shop, ledger, timeline) and good


def _right_texts(shop: Shop, ledger: Ledger, timeline: Timeline) -> bool:
    """One text for each request that says so, whoever it went to, and no other."""
    shop.look()
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
