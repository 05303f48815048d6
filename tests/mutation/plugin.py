"""Runs collected tests against mutations, each in a forked child that has everything loaded already."""

from __future__ import annotations

import gc
import importlib
import inspect
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import hypothesis
import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.operators import Mutation, mutations

LAYER = Path(__file__).resolve().parents[2] / "layers" / "core"
BUDGET_SECONDS = 1.5
"""Of processor time for all tests that one mutation is shown to; the slowest are left out."""
SECONDS = 30
"""A mutation under which something never ends is noticed too."""

hypothesis.settings.register_profile(
    "mutation", max_examples=40, derandomize=True, database=None, deadline=None,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    suppress_health_check=list(hypothesis.HealthCheck),
)  # fmt: skip


@dataclass
class Mutating:
    """A plugin whose test loop is the loop over mutations of some modules."""

    modules: Sequence[str]
    part: int = 0
    parts: int = 1
    total: int = 0
    survivors: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """Tests that fail although nothing was changed."""

    def pytest_configure(self, config: pytest.Config) -> None:
        """Fewer examples, and the same in every run."""
        hypothesis.settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Order the tests by what they take, then try every mutation of this part."""
        items = self._ordered(session.items)
        # What is there stays: children share its memory for longer.
        gc.freeze()
        if self.broken:
            return True
        wanted = [m for module in self.modules for m in mutations(module, _source(module))]
        for number, mutation in enumerate(wanted):
            if number % self.parts == self.part:
                self.total += 1
                if not _noticed(mutation, _speaking_first(mutation, items)):
                    self.survivors.append(mutation.name)
        return True

    def _ordered(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """The quick ones first, and no more than the budget allows. Processor time, so that a busy machine does no harm."""
        took: dict[str, float] = {}
        for item in items:
            begun = time.process_time()
            if _fails(item):
                self.broken.append(item.nodeid)
            took[item.nodeid] = time.process_time() - begun
        chosen, spent = [], 0.0
        for item in sorted(items, key=lambda item: took[item.nodeid]):
            spent += took[item.nodeid]
            if spent <= BUDGET_SECONDS:
                chosen.append(item)
        return chosen


def _speaking_first(mutation: Mutation, items: list[pytest.Item]) -> list[pytest.Item]:
    """Tests that name what was changed come first; each kind keeps its order."""
    name = mutation.place.rpartition(".")[2].rstrip("=")
    return sorted(items, key=lambda item: name not in _text(item))


@cache
def _text(item: pytest.Item) -> str:
    return inspect.getsource(item.function)  # type: ignore[attr-defined,no-any-return]


def _source(module: str) -> str:
    return LAYER.joinpath(*module.split(".")).with_suffix(".py").read_text()


def _fails(item: pytest.Item) -> bool:
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def _noticed(mutation: Mutation, items: Iterable[pytest.Item]) -> bool:
    child = os.fork()
    if child == 0:
        # The child says nothing: its exit is its answer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        signal.signal(signal.SIGALRM, lambda *_: os._exit(1))
        signal.alarm(SECONDS)
        try:
            apply(mutation)
        except BaseException:
            os._exit(2)
        os._exit(1 if any(_fails(item) for item in items) else 0)
    _, status = os.waitpid(child, 0)
    if os.waitstatus_to_exitcode(status) == 2:
        raise AssertionError(f"cannot apply {mutation.name}")
    return os.waitstatus_to_exitcode(status) != 0


def apply(mutation: Mutation) -> None:
    """Change the loaded module: the code of one function, or a constant wherever its name was imported."""
    module = importlib.import_module(mutation.module)
    _forget_answers()
    code = compile(mutation.tree, module.__file__ or "", "exec")
    if mutation.place.endswith("="):
        _constant(module, mutation.place[:-1], code)
        return
    target: Any = module
    for name in mutation.place.split("."):
        target = vars(target)[name]
    _function(target).__code__ = next(c for c in _codes(code) if c.co_qualname == mutation.place)


def _forget_answers() -> None:
    """What functions have cached while nothing was changed would hide the change."""
    for loaded in list(sys.modules.values()):
        if str(getattr(loaded, "__name__", "")).startswith("meghdoot"):
            for held in list(vars(loaded).values()):
                if callable(clear := getattr(held, "cache_clear", None)):
                    clear()


def _constant(module: Any, name: str, code: CodeType) -> None:
    fresh = {"__name__": f"{module.__name__}_changed", "__file__": module.__file__}
    # Dataclasses look their module up.
    sys.modules[fresh["__name__"]] = type(sys)(fresh["__name__"])
    try:
        exec(code, fresh)
    except Exception:
        # A constant that cannot even be made would be noticed by whoever loads the module.
        os._exit(1)
    old = getattr(module, name)
    for loaded in list(sys.modules.values()):
        if str(getattr(loaded, "__name__", "")).startswith("meghdoot") and vars(loaded).get(name) is old:
            setattr(loaded, name, fresh[name])


def _function(found: Any) -> FunctionType:
    for wrapped in ("fget", "__func__", "__wrapped__"):
        found = getattr(found, wrapped, None) or found
    return found  # type: ignore[no-any-return]


def _codes(code: CodeType) -> Iterator[CodeType]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _codes(const)
