"""The real template, made to run on one machine: the same resources, with functions that call back into our process.

Nothing is described twice. Functions lose their code (the emulator forwards each invocation to us), layers and the
gateways (we serve the committed OpenAPI files), and event sources (we poll queues and streams ourselves, with true
batch semantics). All else, tables, queues, topics, buckets, roles, machines, is created as it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_REMOVED_TYPES = (
    "AWS::Serverless::LayerVersion",
    "AWS::Serverless::Api",
    "AWS::Serverless::HttpApi",
    "AWS::ApiGateway::",
    "AWS::CloudWatch::",
    "AWS::WAFv2::",
)
_OFF = ("DeliveriesByFirehose", "TracksByUrl")
"""Conditions that the parameters' defaults leave unfulfilled: what hangs on them is not created."""
_POLLED = {"SQS": "Queue", "DynamoDB": "Stream"}


class _Loader(yaml.SafeLoader):
    """Reads `!Sub x` as {"Fn::Sub": x} and so on."""


def _intrinsic(loader: Any, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load(path: Path) -> dict[str, Any]:
    """A template as plain data."""
    return dict(yaml.load(path.read_text(), Loader=_Loader))  # noqa: S506 - a SafeLoader with intrinsics


@dataclass(frozen=True)
class Source:
    """An event source of a function: what we poll instead of the service. `arn` is an intrinsic until it is resolved."""

    function: str
    kind: str
    arn: Any
    properties: dict[str, Any]


@dataclass
class Localised:
    """A template for the emulator, and what was taken out of it for us to play."""

    template: dict[str, Any]
    sources: list[Source] = field(default_factory=list)
    handlers: dict[str, str] = field(default_factory=dict)
    """Logical id of a function to its handler, such as `sender.app.handler`."""
    timeouts: dict[str, int] = field(default_factory=dict)


def localise(root: Path, callback: str, bucket: str) -> Localised:
    """The template with functions that call `callback/<logical id>`; nested templates come from `s3://bucket/`."""
    template = load(root / "template.yaml")
    out = Localised(template)
    resources = template["Resources"]
    defaults = template.get("Globals", {}).get("Function", {})
    removed = {name for name, r in resources.items() if r["Type"].startswith(_REMOVED_TYPES)}
    for name in [name for name, r in resources.items() if r.get("Condition") in _OFF]:
        removed.add(name)
        resources.pop(name)
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Serverless::Function":
            _function(out, name, resource["Properties"], defaults, callback, bucket)
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            _machine(resource["Properties"], root)
        elif resource["Type"] == "AWS::Serverless::Application":
            resource["Type"] = "AWS::CloudFormation::Stack"
            location = resource["Properties"].pop("Location")
            resource["Properties"]["TemplateURL"] = f"https://s3.amazonaws.com/{bucket}/{location}"
    for key in ("Layers", "CodeUri", "Tracing", "DeploymentPreference"):
        defaults.pop(key, None)
    template.get("Globals", {}).pop("Api", None)
    _drop(template, removed)
    for index, source in enumerate(out.sources):
        template.setdefault("Outputs", {})[f"Source{index}"] = {"Value": source.arn}
    return out


def _function(
    out: Localised, name: str, properties: dict[str, Any], defaults: dict[str, Any], callback: str, bucket: str
) -> None:
    out.handlers[name] = properties.get("Handler") or defaults["Handler"]
    out.timeouts[name] = int(properties.get("Timeout") or defaults.get("Timeout") or 3)
    for key in (
        "Layers",
        "DeploymentPreference",
        "AutoPublishAlias",
        "Metadata",
        "CodeUri",
        "ReservedConcurrentExecutions",
    ):
        properties.pop(key, None)
    properties["CodeUri"] = f"s3://{bucket}/shim.zip"
    variables = properties.setdefault("Environment", {}).setdefault("Variables", {})
    variables["MINISTACK_LAMBDA_PROXY_URL"] = f"{callback}/{name}"
    for event in list((properties.pop("Events", None) or {}).values()):
        kind, detail = event["Type"], event.get("Properties", {})
        if kind in _POLLED:
            out.sources.append(Source(name, kind, detail[_POLLED[kind]], detail))
        elif kind in ("Schedule", "ScheduleV2"):
            out.sources.append(Source(name, "Schedule", "schedule", detail))


def _machine(properties: dict[str, Any], root: Path) -> None:
    """The definition stands in the template: the emulator has no packaging step."""
    definition = properties.pop("DefinitionUri", None)
    if isinstance(definition, str):
        properties["Definition"] = json.loads((root / definition).read_text())
    properties.pop("Logging", None)
    properties.pop("Tracing", None)
    properties.pop("AutoPublishAlias", None)
    properties.pop("DeploymentPreference", None)


def _references(node: Any) -> Iterator[str]:
    """Logical ids that a piece of template names."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "Ref" and isinstance(value, str):
                yield value
            elif key == "Fn::GetAtt":
                yield str(value[0] if isinstance(value, list) else value).split(".")[0]
            elif key == "Fn::Sub":
                yield from _in_text(value if isinstance(value, str) else value[0])
            elif key == "DependsOn":
                yield from [value] if isinstance(value, str) else value
            yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _in_text(text: str) -> Iterator[str]:
    yield from (found.split(".")[0] for found in re.findall(r"\$\{([A-Za-z0-9.]+)\}", text))


def _drop(template: dict[str, Any], removed: set[str]) -> None:
    """Take resources out, and with them all that names them (permissions, stages, alarms, outputs)."""
    resources, outputs = template["Resources"], template.get("Outputs", {})
    while True:
        for name in removed:
            resources.pop(name, None)
        more = {
            name
            for name, r in resources.items()
            if r["Type"] not in ("AWS::Serverless::Function",) and removed & set(_references(r))
        }
        for resource in resources.values():
            variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
            for key in [k for k, v in variables.items() if removed & set(_references(v))]:
                variables.pop(key)
        if not more:
            break
        removed |= more
    for name in [n for n, o in outputs.items() if removed & set(_references(o))]:
        outputs.pop(name)
