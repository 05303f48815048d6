"""Proofs of runs in the write-once bucket, as JSON whose every byte counts."""

from __future__ import annotations

import json
from typing import Any

from meghdoot.adapters.objects.store import ObjectStore
from meghdoot.adapters.objects.withdrawals import WriteOnce
from meghdoot.areas.messaging.roots import Leaf, RootPart, RunRoot
from meghdoot.kernel.errors import Malformed, NotFound

_SHAPE = 1


class ObjectRoots:
    """`roots/<tenant>/<run>.json`, and the parts of a run in the making under `roots/<tenant>/<run>/`."""

    def __init__(self, put: WriteOnce, store: ObjectStore, bucket: str) -> None:
        self._put = put
        self._store = store
        self._bucket = bucket

    def put_part(self, part: RootPart) -> RootPart:
        key = f"{_prefix(part.tenant, part.run_id)}/{part.slice}.json"
        if self._put(self._bucket, key, _written(_part_body(part))):
            return part
        return self.part(part.tenant, part.run_id, part.slice) or part

    def part(self, tenant: str, run_id: str, slice_: int) -> RootPart | None:
        data = self._read(f"{_prefix(tenant, run_id)}/{slice_}.json")
        return None if data is None else _part(data)

    def put(self, root: RunRoot) -> RunRoot:
        if self._put(self._bucket, root_key(root.tenant, root.run_id), _written(_root_body(root))):
            return root
        return self.get(root.tenant, root.run_id) or root

    def get(self, tenant: str, run_id: str) -> RunRoot | None:
        data = self._read(root_key(tenant, run_id))
        return None if data is None else _root(data)

    def _read(self, key: str) -> bytes | None:
        try:
            return self._store.get(key)
        except NotFound:
            return None


def root_key(tenant: str, run_id: str) -> str:
    """The name of a run's proof."""
    return f"{_prefix(tenant, run_id)}.json"


def _prefix(tenant: str, run_id: str) -> str:
    return f"roots/{tenant}/{run_id}"


def _written(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _leaves(leaves: tuple[Leaf, ...]) -> list[list[Any]]:
    return [[leaf.number, leaf.digest, leaf.spoken] for leaf in leaves]


def _part_body(part: RootPart) -> dict[str, Any]:
    head = {"s": _SHAPE, "tenant": part.tenant, "run": part.run_id, "slice": part.slice}
    return head | {"leaves": _leaves(part.leaves)}


def _root_body(root: RunRoot) -> dict[str, Any]:
    head = {"s": _SHAPE, "tenant": root.tenant, "run": root.run_id, "audience": root.audience, "root": root.root}
    return head | {"leaves": _leaves(root.leaves)}


def _part(raw: bytes) -> RootPart:
    try:
        data = json.loads(raw)
        part = RootPart(data["tenant"], data["run"], data["slice"], _read_leaves(data))
        same = _written(_part_body(part)) == raw
    except (ValueError, KeyError, TypeError) as e:
        raise _damaged() from e
    if not same:
        raise _damaged()
    return part


def _root(raw: bytes) -> RunRoot:
    try:
        data = json.loads(raw)
        root = RunRoot(data["tenant"], data["run"], data["audience"], _read_leaves(data), data["root"])
        same = _written(_root_body(root)) == raw
    except (ValueError, KeyError, TypeError) as e:
        raise _damaged() from e
    if not same:
        raise _damaged()
    return root


def _read_leaves(data: dict[str, Any]) -> tuple[Leaf, ...]:
    return tuple(Leaf(int(number), str(digest), str(spoken)) for number, digest, spoken in data["leaves"])


def _damaged() -> Malformed:
    return Malformed("the stored proof has bytes that nobody here wrote", code="damaged_root")
