"""The one shape of a result: what was measured, what it must reach, and on what machine."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.table import FOLDER, write_page

Reach = Mapping[str, Mapping[str, float]]
"""Name of a measured figure to `{"at_least": x}` or `{"at_most": x}`."""


def machine() -> dict[str, Any]:
    """What it ran on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    cpu = names[0] if names else platform.processor()
    return {"cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version()}


def missed(measured: Mapping[str, Any], reach: Reach) -> list[str]:
    """What falls short, in words; empty when everything is reached."""
    wrong = []
    for name, bounds in reach.items():
        for kind, bound in bounds.items():
            value = measured.get(name)
            if value is None or (value < bound if kind == "at_least" else value > bound):
                wrong.append(f"{name} is {value}, {kind.replace('_', ' ')} {bound}")
    return wrong


def keep(name: str, measured: Mapping[str, Any], reach: Reach) -> None:
    """Write `results/<name>.json` and the page, and show the figures; AssertionError names what falls short."""
    result = {"name": name, "measured": dict(measured), "reach": reach, "machine": machine()}
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    write_page()
    print(f"\n{name}: {json.dumps(measured, indent=2)}")
    short = missed(measured, reach)
    assert not short, short
