"""MiniStack with a ledger of permissions: what was asked of a role, and whether its policy allowed it.

    emulator_main.py LEDGER

The ledger has a line of JSON for each decision: {"role", "action", "resource", "allowed", "sid", "keys"}. `keys` are those
values of a condition on `dynamodb:LeadingKeys` that were made use of, never the key of a row: that could be a phone number.

In two points MiniStack asks otherwise than AWS, and is put right here. For AWS a batch of messages is the permission to send
one. And AWS looks at `dynamodb:LeadingKeys`, which MiniStack does not know: every such condition would hold.

All of it hangs on a few functions of MiniStack's. If a new version calls them otherwise, this ends at once and says so.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

EVALUATOR = "ministack.core.iam_evaluator"
ACTIONS = "ministack.core.iam_actions"

# What AWS calls by the name of the single one.
BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
# Every table of the template calls its partition key so; local/check_permissions.py sees to it.
PARTITION_KEY = "pk"
ENFORCE = ["access_key_id", "iam_action", "service", "region", "resource_arn", "service_context"]
LEADING_KEYS = "dynamodb:leadingkeys"
# Ours, on its way from the request, which may name several tables, to the decision, which is about one.
KEYS_BY_TABLE = "frontdesk:keysbytable"

# Of the decision that is being made: whose it is. None where no role is asked about.
_decision: ContextVar[dict[str, Any] | None] = ContextVar("decision", default=None)


def main() -> int:
    ledger = Path(sys.argv[1])
    # MiniStack reads the command line, too.
    del sys.argv[1]
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with ledger.open("w", encoding="utf-8", buffering=1) as lines:
        _replace(ACTIONS, "extract_iam_action", ["service"], _as_one)
        _replace(ACTIONS, "dynamodb_service_context", ["body"], _with_keys)
        _replace(EVALUATOR, "evaluate", ["ctx", "policies", "limits"], _noted)
        _replace(EVALUATOR, "enforce", ENFORCE, lambda enforce: _written_down(enforce, lines))
        # Only now, so that nothing of it can have taken hold of what was replaced.
        importlib.import_module("ministack.app").main()
    return 0


def _replace(module: str, name: str, parameters: list[str], by: Callable[[Any], Any]) -> None:
    home = importlib.import_module(module)
    original = getattr(home, name, None)
    if original is None or list(inspect.signature(original).parameters)[: len(parameters)] != parameters:
        raise SystemExit(
            f"MiniStack {version('ministack')} has no {module}.{name}({', '.join(parameters)}): see {__file__}"
        )
    setattr(home, name, by(original))


def _as_one(extract: Callable[..., str | None]) -> Callable[..., str | None]:
    def extract_iam_action(*args: Any, **kwargs: Any) -> str | None:
        action = extract(*args, **kwargs)
        return action and BATCHES.get(action, action)

    return extract_iam_action


def _with_keys(context_of: Callable[[bytes], dict[str, Any]]) -> Callable[[bytes], dict[str, Any]]:
    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        context = context_of(body)
        # Without a body that can be read there is no context either.
        return context | {KEYS_BY_TABLE: keys_by_table(json.loads(body or b"{}"))} if context else context

    return dynamodb_service_context


def keys_by_table(request: dict[str, Any]) -> dict[str, list[str]]:
    """The partition keys of the rows that a request names, by table. A query or a scan names none."""
    found: dict[str, list[str]] = {}
    for table, row in _rows(request):
        key = row.get(PARTITION_KEY, {})
        found.setdefault(table, []).append(str(next(iter(key.values()), "")))
    return found


def _rows(request: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    parts = [request, *(part for item in request.get("TransactItems", []) for part in item.values())]
    for part in parts:
        if "TableName" in part and (row := part.get("Key") or part.get("Item")):
            yield part["TableName"], row
    for table, asked in request.get("RequestItems", {}).items():
        if isinstance(asked, dict):
            yield from ((table, key) for key in asked.get("Keys", []))
        else:
            yield from ((table, change.get("Key") or change["Item"]) for each in asked for change in each.values())


def _written_down(enforce: Callable[..., Any], ledger: TextIO) -> Callable[..., Any]:
    def of_one_table(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: dict[str, Any] | None = None,
    ) -> Any:
        context = dict(service_context or {})
        tables = context.pop(KEYS_BY_TABLE, {})
        if keys := [key for name, keys in tables.items() if table_of(name) == table_of(resource_arn) for key in keys]:
            context[LEADING_KEYS] = keys
        row = _decision.set({})
        try:
            denied = enforce(access_key_id, iam_action, service, region, resource_arn, context)
            if made := _decision.get():
                asked = {
                    "role": made["role"],
                    "action": iam_action,
                    "resource": resource_arn,
                    "allowed": denied is None,
                }
                ledger.write(json.dumps(asked | {"sid": made["sid"], "keys": made["keys"]}) + "\n")
            return denied
        finally:
            _decision.reset(row)

    return of_one_table


def _noted(evaluate: Callable[..., Any]) -> Callable[..., Any]:
    def by_role(ctx: Any, policies: list[Any], *limits: Any) -> Any:
        result = evaluate(ctx, policies, *limits)
        made = _decision.get()
        # The role's own policies come first; after them, perhaps, the resource's.
        if made == {} and ctx.principal_type == "AssumedRole":
            sid = result.matched_sid
            made |= {"role": ctx.principal_arn.split("/")[1], "sid": sid, "keys": _made_use_of(ctx, policies, sid)}
        return result

    return by_role


def table_of(name: str) -> str:
    """The name of a table, told by itself or by an ARN, perhaps of an index."""
    return name.split(":table/")[-1].split("/")[0]


def _made_use_of(ctx: Any, policies: list[Any], sid: str) -> list[str]:
    asked = ctx.service_context.get(LEADING_KEYS, [])
    statements = [statement for policy in policies for statement in policy if sid and statement.sid == sid]
    allowed = [
        value
        for statement in statements
        for condition in statement.conditions.values()
        for name, values in condition.items()
        if name.lower() == LEADING_KEYS
        for value in ([values] if isinstance(values, str) else values)
    ]
    return [value for value in allowed if any(fnmatchcase(key, value) for key in asked)]


if __name__ == "__main__":
    sys.exit(main())
