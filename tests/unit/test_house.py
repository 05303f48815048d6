"""The house rules that no linter holds: sizes, handlers, and what must not stand in a file."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [p for folder in ("layers/core", "functions", "tools") for p in sorted((ROOT / folder).rglob("*.py"))]
HANDLERS = sorted((ROOT / "functions").glob("*/app.py"))


def _body_lines(function: ast.FunctionDef) -> int:
    """Lines of a function without its docstring."""
    first = function.body[0]
    has_docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    start = (first.end_lineno or first.lineno) + 1 if has_docstring else function.lineno
    return (function.end_lineno or start) - start + 1


def test_files_stay_under_400_lines() -> None:
    assert [(str(p.relative_to(ROOT)), n) for p in SOURCES if (n := len(p.read_text().splitlines())) > 400] == []


def test_functions_stay_within_40_lines() -> None:
    long = [
        (f"{p.relative_to(ROOT)}:{node.lineno} {node.name}", _body_lines(node))
        for p in SOURCES
        for node in ast.walk(ast.parse(p.read_text()))
        if isinstance(node, ast.FunctionDef) and _body_lines(node) > 40
    ]
    assert long == []


@pytest.mark.parametrize("path", HANDLERS, ids=lambda p: p.parent.name)
def test_handlers_are_thin(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 40


def _tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [ROOT / n for n in names if n and (ROOT / n).is_file()]


def test_no_file_names_a_machine_or_a_registry() -> None:
    wrong = re.compile(
        r"(^|[^\w/.-])/(work|root|home)/\w|files\.pythonhosted\.org|https?://pypi\.|registry\.npmjs\.org"
    )
    found = []
    for path in _tracked():
        if path.suffix in (".csv", ".gz", ".png") or path == Path(__file__):
            continue
        found += [
            f"{path.relative_to(ROOT)}: {m.group(0)}" for m in [wrong.search(path.read_text(errors="replace"))] if m
        ]
    assert found == []


def test_locks_pin_every_package_with_hashes_and_without_urls() -> None:
    for lock in sorted(ROOT.glob("requirements*.lock")):
        text = lock.read_text()
        entries = re.split(r"\n(?=[a-z])", text.strip())
        assert all("==" in e and "--hash=sha256:" in e for e in entries), lock.name
        assert "://" not in text, lock.name
