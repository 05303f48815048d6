"""What the functions that recipients and providers wait for cost to import, against boto3 alone, and what they load."""

from __future__ import annotations

import statistics
from pathlib import Path

import pytest

from tests.bench.results_file import keep
from tests.functions import test_light_imports as light

ROUNDS = 15
FUNCTIONS = ("public", "webhooks")
FIRST_REQUESTS = {"public": light._PUBLIC, "webhooks": light._WEBHOOKS}
FORBIDDEN = ("boto3", "botocore", "pynamodb", "pydantic")
REACH = {
    f"{function}_{figure}": {"at_most": most}
    for function in FUNCTIONS
    for figure, most in (("of_boto3", 0.5), ("heavy_modules", 0))
}


def spent(module: str, env: dict[str, str]) -> float:
    """Milliseconds of processor time that an import takes in a fresh process."""
    code = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    return float(light.run(code, env)) * 1000


def heavy(function: str, env: dict[str, str]) -> list[str]:
    """Forbidden packages that are loaded when the first requests, over a stubbed wire, are answered."""
    loaded = light.run(FIRST_REQUESTS[function] + "\nimport sys\nprint(*sys.modules)", env).split()
    assert "meghdoot.wiring.light" in loaded
    return sorted({name.partition(".")[0] for name in loaded} & set(FORBIDDEN))


@pytest.mark.bench
def test_light_functions_import_in_half_of_the_time_of_boto3(tmp_path: Path) -> None:
    env = light.environment(tmp_path)
    modules = [*(f"{function}.app" for function in FUNCTIONS), "boto3"]
    for module in modules:
        spent(module, env)  # compiles: a deployed layer is compiled too
    rounds = [{module: spent(module, env) for module in modules} for _ in range(ROUNDS)]
    measured: dict[str, object] = {"rounds": ROUNDS}
    for function in FUNCTIONS:
        ratios = [one[f"{function}.app"] / one["boto3"] for one in rounds]
        measured[f"{function}_of_boto3"] = round(statistics.median(ratios), 2)
        measured[f"{function}_ms"] = round(statistics.median(one[f"{function}.app"] for one in rounds), 1)
        found = heavy(function, env)
        print(function, "loads of the heavy packages:", found or "none")
        measured[f"{function}_heavy_modules"] = len(found)
    measured["boto3_ms"] = round(statistics.median(one["boto3"] for one in rounds), 1)
    keep("imports", measured, REACH)
