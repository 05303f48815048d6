"""A clean clone of the committed state, and running things in it as a stranger would."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).resolve().parents[2]
# What was said to the outer `make` is not said to that of the clone: WHAT would choose among other things there.
_OURS = ("AWS_", "PYTEST", "PYTHONPATH", "MAKE", "MFLAGS", "WHAT", "RESULT", "SLICES", "PAIRS", "HANDLERS")
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}


def cloned() -> Iterator[Path]:
    """A clone, without anything that stands beside the project; gone afterwards."""
    folder = Path(mkdtemp(prefix="meghdoot-clone-"))
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder / "meghdoot")], check=True)
    yield folder / "meghdoot"
    shutil.rmtree(folder, ignore_errors=True)


def run(clone: Path, *command: str, **environment: str) -> str:
    """Run a command in the clone; its output. Fails with the output's end when it does not exit 0."""
    started = time.monotonic()
    done = subprocess.run(command, cwd=clone, env=CLEAN | environment, capture_output=True, text=True, check=False)
    print(f"\n$ {' '.join(command)}   ({time.monotonic() - started:.0f} s)")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def check(clone: Path, *names: str, **environment: str) -> str:
    """Run tests of the clone with its own environment, printing what they print."""
    out = run(clone, ".venv/bin/python", "-m", "pytest", "-s", "-rA", *names, **environment)
    print("\n".join(line for line in out.splitlines() if line.startswith(("figure:", "PASSED")) or " passed" in line))
    summary = out.strip().splitlines()[-1]
    assert re.search(r"\d+ passed", summary)
    assert "skipped" not in summary
    return out


def last_line(text: str) -> str:
    """The last line that says anything."""
    return [line for line in text.splitlines() if line.strip()][-1]


def numbers(line: str) -> dict[str, int]:
    """`name=12` pairs of a line."""
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}
