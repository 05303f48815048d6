"""The environment of the stack that runs on this machine, so that `--stage local` finds it from another terminal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from meghdoot.kernel.errors import NotFound
from meghdoot_cli.emulator import CREDENTIALS, ROOT

STAGE = "local"
PLACE = ROOT / ".local" / "stack.json"


@contextmanager
def told(environment: Mapping[str, str], place: Path = PLACE) -> Iterator[None]:
    """Leave the environment where the command line looks for it; it is gone with the stack. The newest stack is found."""
    text = json.dumps({**CREDENTIALS, **environment})
    place.parent.mkdir(exist_ok=True)
    # The keys of this stack's tokens stand in it: nobody else on the machine reads them.
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    try:
        yield
    finally:
        if place.exists() and place.read_text() == text:
            place.unlink()


def enter(place: Path = PLACE) -> None:
    """Take the environment of the stack that runs. Raises NotFound when none does."""
    try:
        os.environ.update(json.loads(place.read_text()))
    except FileNotFoundError as e:
        raise NotFound("no local stack runs: start one with `make dev` or `make demo`", code="no_local_stack") from e
