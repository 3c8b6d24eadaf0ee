"""Frontdesk on one machine: the deployed template, the front door before it, the shop's page, and the providers that it
talks to.

    stack.py up                   build, start, deploy, print where everything is, stay until Ctrl-C; data survives
    stack.py up --detach          the same, but return once all is ready; DIR/stack.json says where everything is
    stack.py down                 stop it in order, so that the emulator writes its state
    stack.py status [--json]      is it running, and where
    stack.py logs [FUNCTION]      what the functions logged
    stack.py env                  where it is, for a shell that uses the tool: eval "$(stack.py env)"
    stack.py bootstraps           the functions that run right now: process id and name
    stack.py forget               delete the state of a stack that is down

Ports, state and settings can be chosen, so that a test has a stack of its own beside the developer's: --state-dir, --ports,
--set NAME=VALUE. A setting is also taken from the environment: REVIEW_BUFFER_SECONDS=60 make run.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import deployment
import emulator
import permissions
import processes
from deployment import STACK_NAME, Artifact, Deployment
from emulator import KEEP_PERMISSIONS, Emulator
from processes import LOCALHOST, Process
from progress import Progress, StackError
from template import Template, setting_name, short_name

ROOT = Path(__file__).resolve().parent.parent
# What can be sent by hand, right after the start: provider, secret, file, path.
EXAMPLES = {
    "An order": ("shopify", "SHOPIFY_WEBHOOK_SECRET", "shopify/orders-fulfilled-au.json", "/shopify/orders-fulfilled"),
    "A webchat": (
        "podium",
        "PODIUM_WEBHOOK_SECRET",
        "podium/published.message.received.webchat.json",
        "/podium/webchat",
    ),
}
# How the shop's people are told, and the keys of what the assistant uses: the template makes no secret of these, because a
# shop has whichever it likes.
OPTIONAL = {
    "NOTIFY_SLACK_SECRET_ARN": "{stand_ins}/slack/services/T00000000/B00000000/local",
    "NOTIFY_WEBHOOK_SECRET_ARN": {
        "url": "{stand_ins}/webhook/frontdesk",
        "signing_secret": "example-signing-secret-not-real",
    },
    "AGENT_SECRET_ARN": "local-model-key-not-real",
    "SPEECH_SECRET_ARN": "local-speech-key-not-real",
    "WOOCOMMERCE_SECRET_ARN": {"consumer_key": "ck_local", "consumer_secret": "cs_local"},
}
# With an address the template makes a topic. What is published there is posted to the stand-ins as well, under this path of
# their webhooks.
PEOPLE = {"NOTIFY_EMAIL": "people@example.test"}
TOPIC, TOPIC_PATH = "NotifyTopic", "/topic"
PROVIDERS = "front door and stand-ins"
PORTS = {"front_door": 8787, "stand_ins": 8788, "aws": 4566, "site": 8790}
OWNER_OF_PORT = {"front_door": PROVIDERS, "stand_ins": PROVIDERS, "aws": emulator.NAME, "site": PROVIDERS}
# The page is opened by name. By number it is another origin, one that the front desk does not know.
HOST = {"site": "localhost"}


class Interrupted(Exception):
    """Ctrl-C, or its like."""


class Stack:
    """One stack: its ports, its state directory, and whatever of it runs."""

    def __init__(self, state_dir: Path, ports: dict[str, int], progress: Progress) -> None:
        self.state_dir = state_dir
        self.ports = ports
        self.progress = progress
        self.emulator = Emulator(ports["aws"], state_dir)
        self.processes = self._remembered()

    # ---- What is known about it

    def described(self) -> dict[str, Any] | None:
        """What stack.json holds: the stack as it was when it was last brought up."""
        return _read_json(self.state_dir / "stack.json")

    def _remembered(self) -> dict[str, Process]:
        kept = (Process(**fields) for fields in _read_json(self.state_dir / "processes.json") or [])
        return {process.name: process for process in kept if process.alive()}

    def _remember(self) -> None:
        _write_json(self.state_dir / "processes.json", [vars(process) for process in self.processes.values()])

    # ---- Up

    def up(self, template: Template, options: argparse.Namespace) -> dict[str, Any]:
        """Brings everything up and returns what stack.json holds. What runs already is kept, and updated."""
        self._check_ports()
        settings = self._settings(template, options.set)
        packages = [function.package for function in template.functions]
        self.progress.say(f"building {', '.join(packages)}, the stand-ins and the tool")
        programs = deployment.build(ROOT, packages, options.profile, options.whole_workspace)

        # The providers first and last, so that no function ever finds them gone.
        self._run_providers(template, programs["frontdesk-local"])
        self._run(emulator.NAME, self.emulator.start, self.emulator.wait_until_ready)
        channels = self._make_optional(template, settings)
        artifacts = {package: Artifact.of(programs[package]) for package in packages}
        deployed = deployment.deploy(self.emulator, template, settings, artifacts, self.progress)
        secrets = deployment.fill_secrets(self.emulator, deployed, _choices()["secrets"]) | channels
        if topic := deployed.resources.get(TOPIC):
            self._listen(topic[1])

        described = self._describe(template, settings, deployed, secrets, programs)
        _write_json(self.state_dir / "stack.json", described)
        self._load_locations(described)
        self.progress.say("ready")
        return described

    def _check_ports(self) -> None:
        before = self.described()
        # A stack that is older than a port has no state that holds it.
        if before and before["ports"] != {name: self.ports[name] for name in before["ports"]}:
            # Queue URLs hold the port, in the emulator's state as well as in what the functions were told.
            raise StackError(
                f"the stack in {self.state_dir} has the ports {_ports_as_text(PORTS | before['ports'])}; keep them, "
                "choose another --state-dir, or delete its state with `stack.py forget` once it is down"
            )
        for name, port in self.ports.items():
            if OWNER_OF_PORT[name] not in self.processes and processes.port_in_use(port):
                raise StackError(
                    f"port {port}, for the {_spaced(name)}, is in use by another program. "
                    f"Stop that one, or choose another port: FRONTDESK_LOCAL_PORT_{name.upper()}={port + 1000}"
                )

    def _settings(self, template: Template, asked: list[str]) -> dict[str, str]:
        ours = {name: _as_text(value, self._url("stand_ins")) for name, value in _choices()["settings"].items()}
        theirs = deployment.overrides_from_environment(template)
        # The page's origin is the one that may ask, and the addresses that it gets are the front door's.
        web = {"WEB_ORIGINS": self._url("site"), "WEB_PUBLIC_URL": self._url("front_door")}
        return deployment.settings(template, [PEOPLE, web, ours, theirs, dict(map(_pair, asked))])

    def _make_optional(self, template: Template, settings: dict[str, str]) -> dict[str, dict[str, str]]:
        """Keeps addresses and keys, and lets the settings say where; those that say so already count."""
        manager = self.emulator.client("secretsmanager")
        parameters = {setting_name(parameter): parameter for parameter in template.parameters}
        made = {}
        for name, value in (OPTIONAL | _choices()["secrets"]).items():
            if name not in OPTIONAL or settings.get(parameters[name]):
                continue
            kept = f"local/{name.removesuffix('_SECRET_ARN').lower()}"
            text = _as_text(value, self._url("stand_ins"))
            try:
                arn = manager.create_secret(Name=kept, SecretString=text)["ARN"]
            except manager.exceptions.ResourceExistsException:
                arn = manager.put_secret_value(SecretId=kept, SecretString=text)["ARN"]
            settings[parameters[name]] = arn
            made[name] = {"arn": arn, "value": text}
        return made

    def _listen(self, topic: str) -> None:
        """Lets the stand-ins hear what is published to a topic."""
        sns, endpoint = self.emulator.client("sns"), f"{self._url('stand_ins')}/webhook{TOPIC_PATH}"
        subscribed = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        if not any(each["Endpoint"] == endpoint for each in subscribed):
            sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
            sns.confirm_subscription(TopicArn=topic, Token=self._token_of(topic))

    def _load_locations(self, described: dict[str, Any]) -> None:
        """The shop's page cannot be filled in without the list of stores, and the clock brings it only in some minutes."""
        name = described["functions"][described["tasks"]["locations"]]["name"]
        self.emulator.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"task": "locations"}).encode())

    def _token_of(self, topic: str) -> str:
        """What SNS posts to whoever is to hear of a topic, so that nobody is told who does not want to be."""
        url = f"{self._url('stand_ins')}/_control/ledger"
        for _ in range(50):
            with urllib.request.urlopen(url, timeout=30) as answer:
                notices = json.load(answer)["notices"]
            posted = [json.loads(notice["body"]) for notice in notices if notice["path"] == TOPIC_PATH]
            if tokens := [each["Token"] for each in posted if each["TopicArn"] == topic and "Token" in each]:
                return str(tokens[-1])
            time.sleep(0.1)
        raise StackError(f"{emulator.NAME} did not ask the stand-ins whether they want to hear of {topic}")

    def _run_providers(self, template: Template, program: Path) -> None:
        routes = [
            {"method": r.method, "path": r.path, "function": r.function.name(STACK_NAME)} for r in template.routes
        ]
        wanted = {"program": Artifact.of(program).key, "routes": routes, "site": self.ports["site"]}
        if PROVIDERS in self.processes and _read_json(self.state_dir / "front-door.json") != wanted:
            self.processes.pop(PROVIDERS).stop(10.0)
        _write_json(self.state_dir / "front-door.json", wanted)
        _write_json(self.state_dir / "routes.json", routes)
        log = self.state_dir / "logs" / "frontdesk-local.log"
        argv = [
            *(str(program), "serve"),
            *("--routes", str(self.state_dir / "routes.json")),
            *("--lambda-endpoint", self.emulator.endpoint),
            *("--front-door", f"{LOCALHOST}:{self.ports['front_door']}"),
            *("--stand-ins", f"{LOCALHOST}:{self.ports['stand_ins']}"),
            *("--ledger", str(self.state_dir / "ledger.jsonl")),
            *("--site", f"{LOCALHOST}:{self.ports['site']}"),
            *("--site-root", str(ROOT / "site")),
            *("--api", self._url("front_door")),
            # Files go to the bucket directly, and pictures of products come from the shop.
            *("--upload-host", self.emulator.endpoint),
            *("--image-host", self._url("stand_ins")),
        ]

        def wait(process: Process) -> None:
            for name in ("front_door", "stand_ins", "site"):
                processes.wait_for_port(process, self.ports[name], 30.0, log)

        self._run(PROVIDERS, lambda: processes.start(PROVIDERS, argv, os.environ, ROOT, log), wait)

    def _run(self, name: str, start: Callable[[], Process], wait: Callable[[Process], None]) -> None:
        if name in self.processes:
            self.progress.say(f"{name}: running already")
            return
        self.progress.say(f"starting {name}")
        self.processes[name] = start()
        self._remember()
        wait(self.processes[name])

    def _describe(
        self,
        template: Template,
        settings: dict[str, str],
        deployed: Deployment,
        secrets: dict[str, Any],
        programs: dict[str, Path],
    ) -> dict[str, Any]:
        return {
            "state_dir": str(self.state_dir),
            "ports": self.ports,
            "endpoints": {name: self._url(name) for name in self.ports},
            "aws": {
                "region": emulator.REGION,
                "access_key_id": emulator.ACCESS_KEY,
                "secret_access_key": emulator.SECRET_KEY,
            },
            "processes": {process.name: process.pid for process in self.processes.values()},
            "tables": {short_name(id, "Table"): name for id, name in deployed.named("AWS::DynamoDB::Table")},
            "resources": {id: {"type": kind, "name": name} for id, (kind, name) in deployed.resources.items()},
            "queues": {short_name(id, "Queue"): url for id, url in deployed.named("AWS::SQS::Queue")},
            "functions": {f.package: self._describe_function(f.name(STACK_NAME)) for f in template.functions},
            # Which function does what by the clock.
            "tasks": {task: f.package for f in template.functions for task in _tasks(f.properties)},
            # With the template's defaults, so that nobody has to know them a second time.
            "settings": {
                setting_name(name): settings.get(name, str(parameter.get("Default", "")))
                for name, parameter in template.parameters.items()
            },
            "secrets": secrets,
            "files": {
                "ledger": str(self.state_dir / "ledger.jsonl"),
                "routes": str(self.state_dir / "routes.json"),
                "logs": str(self.state_dir / "logs"),
            },
            "programs": {name: str(path) for name, path in programs.items()},
        }

    def _describe_function(self, name: str) -> dict[str, str]:
        config = self.emulator.client("lambda").get_function_configuration(FunctionName=name)
        return {
            "name": name,
            "log_group": config["LoggingConfig"]["LogGroup"],
            "bootstrap": str(self.emulator.program_of(config["CodeSha256"])),
        }

    def _url(self, port: str) -> str:
        return f"http://{HOST.get(port, LOCALHOST)}:{self.ports[port]}"

    # ---- While it runs

    def watch(self) -> str:
        """Returns the name of the first process that ends by itself."""
        while True:
            for process in self.processes.values():
                if not process.alive():
                    return process.name
            time.sleep(0.5)

    def bootstraps(self) -> Iterator[tuple[int, str]]:
        described = self.described() or {"functions": {}}
        for package, function in described["functions"].items():
            for pid in processes.running(Path(function["bootstrap"])):
                yield pid, package

    def log_lines(self, package: str | None, since_ms: int) -> Iterator[dict[str, Any]]:
        """What functions logged, oldest first: {"at_ms", "function", "line"}."""
        described = self.described() or {"functions": {}}
        if package and package not in described["functions"]:
            raise StackError(f"no function {package}; there are {', '.join(described['functions'])}")
        pages = self.emulator.client("logs").get_paginator("filter_log_events")
        lines = []
        for name, function in described["functions"].items():
            if package in (None, name):
                for page in pages.paginate(logGroupName=function["log_group"], startTime=since_ms):
                    lines += [{"at_ms": e["timestamp"], "function": name, "line": e["message"]} for e in page["events"]]
        yield from sorted(lines, key=lambda line: line["at_ms"])

    # ---- Down

    def down(self) -> None:
        """Stops what runs: the emulator first, and gently, because it writes its state only when it is asked to end."""
        for name in (emulator.NAME, PROVIDERS):
            if process := self.processes.pop(name, None):
                self.progress.say(f"stopping {name}")
                if not process.stop(60.0 if name == emulator.NAME else 10.0):
                    self.progress.say(f"{name} had to be killed; what it had not written is lost")
                if name == emulator.NAME and KEEP_PERMISSIONS in os.environ:
                    self._keep_permissions(Path(os.environ[KEEP_PERMISSIONS]))
        for pid, package in self.bootstraps():
            # They end with the emulator, unless the emulator was killed.
            self.progress.say(f"stopping {package}, left behind")
            os.kill(pid, signal.SIGTERM)
        if self.state_dir.exists():
            self._remember()

    def _keep_permissions(self, directory: Path) -> None:
        if described := self.described():
            uses = permissions.read_ledger(self.emulator.permissions, described, Template(ROOT / "template.yaml"))
            permissions.write_uses(uses, directory / f"{self.state_dir.name}.json")

    def forget(self) -> None:
        if self.processes:
            raise StackError(f"the stack in {self.state_dir} is running: `stack.py down` first")
        if self.state_dir.exists():
            if not (self.state_dir / "processes.json").exists() and any(self.state_dir.iterdir()):
                raise StackError(f"{self.state_dir} does not look like the state of a stack; nothing was deleted")
            shutil.rmtree(self.state_dir)


# ---- What it says


def summary(described: dict[str, Any]) -> str:
    urls = described["endpoints"]
    routes = _read_json(Path(described["files"]["routes"])) or []
    width = max(len(route["path"]) for route in routes)
    lines = ["", "Front door"]
    lines += [f"  {r['method']} {urls['front_door']}{r['path']:<{width}}  → {r['function']}" for r in routes]
    lines += [
        "Beside it",
        f"  the page    {urls['site']}  (the form and the chat, as a customer sees them)",
        f"  providers   {urls['stand_ins']}  (what customers would have seen: {described['files']['ledger']})",
    ]
    aws = described["aws"]
    lines += [
        f"  AWS         {urls['aws']}  (region {aws['region']}, key {aws['access_key_id']}, secret {aws['secret_access_key']})"
    ]
    lines += ["Secrets in use"]
    lines += [f"  {name:<27} {secret['value']}" for name, secret in described["secrets"].items()]
    for what, example in EXAMPLES.items():
        lines += [f"{what}, signed now; paste it into another terminal", f"  {signed_curl(described, *example)}"]
    return "\n".join([*lines, ""])


def signed_curl(described: dict[str, Any], provider: str, secret: str, file: str, path: str) -> str:
    url = described["endpoints"]["front_door"] + path
    body = str(ROOT / "events" / file)
    argv = [described["programs"]["frontdesk"], "sign", "--provider", provider, "--body", body, "--curl", url]
    environment = os.environ | {secret: described["secrets"][f"{secret}_ARN"]["value"]}
    done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else f"(none: {done.stderr.strip() or 'the tool said nothing'})"


# ---- Commands


def command_up(stack: Stack, options: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    ours = not stack.processes
    try:
        described = stack.up(Template(ROOT / "template.yaml"), options)
        if not options.quiet:
            print(summary(described), flush=True)
        if options.detach or not ours:
            return 0
        print("Ctrl-C stops everything.", flush=True)
        ended = stack.watch()
        raise StackError(f"{ended} ended by itself; see {described['files']['logs']}")
    except Interrupted:
        _stop_for_good(stack, ours)
        return 0
    except BaseException:
        _stop_for_good(stack, ours)
        raise


def command_down(stack: Stack, _: argparse.Namespace) -> int:
    if not stack.processes:
        print(f"nothing runs from {stack.state_dir}")
    stack.down()
    return 0


def command_status(stack: Stack, options: argparse.Namespace) -> int:
    described = stack.described()
    if options.json:
        print(json.dumps({"running": sorted(stack.processes), "stack": described}, indent=2))
    elif described and set(stack.processes) == set(OWNER_OF_PORT.values()):
        print(summary(described))
    else:
        print(f"running from {stack.state_dir}: {', '.join(sorted(stack.processes)) or 'nothing'}")
    return 0 if set(stack.processes) == set(OWNER_OF_PORT.values()) else 1


def command_logs(stack: Stack, options: argparse.Namespace) -> int:
    since_ms = options.since_ms
    while True:
        for line in stack.log_lines(options.function, since_ms):
            since_ms = max(since_ms, line["at_ms"] + 1)
            at = time.strftime("%H:%M:%S", time.localtime(line["at_ms"] / 1000))
            print(json.dumps(line) if options.json else f"{at} {line['function']:<15} {line['line']}", flush=True)
        if not options.follow:
            return 0
        time.sleep(1.0)


def command_env(stack: Stack, _: argparse.Namespace) -> int:
    described = stack.described()
    if not described or emulator.NAME not in stack.processes:
        raise StackError(f"nothing runs from {stack.state_dir}: `make run` first, in another terminal")
    aws = described["aws"]
    variables = {
        "AWS_ENDPOINT_URL": described["endpoints"]["aws"],
        "AWS_REGION": aws["region"],
        "AWS_ACCESS_KEY_ID": aws["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": aws["secret_access_key"],
        # What the functions were told, the tool asks them.
        "FRONTDESK_STACK": STACK_NAME,
    }
    for name, value in sorted(variables.items()):
        print(f"export {name}={shlex.quote(value)}")
    return 0


def command_bootstraps(stack: Stack, _: argparse.Namespace) -> int:
    for pid, package in stack.bootstraps():
        print(pid, package)
    return 0


def command_forget(stack: Stack, _: argparse.Namespace) -> int:
    stack.forget()
    return 0


def _stop_for_good(stack: Stack, ours: bool) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if ours:
        stack.down()


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise Interrupted


# ---- Small things


def _tasks(function: dict[str, Any]) -> Iterator[str]:
    """What the schedules of a function ask it for."""
    for event in function.get("Events", {}).values():
        if event["Type"] == "ScheduleV2":
            yield json.loads(event["Properties"]["Input"])["task"]


def _choices() -> dict[str, Any]:
    return _read_json(ROOT / "local" / "parameters.json") or {}


def _as_text(value: Any, stand_ins: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.replace("{stand_ins}", stand_ins)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise StackError(f"--set {text}: expected NAME=VALUE")
    return name, value


def _ports(text: str) -> dict[str, int]:
    numbers = [int(part) for part in text.split(",")]
    if len(numbers) != len(PORTS):
        raise argparse.ArgumentTypeError(f"expected {len(PORTS)} ports: {','.join(PORTS)}")
    return dict(zip(PORTS, numbers, strict=True))


def _ports_as_text(ports: dict[str, int]) -> str:
    return ",".join(str(ports[name]) for name in PORTS)


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _read_json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _write_json(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.rename(file)


def _arguments() -> argparse.Namespace:
    asked = {name: int(text) for name in PORTS if (text := os.environ.get(f"FRONTDESK_LOCAL_PORT_{name.upper()}"))}
    chosen = PORTS | asked
    state_dir = Path(os.environ.get("FRONTDESK_LOCAL_STATE_DIR", ROOT / ".local"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument(
        "--state-dir", type=Path, default=state_dir, help="where data, logs and stack.json are kept"
    )
    everywhere.add_argument("--ports", type=_ports, help=f"{','.join(PORTS)} (default {_ports_as_text(chosen)})")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[Stack, argparse.Namespace], int]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[everywhere])
        added.set_defaults(run=run)
        return added

    up = command("up", command_up)
    up.add_argument("--detach", action="store_true", help="return once everything is ready")
    up.add_argument("--quiet", action="store_true", help="do not print the summary")
    up.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the template")
    up.add_argument("--profile", default="dev", help="cargo profile (default dev)")
    up.add_argument("--whole-workspace", action="store_true", help="build all targets, as a test run has done already")
    command("down", command_down)
    command("status", command_status).add_argument("--json", action="store_true")
    logs = command("logs", command_logs)
    logs.add_argument("function", nargs="?", help="such as shopify-worker; all if left out")
    logs.add_argument("--since-ms", type=int, default=0, metavar="UNIX_MS")
    logs.add_argument("--follow", action="store_true")
    logs.add_argument("--json", action="store_true", help="one object per line: at_ms, function, line")
    command("env", command_env)
    command("bootstraps", command_bootstraps)
    command("forget", command_forget)

    options = parser.parse_args()
    options.state_dir = options.state_dir.resolve()
    if options.ports is None:
        # A stack that exists knows its own ports, unless somebody asks for others.
        existing = _read_json(options.state_dir / "stack.json")
        options.ports = PORTS | existing["ports"] | asked if existing else chosen
    return options


def main() -> int:
    options = _arguments()
    try:
        return options.run(Stack(options.state_dir, options.ports, Progress()), options)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
