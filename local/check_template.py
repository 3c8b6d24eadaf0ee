"""Checks template.yaml for what CloudFormation would accept and we must not: see the rules below, one function each."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform as expand

from template import Template, setting_name

ROOT = Path(__file__).resolve().parent.parent
FOURTEEN_DAYS_S = 1_209_600
ENVIRONMENT_BYTES_MAX = 4_096
# For the locations: eleven of some 150 bytes each, as docs/GUARANTEES.md says.
ENVIRONMENT_BYTES_FREE = 1_650


def main() -> int:
    template = Template(ROOT / "template.yaml")
    rules = [parameters, environment, environment_size, queues, leases, functions, permissions, tables, transform]
    problems = [problem for rule in rules for problem in rule(template)]
    for problem in problems:
        print(f"{template.path.name}: {problem}", file=sys.stderr)
    return 1 if problems else 0


def parameters(template: Template) -> Iterator[str]:
    """Every parameter is described, is used, and has a default unless there can be none."""
    used = set(re.findall(r"!Ref (\w+)", template.text)) | set(re.findall(r"\$\{(\w+)\}", template.text))
    for name, parameter in template.parameters.items():
        if "Description" not in parameter:
            yield f"parameter {name} is not described"
        elif ("Default" in parameter) == ("Must be set." in parameter["Description"]):
            yield f"parameter {name} must either have a default or say that it must be set"
        if name not in used:
            yield f"parameter {name} is not used"


def environment(template: Template) -> Iterator[str]:
    """A setting keeps its name on its way from the parameter to the function."""
    for function in template.functions:
        for name, value in function.properties["Environment"]["Variables"].items():
            given = value["Fn::If"][2] if "Fn::If" in value else value
            if given.get("Ref") in template.parameters and setting_name(given["Ref"]) != name:
                yield f"{function.logical_id} gets parameter {given['Ref']} as {name}"


def environment_size(template: Template) -> Iterator[str]:
    """Lambda takes 4 KB of names and values; what a shop writes longer than we did has to fit in as well."""
    for function in template.functions:
        size = 0
        for name, value in function.properties["Environment"]["Variables"].items():
            given = value["Fn::If"][2] if "Fn::If" in value else value
            default = template.parameters.get(given.get("Ref", ""), {}).get("Default")
            # What the deployment makes has no default: an ARN is about as long as this, a table's name half of it.
            made = 100 if name.endswith("_ARN") else 85 if name.endswith("_URL") else 45
            asked = name == "SHOPIFY_LOCATIONS" or (default == "" and not name.endswith("_ARN"))
            size += len(name) + (len(str(default)) if default not in (None, "") else 0 if asked else made)
        if size > ENVIRONMENT_BYTES_MAX - ENVIRONMENT_BYTES_FREE:
            yield f"{function.logical_id}: its variables need {size} of {ENVIRONMENT_BYTES_MAX} bytes, too much for a shop's own"


def queues(template: Template) -> Iterator[str]:
    """A queue outwaits its function six times, gives up after five tries at the earliest, and its dead letters last and page."""
    all_queues = template.of_type("AWS::SQS::Queue")
    watched = {_target(d["Value"]) for _, d in _alarm_dimensions(template)}
    for function in template.functions:
        for event in function.properties.get("Events", {}).values():
            if event["Type"] != "SQS":
                continue
            name = _target(event["Properties"]["Queue"])
            queue = all_queues[name]["Properties"]
            for setting, visibility in _values(template, queue["VisibilityTimeout"]).items():
                timeout = _values(template, function.properties["Timeout"])[setting]
                if visibility < 6 * timeout:
                    yield f"{name}: hides a message for {visibility} s, less than six times {timeout} s ({setting} values)"
            if event["Properties"].get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                yield f"{function.logical_id}: one bad message of {name} would fail its batch"
            if queue["RedrivePolicy"]["maxReceiveCount"] < 5:
                yield f"{name}: gives up after {queue['RedrivePolicy']['maxReceiveCount']} tries"
            dead = _target(queue["RedrivePolicy"]["deadLetterTargetArn"])
            if all_queues[dead]["Properties"].get("MessageRetentionPeriod") != FOURTEEN_DAYS_S:
                yield f"{dead}: does not keep messages for 14 days"
    for name, queue in all_queues.items():
        if not queue["Properties"].get("SqsManagedSseEnabled"):
            yield f"{name}: is not encrypted"
        if name.endswith("DeadLetters") and name not in watched:
            yield f"{name}: no alarm watches it"


def leases(template: Template) -> Iterator[str]:
    """A lease outlives every worker that could hold it; otherwise two would work on one row."""
    lease = _values(template, {"Ref": "FrontdeskLeaseSeconds"})
    of_their_own = {
        "notifier": _constant("NOTIFIER_LEASE"),
        "privacy-worker": _constant("ERASURE_LEASE"),
        "follow-up": _constant("FOLLOW_UP_LEASE"),
    }
    for function in template.functions:
        if (seconds := of_their_own.get(function.package)) is not None:
            if seconds <= max(_values(template, function.properties["Timeout"]).values()):
                yield f"{function.logical_id}: its lease of {seconds} s ends before it does"
        if "FRONTDESK_LEASE_SECONDS" in function.properties["Environment"]["Variables"]:
            for setting, timeout in _values(template, function.properties["Timeout"]).items():
                if lease[setting] <= timeout:
                    yield f"{function.logical_id}: a lease of {lease[setting]} s ends before {timeout} s ({setting} values)"


def functions(template: Template) -> Iterator[str]:
    """Every function has a role, a log group and an alarm on errors that no other function has."""
    watched = {_target(d["Value"]) for alarm, d in _alarm_dimensions(template) if alarm["MetricName"] == "Errors"}
    seen: set[str] = set()
    for function in template.functions:
        owned = {_target(function.properties["Role"]), _target(function.properties["LoggingConfig"]["LogGroup"])}
        if shared := owned & seen:
            yield f"{function.logical_id}: shares {', '.join(shared)}"
        seen |= owned
        logs = template.resources[_target(function.properties["LoggingConfig"]["LogGroup"])]["Properties"]
        usual_name = "/aws/lambda/" + function.properties["FunctionName"]["Fn::Sub"]
        if "RetentionInDays" not in logs or logs["LogGroupName"]["Fn::Sub"] != usual_name:
            yield f"{function.logical_id}: its log group has another name, or keeps logs for ever"
        if function.logical_id not in watched:
            yield f"{function.logical_id}: no alarm watches its errors"
        if not (ROOT / function.properties["CodeUri"] / "Cargo.toml").exists():
            yield f"{function.logical_id}: no package in {function.properties['CodeUri']}"


def permissions(template: Template) -> Iterator[str]:
    """No role may do anything to everything, one alone reads whole tables, and none gets a managed policy, which always may."""
    for name, role in template.of_type("AWS::IAM::Role").items():
        if "ManagedPolicyArns" in role["Properties"]:
            yield f"{name}: has a managed policy"
        for policy in role["Properties"]["Policies"]:
            for given in policy["PolicyDocument"]["Statement"]:
                # Of an optional one both ways are looked at; "none" has nothing to look at.
                ways = given["Fn::If"][1:] if "Fn::If" in given else [given]
                for statement in (way for way in ways if "Sid" in way):
                    if "*" in json.dumps([statement["Action"], statement["Resource"]]):
                        yield f"{name}: {statement['Sid']} has a wildcard"
                    if "dynamodb:Scan" in statement["Action"] and name != "PrivacyWorkerRole":
                        yield f"{name}: {statement['Sid']} reads tables from end to end"


def tables(template: Template) -> Iterator[str]:
    """No table can be lost with the stack, by a mistake, or without a way back."""
    for name, table in template.of_type("AWS::DynamoDB::Table").items():
        p = table["Properties"]
        wanted = {
            "kept when the stack goes": table.get("DeletionPolicy") == table.get("UpdateReplacePolicy") == "Retain",
            "protected from deletion": p.get("DeletionProtectionEnabled"),
            "restorable": p.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"),
            "encrypted": p.get("SSESpecification", {}).get("SSEEnabled"),
            "on demand": p.get("BillingMode") == "PAY_PER_REQUEST",
        }
        yield from (f"{name}: is not {what}" for what, holds in wanted.items() if not holds)


def transform(template: Template) -> Iterator[str]:
    """SAM can expand it."""
    logging.disable(logging.WARNING)
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

    class NoManagedPolicies:
        def load(self) -> dict[str, str]:
            return {}

    located = Template(template.path)
    for function in located.of_type("AWS::Serverless::Function").values():
        function["Properties"]["CodeUri"] = "s3://bucket/key"
    try:
        expand(located.body, {}, NoManagedPolicies())
    except InvalidDocumentException as error:
        yield error.message + "".join(f"\n  {cause.message}" for cause in error.causes)


def _values(template: Template, value: Any) -> dict[str, int]:
    """What a number is, by default and in the local stack."""
    if not isinstance(value, dict):
        return {"default": int(value), "local": int(value)}
    default = int(template.parameters[value["Ref"]]["Default"])
    local = json.loads((ROOT / "local" / "parameters.json").read_text())["settings"]
    return {"default": default, "local": int(local.get(setting_name(value["Ref"]), default))}


def _constant(name: str) -> int:
    """A time in seconds that is no setting."""
    source = (ROOT / "shared/core/src/config/people.rs").read_text()
    found = re.search(rf"const {name}: Duration = Duration::from_secs\((\d+)\);", source)
    if found is None:
        raise LookupError(f"shared/core/src/config/people.rs says no {name}")
    return int(found[1])


def _target(value: dict[str, Any]) -> str:
    """The logical id that a reference names."""
    return value["Ref"] if "Ref" in value else value["Fn::GetAtt"][0]


def _alarm_dimensions(template: Template) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Those that name a resource; others hold a word of ours."""
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
        for dimension in alarm["Properties"]["Dimensions"]:
            if isinstance(dimension["Value"], dict):
                yield alarm["Properties"], dimension


if __name__ == "__main__":
    sys.exit(main())
