"""Stored records are written and read as pydantic would, without pydantic."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.lake.manifest import Manifest
from meghdoot.adapters.plain_data import Unfit, reader, writer
from meghdoot.areas.access.model import ApiKey, AuditEntry
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign
from meghdoot.areas.content.model import Template
from meghdoot.areas.customers.model import Customer, Event
from meghdoot.areas.messaging.holding import Hold
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.tenants.model import SenderIdentity, Tenant

STORED = (
    Run,
    Hold,
    Template,
    Tenant,
    SenderIdentity,
    Customer,
    Event,
    Campaign,
    EmailCampaign,
    ApiKey,
    AuditEntry,
    Manifest,
)

instants = st.integers(631152000, 3786912000).map(lambda second: datetime.fromtimestamp(second, UTC))
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8) | st.floats(-1e9, 1e9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
KNOWN: dict[Any, st.SearchStrategy[Any]] = {
    Any: plain, datetime: instants, Decimal: st.decimals(-10_000, 10_000, places=2), float: st.floats(-1e9, 1e9),
    str: st.text(max_size=8), type(None): st.none(),
}  # fmt: skip


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of an annotation; what it leaves open is plain data."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in KNOWN:
        return KNOWN[hint]
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{name: values(inner) for name, inner in hints.items()})  # type: ignore[arg-type]
    if origin is Mapping:
        return st.dictionaries(st.text(max_size=5), values(arguments[1]), max_size=2)
    if origin is tuple:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is types.UnionType:
        return st.one_of([values(argument) for argument in arguments])
    return st.from_type(hint)


@pytest.mark.parametrize("cls", STORED, ids=lambda cls: cls.__name__)
def test_stored_classes_need_no_pydantic(cls: type[Any]) -> None:
    assert writer(cls)
    assert reader(cls)


@pytest.mark.parametrize("cls", STORED, ids=lambda cls: cls.__name__)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_written_and_read_is_what_pydantic_writes_and_reads(cls: type[Any], data: st.DataObject) -> None:
    value = data.draw(values(cls))
    pydantic, ours = TypeAdapter(cls), to_plain(value)
    assert ours == pydantic.dump_python(value, mode="json")
    assert from_plain(cls, ours) == pydantic.validate_python(ours)
    assert to_plain(from_plain(cls, ours)) == ours


@dataclass(frozen=True)
class Sample:
    name: str
    count: int = 1
    at: datetime | None = None
    price: Decimal | None = None
    whole: bool = True
    parts: tuple[str, ...] = ()


@pytest.mark.parametrize(
    "data",
    [
        {}, None, [], "x", {"name": 1}, {"name": None}, {"name": "a", "count": "many"}, {"name": "a", "count": 1.5},
        {"name": "a", "at": "yesterday"}, {"name": "a", "whole": "perhaps"}, {"name": "a", "parts": "text"},
        {"name": "a", "parts": [1]}, {"name": "a", "price": "much"},
    ],
)  # fmt: skip
def test_data_of_another_class_is_refused_as_pydantic_refuses_it(data: Any) -> None:
    with pytest.raises(ValueError):
        from_plain(Sample, data)
    with pytest.raises(ValidationError):
        TypeAdapter(Sample).validate_python(data)


def test_fields_of_a_newer_version_are_passed_over_and_missing_ones_take_their_defaults() -> None:
    assert from_plain(Sample, {"name": "a", "new": 7}) == Sample("a")
    east = datetime(2026, 1, 5, 15, 0, tzinfo=timezone(timedelta(hours=6)))
    assert to_plain(Sample("a", at=east))["at"] == "2026-01-05T15:00:00+06:00"
    assert from_plain(Sample, {"name": "a", "at": "2026-01-05T09:00:00Z"}).at == east


@dataclass(frozen=True)
class Beyond:
    names: frozenset[str]


def test_a_class_beyond_it_goes_by_pydantic() -> None:
    with pytest.raises(Unfit):
        writer(Beyond)
    assert from_plain(Beyond, to_plain(Beyond(frozenset({"a"})))) == Beyond(frozenset({"a"}))


def test_the_codec_loads_pydantic_only_for_such_a_class() -> None:
    code = "import sys; import meghdoot.adapters.codec; print('pydantic' in sys.modules)"
    env = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout == "False\n"
