"""The deployed stack is judged by two independent counts: our ledger, and the provider's own mails."""

from __future__ import annotations

from typing import Any

import pytest

from meghdoot_cli.deploy_smoke import PEOPLE, WITHOUT_CONSENT, _verdict

REACHED = PEOPLE - WITHOUT_CONSENT
GOOD = {"audience": PEOPLE, "people": {"accepted": REACHED, "skipped:no_consent": WITHOUT_CONSENT}}
MAILS = [f"c{n}@customers.example.com" for n in range(REACHED)]


def test_a_run_that_reached_everybody_with_consent_once_is_right() -> None:
    assert _verdict(GOOD, MAILS) == []


@pytest.mark.parametrize(
    ("accounting", "mails"),
    [
        ({"audience": PEOPLE, "people": {"unknown": REACHED}}, MAILS),
        (GOOD, MAILS[1:]),
        (GOOD, [*MAILS[1:], MAILS[1]]),
        (GOOD, [*MAILS, "c9@customers.example.com"]),
    ],
    ids=["nobody accepted", "a mail is missing", "a mail went twice", "a mail too many"],
)
def test_anything_else_is_a_failure(accounting: dict[str, Any], mails: list[str]) -> None:
    assert _verdict(accounting, mails)
