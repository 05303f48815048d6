"""A breakage: one exact snippet of a module replaced by another, while the module is loaded; no file is touched."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Literal

LAYER = Path(__file__).resolve().parents[2] / "layers" / "core"

Family = Literal["claim", "consent", "cap", "receipts", "sweeper", "counters", "tenancy", "pacing"]


class Rotten(Exception):
    """The snippet stands in the module no more, or more than once: the table must follow the code."""


@dataclass(frozen=True)
class Mutant:
    """`why` says in words what is broken. `equivalent` is the reason why nobody can tell, for one that may live."""

    family: Family
    name: str
    module: str
    snippet: str
    instead: str
    why: str
    equivalent: str | None = None

    def applied_to(self, source: str) -> str:
        """The module's text, broken. Raises Rotten."""
        found = source.count(self.snippet)
        if found != 1:
            raise Rotten(f"{self.name}: the snippet stands {found} times in {self.module}")
        return source.replace(self.snippet, self.instead)

    @property
    def path(self) -> Path:
        """The module's file."""
        return LAYER.joinpath(*self.module.split(".")).with_suffix(".py")


class _Broken(SourceFileLoader):
    """Loads a module from a text that is not the file's."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.path, "exec", dont_inherit=True)


@dataclass
class Breaking(MetaPathFinder):
    """Put first on `sys.meta_path`, it hands out the broken texts in place of the modules of those names."""

    texts: Mapping[str, str]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        text = self.texts.get(name)
        spec = PathFinder.find_spec(name, path, target)
        if text is None or spec is None or spec.origin is None:
            return None
        spec.loader = _Broken(name, spec.origin, text)
        return spec


def break_it(mutant: Mutant) -> None:
    """From now on the module is the broken one. Raises RuntimeError when it was loaded before."""
    if any(name == "meghdoot" or name.startswith("meghdoot.") for name in sys.modules):
        raise RuntimeError("the house is loaded already: a breakage needs a fresh process")
    sys.meta_path.insert(0, Breaking({mutant.module: mutant.applied_to(mutant.path.read_text())}))
