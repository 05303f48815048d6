"""What may be written, local times, and who may approve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.areas.campaigns.local_time import to_instant
from meghdoot.areas.campaigns.rules import clean_campaign, clean_email, return_on_investment, with_store_type
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.money import Money
from tests.unit.campaigns.house import CAMPAIGN, EDITOR, EMAIL, House


def cleaned(**changes: Any) -> dict[str, Any]:
    return clean_campaign({**CAMPAIGN, **changes}, "BDT", "Asia/Dhaka", new=True)


def wrong(data: dict[str, Any], *, new: bool = True) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as e:
        clean_campaign(data, "BDT", "Asia/Dhaka", new=new)
    return [(f.field, f.code) for f in e.value.fields]


@pytest.mark.parametrize("amount", [50000, "50000.00", Decimal("50000.00"), 50000.0])
def test_014_amounts_become_whole_minor_units(amount: Any) -> None:
    assert cleaned(budget=amount)["budget"] == Money(5_000_000, "BDT")


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0.1 + 0.2, "too_many_decimals"), ("1.005", "too_many_decimals"), (-1, "negative_amount"),
        (True, "not_an_amount"), ("NaN", "not_an_amount"), (float("inf"), "not_an_amount"), ([], "not_an_amount"),
        ("1e400", "not_an_amount"),
    ],
)  # fmt: skip
def test_014_amounts_with_too_many_places_negative_or_not_numbers_are_refused(amount: Any, code: str) -> None:
    assert wrong({**CAMPAIGN, "budget": amount}) == [("budget", code)]


def test_014_a_currency_without_decimals_takes_none() -> None:
    assert cleaned(currency="JPY", budget="500")["budget"] == Money(500, "JPY")
    assert wrong({**CAMPAIGN, "currency": "JPY", "budget": "500.50"}) == [("budget", "too_many_decimals")]


@given(minor=st.integers(0, 10**12))
def test_014_every_amount_of_two_places_survives_text_and_float(minor: int) -> None:
    text = f"{Decimal(minor) / 100:.2f}"
    assert cleaned(budget=text)["budget"].minor == minor
    assert cleaned(budget=float(text))["budget"].minor == minor


def test_every_wrong_field_is_named_at_once() -> None:
    data = {**CAMPAIGN, "campaign_type": "spam", "channels": [], "budget": -1, "status": "active", "campaign_name": " "}
    assert set(wrong(data)) == {
        ("campaign_type", "unknown_value"), ("channels", "wrong_length"), ("budget", "negative_amount"),
        ("status", "unknown_field"), ("campaign_name", "required"),
    }  # fmt: skip


def test_missing_fields_are_named() -> None:
    assert wrong({"campaign_name": "x"}) == [
        ("campaign_type", "required"), ("campaign_objective", "required"), ("channels", "required"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("alias", "channel", "purpose"),
    [("email", "email", "awareness"), ("sms", "sms", "awareness"), ("social", "social_media", "awareness"),
     ("discount", "discount", "conversion")],
)  # fmt: skip
def test_the_types_of_the_store_document_set_the_channel(alias: str, channel: str, purpose: str) -> None:
    values = clean_campaign({"campaign_name": "Sale", "campaign_type": alias}, "BDT", "Asia/Dhaka", new=True)
    assert values["channels"] == (channel,)
    assert values["campaign_type"] == purpose


def test_an_alias_adds_its_channel_to_those_named_and_keeps_a_named_objective() -> None:
    data = with_store_type({"campaign_type": "sms", "channels": ["email"], "campaign_objective": "sales"})
    assert data["channels"] == ["email", "sms"]
    assert data["campaign_objective"] == "sales"
    assert with_store_type(CAMPAIGN) == CAMPAIGN


@pytest.mark.parametrize("field", ["subject_line", "sender_name", "subject_line_bn"])
@pytest.mark.parametrize("bad", ["Hi\r\nBcc: x@y.z", "Hi\nthere", "Hi\x00", "\ud800"])
def test_015_line_breaks_and_control_characters_never_reach_a_header(field: str, bad: str) -> None:
    with pytest.raises(Invalid) as e:
        clean_email({**EMAIL, field: bad}, "Asia/Dhaka", new=True)
    assert [(f.field, f.code) for f in e.value.fields] == [(field, "forbidden_characters")]


@pytest.mark.parametrize("bad", ["a@b.c, d@e.f", "<x>@y.z", "a@b", "a b@c.d", "@x.y", "x" * 65 + "@y.z", 7])
def test_a_sender_is_exactly_one_address(bad: Any) -> None:
    with pytest.raises(Invalid) as e:
        clean_email({**EMAIL, "sender_email": bad}, "Asia/Dhaka", new=True)
    assert [f.code for f in e.value.fields] == ["bad_address"]


def test_the_end_must_lie_after_the_start_also_after_an_edit() -> None:
    house = House()
    with pytest.raises(Invalid) as e:
        house.campaigns.create(EDITOR, {**CAMPAIGN, "end_date": CAMPAIGN["start_date"]})
    assert [(f.field, f.code) for f in e.value.fields] == [("end_date", "end_before_start")]
    campaign = house.campaigns.create(EDITOR, CAMPAIGN)
    with pytest.raises(Invalid):
        house.campaigns.update(EDITOR, campaign.id, {"end_date": "2026-01-09T00:00:00Z"}, 1)


def test_a_currency_cannot_change_under_the_amounts() -> None:
    house = House()
    campaign = house.campaigns.create(EDITOR, CAMPAIGN)
    with pytest.raises(Invalid) as e:
        house.campaigns.update(EDITOR, campaign.id, {"currency": "USD"}, 1)
    assert [(f.field, f.code) for f in e.value.fields] == [("budget", "wrong_currency")]


def test_a_time_without_an_offset_is_local_to_the_campaign() -> None:
    values = clean_email({**EMAIL, "scheduled_time": "2026-04-15T09:00:00", "timezone": "Asia/Dhaka"}, "UTC", new=True)
    assert values["scheduled_time"] == datetime(2026, 4, 15, 3, 0, tzinfo=UTC)
    aware = clean_email({**EMAIL, "scheduled_time": "2026-04-15T09:00:00Z", "timezone": "Asia/Dhaka"}, "UTC", new=True)
    assert aware["scheduled_time"] == datetime(2026, 4, 15, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:00:00"),
        ("Europe/London", "2026-03-29T01:30:00", "2026-03-29T01:00:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:30:00"),
        ("America/Santiago", "2026-09-06T00:30:00", "2026-09-06T04:00:00"),
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00:00"),
        ("Asia/Dhaka", "2009-06-19T23:30:00", "2009-06-19T17:00:00"),
    ],
)
def test_082_a_local_time_in_a_gap_is_the_first_instant_after_it(zone: str, local: str, instant: str) -> None:
    assert to_instant(datetime.fromisoformat(local), zone) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00"),
        ("Europe/London", "2026-10-25T01:30:00", "2026-10-25T00:30:00"),
        ("Asia/Dhaka", "2009-12-31T23:30:00", "2009-12-31T16:30:00"),
        ("Asia/Kathmandu", "2026-05-01T12:00:00", "2026-05-01T06:15:00"),
    ],
)
def test_082_a_doubled_local_time_is_its_first_instant(zone: str, local: str, instant: str) -> None:
    assert to_instant(datetime.fromisoformat(local), zone) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


ZONES = ["Asia/Dhaka", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia"]


@given(
    zone=st.sampled_from(ZONES),
    local=st.datetimes(datetime.fromisoformat("1980-01-01"), datetime.fromisoformat("2037-12-31")).map(
        lambda d: d.replace(microsecond=0)
    ),
)
def test_082_an_instant_shows_the_time_asked_for_or_the_end_of_its_gap(zone: str, local: datetime) -> None:
    at = to_instant(local, zone)
    shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    if shown != local:
        a_second_before = (at - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        assert a_second_before < local < shown


def test_return_on_investment_is_the_gain_over_the_spending() -> None:
    assert return_on_investment(48_500_000, 1_500_000) == 31.3333
    assert return_on_investment(215_000_000, 9_500_000) == 21.6316
    assert return_on_investment(500, 1000) == -0.5
    assert return_on_investment(500, 0) is None
