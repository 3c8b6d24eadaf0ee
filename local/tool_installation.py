"""The tool's commands about the installation: what is broken on purpose is found, named alone, and gone once it is mended.

`doctor` is asked before, while something is broken, and after. What it finds in between and not before is what was planted;
so other stories may have left what they like. On a fresh stack whose webhooks are set up it finds nothing (`WELL`).
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from deployment import STACK_NAME
from running import ROOT, RunningStack
from stage import Case, Story
from tool import Bench

# Where Podium tells of what, as docs/CONFIGURATION.md has it.
PODIUM = {"webchat": ("message.",), "contacts": ("contact.",), "reviews": ("review.",)}
WRONG = ("fail", "warn", "unknown")
# What is left as it was for so long is late, to the tool.
LONG_AGO_S = 7200


def cases() -> list[Case]:
    return [
        Case("doctor, when all is well", "0 well; no answer is 2", _told(well)),
        _planted("a placeholder in a secret", "secrets", "secret_placeholder shopify-webhook", placeholder),
        _planted("a rotation that was not finished", "secrets", "rotation_unfinished shopify-webhook", unfinished),
        _planted("a webhook that Podium disabled", "podium", "webhook_disabled webchat", _hook(disabled=True)),
        _planted("a webhook without a secret", "podium", "webhook_unsigned reviews", _hook("reviews", secret=None)),
        _planted("an event that nobody tells of", "podium", "event_missing webchat", _hook(event_types=["message.received"])),
        _planted("a webhook to a wrong address", "podium", "webhook_elsewhere contacts, webhook_missing contacts", elsewhere),
        _planted("Podium's list is stale", "podium", "locations_stale locations", stale),
        _planted("Podium refuses the token", "podium", "podium_refuses api", refused),
        _planted("Shopify's app lacks a scope", "shopify", "scope_missing read_returns", scope),
        _planted("a dead letter", "queues", "dead_letters_waiting notices-dlq", dead_letter),
        _planted("a queue is deleted", "queues", "queue_missing timers-dlq", no_queue),
        _planted("a mapping is disabled", "functions", "mapping_disabled notifier", disabled),
        _planted("a variable is missing", "configuration", "setting_differs FRONTDESK_TABLE_CHATS, setting_wrong chat", variable),
        _planted("an origin that is none of ours", "front_door", "origin_refused https://elsewhere.example", origin),
        _planted("a schedule is switched off", "schedules", "schedule_disabled mirror", schedule),
        _planted("Podium's clock is off", "clock", "clock_skewed Podium", clock),
        _planted("an event that was given up", "work", "events_parked parked events", parked),
        _planted("a role lacks a permission", "permissions", "permission_missing contact-form", permission),
        Case("secrets check", "0 well; 2 no answer", _told(secrets_check)),
        Case("secrets rotate, API credentials", "0 counts; 1 ERR_AUTH_013, the old stays", _told(credentials)),
        Case("secrets rotate, a signing secret", "0 both count; 1 Podium has the old; 0 retired", _told(signing)),
        Case("locations refresh", "0 added loc_tool; 1 none listed; 2 no answer", _told(locations)),
        Case("sign, with the installation's secret", "0 and 401", _told(signed)),
        Case("completions", "0 bash, zsh, fish", _told(completions)),
    ]


# ---- How it is told


def _told(story: Callable[[Bench], str]) -> Callable[[Bench], Story]:
    def told(bench: Bench) -> Story:
        yield
        return story(bench)

    return told


def _planted(what: str, group: str, expected: str, plant: Callable[[Bench], Any]) -> Case:
    """Breaks something, and mends it again."""

    def story(bench: Bench) -> Story:
        yield
        with webhooks(bench):
            before = found(bench, group)
            with plant(bench):
                between = found(bench, group)
            after = found(bench, group)
        new = ", ".join(sorted(f"{check} {subject}" for check, subject in between - before))
        left = ", ".join(f"{check} {subject}" for check, subject in after - before)
        return new + (f"; left: {left}" if left else "")

    return Case(f"doctor: {what}", expected, story)


def found(bench: Bench, *groups: str) -> set[tuple[str, str]]:
    """What is not as it should be: the check, and the end of what it is about."""
    ran = bench.run("doctor", "--output", "json", *(("--only", ",".join(groups)) if groups else ()))
    return {
        (finding["check"], _short(finding["subject"]))
        for finding in ran.document["findings"]
        if finding["level"] in WRONG
    }


def _short(subject: str) -> str:
    """Webhooks are named by their address, which has a port of the stack's."""
    path = urlsplit(subject).path
    return path.rsplit("/", 1)[-1] if path.startswith("/podium/") else subject


@contextmanager
def webhooks(bench: Bench) -> Iterator[None]:
    """Podium's webhooks as they should be, and as they were."""
    stack = bench.stack
    before = stack.control("GET", "/podium/webhooks")
    for name in before:
        stack.remove_webhook(name)
    for name, events in PODIUM.items():
        url = f"{stack.described['endpoints']['front_door']}/podium/{name}"
        secret = stack.described["secrets"]["PODIUM_WEBHOOK_SECRET_ARN"]["value"]
        stack.webhook(name, url=url, secret=secret, event_types=list(events))
    try:
        yield
    finally:
        for name in PODIUM:
            stack.remove_webhook(name)
        for name, hook in before.items():
            hook.pop("waiting", None)
            stack.webhook(name, **hook)


# ---- What is broken, and mended


@contextmanager
def _value(bench: Bench, setting: str, value: Callable[[str], str]) -> Iterator[None]:
    manager, arn = bench.stack.client("secretsmanager"), bench.stack.described["secrets"][setting]["arn"]
    before = manager.get_secret_value(SecretId=arn)["SecretString"]
    manager.put_secret_value(SecretId=arn, SecretString=value(before))
    try:
        yield
    finally:
        manager.put_secret_value(SecretId=arn, SecretString=json.dumps({"current": before}))
        manager.put_secret_value(SecretId=arn, SecretString=before)
        # The version before a plain value counts; the same value does not.
        manager.put_secret_value(SecretId=arn, SecretString=before)


def placeholder(bench: Bench) -> Any:
    return _value(bench, "SHOPIFY_WEBHOOK_SECRET_ARN", lambda _: "REPLACE_ME")


def unfinished(bench: Bench) -> Any:
    return _value(
        bench, "SHOPIFY_WEBHOOK_SECRET_ARN", lambda value: json.dumps({"current": value, "previous": "the-one-before"})
    )


def _hook(name: str = "webchat", **change: Any) -> Callable[[Bench], Any]:
    @contextmanager
    def changed(bench: Bench) -> Iterator[None]:
        before = bench.stack.control("GET", f"/podium/webhooks/{name}")
        bench.stack.webhook(name, **change)
        try:
            yield
        finally:
            bench.stack.webhook(name, **{field: before[field] for field in change})

    return changed


@contextmanager
def elsewhere(bench: Bench) -> Iterator[None]:
    with _hook("contacts", url="http://old.example/podium/contacts")(bench):
        yield


@contextmanager
def stale(bench: Bench) -> Iterator[None]:
    # The clock would load the list again in between.
    with schedule(bench, "locations"):
        bench.stack.client("dynamodb").update_item(
            TableName=bench.stack.described["tables"]["directory"],
            Key={"pk": {"S": "locations"}},
            UpdateExpression="SET fetched_at_ms = :then",
            ExpressionAttributeValues={":then": {"N": str(int((time.time() - LONG_AGO_S) * 1000))}},
        )
        try:
            yield
        finally:
            bench.run("locations", "refresh")


@contextmanager
def refused(bench: Bench) -> Iterator[None]:
    table = bench.stack.described["tables"]["directory"]
    bench.stack.control("PUT", "/podium", {"refresh_tokens": ["another"]})
    bench.stack.control("POST", "/podium/revoke")
    bench.stack.client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": "token#podium"}})
    try:
        yield
    finally:
        bench.stack.control("PUT", "/podium", {"refresh_tokens": None})


@contextmanager
def scope(bench: Bench) -> Iterator[None]:
    before = bench.stack.control("GET", "/shopify")["scope"]
    bench.stack.control("PUT", "/shopify", {"scope": before.replace(",read_returns", "")})
    try:
        yield
    finally:
        bench.stack.control("PUT", "/shopify", {"scope": before})


def _queue(bench: Bench, name: str) -> str:
    return str(bench.stack.client("sqs").get_queue_url(QueueName=f"{STACK_NAME}-{name}")["QueueUrl"])


@contextmanager
def dead_letter(bench: Bench) -> Iterator[None]:
    url, sqs = _queue(bench, "notices-dead-letters"), bench.stack.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="notice#planted")
    try:
        yield
    finally:
        sqs.purge_queue(QueueUrl=url)


@contextmanager
def no_queue(bench: Bench) -> Iterator[None]:
    """One that only runs that could not be started come to, so that nothing is lost meanwhile."""
    name, sqs = "timers-dead-letters", bench.stack.client("sqs")
    url = _queue(bench, name)
    kept = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])["Attributes"]
    sqs.delete_queue(QueueUrl=url)
    try:
        yield
    finally:
        sqs.create_queue(QueueName=f"{STACK_NAME}-{name}", Attributes=kept)


@contextmanager
def disabled(bench: Bench) -> Iterator[None]:
    lambdas = bench.stack.client("lambda")
    listed = lambdas.list_event_source_mappings(FunctionName=f"{STACK_NAME}-notifier")["EventSourceMappings"]
    lambdas.update_event_source_mapping(UUID=listed[0]["UUID"], Enabled=False)
    try:
        yield
    finally:
        lambdas.update_event_source_mapping(UUID=listed[0]["UUID"], Enabled=True)


@contextmanager
def _variables(bench: Bench, function: str, change: Callable[[dict[str, str]], dict[str, str]]) -> Iterator[None]:
    lambdas, name = bench.stack.client("lambda"), f"{STACK_NAME}-{function}"
    before = lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": change(dict(before))})
    try:
        yield
    finally:
        lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": before})


def variable(bench: Bench) -> Any:
    lost = "FRONTDESK_TABLE_CHATS"
    return _variables(bench, "chat", lambda known: {n: v for n, v in known.items() if n != lost})


@contextmanager
def origin(bench: Bench) -> Iterator[None]:
    """The tool is told of a page that the function does not know."""
    known, run = bench.stack.described["settings"]["WEB_ORIGINS"], bench.run
    origins = f"{known},https://elsewhere.example"
    bench.run = lambda *args, **more: run(*args, WEB_ORIGINS=origins, **more)  # type: ignore[method-assign]
    try:
        yield
    finally:
        bench.run = run  # type: ignore[method-assign]


@contextmanager
def schedule(bench: Bench, task: str = "mirror") -> Iterator[None]:
    scheduler, name = bench.stack.client("scheduler"), f"{STACK_NAME}-{task}"
    told = scheduler.get_schedule(Name=name)
    kept = {f: told[f] for f in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target") if f in told}
    scheduler.update_schedule(**kept, State="DISABLED")
    try:
        yield
    finally:
        scheduler.update_schedule(**kept, State="ENABLED")


@contextmanager
def clock(bench: Bench) -> Iterator[None]:
    # The look at the clock asks the address itself, which has no route; all else that is asked meanwhile lies below /v4.
    rule = {
        "match": {"provider": "podium", "method": "GET"},
        "times": "forever",
        "action": {"status": 404, "headers": {"date": "Sat, 21 Nov 2020 00:00:00 GMT"}},
    }
    id = bench.stack.add_fault(rule)
    try:
        yield
    finally:
        bench.stack.remove_fault(id)


@contextmanager
def parked(bench: Bench) -> Iterator[None]:
    table, key = bench.stack.described["tables"]["inbox"], {"pk": {"S": "podium#planted-by-the-tools-story"}}
    dynamodb = bench.stack.client("dynamodb")
    dynamodb.put_item(TableName=table, Item={**key, "st": {"S": "parked"}})
    try:
        yield
    finally:
        dynamodb.delete_item(TableName=table, Key=key)


@contextmanager
def permission(bench: Bench) -> Iterator[None]:
    iam, lambdas = bench.stack.client("iam"), bench.stack.client("lambda")
    role = lambdas.get_function_configuration(FunctionName=f"{STACK_NAME}-contact-form")["Role"].rsplit("/", 1)[-1]
    policy = iam.get_role_policy(RoleName=role, PolicyName="contact-form")["PolicyDocument"]
    less = {**policy, "Statement": [s for s in policy["Statement"] if s.get("Sid") != "WakeNotifier"]}
    iam.put_role_policy(RoleName=role, PolicyName="contact-form", PolicyDocument=json.dumps(less))
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="contact-form", PolicyDocument=json.dumps(policy))


# ---- The commands


def well(bench: Bench) -> str:
    with webhooks(bench):
        groups = ("configuration", "functions", "permissions", "tables", "schedules", "secrets", "podium", "shopify", "clock")
        ran = bench.run("doctor", "--output", "json", "--only", ",".join(groups))
    wrong = [f"{f['check']} {f['subject']}" for f in ran.document["findings"] if f["level"] in WRONG]
    return f"{ran.code} {', '.join(wrong) or ran.document['verdict']}; no answer is {bench.unreachable('doctor').code}"


def secrets_check(bench: Bench) -> str:
    ran = bench.run("secrets", "check", "--output", "json")
    return f"{ran.code} {ran.document['verdict']}; {bench.unreachable('secrets', 'check').code} no answer"


def credentials(bench: Bench) -> str:
    manager, arn = bench.stack.client("secretsmanager"), bench.stack.described["secrets"]["SHOPIFY_ADMIN_SECRET_ARN"]["arn"]
    before = manager.get_secret_value(SecretId=arn)["SecretString"]
    known = bench.stack.control("GET", "/shopify")["static_tokens"]
    bench.stack.control("PUT", "/shopify", {"static_tokens": [*known, "shpat_new"]})
    rotate = ("secrets", "rotate", "shopify-admin", "--value-from", "-", "--yes")
    try:
        taken = bench.run(*rotate, stdin='{"access_token": "shpat_new"}')
        counts = json.loads(manager.get_secret_value(SecretId=arn)["SecretString"])["access_token"] == "shpat_new"
        wrong = bench.run(*rotate, stdin='{"access_token": "shpat_wrong"}')
        stays = json.loads(manager.get_secret_value(SecretId=arn)["SecretString"])["access_token"] == "shpat_new"
    finally:
        manager.put_secret_value(SecretId=arn, SecretString=before)
        bench.stack.control("PUT", "/shopify", {"static_tokens": known})
    code = "ERR_AUTH_013" if "ERR_AUTH_013" in wrong.err else wrong.why
    return f"{taken.code} {'counts' if counts else taken.why}; {wrong.code} {code}, {'the old stays' if stays else 'lost'}"


def signing(bench: Bench) -> str:
    manager, arn = bench.stack.client("secretsmanager"), bench.stack.described["secrets"]["PODIUM_WEBHOOK_SECRET_ARN"]["arn"]
    before = manager.get_secret_value(SecretId=arn)["SecretString"]
    rotate, new = ("secrets", "rotate", "podium-webhook"), "a-new-secret-of-podiums-webhooks"
    with webhooks(bench):
        try:
            put = bench.run(*rotate, "--value-from", "-", "--yes", stdin=new)
            both = json.loads(manager.get_secret_value(SecretId=arn)["SecretString"]) == {"current": new, "previous": before}
            early = bench.run(*rotate, "--finish", "--yes")
            for name in PODIUM:
                bench.stack.webhook(name, secret=new)
            done = bench.run(*rotate, "--finish", "--yes")
            one = json.loads(manager.get_secret_value(SecretId=arn)["SecretString"]) == {"current": new}
        finally:
            # Twice, so that the version before it is the same and does not count.
            manager.put_secret_value(SecretId=arn, SecretString=before)
            manager.put_secret_value(SecretId=arn, SecretString=before)
    return (
        f"{put.code} {'both count' if both else put.why}; {early.code} "
        f"{'Podium has the old' if 'Podium' in early.err else early.why}; {done.code} {'retired' if one else done.why}"
    )


def locations(bench: Bench) -> str:
    stack: RunningStack = bench.stack
    stack.set_location("loc_tool", name="Newcastle", country="AU")
    kept = stack.control("GET", "/podium")["locations"]
    try:
        ran = bench.run("locations", "refresh", "--output", "json")
        changes = ", ".join(f"{change['change']} {change['uid']}" for change in ran.document["changes"])
        stack.control("PUT", "/podium", {"locations": []})
        none = bench.run("locations", "refresh")
    finally:
        stack.control("PUT", "/podium", {"locations": kept})
        stack.remove_location("loc_tool")
    silent = bench.unreachable("locations", "refresh")
    bench.run("locations", "refresh")
    return f"{ran.code} {changes}; {none.code} none listed; {silent.code} no answer"


def signed(bench: Bench) -> str:
    """Podium's own test event, which is answered whatever it says, once with the right secret and once with another."""
    file = "events/podium/published.send_test.json"
    sign = ("sign", "--provider", "podium", "--body", file)
    mine = bench.run(*sign, "--from-installation", "--curl")
    other = bench.run(*sign, "--secret", "another", "--curl")
    return f"{mine.code} and {_sent(bench, other.out)}" if _sent(bench, mine.out) == 200 else mine.why or mine.out


def _sent(bench: Bench, line: str) -> int:
    """Runs a line of curl as a person would paste it; the status that came."""
    url = f"{bench.stack.described['endpoints']['front_door']}/podium/webchat"
    command = line.strip().replace("http://localhost:8787/podium/webchat", url)
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    return int(done.stdout.split()[1]) if done.stdout.startswith("HTTP/") else 0


def completions(bench: Bench) -> str:
    shells = ("bash", "zsh", "fish")
    good = [shell for shell in shells if "doctor" in bench.run("completions", shell).out]
    return f"{bench.run('completions', 'bash').code} {', '.join(good)}"
