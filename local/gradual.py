"""Prints template.yaml with gradual deployment: a new version of each function gets a tenth of its work at first, and all of it if no
alarm rings. `make deploy GRADUAL=canary` deploys what this prints.

    gradual.py                                       Canary10Percent5Minutes
    gradual.py --type Linear10PercentEvery1Minute    or another of CodeDeploy's

No parameter of the template could switch this. Gradual deployment needs an alias, SAM makes aliases unconditionally, and with one a
changed parameter alone would change nothing: SAM publishes a new version for new code only. So the plain template has none, and this one
publishes a version of every function with each deployment.
"""

from __future__ import annotations

import argparse
import re
import secrets
import sys
from pathlib import Path

from template import Template

ROOT = Path(__file__).resolve().parent.parent
CANARY = "Canary10Percent5Minutes"
# CodeDeploy watches so many alarms of a function.
ALARMS_MAX = 10
# What tells of a bad version: it fails, its code panics, it is slow, or it gives up what it should not.
METRICS = {"Errors", "RecordPanicked", "Duration", "EventParked", "RequestFailed", "ChatApologised", "FormSubmitted"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--type", default=CANARY, metavar="TYPE", help="CodeDeploy's way of shifting (default: %(default)s)")
    sys.stdout.write(gradual(Template(ROOT / "template.yaml"), parser.parse_args().type, secrets.token_hex(32)))
    return 0


def gradual(template: Template, shift: str, release: str) -> str:
    """The template's text with three properties more in each function; `release` must differ from the last deployment's."""
    alarms = _alarms(template)
    functions = iter(template.functions)

    def more(line: re.Match[str]) -> str:
        watched = ", ".join(f"!Ref {name}" for name in alarms[next(functions).logical_id])
        return (
            f"{line[0]}\n"
            f"      AutoPublishAlias: live\n"
            f'      AutoPublishCodeSha256: "{release}"\n'
            f"      DeploymentPreference: {{Type: {shift}, Alarms: [{watched}]}}"
        )

    return re.sub(r"^ +CodeUri: \S+$", more, template.text, flags=re.MULTILINE)


def _alarms(template: Template) -> dict[str, list[str]]:
    """By function, its alarms that tell of a bad version; the front door's of those that it leads to."""
    doors = {route.function.logical_id for route in template.routes}
    found = {f.logical_id: ["FrontDoorFailing"] if f.logical_id in doors else [] for f in template.functions}
    for name, alarm in template.of_type("AWS::CloudWatch::Alarm").items():
        properties = alarm["Properties"]
        whose = next((d["Value"].get("Ref") for d in properties["Dimensions"] if isinstance(d["Value"], dict)), None)
        if properties["MetricName"] in METRICS and whose in found:
            found[whose].append(name)
    return {function: names[:ALARMS_MAX] for function, names in found.items()}


if __name__ == "__main__":
    sys.exit(main())
