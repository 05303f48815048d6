"""The environment is read by one class, and a wrong value fails at the start."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from meghdoot.settings import MissingSetting, Settings, parse_keyring

KEY = b64encode(b"0" * 32).decode()


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(MissingSetting, match="TABLE_PEOPLE"):
        _ = Settings({}).table_people


def test_without_an_upper_bound_the_provider_is_asked_for_the_rate() -> None:
    assert Settings({}).sender_rate == 0
    assert Settings({"SENDER_RATE": "300"}).sender_rate == 300


def test_a_keyring_that_cloudformation_generated_has_its_key_beside_the_others() -> None:
    # Given what GenerateSecretString makes of the template `{"current": "k1", "keys": {}}`
    generated = {"current": "k1", "keys": {}, "k1": "A" * 64}
    # When it is read, then its 64 letters are a key of 48 bytes
    assert len(parse_keyring(json.dumps(generated)).keys["k1"]) == 48


def test_a_later_key_stands_beside_the_generated_one() -> None:
    ring = parse_keyring(json.dumps({"current": "k2", "keys": {"k2": KEY}, "k1": "A" * 64}))
    assert (ring.current, set(ring.keys)) == ("k2", {"k1", "k2"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"current": "k2", "keys": {"k1": KEY}},
        {"current": "k1", "keys": {"k1": b64encode(b"short").decode()}},
        {"current": "k1", "keys": {"k1": "not base64!"}},
    ],
)
def test_a_keyring_without_its_current_key_or_with_a_weak_one_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        parse_keyring(json.dumps(wrong))
