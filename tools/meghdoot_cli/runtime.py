"""Runs the functions in this process: invocations from the emulator, queues with true batch semantics, streams, clocks."""

from __future__ import annotations

import importlib
import json
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

_IDLE_SECONDS = 0.2
_STREAM_WINDOW_SECONDS = 0.6
"""Changes are gathered this long, as the service's batching window does: fewer and fuller batches."""
Handler = Callable[[Any, Any], Any]


class InvocationFailedError(RuntimeError):
    """A function raised; the first line of what it raised. The whole is in `Runtime.errors`."""


class Context:
    """What Lambda passes beside the event, as far as anybody reads it."""

    def __init__(self, name: str, timeout: int) -> None:
        self.function_name = name
        self.function_version = "$LATEST"
        self.memory_limit_in_mb = 512
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        self.aws_request_id = f"local-{time.monotonic_ns()}"
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's timeout."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


@dataclass
class Runtime:
    """The functions by logical id, loaded from their handlers on first use."""

    handlers: dict[str, str]
    timeouts: dict[str, int]
    endpoint: str
    errors: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    busy: dict[str, int] = field(default_factory=dict)
    """Work under way by poller, so that somebody can wait until nothing moves any more."""
    _loaded: dict[str, Handler] = field(default_factory=dict)

    def handler(self, function: str) -> Handler:
        """Import a function's handler."""
        if function not in self._loaded:
            module, _, name = self.handlers[function].rpartition(".")
            self._loaded[function] = getattr(importlib.import_module(module), name)
        return self._loaded[function]

    def invoke(self, function: str, event: Any) -> Any:
        """Call a function as Lambda would. Raises InvocationFailedError for whatever it raises, as Lambda reports it."""
        try:
            return self.handler(function)(event, Context(function, self.timeouts[function]))
        except Exception as e:
            self.errors.append(f"{function}: {traceback.format_exc(limit=12)}")
            raise InvocationFailedError(f"{type(e).__name__}: {e}") from e

    def client(self, service: str) -> Any:
        """A client of the emulator."""
        return boto3.client(service, endpoint_url=self.endpoint, region_name="us-east-1")

    def start(self, target: Callable[..., None], *args: Any) -> None:
        """Run a poller until the runtime stops."""
        thread = threading.Thread(target=target, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def stop(self) -> None:
        """Let every poller finish what it does."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout=10)

    # --- queues -------------------------------------------------------------------------------------
    def poll_queue(self, function: str, queue_arn: str, properties: dict[str, Any]) -> None:
        """Deliver a queue's messages in batches; delete what succeeded, leave what failed to the redrive policy."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=queue_arn.rsplit(":", 1)[1])["QueueUrl"]
        size = min(10, int(properties.get("BatchSize", 10)))
        while not self.stopping.is_set():
            messages = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=size,
                WaitTimeSeconds=0,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            ).get("Messages", [])
            if not messages:
                time.sleep(_IDLE_SECONDS)
                continue
            self.busy[url] = self.busy.get(url, 0) + 1
            try:
                failed = self._batch(function, queue_arn, messages)
                done = [m for m in messages if m["MessageId"] not in failed]
                if done:
                    entries = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(done)]
                    sqs.delete_message_batch(QueueUrl=url, Entries=entries)
            finally:
                self.busy[url] -= 1

    def _batch(self, function: str, queue_arn: str, messages: list[dict[str, Any]]) -> set[str]:
        records = [
            {
                "messageId": m["MessageId"], "receiptHandle": m["ReceiptHandle"], "body": m["Body"],
                "attributes": m.get("Attributes", {}), "messageAttributes": {}, "md5OfBody": m.get("MD5OfBody", ""),
                "eventSource": "aws:sqs", "eventSourceARN": queue_arn, "awsRegion": "us-east-1",
            }
            for m in messages
        ]  # fmt: skip
        try:
            answer = self.invoke(function, {"Records": records}) or {}
        except InvocationFailedError:
            return {m["MessageId"] for m in messages}
        return {f["itemIdentifier"] for f in answer.get("batchItemFailures", [])}

    # --- streams ------------------------------------------------------------------------------------
    def poll_stream(self, function: str, stream_arn: str, properties: dict[str, Any]) -> None:
        """Deliver a table's changes in order; a batch whose first records failed is delivered again from there."""
        streams = self.client("dynamodbstreams")
        shards = streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
        shard = shards[0]["ShardId"]
        iterator = streams.get_shard_iterator(StreamArn=stream_arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        size = min(1000, int(properties.get("BatchSize", 100)))
        while not self.stopping.is_set():
            answer = streams.get_records(ShardIterator=iterator, Limit=size)
            if answer["Records"]:
                key = f"{function}:{stream_arn}"
                self.busy[key] = self.busy.get(key, 0) + 1
                try:
                    self._stream_batch(function, stream_arn, shard, answer["Records"], properties)
                finally:
                    self.busy[key] -= 1
            iterator = answer["NextShardIterator"]
            if len(answer["Records"]) < size:
                self.stopping.wait(_STREAM_WINDOW_SECONDS)

    def _stream_batch(
        self, function: str, arn: str, shard: str, raw: list[dict[str, Any]], properties: dict[str, Any]
    ) -> None:
        records = [_stream_record(r, arn) for r in raw]
        for _attempt in range(20):
            event: dict[str, Any] = {"Records": records}
            if "TumblingWindowInSeconds" in properties:
                window = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:00:30Z"}
                event |= {
                    "window": window, "state": {}, "shardId": shard, "eventSourceARN": arn,
                    "isFinalInvokeForWindow": False, "isWindowTerminatedEarly": False,
                }  # fmt: skip
            try:
                answer = self.invoke(function, event) or {}
            except InvocationFailedError:
                time.sleep(_IDLE_SECONDS)
                continue
            failed = [f["itemIdentifier"] for f in answer.get("batchItemFailures", [])]
            if not failed:
                return
            at = next(n for n, r in enumerate(records) if r["dynamodb"]["SequenceNumber"] == failed[0])
            records = records[at:]
        self.errors.append(f"{function}: {len(records)} stream records were given up")

    # --- clock --------------------------------------------------------------------------------------
    def tick(self, function: str, every: float) -> None:
        """Invoke on a schedule."""
        while not self.stopping.wait(every):
            try:
                self.invoke(function, {"source": "aws.scheduler", "detail-type": "Scheduled Event"})
            except InvocationFailedError:
                continue

    # --- invocations from the emulator ------------------------------------------------------------------
    def serve_invocations(self) -> tuple[ThreadingHTTPServer, str]:
        """The server to which the emulator forwards each invocation; answers it and its base URL."""
        runtime = self

        class Invocation(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                try:
                    status, answer = 200, runtime.invoke(self.path.rsplit("/", 1)[1], json.loads(body or b"{}"))
                except InvocationFailedError as e:
                    status, answer = 500, {"errorMessage": str(e), "errorType": "FunctionError"}
                raw = json.dumps(answer, default=str).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_args: Any) -> None:
                """Quiet: the functions log for themselves."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Invocation)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server, f"http://127.0.0.1:{server.server_port}/invoke"


def _stream_record(record: dict[str, Any], arn: str) -> dict[str, Any]:
    """boto3's form back to Lambda's."""
    dynamodb = dict(record["dynamodb"])
    created = dynamodb.get("ApproximateCreationDateTime")
    if created is not None:
        dynamodb["ApproximateCreationDateTime"] = created.timestamp()
    return {**record, "dynamodb": dynamodb, "eventSourceARN": arn}
