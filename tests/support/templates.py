"""Reads `template.yaml` for the tests of the deployment."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.support.tables import ROOT, load_template

Template = dict[str, Any]


def template() -> Template:
    """A fresh copy, so that a test may break it."""
    return copy.deepcopy(_read())


@cache
def _read() -> Template:
    return load_template(ROOT / "template.yaml")


def of_type(t: Template, kind: str) -> dict[str, dict[str, Any]]:
    """Resources of a type by logical name."""
    return {name: resource for name, resource in t["Resources"].items() if resource["Type"] == kind}


def functions(t: Template) -> dict[str, dict[str, Any]]:
    """Properties of the functions by logical name."""
    return {name: resource["Properties"] for name, resource in of_type(t, "AWS::Serverless::Function").items()}


def many(value: Any) -> list[Any]:
    """A value that a template may write alone or as a list."""
    return value if isinstance(value, list) else [value]


def target(value: Any) -> str | None:
    """The logical name that a Ref or GetAtt points to."""
    if not isinstance(value, dict):
        return None
    if "Ref" in value:
        return str(value["Ref"])
    got = value.get("Fn::GetAtt")
    return (got if isinstance(got, str) else got[0]).split(".")[0] if got else None


def statements(t: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """(role or policy, statement) of every identity policy."""
    for name, resource in t["Resources"].items():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            documents = [resource["Properties"]["PolicyDocument"]]
        elif resource["Type"] == "AWS::IAM::Role":
            documents = [policy["PolicyDocument"] for policy in resource["Properties"].get("Policies", [])]
        else:
            continue
        for document in documents:
            for statement in document["Statement"]:
                yield name, statement


def environment(t: Template, name: str) -> dict[str, Any]:
    """The variables of a function, with those of all functions."""
    shared = t["Globals"]["Function"]["Environment"]["Variables"]
    own = functions(t)[name].get("Environment", {}).get("Variables", {})
    return {**shared, **own}


def dotted(text: str) -> list[str]:
    """Names inside `${...}`."""
    return re.findall(r"\$\{([\w:.]+)\}", text)
