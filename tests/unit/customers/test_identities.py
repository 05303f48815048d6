"""E-mail addresses and phone numbers have one spelling each, and anything else is refused."""

from __future__ import annotations

import pytest

from meghdoot.areas.customers import rules
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.keyring import Keyring

KEYRING = Keyring({"k1": b"1" * 32}, "k1")
ROTATED = Keyring({"k1": b"1" * 32, "k2": b"2" * 32}, "k2")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ann@example.com", "ann@example.com"),
        (" Ann.B+tag@Example.COM\n", "ann.b+tag@example.com"),
        ("a@münchen.de", "a@xn--mnchen-3ya.de"),
        ("a@MÜNCHEN.de", "a@xn--mnchen-3ya.de"),
        ("a@xn--mnchen-3ya.de", "a@xn--mnchen-3ya.de"),
        ("a@বাংলা.বাংলা", "a@xn--54b7fta0cc.xn--54b7fta0cc"),
        ('"john"@example.com', "john@example.com"),
        ("success@simulator.amazonses.com", "success@simulator.amazonses.com"),
        ("a@shop.test", "a@shop.test"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
    ],
)
def test_016_every_spelling_of_an_address_is_the_same_address(text: str, canonical: str) -> None:
    assert rules.normalise_email(text) == canonical
    assert rules.normalise_email(canonical) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "@x.com", "a@", "a@b", "a@localhost", "a@b.c, d@e.f", "a@b.com;c@d.com", "a@b.com c@d.com",
        "<script>@x", "Ann <a@x.com>", "<a@x.com>", '"a b"@x.com', '"a@b"@x.com', "a@x.com.", "a@.x.com", ".a@x.com",
        "a.@x.com", "a..b@x.com", "a@x..com", "a@[127.0.0.1]", "a@ex ample.com", "a\x00@x.com", "a\nb@x.com",
        "a@x.com\r\nBcc: b@x.com", "ü@x.com", "ক@x.com", "x" * 65 + "@x.com", "x" * 310 + "@x.com", "a@-x.com",
        "a@" + "x" * 250 + ".com", "a@x_y.com", "a\ud800@x.com", "a@\ud800.com", "a\u202e@x.com", "a@x.com\x00",
        "a@" + ".".join(["x" * 60] * 5) + ".com", "(c)a@x.com", "a@x.com,",
    ],
)  # fmt: skip
def test_016_what_is_not_one_plain_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as e:
        rules.normalise_email(text)
    assert [f.field for f in e.value.fields] == ["email"]


@pytest.mark.parametrize(
    "text",
    [
        "01712345678", "+8801712345678", "008801712345678", "8801712345678", "1712345678", "০১৭১২৩৪৫৬৭৮",
        "+৮৮০১৭১২৩৪৫৬৭৮", "+88 017-1234 5678", " (017) 12345678 ", "+880-1712-345678", "01712.345678", "+88001712345678",
    ],
)  # fmt: skip
def test_017_every_form_of_a_number_is_the_same_number_and_hits_the_same_key(text: str) -> None:
    number = rules.normalise_phone(text)
    assert number == "+8801712345678"
    assert rules.address_key(KEYRING, "phone", number) == rules.address_key(KEYRING, "phone", "+8801712345678")


@pytest.mark.parametrize(
    "text",
    [
        "", "+", "16247", "0171234567", "017123456789", "01012345678", "01112345678", "01212345678", "+880 10 12345678",
        "+8801112345678", "০১১১২৩৪৫৬৭৮", "0171FLOWERS", "01712345678,01812345678", "01712345678 01812345678",
        "01712345678/01812345678", "01712345678;ext=5", "01712345678 x5", "tel:01712345678", "+0088017123456", "++8801712345678",
        "017-abc", "٠١٧١٢٣٤٥٦٧٨", "０１７１２３４５６７８", "01712345678\n01812345678", "1" * 40, "-01712345678",
    ],
)  # fmt: skip
def test_017_what_is_not_one_served_number_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as e:
        rules.normalise_phone(text)
    assert [f.field for f in e.value.fields] == ["phone"]


def test_017_a_number_of_another_country_keeps_its_country() -> None:
    assert rules.normalise_phone("+1 415 555 2671") == "+14155552671"
    assert rules.normalise_phone("(415) 555-2671", "US") == "+14155552671"
    # The Bangladeshi refusals are no business of other countries.
    assert rules.normalise_phone("+49 30 123456") == "+4930123456"


def test_017_the_refused_prefixes_are_data() -> None:
    assert rules.normalise_phone("01112345678", blocked={}) == "+8801112345678"
    with pytest.raises(Invalid):
        rules.normalise_phone("01712345678", blocked={"BD": ("17",)})


def test_an_address_key_names_its_key_and_hides_the_address() -> None:
    key = rules.address_key(KEYRING, "email", "ann@example.com")
    key_id, _, tag = key.partition("#")
    assert key_id == "k1"
    assert len(tag) == 64
    assert "ann" not in key
    assert key != rules.address_key(KEYRING, "external_id", "ann@example.com")
    assert key != rules.address_key(Keyring({"k1": b"9" * 32}, "k1"), "email", "ann@example.com")


def test_after_a_rotation_older_keys_are_looked_up_too() -> None:
    old = rules.address_key(KEYRING, "email", "ann@example.com")
    new = rules.address_key(ROTATED, "email", "ann@example.com")
    assert new.startswith("k2#")
    assert rules.lookup_keys(ROTATED, "email", "ann@example.com") == [new, old]
