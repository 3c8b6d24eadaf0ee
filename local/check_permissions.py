"""Compares what the template permits with what the end-to-end suite made use of: nothing missing, nothing superfluous.

    check_permissions.py                what a policy tells by itself, and docs/PERMISSIONS.md
    check_permissions.py --used DIR     also what the stacks that left their ledgers in DIR asked for, as a table
    check_permissions.py --write        write docs/PERMISSIONS.md

The end-to-end suite runs with every function refused what its role does not permit. So a permission that is missing fails
there, and one that is superfluous fails here, unless a comment beside it says why it is rarely needed: see permissions.py.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import permissions
from emulator_main import PARTITION_KEY
from permissions import Grant, Policies, Use
from template import Template

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs" / "PERMISSIONS.md"
PREFACE = """# Permissions

What each function may do, and why it has to. Made from `template.yaml` by `local/check_permissions.py --write`; `make lint` tells when it
is out of date.

Each function has a role of its own, which names its actions and its tables, queues and secrets. That nothing is missing and nothing
superfluous is tested: the end-to-end suite runs with each function refused what its role does not permit, and keeps a ledger of everything
that was asked for. What was refused fails the suite; so does what is permitted and was never asked for. The last column says which it is:

- **used**: the end-to-end suite makes use of it in every run, or it fails;
- **Lambda**: it is not our code that needs it but what runs the code, as AWS documents it; the local emulator does that without asking;
- **rarely**: the suite cannot count on it, for the reason that is given here and in the template.

Rows: in a table that several functions share, a function may touch these rows only.
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--used", type=Path, metavar="DIR", help="where stacks left what they asked for")
    parser.add_argument("--write", action="store_true", help="write docs/PERMISSIONS.md")
    options = parser.parse_args()
    template = Template(ROOT / "template.yaml")
    policies = Policies(template)
    if options.write:
        DOCUMENT.write_text(document(policies), encoding="utf-8")
    problems = list(by_itself(policies))
    if options.used:
        uses = permissions.read_uses(sorted(options.used.glob("*.json")))
        print("\n".join(table(policies, uses)), flush=True)
        problems += proved(policies, uses)
    for problem in problems:
        print(f"{template.path.name}: {problem}", file=sys.stderr)
    return 1 if problems else 0


def by_itself(policies: Policies) -> Iterator[str]:
    """What is wrong without anybody having run anything."""
    yield from permissions.unexplained(policies)
    yield from permissions.doubled(policies)
    yield from permissions.notes(policies)
    yield from partition_keys(policies.template)
    if not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != document(policies):
        yield f"{DOCUMENT.relative_to(ROOT)} is out of date: local/check_permissions.py --write"


def partition_keys(template: Template) -> Iterator[str]:
    """The emulator can tell which rows a request is about."""
    for name, made in template.of_type("AWS::DynamoDB::Table").items():
        keys = [key["AttributeName"] for key in made["Properties"]["KeySchema"] if key["KeyType"] == "HASH"]
        if keys != [PARTITION_KEY]:
            yield f"{name}: its partition key is not {PARTITION_KEY}, by which local/emulator_main.py knows rows"


def proved(policies: Policies, uses: Counter[Use]) -> Iterator[str]:
    """What a run of everything tells."""
    if not uses:
        yield "nothing was asked for: the end-to-end section has to run first (local/check.py e2e iam)"
        return
    yield from permissions.missing(uses)
    yield from permissions.superfluous(policies, uses)


def table(policies: Policies, uses: Counter[Use]) -> Iterator[str]:
    """Function × action × resource, and how often it was made use of."""
    counted = permissions.used(policies, uses)
    grants = [grant for role in policies.roles for grant in policies.of_role[role]]
    rows = [(policies.function(g.role).package, g.action, _on(g), _times(g, counted)) for g in grants]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)) + "  " + row[3]
    kinds = Counter(row[3].split(" ")[0] for row in rows)
    yield f"{len(grants)} permissions: {kinds['used']} used, {kinds['Lambda']} needed by Lambda, {kinds['not']} rarely, {kinds['NEVER']} never"


def _times(grant: Grant, counted: Counter[Grant]) -> str:
    if counted[grant]:
        return f"used {counted[grant]} times" + (f" (rarely: {grant.rarely})" if grant.rarely else "")
    if grant.platform:
        return f"Lambda {grant.platform}"
    return f"not now; rarely: {grant.rarely}" if grant.rarely else "NEVER"


def document(policies: Policies) -> str:
    parts = [PREFACE]
    for role in policies.roles:
        rows = ["| to | may | on | |", "|---|---|---|---|"]
        rows += [f"| {' | '.join(row)} |" for row in _rows(policies, role)]
        parts.append(f"\n## {policies.function(role).package}\n\n" + "\n".join(rows) + "\n")
    return "".join(parts)


def _rows(policies: Policies, role: str) -> Iterator[tuple[str, str, str, str]]:
    """One for what a statement permits for the same reason on the same resources."""
    reasons: dict[tuple[str, str], list[Grant]] = {}
    for grant in policies.of_role[role]:
        why = f"Lambda {grant.platform}" if grant.platform else f"rarely: {grant.rarely}" if grant.rarely else "used"
        reasons.setdefault((grant.sid, why), []).append(grant)
    for (sid, why), grants in reasons.items():
        by_action: dict[str, list[str]] = {}
        for grant in grants:
            by_action.setdefault(grant.action, []).append(_on(grant))
        together: dict[tuple[str, ...], list[str]] = {}
        for action, resources in by_action.items():
            together.setdefault(tuple(resources), []).append(action)
        for names, actions in together.items():
            yield _spoken(sid), _code(actions), _code(names), why


def _on(grant: Grant) -> str:
    return f"{grant.resource}, rows {grant.key}" if grant.key else grant.resource


def _spoken(sid: str) -> str:
    """KeepOnce: keep once."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", sid).lower()


def _code(names: Iterable[str]) -> str:
    return "<br>".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.exit(main())
