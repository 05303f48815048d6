"""The few operations of AWS that fast functions need, over the wire: DynamoDB, S3 objects, SQS send, SNS confirm, a secret."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from meghdoot.adapters.dynamodb.calls import CallError
from meghdoot.adapters.wire import Answer, AwsWire, Unreachable, form
from meghdoot.kernel.errors import NotFound, Throttled, Unavailable

_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_BATCH = 10
_ATTEMPTS = 3


class DynamoWire:
    """`Calls` over the wire."""

    def __init__(self, wire: AwsWire) -> None:
        self._wire = wire

    def __call__(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        body = json.dumps(payload, separators=(",", ":")).encode()
        try:
            answer = self._wire.call("dynamodb", headers, body, repeatable=is_repeatable(operation, payload))
        except Unreachable as e:
            raise CallError("Unreachable", str(e)) from e
        data = _json(answer)
        if answer.status == 200 and data is not None:
            return data
        raise _call_error(answer, data)


def is_repeatable(operation: str, payload: Mapping[str, Any]) -> bool:
    """Whether a second arrival does no harm: reads, and writes of which every one carries a condition."""
    if operation in _READS:
        return True
    if operation == "TransactWriteItems":
        actions = [part for action in payload["TransactItems"] for part in action.values()]
        return all("ConditionExpression" in part for part in actions)
    return "ConditionExpression" in payload


def _json(answer: Answer) -> dict[str, Any] | None:
    try:
        data = json.loads(answer.body or b"{}")
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _call_error(answer: Answer, data: dict[str, Any] | None) -> CallError:
    if not data or "__type" not in data:
        return CallError("Unreachable", f"status {answer.status}")
    code = str(data["__type"]).rpartition("#")[2]
    return CallError(code, str(data.get("message") or data.get("Message") or ""), data)


class WireWriteOnce:
    """`WriteOnce` over the wire. The checksum is what a bucket with object lock asks for."""

    def __init__(self, wire: AwsWire) -> None:
        self._wire = wire

    def __call__(self, bucket: str, key: str, body: bytes) -> bool:
        headers = {
            "content-type": "application/json",
            "if-none-match": "*",
            "x-amz-checksum-sha256": b64encode(sha256(body).digest()).decode(),
        }
        try:
            answer = self._wire.call(
                "s3", headers, body, repeatable=True, method="PUT", path="/" + quote(key, safe="/~"), bucket=bucket
            )
        except Unreachable as e:
            raise Unavailable("the bucket of withdrawals does not answer") from e
        if answer.status == 412:
            return False
        if answer.status != 200:
            raise Unavailable(f"the bucket of withdrawals answers {answer.status}")
        return True


class WireStore:
    """Objects of a bucket by key: reading and writing whole ones, as an audience needs it."""

    def __init__(self, wire: AwsWire, bucket: str) -> None:
        self._wire = wire
        self._bucket = bucket

    def get(self, key: str) -> bytes:
        """The object's bytes. Raises NotFound, Throttled, Unavailable."""
        return self._call("GET", key, b"")

    def put(self, key: str, body: bytes) -> None:
        """Store or overwrite. Raises Throttled, Unavailable."""
        self._call("PUT", key, body)

    def _call(self, method: str, key: str, body: bytes) -> bytes:
        path = "/" + quote(key, safe="/~")
        try:
            answer = self._wire.call("s3", {}, body, repeatable=True, method=method, path=path, bucket=self._bucket)
        except Unreachable as e:
            raise Unavailable("the object store does not answer") from e
        if answer.status == 404:
            raise NotFound(f"there is no object {key}", code="no_such_object")
        if answer.status in (429, 503):
            raise Throttled("the object store is busy", retry_after=1)
        if answer.status != 200:
            raise Unavailable("the object store refuses")
        return answer.body


class WireSqs:
    """What `SqsChunkQueue` needs of a client."""

    def __init__(self, wire: AwsWire) -> None:
        self._wire = wire

    def send_message_batch(self, **payload: Any) -> dict[str, Any]:
        """SendMessageBatch, as boto3 takes and answers it. Raises Unavailable."""
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "AmazonSQS.SendMessageBatch"}
        return _posted(self._wire, "sqs", headers, json.dumps(payload).encode(), repeatable=False)


class WireQueue:
    """An SQS queue that messages are put on."""

    def __init__(self, wire: AwsWire, url: str) -> None:
        self._wire = wire
        self._url = url

    def send(self, body: str) -> None:
        """Put one message. Raises Unavailable; the message may then be there or not."""
        self._post("SendMessage", {"QueueUrl": self._url, "MessageBody": body})

    def send_many(self, bodies: Sequence[str]) -> None:
        """Put messages by tens; those that the service refuses are sent again, then Throttled is raised."""
        for first in range(0, len(bodies), _BATCH):
            left = {str(n): body for n, body in enumerate(bodies[first : first + _BATCH])}
            for _ in range(_ATTEMPTS):
                entries = [{"Id": n, "MessageBody": body} for n, body in left.items()]
                answer = self._post("SendMessageBatch", {"QueueUrl": self._url, "Entries": entries})
                left = {failed["Id"]: left[failed["Id"]] for failed in answer.get("Failed", [])}
                if not left:
                    break
            else:
                raise Throttled("the queue does not take everything", retry_after=1)

    def _post(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{operation}"}
        return _posted(self._wire, "sqs", headers, json.dumps(payload).encode(), repeatable=False)


def confirm_subscription(wire: AwsWire, topic: str, token: str) -> None:
    """Accept a topic's invitation, so that only its owner can end it. Raises Unavailable."""
    fields = {
        "Action": "ConfirmSubscription",
        "Version": "2010-03-31",
        "TopicArn": topic,
        "Token": token,
        "AuthenticateOnUnsubscribe": "true",
    }
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    try:
        answer = wire.call("sns", headers, form(fields), repeatable=True)
    except Unreachable as e:
        raise Unavailable("sns does not answer") from e
    if answer.status != 200:
        raise Unavailable(f"sns answers {answer.status}")


def secret_text(wire: AwsWire, name: str) -> str:
    """The text of a secret. Raises Unavailable."""
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.GetSecretValue"}
    body = json.dumps({"SecretId": name}).encode()
    return str(_posted(wire, "secretsmanager", headers, body, repeatable=True)["SecretString"])


def _posted(
    wire: AwsWire, service: str, headers: Mapping[str, str], body: bytes, *, repeatable: bool
) -> dict[str, Any]:
    try:
        answer = wire.call(service, headers, body, repeatable=repeatable)
    except Unreachable as e:
        raise Unavailable(f"{service} does not answer") from e
    data = _json(answer)
    if answer.status != 200 or data is None:
        raise Unavailable(f"{service} answers {answer.status}")
    return data
