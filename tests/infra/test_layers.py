"""The layers hold what our code needs, from the lock of the runtime, for the processor of the functions."""

from __future__ import annotations

import re
from importlib.metadata import requires
from pathlib import Path

import pytest

from meghdoot_cli import layer_locks, layer_sizes
from tests.support.tables import ROOT
from tests.support.templates import of_type, template


def names(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", lock, flags=re.MULTILINE))


def test_the_locks_of_the_layers_are_what_the_runtime_lock_says() -> None:
    for layer, text in layer_locks.split((ROOT / "requirements.lock").read_text()).items():
        assert layer_locks.path_of(layer).read_text() == text, "run `make layers-lock`"


def test_every_package_of_a_layer_finds_what_it_needs_there() -> None:
    # Given what the layers hold, and what Chalice lists only for its command line
    held = names(layer_locks.path_of("deps").read_text()) | names(layer_locks.path_of("duckdb").read_text())
    for package in held:
        needed = {
            re.split(r"[ <>=!~;\[(]", line, maxsplit=1)[0].lower().replace("_", "-")
            for line in requires(package) or []
            if "extra ==" not in line and "python_version <" not in line and "python_full_version <" not in line
            and "sys_platform ==" not in line
        }  # fmt: skip
        assert needed - held <= (layer_locks.CHALICE_COMMAND_LINE if package == "chalice" else set()), package


def test_no_layer_carries_a_packaging_tool_or_a_test_tool() -> None:
    held = names(layer_locks.path_of("deps").read_text())
    assert not held & {"pip", "setuptools", "wheel", "inquirer", "moto", "pytest", "duckdb"}


def test_the_runtime_lock_lists_what_is_asked_for() -> None:
    asked = {
        re.split(r"[<>=]", line)[0]
        for line in (ROOT / "requirements.in").read_text().splitlines()
        if line[:1] not in "#"
    }
    assert asked <= names((ROOT / "requirements.lock").read_text())


def test_each_layer_of_the_template_is_built_by_its_makefile() -> None:
    for name, layer in of_type(template(), "AWS::Serverless::LayerVersion").items():
        folder = ROOT / layer["Properties"]["ContentUri"]
        assert layer["Metadata"] == {"BuildMethod": "makefile"}
        assert re.search(rf"^build-{name}:", (folder / "Makefile").read_text(), flags=re.MULTILINE)
        assert layer_sizes.LAYERS[folder.name] == name


def test_layers_over_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given layers of 2 MiB and room for 1
    def build(layer: str, runtime: str, architecture: str, into: Path) -> Path:
        folder = tmp_path / layer
        folder.mkdir()
        (folder / "module.so").write_bytes(bytes(2 * 2**20))
        return folder

    monkeypatch.setattr(layer_sizes, "build", build)
    assert layer_sizes.main("python3.13", "arm64") == 0
    monkeypatch.setattr(layer_sizes, "LIMIT_MIB", layer_sizes.ROOM_MIB + 1)
    for layer in layer_sizes.LAYERS:
        (tmp_path / layer / "module.so").unlink()
        (tmp_path / layer).rmdir()
    # When they are built, then the command fails
    assert layer_sizes.main("python3.13", "arm64") == 1
