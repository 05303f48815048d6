"""Local copies of a snapshot's files. Every file's key holds its snapshot's id and is never overwritten, so a copy stays true."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp

from meghdoot.adapters.objects.store import ObjectStore


@dataclass(frozen=True, slots=True)
class FileCache:
    """Copies in a folder of temporary storage, of at most `limit` bytes beside those in use."""

    store: ObjectStore
    folder: Path
    limit: int = 2 * 1024**3

    def local(self, keys: Iterable[tuple[str, str]]) -> list[Path]:
        """Copies of objects given as key and ETag (empty for a key that is never overwritten). Raises NotFound."""
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for key, etag in keys:
            path = self.folder / (sha256(f"{key}\x00{etag}".encode()).hexdigest() + _suffix(key))
            if path.exists():
                os.utime(path)
            else:
                self._fetch(key, path)
            paths.append(path)
        return paths

    def _fetch(self, key: str, path: Path) -> None:
        handle, name = mkstemp(dir=self.folder, suffix=".part")
        os.close(handle)
        part = Path(name)
        try:
            self.store.download(key, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def trim(self, used: Iterable[Path]) -> None:
        """Delete the copies that were used longest ago, while those not in use exceed the limit."""
        keep = set(used)
        others = [(p.stat(), p) for p in self.folder.glob("*.*") if p not in keep and p.suffix != ".part"]
        room = self.limit
        for stat, path in sorted(others, key=lambda other: other[0].st_mtime, reverse=True):
            room -= stat.st_size
            if room < 0:
                path.unlink(missing_ok=True)


def _suffix(key: str) -> str:
    return ".jsonl.gz" if key.endswith(".jsonl.gz") else ".parquet"
