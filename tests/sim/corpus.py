"""The seeds that once failed."""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).parent / "corpus.txt"


def seeds() -> list[int]:
    """All of them, in the order in which they failed."""
    lines = FILE.read_text().splitlines()
    return [int(line.split()[0]) for line in lines if line and not line.startswith("#")]


def keep(seed: int, note: str) -> None:
    """Add a seed, once."""
    if seed not in seeds():
        with FILE.open("a") as file:
            file.write(f"{seed} {note}\n")
