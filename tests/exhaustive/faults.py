"""One fault at one I/O call: what can break there, and a stand-in for an adapter that breaks when told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from meghdoot.areas.messaging.model import Outcome
from meghdoot.kernel.errors import Throttled, Unavailable
from tests.support.killing import Killed


class Placement(NamedTuple):
    """A fault of a kind at the n-th call that is watched."""

    call: int
    kind: str


class Call(NamedTuple):
    """A call that was watched: `port.method`, and how many things it carried."""

    name: str
    items: int


Act = Callable[[], Any]

READS = frozenset({
    "get", "get_many", "read", "rate", "granted", "all", "watermark", "totals", "head", "gate", "gates", "page", "owner",
    "seen_at", "members", "intact", "history", "look", "digest", "part", "due",
})  # fmt: skip
"""After these the world is what it was before: an end after one is the end before the next call."""
BATCHES = frozenset({"claim", "put", "born"})
"""Calls of which a part may come through."""

_BEFORE = ("killed_before", "error_before")
_AFTER = ("killed_after", "error_after", "lost_reply")
_PARTLY = ("half_killed", "half_error")
_SEND = ("throttled", "timeout", "stop")
LEAVES_UNKNOWN = frozenset({*_BEFORE, *_AFTER, *_PARTLY, "timeout", "outlived"})
"""Only after these may somebody be unknown: not after a duplicate, nor after what people decide."""


def kinds_at(call: Call, meanwhile: Sequence[str]) -> tuple[str, ...]:
    """All that can go wrong at a call; `meanwhile` names what other processes may do just before it."""
    method = call.name.rpartition(".")[2]
    kinds = _BEFORE if method in READS else _BEFORE + _AFTER
    if method in BATCHES and call.items > 1:
        kinds += _PARTLY
    if method == "send":
        kinds += _SEND
    return kinds + tuple(meanwhile)


@dataclass
class Faults:
    """Counts the watched calls and breaks those where a fault is placed."""

    placed: Mapping[int, str] = field(default_factory=dict)
    watching: bool = False
    calls: list[Call] = field(default_factory=list)
    dead: set[int] = field(default_factory=set)
    """Processes that were killed: nothing that they still try has an effect. Services of no process have the number 0."""
    meanwhile: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    observe: Callable[[int, str, tuple[Any, ...], Any], None] = lambda _process, _name, _args, _answer: None

    def through(
        self, process: int, name: str, act: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """Make the call of a process, or break it."""

        def effect(*given: Any) -> Any:
            answer = act(*(given or args), **kwargs)
            self.observe(process, name, given or args, answer)
            return answer

        if process in self.dead:
            # What stands in a `finally` does not run in a process that is gone.
            raise Killed(name)
        if not self.watching:
            return effect()
        number = len(self.calls)
        batch = args[0] if args and isinstance(args[0], list | tuple) else ()
        self.calls.append(Call(name, len(batch)))
        kind = self.placed.get(number)
        if kind is None:
            return effect()
        if kind in self.meanwhile:
            return self._while_others(kind, effect)
        if "killed" in kind and process:
            self.dead.add(process)
        return _BREAK[kind](name, effect, args)

    def _while_others(self, kind: str, effect: Act) -> Any:
        self.watching = False
        try:
            self.meanwhile[kind]()
        finally:
            self.watching = True
        return effect()


def _killed_before(name: str, effect: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    raise Killed(name)


def _killed_after(name: str, effect: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    effect()
    raise Killed(name)


def _error_before(name: str, effect: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    raise Throttled(f"{name} is throttled")


def _error_after(name: str, effect: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    effect()
    raise Unavailable(f"{name} does not answer")


def _lost_reply(name: str, effect: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    effect()
    # The table's client asks again; the provider's never does.
    return Outcome("ambiguous", code="lost_reply") if name.endswith(".send") else effect()


def _half(effect: Callable[..., Any], args: tuple[Any, ...]) -> None:
    batch = args[0]
    effect(batch[: (len(batch) + 1) // 2], *args[1:])


def _half_killed(name: str, effect: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    _half(effect, args)
    raise Killed(name)


def _half_error(name: str, effect: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    _half(effect, args)
    raise Unavailable(f"{name} came half through")


_BREAK: dict[str, Callable[[str, Callable[..., Any], tuple[Any, ...]], Any]] = {
    "killed_before": _killed_before,
    "killed_after": _killed_after,
    "error_before": _error_before,
    "error_after": _error_after,
    "lost_reply": _lost_reply,
    "half_killed": _half_killed,
    "half_error": _half_error,
    "throttled": lambda _name, _effect, _args: Outcome("retry", code="throttled"),
    "timeout": lambda _name, _effect, _args: Outcome("ambiguous", code="timeout"),
    "stop": lambda _name, _effect, _args: Outcome("stop", code="account_paused"),
}


class Faulty:
    """Any adapter, seen through the faults. What is no method is handed out as it is."""

    def __init__(self, inner: Any, port: str, faults: Faults, process: int = 0) -> None:
        self._inner, self._port, self._faults, self._process = inner, port, faults, process
        self._made: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Any:
        made = self._made.get(name)
        if made is not None:
            return made
        act = getattr(self._inner, name)
        if not callable(act):
            return act
        through, process, label = self._faults.through, self._process, f"{self._port}.{name}"

        def call(*args: Any, **kwargs: Any) -> Any:
            return through(process, label, act, args, kwargs)

        self._made[name] = call
        return call
