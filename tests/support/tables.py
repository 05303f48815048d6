"""Creates the tables that `infra/tables.yaml` describes on any substrate, so that tests and deployment cannot differ."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


class _CloudFormation(yaml.SafeLoader):
    """Reads templates: an intrinsic such as `!Sub x` becomes {"Fn::Sub": x}, `!Ref x` {"Ref": x}."""


def _intrinsic(loader: _CloudFormation, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_CloudFormation.add_multi_constructor("!", _intrinsic)


def load_template(path: Path) -> dict[str, Any]:
    """A CloudFormation template as plain data."""
    return yaml.load(path.read_text(), Loader=_CloudFormation)


@cache
def table_definitions() -> dict[str, dict[str, Any]]:
    """`people` and the like to the arguments of CreateTable, without a name."""
    resources = load_template(ROOT / "infra" / "tables.yaml")["Resources"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    definitions = {}
    for logical, resource in resources.items():
        properties = resource["Properties"]
        definition = {name: properties[name] for name in wanted}
        if "StreamSpecification" in properties:
            definition["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
        definitions[logical.lower()] = definition
    return definitions


def create_tables(client: Any, prefix: str) -> dict[str, str]:
    """Create all five; answers logical name to table name."""
    names = {}
    for logical, definition in table_definitions().items():
        names[logical] = f"{prefix}-{logical}"
        client.create_table(TableName=names[logical], **definition)
    return names
