"""The statements use the names of the item models, and repeat only what may be repeated."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from meghdoot.adapters.dynamodb import send_statements, single_statements
from meghdoot.adapters.dynamodb.batch_get import batch_get
from meghdoot.adapters.dynamodb.calls import CallError
from meghdoot.adapters.dynamodb.models import ChunkItem, GateItem, Item, SendItem, SingleRowItem
from meghdoot.adapters.dynamodb.statements import Statement, Statements
from meghdoot.areas.messaging.model import Chunk, ClaimRequest, SendRow
from meghdoot.areas.messaging.singles.model import Single, SingleRow
from meghdoot.kernel.errors import Throttled, Unavailable

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
CHUNK = Chunk("t", "r", 0, "..", "tok", 5, 6)
ROW = SendRow("t", "c", "k", "202601050900", "delivered", "r", 0, 1, NOW, "ses", "p1", "why")
SINGLE = Single("t", "m", "f", "single-c", "tpl", 1, "c", "email", "transactional", "otp", "en", NOW, NOW)
SINGLE_ROW = SingleRow("calling", NOW, "tok", 1)
SINGLE_WORD = SendRow(
    "t", "c", "k", "202601050900", "delivered", "single-c", None, None, NOW, "ses", message_id="m", attempt=2
)
CLAIM = send_statements.claim("people", ClaimRequest("t", "c", 3, "em:m", "k:1:0"))


def names_of(model: type[Item]) -> set[str]:
    return {attribute.attr_name for attribute in model.get_attributes().values()}


@pytest.mark.parametrize(
    ("statement", "model"),
    [
        (CLAIM, GateItem),
        (send_statements.take("activity", CHUNK, "new", 9), ChunkItem),
        (send_statements.mark("activity", CHUNK, 9), ChunkItem),
        (send_statements.queued("activity", CHUNK, 9), ChunkItem),
        (send_statements.lift("activity", CHUNK.ref, "..", "a.", True), ChunkItem),
        (send_statements.insert("activity", send_statements.chunk_item(CHUNK)), ChunkItem),
        (send_statements.born("activity", ROW), SendItem),
        (send_statements.climb("activity", ROW), SendItem),
        (send_statements.born("activity", SINGLE_WORD), SendItem),
        (send_statements.climb_single("activity", SINGLE_WORD), SendItem),
        (single_statements.insert_row("activity", SINGLE, SINGLE_ROW), SingleRowItem),
        (single_statements.claim_row("activity", SINGLE, SINGLE_ROW, SINGLE_ROW), SingleRowItem),
        (single_statements.record_row("activity", SINGLE, SINGLE_ROW), SingleRowItem),
    ],
)
def test_both_forms_use_the_attribute_names_of_the_item_model(statement: Statement, model: type[Item]) -> None:
    text = re.sub(r"'(GATE|CHUNK)'", "", statement.text.partition(" ")[2])
    quoted = set(re.findall(r"[\"'](\w+)[\"']", text)) - {"people", "activity"}
    by_call = set(statement.payload.get("ExpressionAttributeNames", {}).values()) | set(
        statement.payload.get("Item", {})
    )
    assert quoted <= names_of(model)
    assert by_call <= names_of(model)
    assert by_call - {"pk", "sk"} == quoted - {"pk", "sk"}


def test_every_parameter_has_its_place() -> None:
    statements = [
        CLAIM,
        send_statements.mark("t", CHUNK, 9),
        send_statements.born("t", ROW),
        send_statements.climb("t", ROW),
        send_statements.climb_single("t", SINGLE_WORD),
        single_statements.insert_row("t", SINGLE, SINGLE_ROW),
        single_statements.claim_row("t", SINGLE, SINGLE_ROW, SINGLE_ROW),
        single_statements.record_row("t", SINGLE, SINGLE_ROW),
    ]
    for statement in statements:
        assert statement.text.count("?") == len(statement.parameters)


class Service:
    """Answers batches from a script: for each call a code for each statement (empty for applied)."""

    def __init__(self, *script: list[str] | str) -> None:
        self.script = list(script)
        self.sizes: list[int] = []
        self.pauses: list[float] = []

    def __call__(self, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.script.pop(0)
        self.sizes.append(len(payload["Statements"]))
        if isinstance(answer, str):
            raise CallError(answer)
        assert len(answer) == len(payload["Statements"])
        return {"Responses": [{"Error": {"Code": code}} if code else {} for code in answer]}

    def run(self, count: int) -> list[bool]:
        statements = Statements(self, pause=self.pauses.append)
        return [result.applied for result in statements.run([CLAIM] * count)]


def test_073_throttled_statements_alone_are_repeated_after_growing_pauses() -> None:
    service = Service(
        ["", "ThrottlingError", "ConditionalCheckFailed", "TransactionConflict", ""],
        ["", "ProvisionedThroughputExceeded"],
        [""] * 2,
    )
    service.script[2] = ["", ""]
    service.script[1] = ["InternalServerError", "ProvisionedThroughputExceeded"]
    assert service.run(5) == [True, True, False, True, True]
    assert service.sizes == [5, 2, 2]
    assert service.pauses == sorted(service.pauses)


def test_073_a_batch_without_an_answer_is_repeated_whole() -> None:
    assert Service("Unreachable", "ThrottlingException", [""] * 3).run(3) == [True] * 3


def test_073_endless_throttles_end_as_throttled_and_silence_as_unavailable() -> None:
    with pytest.raises(Throttled):
        Service(*[["ThrottlingError"] * 2] * 8).run(2)
    with pytest.raises(Unavailable):
        Service(*["Unreachable"] * 8).run(2)


def test_a_statement_that_the_service_does_not_understand_is_told_at_once() -> None:
    with pytest.raises(Unavailable, match="ValidationError"):
        Service(["", "ValidationError"]).run(2)


def test_batches_hold_at_most_25_statements() -> None:
    service = Service([""] * 25, [""] * 25, [""] * 3)
    assert service.run(53) == [True] * 53
    assert service.sizes == [25, 25, 3]


def test_072_keys_that_were_not_processed_are_asked_for_again() -> None:
    asked: list[int] = []

    def calls(operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        keys = payload["RequestItems"]["people"]["Keys"]
        asked.append(len(keys))
        rest = {"UnprocessedKeys": {"people": {"Keys": keys[2:]}}} if len(keys) > 2 else {}
        return {"Responses": {"people": [{"pk": key["pk"]} for key in keys[:2]]}} | rest

    found = list(batch_get(calls, "people", [(f"p{n}", "GATE") for n in range(5)], lambda _seconds: None))
    assert [item["pk"]["S"] for item in found] == [f"p{n}" for n in range(5)]
    assert asked == [5, 3, 1]
