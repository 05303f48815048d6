"""Cursors open one list of one tenant for a day."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from meghdoot.http.etag import etag, expected_version
from meghdoot.http.paging import Cursors
from meghdoot.kernel.errors import Malformed
from meghdoot.kernel.keyring import Keyring

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
OURS = Cursors(Keyring({"k1": b"1" * 32}, "k1"), "acme", '["list_segments"]', NOW)


def cursor() -> str:
    written = OURS.write("draft#2026#id")
    assert written is not None
    return written


def test_a_cursor_leads_back_to_its_position() -> None:
    assert OURS.read(cursor()) == "draft#2026#id"
    assert OURS.write(None) is None
    assert OURS.read(None) is None


@pytest.mark.parametrize(
    "other",
    [
        replace(OURS, tenant="other"),
        replace(OURS, listing='["list_templates"]'),
        replace(OURS, keyring=Keyring({"k1": b"2" * 32}, "k1")),
        replace(OURS, now=NOW + timedelta(hours=24, seconds=1)),
    ],
    ids=["another tenant", "another list", "another key", "expired"],
)
def test_009_a_foreign_or_expired_cursor_opens_nothing(other: Cursors) -> None:
    with pytest.raises(Malformed) as e:
        other.read(cursor())
    assert e.value.code == "bad_cursor"


@pytest.mark.parametrize("forged", ["", "x", "a.b.c", "é", "a" * 5000])
def test_009_a_forged_cursor_opens_nothing(forged: str) -> None:
    with pytest.raises(Malformed):
        OURS.read(forged)


def test_009_a_changed_cursor_opens_nothing() -> None:
    good = cursor()
    for i in range(len(good)):
        with pytest.raises(Malformed):
            OURS.read(good[:i] + ("A" if good[i] != "A" else "B") + good[i + 1 :])


def test_a_cursor_outlives_the_rotation_of_keys() -> None:
    both = Keyring({"k1": b"1" * 32, "k2": b"2" * 32}, "k2")
    assert replace(OURS, keyring=both).read(cursor()) == "draft#2026#id"


def test_a_version_goes_out_as_an_entity_tag_and_comes_back() -> None:
    assert etag(7) == '"7"'
    assert expected_version('"7"') == 7
    assert expected_version(None) is None
    assert expected_version("*") is None


@pytest.mark.parametrize("tag", ["7", 'W/"7"', '"x"', '"1", "2"', '"0"', "", '"99999999999999999999"'])
def test_011_an_if_match_that_we_never_gave_is_malformed(tag: str) -> None:
    with pytest.raises(Malformed):
        expected_version(tag)
