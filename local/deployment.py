"""Builds the functions, packs them, and deploys the very template that goes to AWS."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from emulator import Emulator
from progress import Progress, StackError
from template import Template, setting_name

STACK_NAME = "frontdesk"
BUCKET = "frontdesk-artifacts"
PLACEHOLDER = "REPLACE_ME"
# What runs beside the functions: the front door with the stand-ins, and the operator's tool.
COMPANIONS = {"frontdesk-local": "frontdesk-local", "frontdesk-cli": "frontdesk"}


def build(root: Path, packages: list[str], profile: str, whole_workspace: bool) -> dict[str, Path]:
    """Builds and returns the programs by package. Cargo's own progress goes to the terminal."""
    wanted = packages + list(COMPANIONS)
    # Cargo compiles a dependency once per set of features, and a build of everything has other sets than a build of a few:
    # beside a full test run the whole workspace is the cheaper choice, because it was built already.
    scope = (
        ["--workspace", "--all-targets"] if whole_workspace else [f"--package={name}" for name in wanted] + ["--bins"]
    )
    argv = ["cargo", "build", f"--profile={profile}", "--message-format=json-render-diagnostics", *scope]
    try:
        done = subprocess.run(argv, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError as error:
        raise StackError("cargo was not found: install Rust from https://rustup.rs") from error
    if done.returncode != 0:
        raise StackError("the build failed; its messages are above")
    programs: dict[str, Path] = {}
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["kind"] == ["bin"] and not message["profile"]["test"]:
            programs[message["target"]["name"]] = Path(message["executable"])
    if missing := [name for name in packages + list(COMPANIONS.values()) if name not in programs]:
        raise StackError(f"cargo built no program for {', '.join(missing)}")
    return programs


@dataclass(frozen=True)
class Artifact:
    """A program on its way to Lambda. It is named by its content, so an unchanged one is neither packed nor sent again."""

    program: Path
    key: str

    @classmethod
    def of(cls, program: Path) -> Artifact:
        return cls(program, f"{program.name}-{hashlib.sha256(program.read_bytes()).hexdigest()[:16]}.zip")

    def packed(self) -> bytes:
        # A fixed date: the same program gives the same archive. Hardly compressed: it does not travel far.
        entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
            package.writestr(entry, self.program.read_bytes(), compress_type=zipfile.ZIP_DEFLATED, compresslevel=1)
        return archive.getvalue()


def settings(template: Template, layers: list[Mapping[str, str]]) -> dict[str, str]:
    """Values for the template's parameters, by parameter. Later layers win; a name that the template lacks is an error."""
    by_name = {setting_name(parameter): parameter for parameter in template.parameters}
    values: dict[str, str] = {}
    for layer in layers:
        if unknown := sorted(set(layer) - set(by_name)):
            raise StackError(f"{template.path.name} has no parameter for: {', '.join(unknown)}")
        values |= {by_name[name]: value for name, value in layer.items()}
    return values


def overrides_from_environment(template: Template) -> dict[str, str]:
    """Settings that the caller's environment gives, under the same names as in the functions."""
    names = (setting_name(parameter) for parameter in template.parameters)
    return {name: os.environ[name] for name in names if name in os.environ}


@dataclass(frozen=True)
class Deployment:
    """What exists once the stack is deployed."""

    resources: dict[str, tuple[str, str]]
    outputs: dict[str, str]
    changed: bool

    def named(self, kind: str) -> Iterator[tuple[str, str]]:
        """Logical and physical id of each resource of a type."""
        return ((logical, physical) for logical, (of, physical) in self.resources.items() if of == kind)


def deploy(
    emulator: Emulator, template: Template, values: dict[str, str], artifacts: dict[str, Artifact], progress: Progress
) -> Deployment:
    """Creates the stack, or updates what differs."""
    body = template.with_code(_upload(emulator, artifacts)).encode()
    # CloudFormation takes a text of 51,200 bytes, and a file of a million; `sam deploy` sends a file, too.
    emulator.client("s3").put_object(Bucket=BUCKET, Key=template.path.name, Body=body)
    cloudformation = emulator.client("cloudformation")
    request = {
        "StackName": STACK_NAME,
        "TemplateURL": f"{emulator.endpoint}/{BUCKET}/{template.path.name}",
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(values.items())],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    }
    changed = True
    match _status(cloudformation):
        case None:
            progress.say(
                f"deploying {template.path.name}: {len(template.functions)} functions, {len(template.routes)} routes"
            )
            _accepted(cloudformation.create_stack, request)
        case "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE":
            changed = _update(cloudformation, request)
            progress.say("updating the stack" if changed else "the stack is up to date")
        case status:
            raise StackError(f"the local stack is {status} and cannot be updated; start afresh with `make clean-local`")
    stack = _settled(cloudformation) if changed else cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    _limit_pollers(emulator)
    described = cloudformation.describe_stack_resources(StackName=STACK_NAME)["StackResources"]
    deployed = Deployment(
        resources={r["LogicalResourceId"]: (r["ResourceType"], r["PhysicalResourceId"]) for r in described},
        outputs={output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])},
        changed=changed,
    )
    _allow_plain_http(emulator, deployed)
    _complete_tables(emulator, template, deployed)
    return deployed


def _complete_tables(emulator: Emulator, template: Template, deployment: Deployment) -> None:
    """Says of tables what the emulator's CloudFormation passes over: that rows expire, and that all can be put back."""
    dynamodb = emulator.client("dynamodb")
    for logical_id, resource in template.of_type("AWS::DynamoDB::Table").items():
        properties, name = resource["Properties"], deployment.resources[logical_id][1]
        if expiry := properties.get("TimeToLiveSpecification"):
            known = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
            # Said a second time it is an error.
            if known["TimeToLiveStatus"] != "ENABLED":
                dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=expiry)
        if recovery := properties.get("PointInTimeRecoverySpecification"):
            dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)


def fill_secrets(emulator: Emulator, deployment: Deployment, local: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Replaces placeholders by the local values, leaves every other value alone, and returns what is in use."""
    manager = emulator.client("secretsmanager")
    in_use = {}
    for output, arn in sorted(deployment.outputs.items()):
        if not output.endswith("SecretInUse"):
            continue
        name = setting_name(output.removesuffix("InUse") + "Arn")
        text = manager.get_secret_value(SecretId=arn)["SecretString"]
        if PLACEHOLDER in text and name in local:
            text = local[name] if isinstance(local[name], str) else json.dumps(local[name])
            manager.put_secret_value(SecretId=arn, SecretString=text)
        in_use[name] = {"arn": arn, "value": text}
    return in_use


def _upload(emulator: Emulator, artifacts: dict[str, Artifact]) -> dict[str, str]:
    store = emulator.client("s3")
    try:
        store.head_bucket(Bucket=BUCKET)
    except ClientError:
        store.create_bucket(Bucket=BUCKET)
    present = {item["Key"] for item in store.list_objects_v2(Bucket=BUCKET).get("Contents", [])}
    for artifact in artifacts.values():
        if artifact.key not in present:
            store.put_object(Bucket=BUCKET, Key=artifact.key, Body=artifact.packed())
    programs = {key for key in present if key.endswith(".zip")}
    for old in programs - {artifact.key for artifact in artifacts.values()}:
        store.delete_object(Bucket=BUCKET, Key=old)
    return {package: f"s3://{BUCKET}/{artifact.key}" for package, artifact in artifacts.items()}


def _status(cloudformation: Any) -> str | None:
    try:
        return cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]["StackStatus"]
    except ClientError:
        return None


def _update(cloudformation: Any, request: dict[str, Any]) -> bool:
    try:
        _accepted(cloudformation.update_stack, request)
    except StackError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise
    return True


def _accepted(operation: Callable[..., Any], request: dict[str, Any]) -> None:
    try:
        operation(**request)
    except ClientError as error:
        raise StackError(f"the template or a setting is refused: {error.response['Error']['Message']}") from error


def _settled(cloudformation: Any) -> dict[str, Any]:
    while True:
        stack = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
        status = stack["StackStatus"]
        if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            return stack
        if not status.endswith("IN_PROGRESS"):
            raise StackError(f"the deployment ended as {status}:\n{_failures(cloudformation)}")
        time.sleep(0.1)


def _failures(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
    return "\n".join(
        f"  {event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}" for event in failed
    )


def _limit_pollers(emulator: Emulator) -> None:
    # CloudFormation parameters are text; AWS turns MaximumConcurrency into the number it must be, MiniStack compares the
    # text with a number and its pollers stop. Written through the API it is a number.
    functions = emulator.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        if limit := mapping.get("ScalingConfig", {}).get("MaximumConcurrency"):
            functions.update_event_source_mapping(
                UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": int(limit)}
            )


def _allow_plain_http(emulator: Emulator, deployed: Deployment) -> None:
    # AWS is reached by https, so its buckets may refuse everything else; the emulator has nothing else.
    store = emulator.client("s3")
    for _, bucket in deployed.named("AWS::S3::Bucket"):
        try:
            policy = json.loads(store.get_bucket_policy(Bucket=bucket)["Policy"])
        except ClientError:
            continue
        kept = [one for one in policy["Statement"] if "aws:SecureTransport" not in json.dumps(one.get("Condition", {}))]
        if kept:
            store.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy | {"Statement": kept}))
        else:
            store.delete_bucket_policy(Bucket=bucket)
