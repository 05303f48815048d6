"""Bodies that must never reach a service."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.http.body import MAX_BYTES, read_json
from meghdoot.kernel.errors import AppError, Invalid, Malformed, TooLarge


@pytest.mark.parametrize("raw", [b"", b"   ", b"no json", b"{", b'{"a": 1,}', b"\xff\xfe", b'{"a": 1} {"b": 2}'])
def test_001_a_body_that_is_not_json_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed):
        read_json(raw)


@pytest.mark.parametrize("raw", [b"[1, 2]", b'"text"', b"null", b"7"])
def test_001_json_that_is_no_object_is_malformed(raw: bytes) -> None:
    with pytest.raises(Malformed) as e:
        read_json(raw)
    assert e.value.code == "not_an_object"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "1" * 25])
def test_002_numbers_that_are_none_are_refused_by_field(number: str) -> None:
    with pytest.raises(Invalid) as e:
        read_json(f'{{"budget": 1, "goals": [{{"reach": {number}}}]}}'.encode())
    assert [(f.field, f.code) for f in e.value.fields] == [("goals.0.reach", "number_out_of_range")]


def test_002_a_number_of_many_thousand_digits_is_no_server_error() -> None:
    with pytest.raises(AppError):
        read_json(b'{"n": ' + b"9" * 10_000 + b"}")


def test_002_a_field_named_twice_is_refused() -> None:
    with pytest.raises(Malformed) as e:
        read_json(b'{"status": "draft", "status": "active"}')
    assert e.value.code == "duplicate_field"


def test_003_a_body_over_the_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(TooLarge):
        read_json(b"[" * (MAX_BYTES + 1))


@pytest.mark.parametrize(
    "raw",
    [b"[" * 10_000 + b"]" * 10_000, b'{"a":' * 10_000, b'"' + b'\\"' * 100_000, b'{"a": "' + b"[" * 200_000],
    ids=["arrays", "objects", "an open string of escapes", "brackets in an open string"],
)
def test_004_deep_nesting_is_refused_quickly(raw: bytes) -> None:
    start = time.process_time()
    with pytest.raises(Malformed):
        read_json(raw)
    assert time.process_time() - start < 0.1


def test_004_brackets_inside_texts_are_not_nesting() -> None:
    assert read_json(json.dumps({"a": "[" * 500, "b": 'x"' + "{" * 500}).encode())["a"] == "[" * 500


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "a\\u202eb", "\\u0007"])
def test_005_texts_that_hide_or_break_something_are_refused_by_field(text: str) -> None:
    with pytest.raises(Invalid) as e:
        read_json(f'{{"a": ["ok", "{text}"]}}'.encode())
    assert [(f.field, f.code) for f in e.value.fields] == [("a.1", "forbidden_characters")]


@pytest.mark.parametrize(
    "text", ["🌙 ঈদ", "\u0995\u09cd\u200d\u09b7", "\u09b0\u200c\u09cd\u09af", "\u00e9", "e\u0301", "line\nline\ttab"]
)
def test_005_other_texts_come_through_in_nfc(text: str) -> None:
    assert read_json(json.dumps({"a": text}).encode()) == {"a": unicodedata.normalize("NFC", text)}


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass")))
def test_001_any_bytes_are_an_object_or_one_of_our_errors(raw: bytes) -> None:
    try:
        data = read_json(raw)
    except (Malformed, Invalid):
        return
    assert isinstance(data, dict)
