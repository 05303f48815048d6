"""Withdrawals in the write-once bucket: one small object each, whose name is its id, so that a repeat is the same line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Protocol

from meghdoot.areas.consent.model import Withdrawal
from meghdoot.areas.consent.ports import WithdrawalLine
from meghdoot.kernel.clock import iso, parse_iso
from meghdoot.kernel.errors import Unavailable
from meghdoot.kernel.paging import Page

_READERS = 16


class WriteOnce(Protocol):
    """Puts an object where none of that name is. False when there is one already. Raises Unavailable."""

    def __call__(self, bucket: str, key: str, body: bytes) -> bool: ...


class ObjectWithdrawalLog:
    """Lines under `withdrawals/<tenant>/<day>/<id>.json`: a replay after a restore lists the days that it needs."""

    def __init__(self, put: WriteOnce, bucket: str) -> None:
        self._put = put
        self._bucket = bucket

    def append(self, withdrawal: Withdrawal) -> None:
        line = json.dumps(asdict(withdrawal) | {"at": iso(withdrawal.at)}, sort_keys=True).encode()
        self._put(self._bucket, withdrawal_key(withdrawal), line)


def withdrawal_key(withdrawal: Withdrawal) -> str:
    """The object's name."""
    return f"withdrawals/{withdrawal.tenant}/{iso(withdrawal.at)[:10]}/{withdrawal.id}.json"


class S3WithdrawalReader:
    """Lists the bucket and reads its lines, a page at a time, several at once."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def page(self, *, limit: int = 500, after: str | None = None) -> Page[WithdrawalLine]:
        with _answered():
            names, more = self._names(limit, after)
            with ThreadPoolExecutor(_READERS) as readers:
                lines = tuple(readers.map(self._line, names))
        return Page(lines, names[-1] if more else None)

    def any(self) -> bool:
        with _answered():
            return bool(self._names(1, None)[0])

    def _names(self, limit: int, after: str | None) -> tuple[list[str], bool]:
        request = {"Bucket": self._bucket, "Prefix": "withdrawals/", "MaxKeys": min(limit, 1000)}
        listed = self._client.list_objects_v2(**request, **({} if after is None else {"StartAfter": after}))
        return [item["Key"] for item in listed.get("Contents", [])], bool(listed.get("IsTruncated"))

    def _line(self, name: str) -> WithdrawalLine:
        body = self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        try:
            data = json.loads(body)
            found = Withdrawal(**(data | {"at": parse_iso(data["at"])}))
        except (ValueError, KeyError, TypeError):
            return WithdrawalLine(name, None)
        return WithdrawalLine(name, found)


class BotoWriteOnce:
    """WriteOnce by a boto3 S3 client (which adds the checksum that a locked bucket asks for)."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(self, bucket: str, key: str, body: bytes) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*", ContentType="application/json")
        except ClientError as e:
            if _status(e.response) == 412:
                return False
            raise Unavailable("the bucket of withdrawals does not answer") from e
        except BotoCoreError as e:
            raise Unavailable("the bucket of withdrawals does not answer") from e
        return True


@contextmanager
def _answered() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as e:
        raise Unavailable("the bucket of withdrawals does not answer") from e


def _status(response: Mapping[str, Any]) -> int:
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
