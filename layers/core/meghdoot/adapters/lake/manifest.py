"""The manifest of a tenant's snapshot: which Parquet files are the truth, and what they were made of.

The list itself is an object of the store, since it may grow beyond an item; the item in `definitions` points to it and
is replaced by compare-and-set. Readers open only what the manifest lists.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.calls import CONDITION_FAILED, CallError, Calls, translated_error
from meghdoot.adapters.dynamodb.names import PK, SHAPE, SK, Document
from meghdoot.adapters.dynamodb.typed import typed_item
from meghdoot.areas.segments.model import Snapshot
from meghdoot.kernel.errors import Stale

_SK = "V"


@dataclass(frozen=True, slots=True)
class Consumed:
    """An archive object that the snapshot holds. The same key with another ETag has grown and is read again."""

    etag: str
    at_ms: int
    """When it was read: it is deleted once no batch of the stream can be repeated any more."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A snapshot and its files, by kind. `version` counts the replacements."""

    snapshot: Snapshot
    version: int
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    consumed: Mapping[str, Consumed] = field(default_factory=dict)
    retired: Mapping[str, int] = field(default_factory=dict)
    """Files of earlier snapshots and when they went out of use (ms): kept a while for readers under way."""


class Manifests(Protocol):
    """Pointers to manifests, by tenant."""

    def current(self, tenant: str) -> tuple[str, int] | None:
        """Key of the manifest's object and its version, read consistently, or None."""
        ...

    def replace(self, tenant: str, key: str, version: int) -> None:
        """Point to another one. Raises Stale unless the stored version is `version - 1` (absent counts as 0)."""
        ...


class MemoryManifests:
    """Pointers in a dict."""

    def __init__(self) -> None:
        self._items: dict[str, tuple[str, int]] = {}

    def current(self, tenant: str) -> tuple[str, int] | None:
        return self._items.get(tenant)

    def replace(self, tenant: str, key: str, version: int) -> None:
        if self._items.get(tenant, ("", 0))[1] != version - 1:
            raise _stale()
        self._items[tenant] = (key, version)


class DynamoManifests:
    """Pointers in the table `definitions`."""

    def __init__(self, calls: Calls, table: str) -> None:
        self._calls = calls
        self._table = table

    def current(self, tenant: str) -> tuple[str, int] | None:
        key = typed_item({PK: keys.manifest_pk(tenant), SK: _SK})
        try:
            answer = self._calls("GetItem", {"TableName": self._table, "Key": key, "ConsistentRead": True})
        except CallError as e:
            raise translated_error(e) from e
        item = answer.get("Item")
        return None if item is None else (json.loads(item[Document.data]["S"])["key"], int(item[Document.version]["N"]))

    def replace(self, tenant: str, key: str, version: int) -> None:
        item = typed_item({PK: keys.manifest_pk(tenant), SK: _SK, SHAPE: 1, Document.tenant: tenant,
                           Document.kind: "manifest", Document.version: version,
                           Document.data: json.dumps({"key": key})})  # fmt: skip
        payload: dict[str, Any] = {
            "TableName": self._table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(#pk)" if version == 1 else "#n = :before",
            "ExpressionAttributeNames": {"#pk": PK} if version == 1 else {"#n": Document.version},
        }
        if version > 1:
            payload["ExpressionAttributeValues"] = {":before": {"N": str(version - 1)}}
        try:
            self._calls("PutItem", payload)
        except CallError as e:
            raise (_stale() if e.code == CONDITION_FAILED else translated_error(e)) from e


def _stale() -> Stale:
    return Stale("another compaction was faster")


def dump(manifest: Manifest) -> Any:
    """Plain JSON data."""
    return to_plain(manifest)


def load(data: Any) -> Manifest:
    """What `dump` wrote. Raises ValueError for anything else."""
    return from_plain(Manifest, data)
