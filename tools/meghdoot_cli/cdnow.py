"""The CDNOW sample as a shop's customers: real purchases, generated people.

The purchases are those of Fader and Hardie's sample (tests/data/README.md). Names, languages, addresses and consent
are made from the customer's number, so that every run of the demo meets the same people.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from meghdoot.kernel.assign import bucket

SOURCE = Path(__file__).resolve().parents[2] / "tests" / "data" / "cdnow_sample.csv"
LAST_DAY = date(1998, 6, 30)
DOMAIN = "customers.example.com"
"""A reserved test domain (RFC 2606): nobody can receive mail there."""

_FIRST_EN = (
    "Amina",
    "Rahim",
    "Nadia",
    "Tanvir",
    "Farhana",
    "Imran",
    "Sadia",
    "Kamal",
    "Ruma",
    "Shafiq",
    "Laila",
    "Omar",
)
_LAST_EN = ("Chowdhury", "Rahman", "Akter", "Hossain", "Islam", "Khan", "Sultana", "Ahmed", "Begum", "Das")
_FIRST_BN = ("আমিনা", "রহিম", "নাদিয়া", "তানভীর", "ফারহানা", "ইমরান", "সাদিয়া", "কামাল", "রুমা", "শফিক", "লায়লা", "ওমর")
_LAST_BN = ("চৌধুরী", "রহমান", "আক্তার", "হোসেন", "ইসলাম", "খান", "সুলতানা", "আহমেদ", "বেগম", "দাস")
_CITIES = ("Dhaka", "Chattogram", "Sylhet", "Khulna", "Rajshahi", "Barishal")


@dataclass(frozen=True)
class Purchase:
    """A line of the file: its event id is file and line number, since 21 lines are identical."""

    event_id: str
    external_id: str
    day: date
    amount: Decimal


@dataclass(frozen=True)
class Person:
    """A generated customer with real purchases."""

    external_id: str
    email: str
    first_name: str
    last_name: str
    language: str
    city: str
    consents: bool
    purchases: list[Purchase] = field(default_factory=list, compare=False)


def load(today: date) -> list[Person]:
    """All 2,357 people, their 6,919 purchases shifted so that 1998-06-30 is `today`."""
    shift = today - LAST_DAY
    people: dict[str, Person] = {}
    for purchase in _purchases(shift):
        person = people.setdefault(purchase.external_id, person_of(purchase.external_id))
        person.purchases.append(purchase)
    return list(people.values())


def _purchases(shift: timedelta) -> Iterator[Purchase]:
    with SOURCE.open(newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter=",", skipinitialspace=True), start=1):
            if not row or not row[0].strip().isdigit():
                continue
            customer, day, dollars = row[0].strip(), row[2].strip(), row[4].strip()
            at = date.fromisoformat(day) + shift
            yield Purchase(f"cdnow_sample-{number}", f"cdnow-{customer}", at, Decimal(dollars))


def person_of(external_id: str) -> Person:
    """The generated side of a person. A third reads Bangla; about nine in ten agreed to marketing e-mail."""
    bangla = bucket("language", external_id, 3) == 0
    first, last = (_FIRST_BN, _LAST_BN) if bangla else (_FIRST_EN, _LAST_EN)
    return Person(
        external_id,
        f"{external_id}@{DOMAIN}",
        first[bucket("first", external_id, len(first))],
        last[bucket("last", external_id, len(last))],
        "bn" if bangla else "en",
        _CITIES[bucket("city", external_id, len(_CITIES))],
        bucket("consent", external_id, 100) < 91,
    )


def noon(day: date, zone: str) -> datetime:
    """Local noon of a day: far from both midnights, so that the day is the same for everybody near."""
    return datetime.combine(day, time(12), ZoneInfo(zone))


def count_by_a_plain_loop(people: list[Person], today: date, *, at_least: Decimal, days: int) -> int:
    """People who spent at least so much in all and bought nothing within the last so many days (day N is inside)."""
    edge = today - timedelta(days=days)
    return sum(
        1 for p in people if sum(x.amount for x in p.purchases) >= at_least and max(x.day for x in p.purchases) < edge
    )
