from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.areas.messaging.person_links import person_links
from meghdoot.areas.messaging.person_token import PersonRef, pack, person_token, read_person_token, unpack
from meghdoot.kernel.keyring import Keyring
from meghdoot.kernel.tokens import seal

RING = Keyring({"k1": b"1" * 32}, "k1")
PERSON = PersonRef(
    "acme",
    "0190a5a2-0000-7000-8000-000000000001",
    "0190a5a2-0000-7000-8000-000000000002",
    "email",
    "0123456789abcdef0123456789abcdef",
    "bn",
    datetime(2026, 1, 5, 9, 0, tzinfo=UTC),
)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
people = st.builds(
    PersonRef,
    tenant=texts,
    run_id=st.one_of(st.uuids().map(str), texts),
    customer_id=st.one_of(st.uuids().map(str), texts),
    channel=st.sampled_from(("email", "sms", "push", "whatsapp")),
    send_key=st.one_of(st.binary(max_size=40).map(bytes.hex), texts),
    language=st.sampled_from(("en", "bn")),
    issued_at=st.one_of(st.none(), st.integers(1, 2**32 - 1).map(lambda s: datetime.fromtimestamp(s, UTC))),
    inert=st.booleans(),
)


@given(people)
def test_whatever_is_packed_is_read_back(person: PersonRef) -> None:
    assert unpack(pack(person)) == person


@given(st.binary(max_size=120))
def test_any_signed_bytes_are_a_person_or_nothing_and_never_an_error(payload: bytes) -> None:
    person = read_person_token(RING, "click", seal(RING, "click", payload))
    assert person is None or isinstance(person, PersonRef)


def test_109_a_token_opens_only_what_it_was_made_for() -> None:
    token = person_token(RING, "click", PERSON)
    assert read_person_token(RING, "click", token) == PERSON
    assert read_person_token(RING, "open", token) is None
    assert read_person_token(RING, "unsubscribe", token) is None


def test_109_a_flipped_cut_or_foreign_token_opens_nothing() -> None:
    token = person_token(RING, "unsubscribe", PERSON)
    for place, letter in enumerate(token):
        other = "A" if letter != "A" else "B"
        assert read_person_token(RING, "unsubscribe", token[:place] + other + token[place + 1 :]) is None
        assert read_person_token(RING, "unsubscribe", token[:place]) is None
    foreign = Keyring({"k1": b"2" * 32}, "k1")
    assert read_person_token(foreign, "unsubscribe", token) is None
    other_tenant = seal(foreign, "unsubscribe", pack(replace(PERSON, tenant="other")))
    assert read_person_token(RING, "unsubscribe", other_tenant) is None


def test_112_a_token_of_an_older_key_still_works_and_never_expires() -> None:
    token = person_token(RING, "unsubscribe", PERSON)
    rotated = Keyring({"k1": b"1" * 32, "k2": b"2" * 32}, "k2")
    assert read_person_token(rotated, "unsubscribe", token) == PERSON


def test_the_links_of_a_person_are_short_and_sealed_for_three_purposes() -> None:
    links = person_links(
        "https://m.example.test",
        RING,
        tenant=PERSON.tenant,
        run_id=PERSON.run_id,
        customer_id=PERSON.customer_id,
        channel="email",
        send_key=PERSON.send_key,
        language="bn",
        issued_at=PERSON.issued_at,
    )
    click = links.click_base.removeprefix("https://m.example.test/c/").removesuffix("/")
    pixel = links.pixel_url.removeprefix("https://m.example.test/o/").removesuffix(".gif")
    unsubscribe = links.unsubscribe_url.removeprefix("https://m.example.test/u/")
    assert read_person_token(RING, "click", click) == PERSON
    assert read_person_token(RING, "open", pixel) == PERSON
    assert read_person_token(RING, "unsubscribe", unsubscribe) == PERSON
    assert max(map(len, (click, pixel, unsubscribe))) < 140


def test_a_test_send_has_inert_links() -> None:
    links = person_links(
        "https://m.example.test",
        RING,
        tenant="acme",
        run_id="",
        customer_id="",
        channel="email",
        send_key="",
        inert=True,
    )
    person = read_person_token(RING, "unsubscribe", links.unsubscribe_url.rpartition("/")[2])
    assert person is not None
    assert person.inert


def test_an_id_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        pack(replace(PERSON, tenant="t" * 256))
