"""AWS in a process of its own for the bench of the send path: a true DynamoDB, audience files, and an SES that takes all.

`python -m tests.bench.canned_server` prints its port and serves until its input ends. GET /told answers how many mails came
and how many different people they went to.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from typing import Any

from meghdoot.adapters.dynamodb.calls import CallError
from tests.bench import sending_house as house
from tests.support.fake_dynamo import FakeDynamo


class Canned:
    """What the server keeps."""

    def __init__(self) -> None:
        self.database = FakeDynamo(house.made)
        self.lock = threading.Lock()
        self.mails = 0
        self.keys: set[str] = set()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Status and body."""
        target = headers.get("x-amz-target", "")
        if target.startswith("DynamoDB"):
            return self._database(target.rpartition(".")[2], body)
        if path.startswith("/v2/email/outbound-emails"):
            return self._taken(body)
        if target.startswith("AmazonSQS"):
            return 200, b'{"Successful": [{"Id": "0"}]}'
        if path == "/told":
            return 200, json.dumps({"mails": self.mails, "keys": len(self.keys)}).encode()
        chunk = house.audience_path(house.BUCKET, path)
        return (404, b"") if method != "GET" or chunk is None else (200, house.audience(chunk))

    def _database(self, operation: str, body: bytes) -> tuple[int, bytes]:
        try:
            with self.lock:
                return 200, json.dumps(self.database(operation, json.loads(body))).encode()
        except CallError as e:
            told = {"__type": f"com.amazonaws.dynamodb.v20120810#{e.code}", "message": str(e), **e.body}
            return 400, json.dumps(told).encode()

    def _taken(self, body: bytes) -> tuple[int, bytes]:
        # The address is all that is read: parsing 25 kB would only slow the measured process's wall clock.
        to = body.partition(b'"ToAddresses":')[2][:80].split(b'"')[1].decode()
        with self.lock:
            self.mails += 1
            self.keys.add(to)
        return 200, b'{"MessageId":"0100018f0c0e0e0e-00000000-0000-0000-0000-000000000000-000000"}'


def talk(connection: socket.socket, canned: Canned) -> None:
    """Serve one connection until it ends."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, connection.makefile("rb", 65536) as reader:
        while first := reader.readline():
            method, path, _ = first.decode("latin-1").split(" ", 2)
            headers: dict[str, str] = {}
            while (raw := reader.readline()) not in (b"\r\n", b""):
                name, _, value = raw.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            if headers.get("expect", "").lower() == "100-continue":
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = reader.read(int(headers.get("content-length", "0")))
            status, told = canned.answer(method, path, headers, body)
            head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(told)}\r\n\r\n"
            connection.sendall(head.encode() + told)


def main() -> None:
    """Serve."""
    canned: Any = Canned()
    server = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept() -> None:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=talk, args=(connection, canned), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(server.getsockname()[1], flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
