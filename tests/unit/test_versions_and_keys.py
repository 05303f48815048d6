"""Keys that are rotated, settings that are wrong, and two versions of the code at once."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from meghdoot.adapters.queues import parse_ref, ref_body
from meghdoot.areas.customers.rules import lookup_keys
from meghdoot.areas.messaging.model import ChunkRef
from meghdoot.areas.messaging.person_token import PersonRef, person_token, read_person_token
from meghdoot.kernel.errors import Malformed
from meghdoot.kernel.keyring import Keyring
from meghdoot.settings import MissingSetting, Settings, parse_keyring
from tests.sim.run import simulate

OLD, NEW = b"0" * 32, b"1" * 32
PERSON = PersonRef("acme", "r1", "c1", "email", "ab" * 16)


def test_128_links_and_addresses_of_the_old_key_work_beside_those_of_the_new_one() -> None:
    before, both, after = Keyring({"k1": OLD}, "k1"), Keyring({"k1": OLD, "k2": NEW}, "k2"), Keyring({"k2": NEW}, "k2")
    old, new = person_token(before, "unsubscribe", PERSON), person_token(both, "unsubscribe", PERSON)
    # While both keys are listed, both open, each for its purpose only
    assert read_person_token(both, "unsubscribe", old) == read_person_token(both, "unsubscribe", new) == PERSON
    assert read_person_token(both, "click", old) is None
    # A process that has not heard of the new key yet refuses what it signed, and one without the old key what that signed
    assert read_person_token(before, "unsubscribe", new) is None
    assert read_person_token(after, "unsubscribe", old) is None
    # And an address is looked for under every listed key, the current one first
    assert lookup_keys(both, "email", "a@example.com") == [
        *lookup_keys(after, "email", "a@example.com"), *lookup_keys(before, "email", "a@example.com"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", [name for name in vars(Settings) if name.startswith(("table_", "bucket_")) or name == "queue_chunks"]
)
def test_129_a_setting_that_is_missing_fails_where_it_is_read_first(name: str) -> None:
    with pytest.raises(MissingSetting):
        getattr(Settings({}), name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "no json",
        json.dumps({"current": "k9", "keys": {"k1": b64encode(OLD).decode()}}),
        '{"current": 1, "keys": 2}',
    ],
)
def test_129_a_keyring_that_cannot_be_used_fails_before_anything_is_signed(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        parse_keyring(text)


def test_127_old_and_new_senders_side_by_side_double_and_lose_nobody() -> None:
    # Given seeds in which some workers run older code, and messages come twice while owners outlive their leases
    happened = 0
    for seed in range(1, 25):
        report = simulate(seed, allowed=frozenset({"older_code", "message_doubled", "outlives_lease", "crash_before"}))
        assert report.violations == [], report.told()
        happened += report.kinds["older_code"]
    assert happened > 0


def test_127_a_message_of_the_older_shape_is_read_and_one_of_an_unknown_shape_waits() -> None:
    ref = ChunkRef("acme", "r1", 3)
    newer = json.loads(ref_body(ref)) | {"added_later": True}
    assert parse_ref(json.dumps(newer)) == ref
    with pytest.raises(Malformed):
        parse_ref(json.dumps(newer | {"v": 99}))
