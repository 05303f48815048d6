"""The page of named packages says where each is imported, and says it rightly."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "packages.md").read_text()
NAMED = {
    row[0]: [folder.strip() for folder in row[2].split(",")]
    for row in (re.split(r"\s*\|\s*", line.strip("| ")) for line in PAGE.splitlines() if line.startswith("| "))
    if row[0] != "package"
}


def _imports() -> dict[str, set[str]]:
    """Package to the files that import it."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in ("layers/core", "functions", "tools", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module]
                for name in names:
                    found[name.split(".")[0]].add(str(path.relative_to(ROOT)))
    return found


IMPORTS = _imports()


def test_every_named_package_is_imported_in_each_folder_that_the_page_names() -> None:
    idle = [
        (package, folder)
        for package, folders in NAMED.items()
        for folder in folders
        if not any(f.startswith(folder + "/") for f in IMPORTS[package])
    ]
    assert idle == []


def test_no_named_package_is_imported_elsewhere() -> None:
    strays = [
        (package, path)
        for package, folders in NAMED.items()
        for path in IMPORTS[package]
        if not any(path.startswith(folder + "/") for folder in folders) and not path.startswith(("tests/", "tools/"))
    ]
    assert strays == []
