"""Mails as bytes: exactly our headers, whatever people typed, and both parts as they were rendered."""

from __future__ import annotations

import email
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.adapters.email.mime import MimeComposers, compose, quoted_printable
from meghdoot.areas.content.model import PersonLinks
from meghdoot.areas.content.program import RenderFailed
from meghdoot.areas.messaging.model import Envelope, OutboundEmail
from meghdoot.areas.messaging.ports import Composer, Composers
from meghdoot.kernel.errors import Invalid
from tests.unit.content.samples import NOW, PERSON, compiled

ENVELOPE = Envelope("Acme, Inc.", "news@acme.example", "reply@acme.example", one_click=True)
HTML = '<p>Hi {{first_name}}</p><a href="https://a.example/?x=1">go = gone</a>'
OURS = [
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post",
    "MIME-Version", "Content-Type",
]  # fmt: skip
BREAKERS = ["x\r\nBcc: evil@e.example", "x\nX-Evil: 1", "x\r\n\r\n<html>", "x\rb", "x\x00", "x\u2028y"]


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def prepared(envelope: Envelope = ENVELOPE, **options: Any) -> Composer:
    composers: Composers = MimeComposers()
    return composers.prepare(compiled(options.pop("html", HTML), **options), envelope)


def mail(composer: Composer, name: str = "Asha", to: str = "asha@b.example", links: PersonLinks = PERSON) -> bytes:
    return composer.mail(to, {"first_name": name}, links, message_id="0192-abc.d_e", date=NOW)


def outbound(**changes: Any) -> OutboundEmail:
    values: dict[str, Any] = {
        "sender_name": "Acme", "sender_email": "news@acme.example", "to": "asha@b.example", "reply_to": None,
        "subject": "Hello", "html": "<p>Hi</p>", "text": "Hi\n", "headers": {}, "tags": {}, "message_id": "m1", "date": NOW,
    }  # fmt: skip
    return OutboundEmail(**values | changes)


def test_106_a_marketing_mail_parsed_back_has_exactly_our_headers_and_one_click() -> None:
    message = parsed(mail(prepared(t_subject_line="Hello {{first_name}}")))
    assert list(message.keys()) == OURS
    assert message["From"] == '"Acme, Inc." <news@acme.example>'
    assert message["To"] == "asha@b.example"
    assert message["Subject"] == "Hello Asha"
    assert message["Date"].datetime == NOW
    assert message["Message-ID"] == "<0192-abc.d_e@acme.example>"
    assert message["List-Unsubscribe"] == f"<{PERSON.unsubscribe_url}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_transactional_mail_without_reply_address_has_fewer() -> None:
    message = parsed(mail(prepared(Envelope("", "a@acme.example", None, one_click=False))))
    assert list(message.keys()) == ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
    assert message["From"] == "a@acme.example"


def test_text_stands_before_html_and_both_are_what_was_rendered() -> None:
    raw = mail(prepared(), "রহিমা 😀")
    message = parsed(raw)
    kinds = [p.get_content_type() for p in message.iter_parts()]
    wanted = compiled(HTML).render({"first_name": "রহিমা 😀"}, PERSON)
    assert kinds == ["text/plain", "text/html"]
    assert part(message, "html").rstrip("\n") == wanted.html.rstrip("\n")
    assert part(message, "plain").rstrip("\n") == wanted.text.rstrip("\n")
    assert not message.defects
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_any_text_survives_the_prepared_path(name: str) -> None:
    composer, wanted = _ANY, _ANY_COMPILED
    try:
        raw = mail(composer, name)
    except RenderFailed:
        return
    expected = wanted.render({"first_name": name}, PERSON).html
    content = part(parsed(raw), "html")
    assert content.rstrip("\n") == expected.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998


_ANY_COMPILED = compiled(HTML)
_ANY = MimeComposers().prepare(_ANY_COMPILED, ENVELOPE)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1, max_size=300))
def test_any_subject_and_name_survive_their_encoding(text: str) -> None:
    raw = compose(outbound(subject=text, sender_name=text))
    message = parsed(raw)
    assert message["Subject"] == text
    assert message["From"].addresses[0].addr_spec == "news@acme.example"
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    assert list(message.keys()) == ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]


def test_a_bangla_subject_and_sender_are_encoded_in_lines_of_76() -> None:
    subject = "ঈদ মোবারক! আপনার জন্য বিশেষ ছাড় এই সপ্তাহে, শুধু আমাদের দোকানে 🎉"
    raw = compose(outbound(subject=subject, sender_name="মেঘদূত"))
    message = parsed(raw)
    assert message["Subject"] == subject
    assert message["From"].addresses[0].display_name == "মেঘদূত"
    head = raw.split(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(len(line) for line in head.split(b"\r\n")) <= 76


@pytest.mark.parametrize("breaker", BREAKERS)
@pytest.mark.parametrize("place", ["subject", "sender_name", "sender_email", "to", "reply_to", "message_id"])
def test_015_no_value_can_add_a_header(place: str, breaker: str) -> None:
    with pytest.raises(Invalid):
        compose(outbound(**{place: breaker}))


@pytest.mark.parametrize("breaker", BREAKERS)
def test_015_no_custom_header_can_add_another(breaker: str) -> None:
    with pytest.raises(Invalid):
        compose(outbound(headers={"X-Tag": breaker}))
    with pytest.raises(Invalid):
        compose(outbound(headers={breaker: "x"}))


@pytest.mark.parametrize("breaker", BREAKERS)
def test_015_the_prepared_path_refuses_the_same(breaker: str) -> None:
    for envelope in (
        Envelope(breaker, "a@acme.example", None, one_click=True),
        Envelope("Acme", breaker, None, one_click=True),
        Envelope("Acme", "a@acme.example", breaker, one_click=True),
    ):
        with pytest.raises(Invalid):
            prepared(envelope)
    composer = prepared(t_subject_line="Hi {{first_name}}")
    with pytest.raises(Invalid):
        mail(composer, breaker)
    with pytest.raises(Invalid):
        mail(composer, to=f"a@b.example{breaker}")
    with pytest.raises(Invalid):
        mail(composer, links=PersonLinks("https://m/", "https://m/", f"https://m.example/{breaker}"))
    with pytest.raises(Invalid):
        composer.mail("a@b.example", {"first_name": "x"}, PERSON, message_id=breaker, date=NOW)


@pytest.mark.parametrize(
    "to",
    ["a@b.c, d@e.f", "<script>@x", "a" * 320 + "@b.example", "a@b.example.", "a b@c.example", "a@", "@b", "a@b@c", "", "Name <a@b.example>", "a@bücher.example", "a..b@c.example", "a;b@c.example"],
)  # fmt: skip
def test_016_an_address_that_is_not_one_plain_mailbox_is_refused_as_bad_address(to: str) -> None:
    with pytest.raises(Invalid) as e:
        mail(prepared(), to=to)
    assert e.value.code == "bad_address"


def test_an_unsubscribe_address_must_be_https() -> None:
    with pytest.raises(Invalid):
        mail(prepared(), links=PersonLinks("https://m/", "https://m/", "http://m.example/u"))


def test_102_a_missing_variable_reaches_the_caller_as_render_error() -> None:
    with pytest.raises(RenderFailed):
        mail(prepared(), "")


def test_a_mail_that_brings_its_own_bytes_is_passed_on() -> None:
    assert compose(outbound(raw=b"whole")) == b"whole"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "end space ",
        "=",
        "a=b",
        "x" * 75,
        "x" * 76,
        "x" * 500,
        "tab\t",
        ".",
        "\n.\n",
        "a\r\nb\rc",
        "é" * 60,
        "From x",
    ],
)
def test_quoted_printable_keeps_lines_short_and_comes_back(text: str) -> None:
    import quopri

    encoded = quoted_printable(text)
    assert max(len(line) for line in encoded.split(b"\r\n")) <= 76
    assert quopri.decodestring(encoded.replace(b"\r\n", b"\n")).decode() == text.replace("\r\n", "\n").replace(
        "\r", "\n"
    )
