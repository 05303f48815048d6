"""Builds the layers as SAM does and holds all of them together under Lambda's limit. Needs only Python and make."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = {"core": "CoreLayer", "deps": "DepsLayer", "duckdb": "DuckdbLayer"}
# Lambda counts function and layers, unzipped, in MiB. Some is left for the functions and for what packages grow by.
LIMIT_MIB = 250
ROOM_MIB = 30


def build(layer: str, runtime: str, architecture: str, into: Path) -> Path:
    """Build one layer; answers its folder. Raises CalledProcessError when pip or make fails."""
    target = into / layer
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    env = os.environ | {"ARTIFACTS_DIR": str(target), "PYTHON_RUNTIME": runtime, "ARCHITECTURE": architecture}
    folder = ROOT / "layers" / layer
    subprocess.run(["make", "-s", "-C", str(folder), f"build-{LAYERS[layer]}"], env=env, check=True)
    return target


def mib(folder: Path) -> float:
    """Size of all files, in MiB."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 2**20


def main(runtime: str, architecture: str) -> int:
    """Build all; answers 1 when they are too large together."""
    sizes = {layer: mib(build(layer, runtime, architecture, ROOT / ".local" / "layers")) for layer in LAYERS}
    for layer, size in sizes.items():
        print(f"{layer:8} {size:6.1f} MiB")
    total = sum(sizes.values())
    print(f"{'all':8} {total:6.1f} MiB of {LIMIT_MIB - ROOM_MIB}")
    return int(total > LIMIT_MIB - ROOM_MIB)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
