"""Kept connections: used again, dropped when idle or dead, and no call is made twice that must not be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from meghdoot.adapters.dynamodb.calls import CallError
from meghdoot.adapters.sigv4 import Credentials
from meghdoot.adapters.wire import IDLE_SECONDS, AwsWire, Unreachable
from meghdoot.adapters.wire_services import DynamoWire, is_repeatable
from meghdoot.kernel.clock import ManualClock


@dataclass
class Server:
    """Speaks just enough HTTP. Each connection answers as many requests as `answers_each` says, then goes away."""

    answers_each: int = 100
    status: str = "200 OK"
    body: bytes = b"{}"
    silent: bool = False
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            for _ in range(self.answers_each):
                request = self._read(connection)
                if not request:
                    return
                self.requests.append(request)
                if self.silent:
                    threading.Event().wait(2)
                    return
                head = f"HTTP/1.1 {self.status}\r\nContent-Length: {len(self.body)}\r\n\r\n".encode()
                connection.sendall(head + self.body)
            # The next request is read and left without an answer, as a service does that closes in that moment.
            self._read(connection)

    def _read(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return b""
            data += more
        return data


@dataclass
class Ticks:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.socket.close()


def wire_to(server: Server, ticks: Ticks | None = None, timeout: float = 5.0) -> AwsWire:
    keys = Credentials("a", "b")
    return AwsWire("us-east-1", lambda: keys, ManualClock(), server.url, timeout=timeout, ticks=ticks or Ticks())


def test_a_connection_is_kept(server: Server) -> None:
    wire = wire_to(server)
    for _ in range(5):
        assert wire.call("sqs", {}, b"x", repeatable=False).status == 200
    assert (server.connections, len(server.requests)) == (1, 5)
    assert b"AWS4-HMAC-SHA256 Credential=a/20260105/us-east-1/sqs/aws4_request" in server.requests[0]


def test_an_idle_connection_is_not_trusted(server: Server) -> None:
    ticks = Ticks()
    wire = wire_to(server, ticks)
    wire.call("sqs", {}, b"x", repeatable=False)
    ticks.at = IDLE_SECONDS + 1
    wire.call("sqs", {}, b"x", repeatable=False)
    assert server.connections == 2


def test_a_dead_connection_is_replaced_for_a_call_that_may_be_repeated(server: Server) -> None:
    server.answers_each = 1
    wire = wire_to(server)
    for _ in range(3):
        assert wire.call("dynamodb", {}, b"x", repeatable=True).status == 200
    assert server.connections == 3


def test_a_dead_connection_is_an_error_for_a_call_that_must_not_be_repeated(server: Server) -> None:
    server.answers_each = 1
    wire = wire_to(server)
    wire.call("sqs", {}, b"x", repeatable=False)
    with pytest.raises(Unreachable):
        wire.call("sqs", {}, b"x", repeatable=False)
    assert server.connections == 1


def test_silence_is_bounded_and_is_not_repeated(server: Server) -> None:
    server.silent = True
    wire = wire_to(server, timeout=0.2)
    with pytest.raises(Unreachable):
        wire.call("dynamodb", {}, b"x", repeatable=True)
    assert len(server.requests) == 1


def test_an_answer_is_never_asked_for_twice(server: Server) -> None:
    server.status, server.body = "500 Internal Server Error", b"<html>"
    with pytest.raises(CallError) as e:
        DynamoWire(wire_to(server))("GetItem", {})
    assert e.value.code == "Unreachable"
    assert len(server.requests) == 1


def test_the_services_own_code_comes_through(server: Server) -> None:
    server.status = "400 Bad Request"
    server.body = (
        b'{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","message":"m",'
        b'"CancellationReasons":[{"Code":"None"},{"Code":"ConditionalCheckFailed"}]}'
    )
    with pytest.raises(CallError) as e:
        DynamoWire(wire_to(server))("TransactWriteItems", {"TransactItems": []})
    assert (e.value.code, e.value.reasons) == ("TransactionCanceledException", ["None", "ConditionalCheckFailed"])


def test_nobody_listening_is_unreachable() -> None:
    server = Server()
    # Shut down first: a thread that waits in accept keeps a merely closed socket listening.
    server.socket.shutdown(socket.SHUT_RDWR)
    server.socket.close()
    with pytest.raises(CallError) as e:
        DynamoWire(wire_to(server))("GetItem", {})
    assert e.value.code == "Unreachable"


def test_only_reads_and_conditional_writes_may_be_repeated() -> None:
    condition = {"ConditionExpression": "c"}
    assert is_repeatable("GetItem", {})
    assert is_repeatable("UpdateItem", condition)
    assert is_repeatable("TransactWriteItems", {"TransactItems": [{"Put": condition}, {"Update": condition}]})
    assert not is_repeatable("TransactWriteItems", {"TransactItems": [{"Put": condition}, {"Update": {}}]})
    assert not is_repeatable("UpdateItem", {})
    assert not is_repeatable("BatchExecuteStatement", {})


def test_buckets_stand_in_the_host_on_aws_and_in_the_path_on_an_emulator() -> None:
    def address(region: str, endpoint: str | None) -> tuple[str, str]:
        wire = AwsWire(region, lambda: Credentials("a", "b"), ManualClock(), endpoint)
        return wire._address("s3", "/k", "bucket")

    assert address("ap-south-1", None) == ("https://bucket.s3.ap-south-1.amazonaws.com", "/k")
    assert address("cn-north-1", None) == ("https://bucket.s3.cn-north-1.amazonaws.com.cn", "/k")
    assert address("us-east-1", "http://127.0.0.1:1/") == ("http://127.0.0.1:1", "/bucket/k")
