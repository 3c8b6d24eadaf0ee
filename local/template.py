"""What template.yaml says, read once: its settings, its functions, and which path leads to which function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from progress import StackError


# The parser in C takes a tenth of the time; some builds of the package lack it.
class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads CloudFormation's short forms (!Ref, !Sub ...) as the long ones."""


def _short_form(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise StackError(f"line {node.start_mark.line + 1}: !{tag} takes a value or a list")
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _short_form)


@dataclass(frozen=True)
class Function:
    """A function of the template: `package` is the Cargo package that its CodeUri names."""

    logical_id: str
    package: str
    properties: dict[str, Any]

    def name(self, stack: str) -> str:
        return self.properties["FunctionName"]["Fn::Sub"].replace("${AWS::StackName}", stack)


@dataclass(frozen=True)
class Route:
    """A path of the front door."""

    method: str
    path: str
    function: Function


class Template:
    """A parsed template that keeps its text, because the text is what gets deployed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.body: dict[str, Any] = yaml.load(self.text, Loader=_Loader)

    @cached_property
    def parameters(self) -> dict[str, dict[str, Any]]:
        return self.body.get("Parameters", {})

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        return self.body["Resources"]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        return {name: resource for name, resource in self.resources.items() if resource["Type"] == kind}

    @cached_property
    def functions(self) -> list[Function]:
        found = self.of_type("AWS::Serverless::Function")
        return [Function(name, Path(f["Properties"]["CodeUri"]).name, f["Properties"]) for name, f in found.items()]

    @cached_property
    def routes(self) -> list[Route]:
        return [
            Route(event["Properties"]["Method"].upper(), event["Properties"]["Path"], function)
            for function in self.functions
            for event in function.properties.get("Events", {}).values()
            if event["Type"] == "HttpApi"
        ]

    def with_code(self, locations: dict[str, str]) -> str:
        """The same text with each CodeUri pointing at a built artifact, which is all that `sam package` changes."""

        def built(line: re.Match[str]) -> str:
            return line[1] + locations[Path(line[2]).name]

        text, count = re.subn(r"^( +CodeUri: )(\S+)", built, self.text, flags=re.MULTILINE)
        if count != len(self.functions):
            raise StackError(
                f"{self.path.name}: found {count} lines with a CodeUri for {len(self.functions)} functions"
            )
        return text


def setting_name(parameter: str) -> str:
    """ReviewBufferSeconds is REVIEW_BUFFER_SECONDS, in the function's environment and everywhere else."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", parameter).upper()


def short_name(logical_id: str, suffix: str) -> str:
    """ReviewRequestsTable is review_requests."""
    return setting_name(logical_id.removesuffix(suffix)).lower()
