"""Makes the next snapshot: what the archive appended, merged into the Parquet files of the last one.

A kind without news keeps its file. Archive objects that were read are deleted only after `_KEPT_DAYS`: until then a
batch of the stream could come again and grow one of them, which its new ETag tells.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from meghdoot.adapters.lake import merge, schema
from meghdoot.adapters.lake.manifest import Consumed, Manifest, Manifests, dump, load
from meghdoot.adapters.lake.session import session
from meghdoot.adapters.objects.store import ObjectInfo, ObjectStore
from meghdoot.areas.segments.days import milliseconds
from meghdoot.areas.segments.model import Snapshot
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Stale
from meghdoot.kernel.ids import Ids

EMPTY = Manifest(Snapshot("empty", datetime(1970, 1, 1, tzinfo=UTC), 0, 0), 0)
_ATTEMPTS = 3
_DAY_MS = 24 * 3_600_000
_KEPT_DAYS = 2
_RETIRED_MS = 3_600_000


def archive_prefix(tenant: str) -> str:
    """Where the archive of a tenant lies. Ends with `/`, so that no tenant is the beginning of another."""
    return f"archive/{tenant}/"


def read_manifest(store: ObjectStore, manifests: Manifests, tenant: str) -> Manifest:
    """The current manifest, or the empty one."""
    pointer = manifests.current(tenant)
    return EMPTY if pointer is None else load(json.loads(store.get(pointer[0])))


@dataclass(frozen=True)
class LakeCompactor:
    """The compactor. `folder` is temporary storage; memory in megabytes."""

    store: ObjectStore
    manifests: Manifests
    clock: Clock
    ids: Ids
    folder: Path
    memory_mb: int = 1024
    threads: int = 2

    def compact(self, tenant: str) -> Snapshot:
        """The next snapshot. Raises Stale when others were faster three times in a row."""
        for attempt in range(_ATTEMPTS):
            try:
                return self._compact(tenant)
            except Stale:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _compact(self, tenant: str) -> Snapshot:
        now = self.clock.now()
        pointer = self.manifests.current(tenant)
        before = read_manifest(self.store, self.manifests, tenant)
        listed = list(self.store.list(archive_prefix(tenant)))
        fresh = unread(before, listed)
        before = self._cleaned(before, listed, milliseconds(now))
        after = self._merged(tenant, before, fresh, now) if fresh else _later(before, now)
        if pointer is not None:
            after = replace(after, retired={**after.retired, pointer[0]: milliseconds(now)})
        key = f"lake/{tenant}/manifests/{self.ids.new()}.json"
        self.store.put(key, json.dumps(dump(after)).encode())
        try:
            self.manifests.replace(tenant, key, after.version)
        except Stale:
            self._delete({key, *_files(after)} - set(_files(before)))
            raise
        return after.snapshot

    def _cleaned(self, manifest: Manifest, listed: Sequence[ObjectInfo], now_ms: int) -> Manifest:
        """Delete what nobody can need any more, then forget it: a crash between the two only repeats the deletion."""
        etags = {found.key: found.etag for found in listed}
        old = {
            key for key, read in manifest.consumed.items()
            if key not in etags or (etags[key] == read.etag and now_ms - read.at_ms > _KEPT_DAYS * _DAY_MS)
        }  # fmt: skip
        unused = {key for key, since in manifest.retired.items() if now_ms - since > _RETIRED_MS}
        self._delete((old & etags.keys()) | unused)
        consumed = {key: read for key, read in manifest.consumed.items() if key not in old}
        retired = {key: since for key, since in manifest.retired.items() if key not in unused}
        return replace(manifest, consumed=consumed, retired=retired)

    def _delete(self, keys: Iterable[str]) -> None:
        for key in sorted(keys):
            self.store.delete(key)

    def _merged(self, tenant: str, before: Manifest, fresh: Sequence[ObjectInfo], now: datetime) -> Manifest:
        snapshot_id = self.ids.new()
        news: dict[str, list[ObjectInfo]] = {kind: [] for kind in schema.KINDS}
        for found in fresh:
            news[kind_of(found.key)].append(found)
        # Someone was erased: their lines leave every file.
        kinds = [kind for kind in schema.KINDS if news[kind] or news["tombstones"]]
        files = dict(before.files)
        with TemporaryDirectory(dir=self._folder()) as name:
            folder = Path(name)
            local = self._download(before, news, kinds, folder)
            with session(folder, memory_mb=self.memory_mb, threads=self.threads) as connection:
                merge.write(connection, local, kinds, folder)
                customers, events = (merge.rows(connection, local, kind, folder) for kind in ("customers", "events"))
            for kind in kinds:
                files[kind] = (f"lake/{tenant}/{snapshot_id}/{kind}.parquet",)
                self.store.upload(merge.output(folder, kind), files[kind][0])
        now_ms = milliseconds(now)
        gone = set(_files(before)) - {key for keys in files.values() for key in keys}
        return Manifest(
            Snapshot(snapshot_id, now, customers, events),
            before.version + 1,
            files,
            {**before.consumed, **{found.key: Consumed(found.etag, now_ms) for found in fresh}},
            {**before.retired, **dict.fromkeys(gone, now_ms)},
        )

    def _folder(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    def _download(
        self, before: Manifest, news: Mapping[str, Sequence[ObjectInfo]], kinds: Sequence[str], folder: Path
    ) -> merge.Inputs:
        """Fresh lines of every kind that is written, and the last files of those and of what must be counted or joined."""
        wanted = {*kinds, "tombstones", "customers", "events"}
        parquet = {
            kind: [self._copy(key, folder / f"{kind}-{n}.parquet") for n, key in enumerate(before.files.get(kind, ()))]
            for kind in wanted
        }
        lines = {
            kind: [self._copy(found.key, folder / f"{kind}-{n}.jsonl.gz") for n, found in enumerate(news[kind])]
            for kind in kinds
        }
        return merge.Inputs(parquet, lines)

    def _copy(self, key: str, path: Path) -> Path:
        self.store.download(key, path)
        return path


def unread(manifest: Manifest, listed: Iterable[ObjectInfo]) -> list[ObjectInfo]:
    """Archive objects that the snapshot does not hold, or not with these bytes."""
    return [found for found in listed if (read := manifest.consumed.get(found.key)) is None or read.etag != found.etag]


def kind_of(key: str) -> str:
    """The kind of an archive object: the folder that it lies in. Raises ValueError for a folder that is none of ours."""
    kind = key.rsplit("/", 2)[-2]
    if kind not in schema.KINDS:
        raise ValueError(f"{kind} is no kind of the archive")
    return kind


def _files(manifest: Manifest) -> list[str]:
    return [key for keys in manifest.files.values() for key in keys]


def _later(manifest: Manifest, now: datetime) -> Manifest:
    """The same snapshot: nothing has come since, so it holds everything up to now."""
    return replace(manifest, version=manifest.version + 1, snapshot=replace(manifest.snapshot, as_of=now))
