"""The short way of filling a mail gives the bytes of the long way, and both say what Jinja2 alone would say."""

from __future__ import annotations

from email import message_from_bytes
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meghdoot.adapters.email import headers
from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.adapters.email.slots import SOFT, quoted_printable
from meghdoot.areas.content import compile as compiling
from meghdoot.areas.content import lower
from meghdoot.areas.content.fold import Piece
from meghdoot.areas.content.model import PersonLinks, Variable
from meghdoot.areas.content.program import CompiledEmail, Program, RenderFailed
from meghdoot.areas.content.sandbox import PlainEnvironment
from meghdoot.areas.messaging.model import Envelope
from meghdoot.kernel.errors import Invalid
from tests.unit.content.samples import NOW, PERSON, compiled

ENVELOPE = Envelope("Acme", "news@acme.example", None, one_click=True)
LITERALS = [
    "Hello ", "x = y & z", "শুভ সকাল ", "🎉", "a" * 200, "line\nnext", "crlf\r\nnext", "tail ", "<p>", "</p>", "'q' \"q\"",
    ".", "<b>bold</b>", "From here", "\t", "=", '<a href="https://shop.example/a?b=1&amp;c=2">shop</a>',
]  # fmt: skip
PRINTED = [
    "{{ first_name }}", "{{ city }}", "{{ attributes.tier }}", "{{ headline }}", "{{ first_name|upper }}",
    "{{ attributes.points|money }}", "{{ city|default('দূর') }}", '<a href="{{ unsubscribe_url }}">stop</a>',
    '<a href="https://a.example/{{ city }}?q={{ first_name }}">go</a>', "{{ unsubscribe_url }}",
    '<i style="color:{{ headline }}">i</i>', '<b title="{{ first_name }}">t</b>',
    "{% if city %}in {{ city }}{% else %}nowhere{% endif %}",
    "{% for item in attributes.basket %}<li>{{ loop.index }} {{ item.name }}</li>{% endfor %}",
]  # fmt: skip
templates = st.lists(st.sampled_from(LITERALS + PRINTED), min_size=1, max_size=9).map("".join)
WORDS = [
    "Rita", "O'Neil & Sons", "রহিমা বেগম", "😀", "a=b", "x" * 80, "two\r\nlines", "end ", " start", "=?utf-8?b?", ".", "", " ",
    "<b>", '"', "e\u0301", "\u2028", "\x00", "tab\there", "a" * 74, "a" * 75, "a" * 76, "a" * 77, "https://a.example/x?y=1",
]  # fmt: skip
SUBJECTS = [
    "{{ first_name }}, news",
    "News",
    "{{ city }}",
    "=?{{ first_name }}?=",
    "a {{ city }} {{ first_name }}",
    "খবর {{ city }}",
]
words = st.one_of(st.sampled_from(WORDS), st.text(st.characters(codec="utf-8"), max_size=120))
values = st.one_of(words, st.integers(-5, 10**6), st.none(), st.booleans())
fields = st.fixed_dictionaries(
    {},
    optional={
        "first_name": values, "city": values, "headline": values,
        "attributes": st.fixed_dictionaries({}, optional={
            "tier": values, "points": values, "basket": st.lists(st.fixed_dictionaries({"name": words}), max_size=3),
        }),
    },
)  # fmt: skip


def by_jinja(pieces: list[Piece], env: PlainEnvironment) -> Program:
    """Everything as one Jinja2 template."""
    return Program((0,), (lower._rendered(pieces, env),))


@cache
def both(html: str, subject: str) -> tuple[CompiledEmail, CompiledEmail] | None:
    """The template with slots and by Jinja2 alone; None where it is refused."""
    options: dict[str, Any] = {"t_subject_line": subject, "t_variables": (Variable("headline", "friend"),)}
    try:
        ours = compiled(html, **options)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(compiling, "to_program", by_jinja)
            return ours, compiled(html, **options)
    except Invalid:
        return None


def long_way(mail: CompiledEmail, given: dict[str, Any], links: PersonLinks) -> bytes:
    """Slot by slot, each written, encoded and set between soft line breaks."""
    context = mail.context(given, links)

    def body(program: Program) -> bytes:
        return b"".join(
            quoted_printable(part)
            if isinstance(part, str)
            else SOFT + quoted_printable(program.slots[part](context)) + SOFT
            for part in program.parts
        )

    return body(mail.text) + b"|" + body(mail.html) + b"|" + headers.unstructured(mail.subject.render(context), "s")


def short_way(mail: CompiledEmail, given: dict[str, Any], links: PersonLinks) -> bytes:
    """As it is sent."""
    raw = MimeComposers().prepare(mail, ENVELOPE).mail("a@b.example", given, links, message_id="m", date=NOW)
    head, _, rest = raw.partition(b"\r\n\r\n")
    text, html = [part.partition(b"\r\n\r\n")[2] for part in rest.split(b"--=_meghdoot_alternative")[1:3]]
    subject = head.partition(b"Subject: ")[2].partition(b"\r\nDate: ")[0]
    return text.removesuffix(b"\r\n") + b"|" + html.removesuffix(b"\r\n") + b"|" + subject


def same_both_ways(html: str, subject: str, given: dict[str, Any]) -> None:
    """Bytes or a refusal, by both ways."""
    pair = both(html, subject)
    if pair is None:
        return
    try:
        wanted = long_way(pair[0], given, PERSON)
    except Invalid:
        with pytest.raises(Invalid):
            short_way(pair[0], given, PERSON)
        return
    assert short_way(pair[0], given, PERSON) == wanted


@settings(max_examples=300, deadline=None)
@given(templates, st.sampled_from(SUBJECTS), fields)
def test_the_short_way_gives_the_bytes_of_the_long_way(html: str, subject: str, given: dict[str, Any]) -> None:
    same_both_ways(html, subject, given)


@pytest.mark.parametrize("printed", PRINTED)
def test_every_awkward_value_is_the_same_both_ways_in_every_place(printed: str) -> None:
    for value in (*WORDS, 0, 1.5, True, None, [], {}):
        given = {"first_name": "Rita", "city": "Dhaka", "attributes": {"tier": value, "points": 7, "basket": []}}
        for name in ("first_name", "city", "headline", "other"):
            same_both_ways(printed, "News", {**given, name: value})


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_awkward_value_is_the_same_both_ways_in_a_subject(subject: str) -> None:
    for value in (*WORDS, 0, 1.5, True, None, "a" * 60, "a" * 66, "a" * 67):
        same_both_ways("<p>Hi</p>", subject, {"first_name": value, "city": value})


@settings(max_examples=300, deadline=None)
@given(templates, fields)
def test_slots_say_what_jinja2_alone_says(html: str, given: dict[str, Any]) -> None:
    pair = both(html, "{{ first_name|default('you') }}, news")
    if pair is None:
        return
    try:
        wanted = pair[1].render(given, PERSON)
    except RenderFailed:
        with pytest.raises(RenderFailed):
            pair[0].render(given, PERSON)
        return
    assert pair[0].render(given, PERSON) == wanted
    raw = MimeComposers().prepare(pair[0], ENVELOPE).mail("a@b.example", given, PERSON, message_id="m", date=NOW)
    sent = [part.get_payload(decode=True) for part in message_from_bytes(raw).get_payload()]
    assert [lines(text) for text in sent] == [lines(wanted.text.encode()), lines(wanted.html.encode())]


def lines(text: bytes) -> bytes:
    """With one kind of line end, and without those at the end, which belong to the boundary."""
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n")


@pytest.mark.parametrize("length", [20, 60, 74, 75, 76, 77, 150, 151, 152, 226, 301, 500])
def test_a_long_address_is_broken_as_quoted_printable_breaks_it(length: int) -> None:
    address = ("https://m.example/" + "a" * length)[:length]
    links = PersonLinks(address, address, "https://m.example/u/1")
    mail = compiled('<p>Hi</p><a href="https://shop.example/">x</a>')
    assert short_way(mail, {}, links) == long_way(mail, {}, links)


def test_own_addresses_of_any_kind_take_the_long_way() -> None:
    links = PersonLinks(
        "https://m.example/c/=x'/", 'https://m.example/o/"&.gif', "https://m.example/u/é".replace("é", "e")
    )
    mail = compiled(
        '<p>{{ unsubscribe_url }}</p><a href="https://shop.example/">x</a><a href="{{ unsubscribe_url }}">u</a>'
    )
    assert short_way(mail, {}, links) == long_way(mail, {}, links)
