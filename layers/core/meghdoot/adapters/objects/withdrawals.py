"""Withdrawals in the write-once bucket: one small object each, whose name is its id, so that a repeat is the same line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

from meghdoot.areas.consent.model import Withdrawal
from meghdoot.kernel.clock import iso
from meghdoot.kernel.errors import Unavailable


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


def _status(response: Mapping[str, Any]) -> int:
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
