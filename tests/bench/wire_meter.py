"""Counts what leaves this process for AWS, at the wire, and what the writes cost by the rule of item sizes.

Every HTTP request of botocore (so of boto3 and pynamodb, repeats included) and of the thin client is seen. A write costs
one unit for each begun kilobyte of the larger of the item before and after it; a refused condition costs the same, one at
least; in a transaction everything costs double; an index entry that is written costs as much as the item. Sizes are ours,
from the items as they are stored: an emulator tells 1 whatever the size.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.httpsession import URLLib3Session

from meghdoot.adapters.wire import Answer, AwsWire

Item = dict[str, Any]
Place = tuple[str, str, str]
"""Table, partition key, sort key."""

_KB = 1024
_INDEX = ("gsi1", "gsi2")
_PARAMETER = re.compile(r"""(?:["'](\w+)["']\s*[=:]\s*)?(\?|'[^']*')""")
_TABLE = re.compile(r'"([^"]+)"')


def value_size(value: Item) -> int:
    """Bytes of an attribute value, by the published rule."""
    ((kind, content),) = value.items()
    if kind in ("S", "B"):
        return len(content.encode() if isinstance(content, str) else content)
    if kind == "N":
        digits = content.replace("-", "").replace(".", "").lstrip("0")
        return (len(digits) + 1) // 2 + 1 + content.startswith("-")
    if kind in ("SS", "NS", "BS"):
        return sum(value_size({kind[0]: one}) for one in content)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + value_size(one) for name, one in content.items())
    if kind == "L":
        return 3 + sum(1 + value_size(one) for one in content)
    return 1


def item_size(item: Item) -> int:
    """Bytes of an item: names and values."""
    size = 0
    for name, value in item.items():
        text = value.get("S")
        # Most attributes are plain texts, and benches weigh millions of them.
        if type(text) is str and text.isascii():
            size += len(name) + len(text)
        else:
            size += len(name.encode()) + value_size(value)
    return size


def units(before: Item | None, after: Item | None) -> int:
    """Units of one write, with those of the index entries that it writes."""
    size = max(item_size(before or {}), item_size(after or {}))
    one = max(1, -(-size // _KB))
    entries = sum(any(f"{index}pk" in (item or {}) for item in (before, after)) for index in _INDEX)
    return one * (1 + entries)


def written(operation: str, body: Item) -> Iterator[tuple[str, Place, int]]:
    """(what, where, factor) of every write in a request; nothing for a read."""
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield operation, _place(body["TableName"], body.get("Item") or body["Key"]), 1
    elif operation == "BatchWriteItem":
        for table, requests in body["RequestItems"].items():
            for write in (one for request in requests for one in request.values()):
                yield operation, _place(table, write.get("Item") or write["Key"]), 1
    elif operation == "TransactWriteItems":
        for write in (one for action in body["TransactItems"] for one in action.values()):
            yield operation, _place(write["TableName"], write.get("Item") or write["Key"]), 2
    elif operation in ("BatchExecuteStatement", "ExecuteStatement"):
        for statement in body.get("Statements", [body]):
            text = statement["Statement"]
            if not text.startswith("SELECT"):
                yield shape(text), _statement_place(text, statement["Parameters"]), 1


def shape(text: str) -> str:
    """A statement without the name of its table's deployment, short enough for a line."""
    return re.sub(r'"\w+-(\w+)"', r"\1", text).replace('"', "")[:60]


def _place(table: str, item: Item) -> Place:
    return table, item["pk"]["S"], item["sk"]["S"]


def _statement_place(text: str, parameters: list[Item]) -> Place:
    found: dict[str, str] = {}
    waiting = iter(parameters)
    for name, value in _PARAMETER.findall(text):
        content = next(waiting).get("S", "") if value == "?" else value.strip("'")
        found.setdefault(name, content)
    return _TABLE.search(text)[1], found["pk"], found["sk"]  # type: ignore[index]


@dataclass
class Meter:
    """Calls by service and operation, statements and their units."""

    endpoint: str
    region: str = "us-east-1"
    calls: Counter[str] = field(default_factory=Counter)
    statements: Counter[str] = field(default_factory=Counter)
    units: Counter[str] = field(default_factory=Counter)
    on: bool = False

    def __post_init__(self) -> None:
        self._client = boto3.client("dynamodb", region_name=self.region, endpoint_url=self.endpoint)

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count what happens inside."""
        self.on = True
        try:
            yield
        finally:
            self.on = False

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between this process and the network."""
        send, call, meter = URLLib3Session.send, AwsWire.call, self

        def sent(session: URLLib3Session, request: Any) -> Any:
            return meter.seen(
                request.method, request.url, request.headers, request.body, lambda: send(session, request)
            )

        def called(wire: AwsWire, service: str, headers: dict[str, str], body: bytes, **more: Any) -> Answer:
            url = f"http://{service}.aws/{more.get('path', '')}"
            more_call = lambda: call(wire, service, headers, body, **more)  # noqa: E731
            return meter.seen(more.get("method", "POST"), url, headers, body, more_call)

        monkeypatch.setattr(URLLib3Session, "send", sent)
        monkeypatch.setattr(AwsWire, "call", called)

    def seen(self, method: str, url: str, headers: Any, body: Any, go: Callable[[], Any]) -> Any:
        """Count one request, let it go, and weigh what it wrote."""
        if not self.on:
            return go()
        target = {name.lower(): value for name, value in headers.items()}.get("x-amz-target")
        target = target.decode() if isinstance(target, bytes) else target
        if target is None:
            self.calls[f"{method} {urlsplit(url).path.split('/')[2]}"] += 1
            return go()
        service, operation = target.split(".", 1)
        self.calls[f"{service.partition('_')[0]} {operation}"] += 1
        if not service.startswith("DynamoDB"):
            return go()
        return self._weighed(operation, json.loads(body), go)

    def _weighed(self, operation: str, body: Item, go: Callable[[], Any]) -> Any:
        writes = list(written(operation, body))
        before = self._items([place for _, place, _ in writes])
        answer = go()
        after = self._items([place for _, place, _ in writes])
        for what, place, factor in writes:
            name = (
                what
                if what not in ("PutItem", "UpdateItem")
                else f"{what} {place[0].rpartition('-')[2]} {_kind(place)}"
            )
            self.statements[name] += 1
            self.units[name] += factor * units(before.get(place), after.get(place))
        return answer

    def _items(self, places: list[Place]) -> dict[Place, Item]:
        found: dict[Place, Item] = {}
        self.on = False
        for start in range(0, len(places), 25):
            keys: dict[str, list[Item]] = {}
            for table, pk, sk in dict.fromkeys(places[start : start + 25]):
                keys.setdefault(table, []).append({"pk": {"S": pk}, "sk": {"S": sk}})
            if keys:
                wanted = {table: {"Keys": some, "ConsistentRead": True} for table, some in keys.items()}
                for table, items in self._client.batch_get_item(RequestItems=wanted)["Responses"].items():
                    found |= {_place(table, item): item for item in items}
        self.on = True
        return found


def _kind(place: Place) -> str:
    return re.split(r"[#:]", place[1])[0] if "#" in place[1] and place[1].isupper() else place[2].split("#")[0]
