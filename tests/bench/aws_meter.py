"""An account of AWS in this process that counts what is asked of it: requests, write units, read units.

For figures that need real services over many people: DynamoDB (with true conditions), S3 and SQS answer in microseconds.
There are three ways in, and all count alike: `calls` (the port `Calls`), `wire` (in the place of an `AwsWire`) and
`serve_botocore` (for boto3 and pynamodb). `usage` holds the counts since `reset`.

Units follow the published rules. A write costs one unit for each begun kilobyte of the larger of the item before and
after it; a refused condition costs the same, one at least; a transaction doubles; an index entry that is written costs as
much again. A read costs half a unit for each begun 4 KB of an item (of a page, for a query), one if it is consistent.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import pytest

from meghdoot.adapters.dynamodb.calls import CallError
from meghdoot.adapters.wire import Answer
from meghdoot.kernel.errors import NotFound
from tests.bench.wire_meter import item_size, shape, units
from tests.support.fake_dynamo import FakeDynamo, Item, Made

_READ_BYTES = 4096


@dataclass
class Usage:
    """What was asked for. Keys of `requests` are such as `dynamodb BatchGetItem`, `sqs SendMessageBatch`, `s3 GET`."""

    requests: Counter[str] = field(default_factory=Counter)
    write_units: Counter[str] = field(default_factory=Counter)
    """By statement, or by operation, table and kind of item."""
    writes: Counter[str] = field(default_factory=Counter)
    """The same, counted and not weighed."""
    read_units: Counter[str] = field(default_factory=Counter)
    """By table; halves are possible, so the values are floats."""
    sqs_bytes: int = 0
    s3_bytes: int = 0

    @property
    def totals(self) -> dict[str, float]:
        """Requests by service, write units, read units."""
        by_service: Counter[str] = Counter()
        for name, count in self.requests.items():
            by_service[f"{name.partition(' ')[0]}_requests"] += count
        return {
            **{name: float(by_service[name]) for name in sorted(by_service)},
            "write_units": float(self.write_units.total()),
            "read_units": float(self.read_units.total()),
        }


class MeteredDynamo(FakeDynamo):
    """Counts into a Usage."""

    def __init__(self, account: AwsMeter, made: Made | None) -> None:
        super().__init__(made)
        self._account = account

    def called(self, operation: str, payload: Mapping[str, Any]) -> None:
        self._account.usage.requests[f"dynamodb {operation}"] += 1

    def was_read(self, table: str, items: list[Item], *, consistent: bool) -> None:
        size = sum(item_size(item) for item in items)
        blocks = max(1, -(-size // _READ_BYTES))
        self._account.usage.read_units[_short(table)] += blocks if consistent else blocks / 2  # type: ignore[assignment]

    def was_written(self, what: str, table: str, before: Item | None, after: Item | None, factor: int) -> None:
        usage, name = self._account.usage, _name(what, table, before or after)
        usage.writes[name] += 1
        usage.write_units[name] += factor * units(before, after)


def _name(what: str, table: str, item: Item | None) -> str:
    if " " in what:
        return shape(what)
    kind = item["sk"]["S"].partition("#")[0] if item else ""
    return f"{what} {_short(table)} {kind}"


def _short(table: str) -> str:
    return table.rpartition("-")[2]


class AwsMeter:
    """The account. `made` makes items that were never stored (see `FakeDynamo`)."""

    def __init__(self, made: Made | None = None) -> None:
        self.usage = Usage()
        self.dynamo = MeteredDynamo(self, made)
        self.objects: dict[str, bytes] = {}
        self.queued: dict[str, list[str]] = {}
        """Bodies by the queue's URL."""

    @property
    def calls(self) -> MeteredDynamo:
        """The port `Calls`."""
        return self.dynamo

    def reset(self) -> Usage:
        """Begin to count anew; answers what was counted."""
        counted, self.usage = self.usage, Usage()
        return counted

    # --- in the place of AwsWire -------------------------------------------------------------------

    def call(
        self, service: str, headers: Mapping[str, str], body: bytes, *, repeatable: bool, method: str = "POST",
        path: str = "/", bucket: str | None = None,
    ) -> Answer:  # fmt: skip
        """As `AwsWire.call`."""
        del repeatable
        target = headers.get("x-amz-target", "")
        return Answer(*self.answer(service, target, method, f"/{bucket}{path}" if bucket else path, body))

    # --- as the network --------------------------------------------------------------------------

    def answer(self, service: str, target: str, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        """Status and body of one HTTP request."""
        operation = target.rpartition(".")[2]
        if service == "dynamodb":
            return _answered(lambda: self.dynamo(operation, json.loads(body)))
        if service == "sqs":
            return self._sqs(operation, json.loads(body))
        if service == "s3":
            return self._s3(method, path.partition("?")[0], body)
        raise NotImplementedError(f"{service} {target} is not played here")

    def _sqs(self, operation: str, payload: Mapping[str, Any]) -> tuple[int, bytes]:
        self.usage.requests[f"sqs {operation}"] += 1
        entries = payload.get("Entries") or [{"Id": "0", **payload}]
        bodies = [entry["MessageBody"] for entry in entries]
        self.usage.sqs_bytes += sum(len(text.encode()) for text in bodies)
        self.queued.setdefault(payload["QueueUrl"], []).extend(bodies)
        done = [{"Id": entry["Id"], "MessageId": f"m{n}", "MD5OfMessageBody": ""} for n, entry in enumerate(entries)]
        return 200, json.dumps({"Successful": done, "Failed": []}).encode()

    def _s3(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self.usage.requests[f"s3 {method}"] += 1
        if method == "PUT":
            self.usage.s3_bytes += len(body)
            self.objects[path] = body
            return 200, b""
        found = self.objects.get(path)
        return (200, found) if found is not None else (404, b"<Error><Code>NoSuchKey</Code></Error>")

    # --- under boto3 and pynamodb --------------------------------------------------------------------

    def serve_botocore(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Answer whatever botocore sends, so what boto3 and pynamodb do."""
        from botocore.awsrequest import AWSResponse
        from botocore.httpsession import URLLib3Session
        from urllib3 import HTTPResponse

        def send(_session: URLLib3Session, request: Any) -> AWSResponse:
            headers = {name.lower(): _text(value) for name, value in request.headers.items()}
            service = _service(headers)
            raw = _body(request.body)
            path = request.url.split("://", 1)[1].partition("/")[2]
            status, body = self.answer(service, headers.get("x-amz-target", ""), request.method, f"/{path}", raw)
            stream = HTTPResponse(body=BytesIO(body), status=status, preload_content=False)
            return AWSResponse(request.url, status, {"content-type": "application/x-amz-json-1.0"}, stream)

        monkeypatch.setattr(URLLib3Session, "send", send)


def _service(headers: Mapping[str, str]) -> str:
    """From the scope of the signature."""
    return headers["authorization"].split("Credential=", 1)[1].split(",", 1)[0].split("/")[3]


def _body(body: Any) -> bytes:
    # An upload comes wrapped in chunks with a checksum; what it holds stands behind.
    stream = getattr(body, "_raw", body)
    return stream.read() if hasattr(stream, "read") else _text(stream or "").encode()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _answered(call: Callable[[], Mapping[str, Any]]) -> tuple[int, bytes]:
    try:
        return 200, json.dumps(call()).encode()
    except CallError as e:
        told = {"__type": f"com.amazonaws.dynamodb.v20120810#{e.code}", "message": str(e), **e.body}
        return 400, json.dumps(told).encode()


class MeteredStore:
    """An `ObjectStore`'s `get` and `put` in an AwsMeter's S3, for services that are built by hand."""

    def __init__(self, account: AwsMeter, bucket: str = "lake") -> None:
        self._account = account
        self._bucket = bucket

    def get(self, key: str) -> bytes:
        status, body = self._account.answer("s3", "", "GET", f"/{self._bucket}/{key}", b"")
        if status != 200:
            raise NotFound(f"there is no object {key}", code="no_such_object")
        return body

    def put(self, key: str, body: bytes) -> None:
        self._account.answer("s3", "", "PUT", f"/{self._bucket}/{key}", body)

    def delete(self, key: str) -> None:
        self._account.objects.pop(f"/{self._bucket}/{key}", None)
