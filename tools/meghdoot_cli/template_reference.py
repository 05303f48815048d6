"""Writes docs/reference/template.md from the template: parameters, outputs, functions, queues and alarms.

`python -m meghdoot_cli.template_reference` writes it; a test fails when it is not what the template says.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from meghdoot_cli.localise import ROOT, load

PAGE = ROOT / "docs" / "reference" / "template.md"
HEAD = """# The template

Made from `template.yaml` by `make template-reference`. How to deploy it: [howto/deploy.md](../howto/deploy.md).
"""


def page(template: dict[str, Any]) -> str:
    """The whole page."""
    return "\n".join([HEAD, *_parameters(template), *_outputs(template), *_functions(template), *_alarms(template)])


def _table(title: str, columns: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"## {title}", "", "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
    return [*lines, *("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows), ""]


def _parameters(template: dict[str, Any]) -> list[str]:
    rows = [
        [f"`{name}`", f"`{p['Default']}`" if p["Default"] != "" else "empty", _allowed(p), p["Description"]]
        for name, p in template["Parameters"].items()
    ]
    return _table("Parameters", ["name", "default", "allowed", "meaning"], rows)


def _allowed(parameter: dict[str, Any]) -> str:
    if "AllowedValues" in parameter:
        return ", ".join(f"`{value}`" for value in parameter["AllowedValues"])
    if "MinValue" in parameter:
        return f"{parameter['MinValue']} to {parameter['MaxValue']}"
    return f"`{parameter['AllowedPattern']}`"


def _outputs(template: dict[str, Any]) -> list[str]:
    rows = [[f"`{name}`", output["Description"]] for name, output in template["Outputs"].items()]
    return _table("Outputs", ["name", "meaning"], rows)


def _functions(template: dict[str, Any]) -> list[str]:
    rows = []
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            p = resource["Properties"]
            called = ", ".join(sorted({e["Type"] for e in p.get("Events", {}).values()})) or "API or state machine"
            rows.append([f"`{p['Handler']}`", called, f"{p['MemorySize']} MB", f"{p['Timeout']} s", p["Description"]])
    return _table("Functions", ["handler", "called by", "memory", "timeout", "what it does"], sorted(rows))


def _alarms(template: dict[str, Any]) -> list[str]:
    rows = []
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            p = resource["Properties"]
            rows.append(
                [f"`{name}`", f"`{p.get('MetricName', 'metric math')}`", str(p["Threshold"]), p["AlarmDescription"]]
            )
    return _table("Alarms", ["name", "metric", "line", "what it means"], sorted(rows))


def main(path: Path = PAGE) -> None:
    """Write the page."""
    path.write_text(re.sub(r"\n+\Z", "\n", page(load(ROOT / "template.yaml"))))


if __name__ == "__main__":
    main()
