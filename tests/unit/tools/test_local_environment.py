"""`--stage local` finds the stack that runs on this machine, and says so when none does."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from meghdoot.kernel.errors import NotFound
from meghdoot_cli.local_environment import enter, told


def test_a_running_stack_is_found_and_a_stopped_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "stack.json"
    monkeypatch.setenv("TABLE_PEOPLE", "before")
    monkeypatch.setenv("AWS_REGION", "before")
    with told({"TABLE_PEOPLE": "p1"}, place):
        enter(place)
        assert (os.environ["TABLE_PEOPLE"], os.environ["AWS_REGION"]) == ("p1", "us-east-1")
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    with pytest.raises(NotFound):
        enter(place)


def test_the_newest_stack_stays_found_when_an_older_one_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "stack.json"
    monkeypatch.setenv("TABLE_PEOPLE", "before")
    older = told({"TABLE_PEOPLE": "old"}, place)
    older.__enter__()
    with told({"TABLE_PEOPLE": "new"}, place):
        older.__exit__(None, None, None)
        enter(place)
        assert os.environ["TABLE_PEOPLE"] == "new"
    assert not place.exists()


_STACK = """
import sys, time
from pathlib import Path
from meghdoot_cli import dev
from meghdoot_cli.__main__ import main
from meghdoot_cli.local_environment import told
def serve(_port):
    with told({}, Path(sys.argv[1])):
        print("serving", flush=True)
        time.sleep(60)
dev.run = serve
main(["dev"])
"""


def test_a_stack_that_is_told_to_end_forgets_its_environment(tmp_path: Path) -> None:
    place = tmp_path / "stack.json"
    stack = subprocess.Popen([sys.executable, "-c", _STACK, str(place)], stdout=subprocess.PIPE, text=True)
    assert stack.stdout is not None
    with stack:
        assert stack.stdout.readline() == "serving\n"
        assert place.exists()
        stack.terminate()
    assert stack.returncode == 128 + signal.SIGTERM
    assert not place.exists()
