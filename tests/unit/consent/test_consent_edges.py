"""The exact edges of the rules of consent: lengths of texts, the hash of an entry, instants, and lines kept for ever."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from meghdoot.areas.consent import rules
from meghdoot.areas.consent.model import ConsentEntry
from meghdoot.kernel.errors import Invalid

NOW = datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)
ENTRY = ConsentEntry(
    "acme", "c1", "email", "marketing", 1, "withdrawn", "v1", "consent", "form", NOW, None, None, None, None
)
LONGEST = {"text_version": 200, "source": 100, "ip": 64, "user_agent": 512, "reason": 500, "evidence": 500}


@pytest.mark.parametrize(("field", "most"), LONGEST.items())
def test_a_text_may_be_as_long_as_its_limit_and_not_one_longer(field: str, most: int) -> None:
    rules.check(replace(ENTRY, **{field: "x" * most}))
    with pytest.raises(Invalid) as told:
        rules.check(replace(ENTRY, **{field: "x" * (most + 1)}))
    assert [(error.field, error.code, error.message) for error in told.value.fields] == [
        (field, "too_long", f"at most {most} characters")
    ]


def test_the_hash_of_an_entry_never_changes_with_the_code() -> None:
    # Were it to change, every chain that is stored would look broken
    entry = replace(ENTRY, reason="যথেষ্ট", at=datetime(2026, 1, 5, 9, 0, tzinfo=UTC), evidence="e1")
    assert rules.entry_hash(entry) == "82d6723bf3ecc032361c79d2953ce2142885ffacf1079614f2e1923791a2a18e"


@pytest.mark.parametrize(("given", "kept"), [(0, 0), (999, 0), (1_000, 1_000), (123_999, 123_000), (999_999, 999_000)])
def test_instants_are_cut_to_the_millisecond(given: int, kept: int) -> None:
    assert rules.to_millisecond(NOW.replace(microsecond=given)) == NOW.replace(microsecond=kept)


def test_an_erasure_leaves_one_line_without_an_address() -> None:
    line = rules.withdrawal_of_erasure("acme", "c1", NOW)
    assert (line.tenant, line.customer_id, line.kind, line.address_key) == ("acme", "c1", "erasure", None)
    assert line.at == rules.to_millisecond(NOW)
    assert line.id == rules.withdrawal_of_erasure("acme", "c1", NOW.replace(year=2027)).id
    assert line.id != rules.withdrawal_of_erasure("other", "c1", NOW).id
