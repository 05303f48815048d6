"""Objects by key: S3, a local folder, and memory. The three behave alike (tests/contract/test_objects.py)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from shutil import copyfile
from typing import Any, Protocol

from meghdoot.kernel.errors import NotFound, Throttled, Unavailable


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a listing tells of an object. The ETag changes whenever the bytes do."""

    key: str
    etag: str
    size: int


class ObjectStore(Protocol):
    """A bucket. Keys are relative, with `/` between their parts. All raise Unavailable when the service is silent."""

    def get(self, key: str) -> bytes:
        """The object's bytes. Raises NotFound."""
        ...

    def put(self, key: str, body: bytes) -> None:
        """Store or overwrite."""
        ...

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Store unless there is one; says whether it was stored."""
        ...

    def delete(self, key: str) -> None:
        """Remove; absent is fine."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """All objects whose key begins with the prefix, by key in the order of its bytes."""
        ...

    def etag(self, key: str) -> str | None:
        """The object's ETag, or None when there is no such object."""
        ...

    def download(self, key: str, path: Path) -> None:
        """Copy an object to a file, in pieces. Raises NotFound."""
        ...

    def upload(self, path: Path, key: str) -> None:
        """Copy a file to an object, in pieces."""
        ...


def _missing(key: str) -> NotFound:
    return NotFound(f"there is no object {key}", code="no_such_object")


class MemoryStore:
    """Objects in a dict."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get(self, key: str) -> bytes:
        if key not in self.objects:
            raise _missing(key)
        return self.objects[key]

    def put(self, key: str, body: bytes) -> None:
        self.objects[key] = bytes(body)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        if key in self.objects:
            return False
        self.put(key, body)
        return True

    def delete(self, key: str) -> None:
        self.objects.pop(key, None)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in sorted(k for k in self.objects if k.startswith(prefix)):
            yield ObjectInfo(key, _etag(self.objects[key]), len(self.objects[key]))

    def etag(self, key: str) -> str | None:
        return _etag(self.objects[key]) if key in self.objects else None

    def download(self, key: str, path: Path) -> None:
        path.write_bytes(self.get(key))

    def upload(self, path: Path, key: str) -> None:
        self.put(key, path.read_bytes())


class FolderStore:
    """Objects as files of a local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()
        self._root.mkdir(parents=True, exist_ok=True)

    def _path(self, key: str) -> Path:
        path = (self._root / key).resolve()
        if not path.is_relative_to(self._root):
            raise ValueError("a key never leads out of its folder")
        return path

    def get(self, key: str) -> bytes:
        try:
            return self._path(key).read_bytes()
        except (FileNotFoundError, IsADirectoryError) as e:
            raise _missing(key) from e

    def put(self, key: str, body: bytes) -> None:
        with self._written(key) as beside:
            beside.write_bytes(body)

    @contextmanager
    def _written(self, key: str) -> Iterator[Path]:
        # Written beside and renamed, so that a reader never meets half an object.
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        yield beside
        beside.replace(path)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(body)
        except FileExistsError:
            return False
        return True

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        keys = (p.relative_to(self._root).as_posix() for p in self._root.rglob("*") if p.is_file())
        for key in sorted(k for k in keys if k.startswith(prefix) and not k.endswith(".part")):
            body = self.get(key)
            yield ObjectInfo(key, _etag(body), len(body))

    def etag(self, key: str) -> str | None:
        try:
            return _etag(self.get(key))
        except NotFound:
            return None

    def download(self, key: str, path: Path) -> None:
        try:
            copyfile(self._path(key), path)
        except (FileNotFoundError, IsADirectoryError) as e:
            raise _missing(key) from e

    def upload(self, path: Path, key: str) -> None:
        with self._written(key) as beside:
            copyfile(path, beside)


def _etag(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


class S3Store:
    """Objects of an S3 bucket. `client` is a boto3 client."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def get(self, key: str) -> bytes:
        with _translated(key):
            return bytes(self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read())

    def put(self, key: str, body: bytes) -> None:
        with _translated(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=body)

    def put_if_absent(self, key: str, body: bytes) -> bool:
        from botocore.exceptions import ClientError

        try:
            with _translated(key):
                self._client.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*")
        except Unavailable as e:
            # 409: another conditional write is under way; whoever it is, there will be an object.
            if isinstance(e.__cause__, ClientError) and _status(e.__cause__) in (409, 412):
                return False
            raise
        return True

    def delete(self, key: str) -> None:
        with _translated(key):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with _translated(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                for found in page.get("Contents", []):
                    yield ObjectInfo(found["Key"], found["ETag"].strip('"'), int(found["Size"]))

    def etag(self, key: str) -> str | None:
        try:
            with _translated(key):
                return str(self._client.head_object(Bucket=self._bucket, Key=key)["ETag"]).strip('"')
        except NotFound:
            return None

    def download(self, key: str, path: Path) -> None:
        with _translated(key), path.open("wb") as file:
            body = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
            for piece in body.iter_chunks(1 << 20):
                file.write(piece)

    def upload(self, path: Path, key: str) -> None:
        with _translated(key):
            self._client.upload_file(str(path), self._bucket, key)


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def _translated(key: str) -> Iterator[None]:
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as e:
        if _status(e) == 404:
            raise _missing(key) from e
        if _status(e) in (429, 503):
            raise Throttled("the object store is busy", retry_after=1) from e
        raise Unavailable("the object store refuses") from e
    except (BotoCoreError, S3UploadFailedError) as e:
        raise Unavailable("the object store does not answer") from e
