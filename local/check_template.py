"""Checks template.yaml for what CloudFormation would accept and we must not: see the rules below, one function each."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform as expand

from gradual import CANARY, gradual
from permissions import Policies
from template import Template, setting_name

ROOT = Path(__file__).resolve().parent.parent
FOURTEEN_DAYS_S = 1_209_600
ENVIRONMENT_BYTES_MAX = 4_096
# For the locations: eleven of some 150 bytes each, as docs/GUARANTEES.md says.
ENVIRONMENT_BYTES_FREE = 1_650
# How long an HTTP API waits for a function.
GATEWAY_WAITS_S = 30
# What AWS allows a template; there is no way to ask for more.
RESOURCES_MAX, PARAMETERS_MAX, TEMPLATE_BYTES_MAX = 500, 200, 1_000_000
# Of how many seconds a provider's webhook may take, so that there is some time left on the way: see EndpointSlowMs.
PROVIDERS_WAIT_S = 5
# An alarm on slowness rings while a run still has a fifth of its time.
SLOW = 0.8
# Opt-outs and who holds a number, what became of a review, and the few rows that all functions share.
KEPT_FOR_EVER = {"ContactsTable", "ReviewsTable", "DirectoryTable"}
# Names of queues begin with the stack's and end at 80 characters.
QUEUE_NAME_MAX = 80


def main() -> int:
    template = Template(ROOT / "template.yaml")
    rules = [parameters, environment, environment_size, queues, leases, chat, functions, permissions, traces, tables]
    rules += [buckets, logs, schedules, slowness, routes, health, dashboard, transform]
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
    watched = {(alarm["MetricName"], _target(d["Value"])) for alarm, d in _alarm_dimensions(template)}
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
            if "MaximumConcurrency" not in event["Properties"].get("ScalingConfig", {}):
                yield f"{function.logical_id}: takes as much of {name} at once as Lambda likes"
            if queue.get("FifoQueue") and (
                queue.get("DeduplicationScope") != "messageGroup"
                or queue.get("FifoThroughputLimit") != "perMessageGroupId"
            ):
                yield f"{name}: all its lines together have the throughput of one"
            dead = _target(queue["RedrivePolicy"]["deadLetterTargetArn"])
            if all_queues[dead]["Properties"].get("MessageRetentionPeriod") != FOURTEEN_DAYS_S:
                yield f"{dead}: does not keep messages for 14 days"
    for name, queue in all_queues.items():
        if not queue["Properties"].get("SqsManagedSseEnabled"):
            yield f"{name}: is not encrypted"
        metric = "ApproximateNumberOfMessagesVisible" if name.endswith("DeadLetters") else "ApproximateAgeOfOldestMessage"
        if (metric, name) not in watched:
            yield f"{name}: no alarm watches its {metric}"


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
    """Every function has a role, a log group and alarms on errors, throttles and slowness that no other function has."""
    watched = {(alarm["MetricName"], _target(d["Value"])) for alarm, d in _alarm_dimensions(template)}
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
        for metric in ("Errors", "Throttles", "Duration"):
            if (metric, function.logical_id) not in watched:
                yield f"{function.logical_id}: no alarm watches its {metric}"
        if not (ROOT / function.properties["CodeUri"] / "Cargo.toml").exists():
            yield f"{function.logical_id}: no package in {function.properties['CodeUri']}"


def permissions(template: Template) -> Iterator[str]:
    """One role alone reads whole tables, and none gets a managed policy, which always may more. The rest: check_permissions.py."""
    for name, role in template.of_type("AWS::IAM::Role").items():
        if "ManagedPolicyArns" in role["Properties"]:
            yield f"{name}: has a managed policy"
    for statement in Policies(template).statements:
        if "dynamodb:Scan" in statement.actions and statement.role != "PrivacyWorkerRole":
            yield f"{statement.role}: {statement.sid} reads tables from end to end"


def traces(template: Template) -> Iterator[str]:
    """One policy, and only one, is about everything: it lets each function send its traces, and nothing else."""
    roles = {_target(function.properties["Role"]) for function in template.functions}
    for name, policy in template.of_type("AWS::IAM::Policy").items():
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        actions = [action for statement in statements for action in statement["Action"]]
        if actions != ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]:
            yield f"{name}: allows {', '.join(actions)}"
        if lacking := roles ^ {_target(role) for role in policy["Properties"]["Roles"]}:
            yield f"{name}: is not that of all functions: {', '.join(sorted(lacking))}"
    if template.body["Globals"]["Function"].get("Tracing") is None:
        yield "no function is traced"


def tables(template: Template) -> Iterator[str]:
    """No table can be lost with the stack, by a mistake, or without a way back; all that may pass has its day."""
    watched = set()
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
        if alarm["Properties"]["MetricName"] == "WriteThrottleEvents":
            dimensions = {one["Name"]: one["Value"] for one in alarm["Properties"]["Dimensions"]}
            watched.add((_target(dimensions["TableName"]), dimensions.get("GlobalSecondaryIndexName")))
    for name, table in template.of_type("AWS::DynamoDB::Table").items():
        p = table["Properties"]
        wanted = {
            "kept when the stack goes": table.get("DeletionPolicy") == table.get("UpdateReplacePolicy") == "Retain",
            "protected from deletion": p.get("DeletionProtectionEnabled"),
            "restorable": p.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled"),
            "encrypted": p.get("SSESpecification", {}).get("SSEEnabled"),
            "on demand": p.get("BillingMode") == "PAY_PER_REQUEST",
            "emptied of what has expired": p.get("TimeToLiveSpecification", {}).get("Enabled") or name in KEPT_FOR_EVER,
        }
        yield from (f"{name}: is not {what}" for what, holds in wanted.items() if not holds)
        indexes = [None] + [index["IndexName"] for index in p.get("GlobalSecondaryIndexes", [])]
        for index in (index for index in indexes if (name, index) not in watched):
            yield f"{name}: no alarm watches throttled writes of {index or 'the table'}"


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


def logs(template: Template) -> Iterator[str]:
    """What is logged is JSON and goes after its days, what the front door answers included."""
    for name, group in template.of_type("AWS::Logs::LogGroup").items():
        if "RetentionInDays" not in group["Properties"]:
            yield f"{name}: keeps logs for ever"
    if template.body["Globals"]["Function"].get("LoggingConfig", {}).get("LogFormat") != "JSON":
        yield "functions do not log JSON"
    for name, api in template.of_type("AWS::Serverless::HttpApi").items():
        for wanted in ("AccessLogSettings", "DefaultRouteSettings"):
            if wanted not in api["Properties"]:
                yield f"{name}: has no {wanted}"


def schedules(template: Template) -> Iterator[str]:
    """A run that cannot be started leaves a message in dead letters of its own function's."""
    for function in template.functions:
        for name, event in function.properties.get("Events", {}).items():
            if event["Type"] != "ScheduleV2":
                continue
            dead = _target(event["Properties"].get("DeadLetterConfig", {}).get("Arn", {"Ref": "nowhere"}))
            if dead != function.logical_id.removesuffix("Function") + "DeadLetters":
                yield f"{function.logical_id}: what of {name} could not start goes to {dead}"


def slowness(template: Template) -> Iterator[str]:
    """Whoever is slow is heard of while there is still time: webhooks before their sender gives up, runs before they end."""
    functions = {function.logical_id: function for function in template.functions}
    doors = {route.function.logical_id for route in template.routes}
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        p = alarm["Properties"]
        if p["MetricName"] != "Duration":
            continue
        function = functions[_target(p["Dimensions"][0]["Value"])]
        for setting, slow in _values(template, p["Threshold"]).items():
            latest = _values(template, function.properties["Timeout"])[setting] * SLOW
            if function.logical_id in doors and function.package != "chat":
                latest = min(latest, PROVIDERS_WAIT_S * SLOW)
            if p.get("ExtendedStatistic") != "p99" or slow > latest * 1_000:
                yield f"{name}: rings at {slow} ms, too late for {latest} s ({setting} values)"


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


def dashboard(template: Template) -> Iterator[str]:
    """The day's page can be drawn whatever the stack is called, and shows only what somebody measures."""
    source = (ROOT / "shared/core/src/telemetry.rs").read_text()
    counted = set(re.findall(r'Self::\w+ => "(\w+)"', source))
    for name, page in template.of_type("AWS::CloudWatch::Dashboard").items():
        text = page["Properties"]["DashboardBody"]["Fn::Sub"]
        try:
            # Names are as CloudFormation knows them; what is left for CloudWatch to fill in has lost its mark by then.
            widgets = json.loads(re.sub(r"\$\{([A-Za-z:.]+)\}", r"<\1>", text).replace("${!", "${"))["widgets"]
        except json.JSONDecodeError as error:
            yield f"{name}: is no JSON: {error}"
            continue
        taken: set[tuple[int, int]] = set()
        for widget in widgets:
            title = widget["properties"].get("title", "the text")
            cells = {
                (x, y)
                for x in range(widget["x"], widget["x"] + widget["width"])
                for y in range(widget["y"], widget["y"] + widget["height"])
            }
            if taken & cells or max(x for x, _ in cells) >= 24:
                yield f"{name}: {title} lies on another, or beside the page"
            taken |= cells
            if widget["type"] == "metric":
                yield from (f"{name}: {title}: {problem}" for problem in _drawn(template, widget["properties"], counted))


# Of AWS's metrics those that are drawn, and the dimension that names whose they are.
AWS_METRICS = {
    "AWS/ApiGateway": ({"Latency", "4xx", "5xx"}, "ApiId", "AWS::Serverless::HttpApi"),
    "AWS/Lambda": ({"Duration", "Errors", "Throttles", "Invocations"}, "FunctionName", "AWS::Serverless::Function"),
    "AWS/SQS": (
        {
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "NumberOfMessagesSent",
            "NumberOfEmptyReceives",
        },
        "QueueName",
        "AWS::SQS::Queue",
    ),
    "AWS/DynamoDB": ({"ConsumedWriteCapacityUnits", "ConsumedReadCapacityUnits"}, "TableName", "AWS::DynamoDB::Table"),
    "AWS/Logs": ({"IncomingBytes"}, "LogGroupName", "AWS::Logs::LogGroup"),
}


def _drawn(template: Template, chart: dict[str, Any], counted: set[str]) -> Iterator[str]:
    """What is wrong with the lines of a chart."""
    ids: list[str] = []
    sums: list[str] = []
    for line in chart["metrics"]:
        options = line[-1] if isinstance(line[-1], dict) else {}
        ids += [options["id"]] if "id" in options else []
        if "expression" in options:
            sums += re.findall(r'METRICS\("(\w+)"\)', options["expression"])
            for metric in re.findall(r'MetricName="(\w+)"', options["expression"]):
                if metric not in counted:
                    yield f"nobody counts {metric}"
            named = re.findall(r"<([A-Za-z]+)>", options["expression"])
        else:
            namespace, metric, *dimensions = [part for part in line if isinstance(part, str)]
            given = dict(zip(dimensions[::2], dimensions[1::2], strict=True))
            metrics, whose, kind = AWS_METRICS.get(namespace, (counted, "function", "AWS::Serverless::Function"))
            named = re.findall(r"<([A-Za-z]+)", given.pop(whose, ""))
            resource = template.resources.get(named[0], {"Type": None}) if len(named) == 1 else {"Type": None}
            if metric not in metrics or resource["Type"] != kind:
                yield f"there is no {namespace} {metric} of {', '.join(named) or 'nobody'}"
            if index := given.pop("GlobalSecondaryIndexName", None):
                indexes = resource.get("Properties", {}).get("GlobalSecondaryIndexes", [])
                if index not in {one["IndexName"] for one in indexes}:
                    yield f"{', '.join(named)} has no index {index}"
            if given:
                yield f"{metric} has no dimension {', '.join(given)}"
        unknown = [one for one in named if one not in template.resources and one not in template.parameters]
        yield from (f"there is no {one}" for one in unknown)
    if len(set(ids)) != len(ids):
        yield "two lines have one id"
    for wanted in sums:
        if not any(one.startswith(wanted) for one in ids):
            yield f"{wanted} sums up nothing"


def transform(template: Template) -> Iterator[str]:
    """SAM can expand it, plain and with gradual deployment, and what comes of it is no more than AWS takes."""
    logging.disable(logging.WARNING)
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    with TemporaryDirectory() as directory:
        shifting = Path(directory) / "template.gradual.yaml"
        shifting.write_text(gradual(template, CANARY, "0" * 64), encoding="utf-8")
        for located in (Template(template.path), Template(shifting)):
            yield from (f"{located.path.name}: {problem}" for problem in _expanded(located, located.path == shifting))


def _expanded(located: Template, has_aliases: bool) -> Iterator[str]:
    class NoManagedPolicies:
        def load(self) -> dict[str, str]:
            return {}

    for function in located.of_type("AWS::Serverless::Function").values():
        function["Properties"]["CodeUri"] = "s3://bucket/key"
    try:
        expanded = expand(located.body, {}, NoManagedPolicies())
    except InvalidDocumentException as error:
        yield error.message + "".join(f"\n  {cause.message}" for cause in error.causes)
        return
    for what, is_, most in (
        ("resources", len(expanded["Resources"]), RESOURCES_MAX),
        ("parameters", len(located.parameters), PARAMETERS_MAX),
        ("bytes", len(json.dumps(expanded)), TEMPLATE_BYTES_MAX),
    ):
        if is_ > most:
            yield f"it has {is_} {what}; AWS takes {most}"
    kinds = [resource["Type"] for resource in expanded["Resources"].values()]
    for kind in ("AWS::Lambda::Alias", "AWS::CodeDeploy::DeploymentGroup"):
        if kinds.count(kind) != (len(located.functions) if has_aliases else 0):
            yield f"it has {kinds.count(kind)} of {kind} for {len(located.functions)} functions"


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
