"""What the template permits its functions, piece by piece, and what of that was made use of.

A grant is the smallest piece that can be too much: one action on one resource, where a policy names rows also one name. It
is necessary if the end-to-end suite makes use of it (the ledger of emulator_main.py), if Lambda itself does (PLATFORM), or if
a comment right above its statement says why it is rarely needed:

    # Rarely UpdateItem, OutboxTable: only after a crash between the two writes.

The names are those of actions and resources, or nothing for the whole statement; a comment may hold several such sentences,
each on a line of its own.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from template import Function, Template, setting_name

# What Lambda does with a function's role before and after our code; the emulator does it without asking. Each holds for these
# resources of the function only, and is superfluous on any other.
LOGS, QUEUES, ANYTHING = "its log group", "the queues that it is called with", "*"
LOG, POLL, TRACE = "keeps the log", "reads the queue and deletes what was worked off", "keeps the trace"
PLATFORM = {
    "logs:CreateLogStream": (LOGS, LOG),
    "logs:PutLogEvents": (LOGS, LOG),
    # What the managed policy AWSLambdaSQSQueueExecutionRole gives for it.
    "sqs:ReceiveMessage": (QUEUES, POLL),
    "sqs:DeleteMessage": (QUEUES, POLL),
    "sqs:GetQueueAttributes": (QUEUES, POLL),
    # Traces belong to no resource.
    "xray:PutTraceSegments": (ANYTHING, TRACE),
    "xray:PutTelemetryRecords": (ANYTHING, TRACE),
}
LEADING_KEYS = "dynamodb:LeadingKeys"
RARELY = re.compile(r"Rarely\b ?([^:]*): *(.*)")


@dataclass(frozen=True)
class Use:
    """Something that was asked of a role, by the template's names: `Table/index/name`, `Bucket/folder/file`."""

    role: str
    action: str
    resource: str
    allowed: bool
    # Those names of rows in the policy that were made use of.
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grant:
    """The smallest piece of a policy. Of `resources` one exists: the one that the template makes, or the one that it is given."""

    role: str
    sid: str
    action: str
    resources: tuple[str, ...]
    key: str = ""
    # Why it is rarely needed, if a comment says so.
    rarely: str = ""
    # Why Lambda needs it, if it does.
    platform: str = ""

    @property
    def resource(self) -> str:
        return self.resources[0]

    def covers(self, use: Use) -> bool:
        """Whether this is what lets its role do that."""
        rows = not self.key or self.key in use.keys
        resources = any(fnmatchcase(use.resource, resource) for resource in self.resources)
        return rows and resources and fnmatchcase(use.action, self.action)

    def __str__(self) -> str:
        rows = f" (rows {self.key})" if self.key else ""
        return f"{self.role}: {self.action} on {self.resource}{rows}"


@dataclass(frozen=True)
class Statement:
    """One statement of a role's policy, as it is if everything optional is switched on."""

    role: str
    sid: str
    body: Mapping[str, Any]
    comment: tuple[str, ...]

    @property
    def actions(self) -> list[str]:
        return _listed(self.body["Action"])

    @cached_property
    def resources(self) -> list[tuple[str, ...]]:
        return [names for value in _listed(self.body["Resource"]) if (names := _named(value))]

    @property
    def keys(self) -> list[str]:
        conditions = self.body.get("Condition", {}).values()
        return [key for condition in conditions for key in _listed(condition.get(LEADING_KEYS, []))]

    @property
    def sentences(self) -> list[tuple[list[str], str]]:
        """Of the comment, what is rarely needed and why."""
        found: list[tuple[list[str], str]] = []
        for line in self.comment:
            if says := RARELY.match(line):
                found.append(([name.strip() for name in says[1].split(",") if name.strip()], says[2]))
            elif found:
                names, why = found[-1]
                found[-1] = (names, f"{why} {line}")
        return found


class Policies:
    """The policies of all roles of a template."""

    def __init__(self, template: Template) -> None:
        self.template = template
        self._function_of = {_named(f.properties["Role"])[0]: f for f in template.functions}

    def function(self, role: str) -> Function:
        return self._function_of[role]

    @cached_property
    def roles(self) -> list[str]:
        """The functions' roles, in the order of the template. Others are not ours to test: no function takes them on."""
        return [role for role in self.template.of_type("AWS::IAM::Role") if role in self._function_of]

    @cached_property
    def statements(self) -> list[Statement]:
        return [statement for role in self.template.of_type("AWS::IAM::Role") for statement in self._of(role)]

    @cached_property
    def grants(self) -> list[Grant]:
        return [grant for statement in self.statements for grant in self._grants(statement)]

    @cached_property
    def of_role(self) -> dict[str, list[Grant]]:
        return {role: [grant for grant in self.grants if grant.role == role] for role in self.roles}

    def _of(self, role: str) -> Iterator[Statement]:
        for place, policy in self._documents(role):
            comments = _comments(self.template.text, place)
            for given in policy["PolicyDocument"]["Statement"]:
                # Of an optional one both ways are looked at; "none" has nothing to look at.
                for way in given["Fn::If"][1:] if "Fn::If" in given else [given]:
                    if "Ref" not in way:
                        sid = way.get("Sid", "")
                        yield Statement(role, sid, way, comments.get(sid, ()))

    def _documents(self, role: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """A role's own policies and those that several share, each with the resource that it is written down in."""
        for policy in self.template.resources[role]["Properties"].get("Policies", []):
            yield role, policy
        for name, policy in self.template.of_type("AWS::IAM::Policy").items():
            if {"Ref": role} in policy["Properties"]["Roles"]:
                yield name, policy["Properties"]

    def _grants(self, statement: Statement) -> Iterator[Grant]:
        for action in statement.actions:
            for resources in statement.resources:
                for key in statement.keys or [""]:
                    grant = Grant(statement.role, statement.sid, action, resources, key)
                    yield replace(grant, rarely=_why(statement, grant), platform=self._platform(grant))

    def _platform(self, grant: Grant) -> str:
        if grant.action not in PLATFORM or grant.role not in self._function_of:
            return ""
        where, why = PLATFORM[grant.action]
        function = self._function_of[grant.role].properties
        sources = [e["Properties"] for e in function.get("Events", {}).values() if e["Type"] == "SQS"]
        of_its_own: dict[str, set[tuple[str, ...]]] = {
            LOGS: {_named(function.get("LoggingConfig", {}).get("LogGroup", ""))},
            QUEUES: {_named(source["Queue"]) for source in sources},
            ANYTHING: {("*",)} if function.get("Tracing", "") or self._traced else set(),
        }
        return why if grant.resources in of_its_own[where] else ""

    @property
    def _traced(self) -> bool:
        return "Tracing" in self.template.body.get("Globals", {}).get("Function", {})


# ---- What is wrong with a policy by itself


def unexplained(policies: Policies) -> Iterator[str]:
    """No action and no resource is a pattern, unless a comment right above the statement says why."""
    for statement in policies.statements:
        patterns = [name for name in statement.actions if "*" in name]
        patterns += [name for names in statement.resources for name in names if "*" in name]
        if patterns and not statement.comment:
            yield f"{statement.role}: {statement.sid} has {', '.join(patterns)} and no comment that says why"


def doubled(policies: Policies) -> Iterator[str]:
    """Nothing is permitted twice, and no rows beside the whole table: the second time would take a condition away."""
    seen: dict[tuple[str, str, str], list[Grant]] = {}
    for grant in policies.grants:
        for resource in grant.resources:
            seen.setdefault((grant.role, grant.action, resource), []).append(grant)
    for (role, action, resource), grants in seen.items():
        keys = [grant.key for grant in grants]
        if len(set(keys)) < len(keys) or ("" in keys and len(keys) > 1):
            statements = dict.fromkeys(grant.sid for grant in grants)
            yield f"{role}: {action} on {resource} is permitted by {' and by '.join(statements)}"


def notes(policies: Policies) -> Iterator[str]:
    """What a comment calls rarely needed is there, and it says why."""
    for statement in policies.statements:
        for names, why in statement.sentences:
            known = {*map(_short, statement.actions), *statement.keys}
            known |= {name for resources in statement.resources for name in resources}
            for name in sorted(set(names) - known):
                yield f"{statement.role}: {statement.sid} has no {name} that could be rarely needed"
            if not why:
                yield f"{statement.role}: {statement.sid} does not say why it is rarely needed"


# ---- What was made use of


def used(policies: Policies, uses: Mapping[Use, int]) -> Counter[Grant]:
    """How often each grant was made use of."""
    counted: Counter[Grant] = Counter()
    for use, times in uses.items():
        if use.allowed:
            counted.update({grant: times for grant in policies.of_role.get(use.role, []) if grant.covers(use)})
    return counted


def missing(uses: Mapping[Use, int]) -> Iterator[str]:
    """Whatever was asked for is permitted."""
    for use, times in uses.items():
        if not use.allowed:
            yield f"{use.role}: {use.action} on {use.resource} was refused {times} times"


def superfluous(policies: Policies, uses: Mapping[Use, int]) -> Iterator[str]:
    """Whatever is permitted was asked for, or somebody says why not."""
    counted = used(policies, uses)
    for grants in policies.of_role.values():
        for grant in grants:
            if not (counted[grant] or grant.platform or grant.rarely):
                yield f"{grant} was never asked for"


# ---- The ledger


def read_ledger(ledger: Path, described: Mapping[str, Any], template: Template) -> Counter[Use]:
    """A stack's ledger by the template's names; `described` is its stack.json."""
    names = _Names(described, template)
    counted: Counter[Use] = Counter()
    with ledger.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            role, resource = names.role(row["role"]), names.resource(row["resource"])
            counted[Use(role, row["action"], resource, row["allowed"], tuple(row["keys"]))] += 1
    return counted


def write_uses(uses: Mapping[Use, int], file: Path) -> None:
    rows = [vars(use) | {"times": times} for use, times in uses.items()]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def read_uses(files: Iterable[Path]) -> Counter[Use]:
    counted: Counter[Use] = Counter()
    for file in files:
        for row in json.loads(file.read_text(encoding="utf-8")):
            counted[Use(row["role"], row["action"], row["resource"], row["allowed"], tuple(row["keys"]))] += row[
                "times"
            ]
    return counted


class _Names:
    """What the deployment called things, and what the template calls them."""

    def __init__(self, described: Mapping[str, Any], template: Template) -> None:
        # By service, because a queue and a function may have one name. A queue is known by its address.
        self._kept = {
            (
                of["type"].split("::")[1].lower(),
                of["name"].rpartition("/")[2] if "://" in of["name"] else of["name"],
            ): id
            for id, of in described["resources"].items()
        }
        # What was made elsewhere has the name of the parameter that names it.
        self._given = {described["settings"][setting_name(parameter)]: parameter for parameter in template.parameters}

    def role(self, name: str) -> str:
        return self._kept.get(("iam", name), name)

    def resource(self, arn: str) -> str:
        if arn in self._given:
            return self._given[arn]
        # arn:partition:service:region:account:kind/name/below; buckets and queues say no kind.
        service, rest = (arn.split(":", 5)[2::3]) if arn.startswith("arn:") else ("", arn)
        name, _, below = rest.removeprefix("table/").partition("/")
        # Six random characters end the ARN of a secret.
        secret = re.sub(r"^secret:(.+)-\w{6}$", r"\1", name)
        known = next((self._kept[service, one] for one in (arn, name, secret) if (service, one) in self._kept), None)
        return arn if known is None else known + (f"/{below}" if below else "")


# ---- Small things


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _named(value: Any) -> tuple[str, ...]:
    """The names in the template that a resource of a policy can have; of a choice both."""
    if isinstance(value, str):
        return (value,) if value else ()
    if "Fn::If" in value:
        return tuple(name for way in value["Fn::If"][1:] for name in _named(way))
    if "Ref" in value:
        return () if value["Ref"] == "AWS::NoValue" else (value["Ref"],)
    if "Fn::GetAtt" in value:
        return (value["Fn::GetAtt"][0],)
    return (re.sub(r"\$\{(\w+)(?:\.\w+)?\}", r"\1", value["Fn::Sub"]),)


def _why(statement: Statement, grant: Grant) -> str:
    """Of several names of a kind one has to be the grant's; where none is named, any is meant."""
    for names, why in statement.sentences:
        kinds = [
            ({_short(action) for action in statement.actions}, {_short(grant.action)}),
            ({name for resources in statement.resources for name in resources}, set(grant.resources)),
            (set(statement.keys), {grant.key}),
        ]
        if all(its & set(names) or not every & set(names) for every, its in kinds):
            return why
    return ""


def _short(action: str) -> str:
    return action.partition(":")[2]


def _comments(text: str, resource: str) -> dict[str, tuple[str, ...]]:
    """By statement of a resource: the lines of the comment right above it."""
    found: dict[str, tuple[str, ...]] = {}
    comment: list[str] = []
    inside = False
    for line in text.splitlines():
        if re.match(r"  \w", line):
            inside = line == f"  {resource}:"
        elif inside and line.lstrip().startswith("#"):
            comment.append(line.strip().removeprefix("#").strip())
            continue
        elif inside and (sid := re.search(r"\bSid: (\w+)", line)):
            found[sid[1]] = tuple(comment)
        comment = []
    return found
