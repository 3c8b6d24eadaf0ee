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
# How long an HTTP API waits for a function.
GATEWAY_WAITS_S = 30
# Names of queues begin with the stack's and end at 80 characters.
QUEUE_NAME_MAX = 80


def main() -> int:
    template = Template(ROOT / "template.yaml")
    rules = [parameters, environment, environment_size, queues, leases, chat, functions, permissions, tables, buckets]
    rules += [routes, health, transform]
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
            given = _wired(value)
            if given.get("Ref") in template.parameters and setting_name(given["Ref"]) != name:
                yield f"{function.logical_id} gets parameter {given['Ref']} as {name}"


def environment_size(template: Template) -> Iterator[str]:
    """Lambda takes 4 KB of names and values; what a shop writes longer than we did has to fit in as well."""
    for function in template.functions:
        size, free = 0, 0
        for name, value in function.properties["Environment"]["Variables"].items():
            given = _wired(value)
            if "Ref" not in given and "Fn::GetAtt" not in given:
                # Several names in one: as long as they can get.
                size += len(name) + _length(template, given)
                continue
            parameter = template.parameters.get(given.get("Ref", ""), {})
            default = parameter.get("Default")
            # What the deployment makes has no default: an ARN is about as long as this, a table's name half of it.
            made = 100 if name.endswith("_ARN") else 85 if name.endswith("_URL") else 45
            asked = name == "SHOPIFY_LOCATIONS" or (default == "" and not name.endswith("_ARN"))
            size += len(name) + (len(str(default)) if default not in (None, "") else 0 if asked else made)
            if parameter.get("Type") == "String" and not name.endswith("_ARN"):
                free = ENVIRONMENT_BYTES_FREE
        if size > ENVIRONMENT_BYTES_MAX - free:
            yield f"{function.logical_id}: its variables need {size} of {ENVIRONMENT_BYTES_MAX} bytes, too much for a shop's own"


def _wired(value: dict[str, Any]) -> dict[str, Any]:
    """What a variable holds: of a choice the one that somebody gave, or, if nobody can give one, the one that is made."""
    made, given = value["Fn::If"][1:] if "Fn::If" in value else (None, value)
    return given if isinstance(given, dict) else made


def _length(template: Template, value: Any) -> int:
    """The most bytes that a composed value can take, with the longest name that the stack can have."""
    if isinstance(value, str):
        return len(value)
    if "Fn::Join" in value:
        between, parts = value["Fn::Join"]
        return sum(_length(template, part) for part in parts) + len(between) * (len(parts) - 1)
    if "Fn::If" in value:
        return max(_length(template, way) for way in value["Fn::If"][1:])
    text = value["Fn::Sub"]
    named = re.findall(r"\$\{([\w:.]+)\}", text)
    return len(re.sub(r"\$\{[\w:.]+\}", "", text)) + sum(_length_of(template, name) for name in named)


def _length_of(template: Template, name: str) -> int:
    suffixes = {id: q["Properties"]["QueueName"]["Fn::Sub"] for id, q in template.of_type("AWS::SQS::Queue").items()}
    suffixes = {id: suffix.removeprefix("${AWS::StackName}") for id, suffix in suffixes.items()}
    stack = QUEUE_NAME_MAX - max(map(len, suffixes.values()))
    pseudo = {"AWS::StackName": stack, "AWS::Region": 14, "AWS::AccountId": 12, "AWS::URLSuffix": 16}
    logical = name.split(".")[0]
    if logical in suffixes:
        return stack + len(suffixes[logical])
    if logical in template.resources:
        # CloudFormation adds the stack's name and 12 or 13 characters; an ARN has 60 before that and 7 after it.
        arn = template.resources[logical]["Type"] == "AWS::SecretsManager::Secret"
        return len(logical) + 14 + (67 if arn else stack + 1)
    # An ARN that somebody else made.
    return pseudo.get(name, 110)


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
    settings = {"FRONTDESK_LEASE_SECONDS": "FrontdeskLeaseSeconds", "CHATWOOT_LEASE_SECONDS": "ChatwootLeaseSeconds"}
    of_their_own = {
        "notifier": _constant("NOTIFIER_LEASE"),
        "privacy-worker": _constant("ERASURE_LEASE"),
        "follow-up": _constant("FOLLOW_UP_LEASE"),
    }
    for function in template.functions:
        if (seconds := of_their_own.get(function.package)) is not None:
            if seconds <= max(_values(template, function.properties["Timeout"]).values()):
                yield f"{function.logical_id}: its lease of {seconds} s ends before it does"
            continue
        for name in settings.keys() & function.properties["Environment"]["Variables"].keys():
            lease = _values(template, {"Ref": settings[name]})
            for setting, timeout in _values(template, function.properties["Timeout"]).items():
                if lease[setting] <= timeout:
                    yield f"{function.logical_id}: a lease of {lease[setting]} s ends before {timeout} s ({setting} values)"


def chat(template: Template) -> Iterator[str]:
    """The chat apologises before it is ended, by Lambda or by the gateway: of an apology a visitor reads the words."""
    function = next(function for function in template.functions if function.package == "chat")
    within = _values(template, {"Ref": "ChatWithinSeconds"})
    for setting, timeout in _values(template, function.properties["Timeout"]).items():
        if not within[setting] + 2 <= timeout < GATEWAY_WAITS_S:
            answers = f"answers within {within[setting]} s, and is ended after {timeout} s"
            yield f"{function.logical_id}: {answers} ({setting} values)"


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
                    # Of a bucket, "the files below this folder" is as narrow as it gets.
                    everything = json.dumps([statement["Action"], statement["Resource"]]).replace("/uploads/*", "")
                    if "*" in everything:
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


def buckets(template: Template) -> Iterator[str]:
    """No bucket shows a file to anybody without an address of ours, or keeps it for ever."""
    policies = [policy["Properties"] for policy in template.of_type("AWS::S3::BucketPolicy").values()]
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        p = bucket["Properties"]
        access = p.get("PublicAccessBlockConfiguration", {})
        rules = p.get("LifecycleConfiguration", {}).get("Rules", [])
        cors = json.dumps(p.get("CorsConfiguration", {}))
        denied = [one for policy in policies if _target(policy["Bucket"]) == name for one in _denied(policy)]
        wanted = {
            "private": len(access) == 4 and all(value is True for value in access.values()),
            "encrypted": "ServerSideEncryptionConfiguration" in p.get("BucketEncryption", {}),
            "closed to access lists": "BucketOwnerEnforced" in json.dumps(p.get("OwnershipControls", {})),
            "closed to plain HTTP": {"Bool": {"aws:SecureTransport": "false"}} in denied,
            "emptied by itself": any(rule["Status"] == "Enabled" and "ExpirationInDays" in rule for rule in rules),
            "open to the shop's own pages only": "*" not in cors,
            "kept when the stack goes": bucket.get("DeletionPolicy") == bucket.get("UpdateReplacePolicy") == "Retain",
        }
        yield from (f"{name}: is not {what}" for what, holds in wanted.items() if not holds)


def _denied(policy: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The conditions under which a bucket's policy denies everything to everybody."""
    for statement in policy["PolicyDocument"]["Statement"]:
        if (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*"):
            yield statement["Condition"]


def routes(template: Template) -> Iterator[str]:
    """A limit of a route is one of a route that there is; a deployment would fail on another."""
    known = {f"{route.method} {route.path}" for route in template.routes}
    for name, api in template.of_type("AWS::Serverless::HttpApi").items():
        limited = api["Properties"].get("RouteSettings", {})
        yield from (f"{name}: limits {key}, which is no route" for key in limited.keys() - known)
        if "CorsConfiguration" in api["Properties"]:
            yield f"{name}: answers preflights itself, so that the functions never see them"


def health(template: Template) -> Iterator[str]:
    """Health looks at every table, queue and secret, may do so, and may do nothing else to them."""
    function = next(function for function in template.functions if function.package == "health")
    variables = function.properties["Environment"]["Variables"]
    may = {"dynamodb:DescribeTable": set(), "sqs:GetQueueAttributes": set(), "secretsmanager:DescribeSecret": set()}
    role = template.resources[_target(function.properties["Role"])]["Properties"]
    statements = [one for policy in role["Policies"] for one in policy["PolicyDocument"]["Statement"]]
    for statement in (one for one in statements if one["Sid"] != "Log"):
        if str(statement["Action"]) not in may:
            yield f"{function.logical_id}: may do {statement['Action']}"
        may[str(statement["Action"])] = _named(template, statement["Resource"])
    given = {name: _named(template, value) for name, value in variables.items()}
    dead = {name for name in template.of_type("AWS::SQS::Queue") if name.endswith("DeadLetters")}
    tables, queues = set(template.of_type("AWS::DynamoDB::Table")), set(template.of_type("AWS::SQS::Queue")) - dead
    secrets = set(template.of_type("AWS::SecretsManager::Secret"))
    secrets |= {name for name in template.parameters if name.endswith("SecretArn")}
    for what, is_, should in (
        ("tables", given["HEALTH_TABLES"], tables),
        ("queues", given["HEALTH_QUEUES"], queues),
        ("dead letters", given["HEALTH_DEAD_LETTERS"], dead),
        ("secrets", given["HEALTH_SECRETS"], secrets),
        ("tables, by its role,", may["dynamodb:DescribeTable"], tables),
        ("queues, by its role,", may["sqs:GetQueueAttributes"], queues | dead),
        ("secrets, by its role,", may["secretsmanager:DescribeSecret"], secrets),
    ):
        if is_ != should:
            yield f"{function.logical_id}: looks at {what} other than there are: {', '.join(sorted(is_ ^ should))}"
    # A secret that is made with a placeholder has a mark at its word, so that one that nobody filled in is seen.
    for one in variables["HEALTH_SECRETS"]["Fn::Join"][1]:
        made = str(one["Fn::If"][1].get("Fn::Sub", ""))
        for name in _named(template, one["Fn::If"][1]) & set(template.of_type("AWS::SecretsManager::Secret")):
            placeholder = "REPLACE_ME" in json.dumps(template.resources[name]["Properties"])
            if placeholder != bool(re.search(r"[*?]=", made)):
                yield f"{function.logical_id}: {made} {'lacks' if placeholder else 'has'} a mark for a placeholder"


def _named(template: Template, value: Any) -> set[str]:
    """The resources and parameters that a value names, in whatever way."""
    text = json.dumps(value)
    names = re.findall(r"\$\{(\w+)", text) + re.findall(r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)"', text)
    return {name for name in names if name in template.resources or name in template.parameters}


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


def _constant(name: str, file: str = "people.rs") -> int:
    """A time in seconds that is no setting."""
    source = ROOT / "shared/core/src/config" / file
    found = re.search(rf"const {name}: Duration = Duration::from_secs\((\d+)\);", source.read_text())
    if found is None:
        raise LookupError(f"{source.relative_to(ROOT)} says no {name}")
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
