"""Splits `requirements.lock` into the locks of the layers: SAM builds a layer in a copy of its own folder only.

`python -m meghdoot_cli.layer_locks` writes them; a test fails when they differ from the lock of the runtime.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Chalice lists what its command line needs; the runtime imports none of it, and it is most of 50 MB.
CHALICE_COMMAND_LINE = frozenset({
    "ansicon", "blessed", "click", "editor", "inquirer", "jinxed", "packaging", "pip", "pyyaml", "readchar", "runs",
    "setuptools", "wcwidth", "wheel", "xmod",
})  # fmt: skip
DUCKDB = frozenset({"duckdb"})
HEADER = "# Made from requirements.lock by `make layers-lock`.\n"


def split(lock: str) -> dict[str, str]:
    """Layer name to the text of its lock."""
    texts = {"deps": HEADER, "duckdb": HEADER}
    for entry in re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE):
        name = re.match(r"[A-Za-z0-9._-]+", entry)
        if name is None or name[0] in CHALICE_COMMAND_LINE:
            continue
        texts["duckdb" if name[0] in DUCKDB else "deps"] += entry
    return texts


def path_of(layer: str) -> Path:
    """Where a layer's lock lies."""
    return ROOT / "layers" / layer / "requirements.lock"


def main() -> None:
    """Write both."""
    for layer, text in split((ROOT / "requirements.lock").read_text()).items():
        path_of(layer).write_text(text)


if __name__ == "__main__":
    main()
