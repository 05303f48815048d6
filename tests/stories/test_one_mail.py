"""One mail under the glass: its headers, its two parts, its unsubscribe link, and what the link may do."""

from __future__ import annotations

import re
from copy import deepcopy
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import pytest
from public.app import handler

from meghdoot.adapters.email.mime import compose
from meghdoot.areas.messaging.model import OutboundEmail, Outcome
from meghdoot.wiring import public
from meghdoot_cli import newsletter
from tests.support.visits import visit
from tests.support.whole_house import PUBLIC, WholeHouse

HEADERS = [
    "From", "To", "Reply-To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post",
    "MIME-Version", "Content-Type",
]  # fmt: skip
OUT = '<p>{{postal_address}} <a href="{{unsubscribe_url}}">{{out_word}}</a></p>'
TEMPLATE = {
    "template_name": "Eid", "template_category": "promotional", "subject_line": "Eid, {{first_name}}",
    "subject_line_bn": "ঈদ, {{first_name}}",
    "html_content": "<h1>{{headline}}</h1><p>Dear {{first_name}} of {{city}}</p>"
    '<p>{{#if attributes.tier}}{{attributes.tier}}{{/if}}</p><a href="https://shop.example/eid">Shop</a>' + OUT,
    "html_content_bn": "<h1>{{headline}}</h1><p>প্রিয় {{first_name}}</p>"
    '<a href="https://shop.example/bn">কিনুন</a>' + OUT,
    "variables": [
        {"name": "first_name", "default": "friend"}, {"name": "city", "default": "your city"}, {"name": "headline"},
        {"name": "out_word"},
    ],
}  # fmt: skip
EMAIL = {
    "subject_line": "Eid, {{first_name}}", "subject_line_bn": "ঈদ, {{first_name}}",
    "content": {"headline": "Celebrate", "out_word": "unsubscribe"},
    "content_bn": {"headline": "ঈদ মোবারক", "out_word": "আর চাই না"},
}  # fmt: skip
AGENTS = (
    None, "curl/8.5.0", "Mozilla/5.0", "BarracudaCentral", "Mimecast-URL-Check/1.0", "python-requests/2.32",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131 Safari/537.36",
    "Mozilla/5.0 (compatible; proofpoint; +https://urldefense.example)", "GoogleImageProxy", "Outlook-iOS/2.0",
)  # fmt: skip
ONE_CLICK, FORM = "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"
MULTIPART = (
    b'--b0\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b0--\r\n',
    "multipart/form-data; boundary=b0",
)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> WholeHouse:
    """Rahima reads Bangla, Lily English, Nameless is only an address; the public function answers for this house."""
    house = WholeHouse()
    house.person("Rahima", first_name="রহিমা", language="bn", city="Dhaka")
    house.person("Lily", first_name="Lily", city="Sylhet")
    house.person("Nameless")
    monkeypatch.setattr(public, "site", lambda: house.site)
    return house


def launched(house: WholeHouse) -> str:
    """A launched and planned run; its chunk is in the queue."""
    house.client.post(
        "/senders", {"sender_email": "news@shop.example", "display_name": "Shop", "reply_to": "help@shop.example"}
    )
    return house.launch(house.draft(TEMPLATE, **EMAIL))


def mails(house: WholeHouse) -> dict[str, EmailMessage]:
    """What the provider took, read back from its bytes, by the name before the @."""
    read = BytesParser(policy=policy.default)
    return {m.to.partition("@")[0]: read.parsebytes(compose(m)) for m in house.provider.accepted}


def part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def unsubscribe_path(mail: EmailMessage) -> str:
    (url,) = re.findall(r"^<(.*)>$", mail["List-Unsubscribe"])
    return str(url).removeprefix(PUBLIC)


def ask(method: str, path: str, *args: Any, **more: Any) -> int:
    """One request to the public function."""
    return int(handler(visit(method, path, *args, **more), None)["statusCode"])


def standing(house: WholeHouse) -> tuple[Any, ...]:
    """All that a request to an unsubscribe link could have changed."""
    p: Any = house.ports
    return deepcopy(
        (
            house.gates._gates, p.ledger._entries, p.suppressions._items, p.withdrawals.lines, house.touches.kept,
            list(p.customers.page("acme", limit=100).items), house.counters.items,
        )
    )  # fmt: skip


def test_106_a_mail_is_exactly_what_was_promised_header_by_header_and_part_by_part(house: WholeHouse) -> None:
    # When a campaign is sent
    launched(house)
    house.send()
    sent = mails(house)
    # Then each mail has our headers and no others, text before HTML, and no variable left
    assert set(sent) == {"rahima", "lily", "nameless"}
    for name, mail in sent.items():
        assert mail.keys() == HEADERS
        assert mail.defects == []
        assert (mail["To"], mail["Reply-To"]) == (f"{name}@example.com", "help@shop.example")
        assert re.fullmatch(re.escape(f"<{PUBLIC}/u/") + r"[\w.-]+>", mail["List-Unsubscribe"])
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert [p.get_content_type() for p in mail.iter_parts()] == ["text/plain", "text/html"]
        for text in (str(mail["Subject"]), part(mail, "plain"), part(mail, "html")):
            assert not re.search(r"\{\{|\}\}|\{%|None|Undefined|&lt;p|\ue000", text), text
        for kind in ("plain", "html"):
            assert "1 Lake Road, Dhaka 1207" in part(mail, kind)
            assert PUBLIC + unsubscribe_path(mail) in part(mail, kind)
        assert "shop.example/" not in part(mail, "html")
    print(f"figure: {len(sent)} of 3 mails have exactly the headers {', '.join(HEADERS)}")
    print("figure: 0 unreplaced variables in subject, text and HTML of all mails; text/plain stands before text/html")


def test_a_reader_of_bangla_gets_bangla_and_a_person_without_a_name_the_defaults(house: WholeHouse) -> None:
    launched(house)
    house.send()
    sent = mails(house)
    assert sent["rahima"]["Subject"] == "ঈদ, রহিমা"
    for kind in ("plain", "html"):
        body = part(sent["rahima"], kind)
        assert all(word in body for word in ("ঈদ মোবারক", "প্রিয় রহিমা", "আর চাই না"))
        assert "Celebrate" not in body
    assert sent["lily"]["Subject"] == "Eid, Lily"
    assert "Dear Lily of Sylhet" in part(sent["lily"], "html")
    assert "Dear friend of your city" in part(sent["nameless"], "plain")
    assert sent["nameless"]["Subject"] == "Eid, friend"
    print("figure: the bn customer's mail is Bangla in subject, text and HTML; the en customers' is English")


def test_111_a_thousand_scanners_on_an_unsubscribe_link_change_nothing(house: WholeHouse) -> None:
    # Given mails that are out
    launched(house)
    house.send()
    path = unsubscribe_path(mails(house)["rahima"])
    before = standing(house)
    # When machines look at the link a thousand times
    statuses = []
    for n in range(1000):
        method = ("GET", "HEAD", "OPTIONS")[n % 3]
        statuses.append(ask(method, path, user_agent=AGENTS[n % len(AGENTS)], X_Forwarded_For=f"198.51.100.{n % 250}"))
    # Then each is answered, and gate, ledger, suppressions, the write-once log and the touches are what they were
    assert set(statuses) == {200, 204}
    assert standing(house) == before
    # And the watch itself sees a change: one POST is one
    assert ask("POST", path, ONE_CLICK, FORM) == 200
    assert standing(house) != before
    print(f"figure: {len(statuses)} scanner requests (GET, HEAD, OPTIONS, {len(AGENTS)} agents) changed 0 stores")


@pytest.mark.parametrize("place", ["queued", "mid-run"])
def test_063_one_post_stops_a_message_that_is_already_queued(house: WholeHouse, place: str) -> None:
    # Given an earlier mail in everybody's inbox, and the next campaign's chunk in the queue
    launched(house)
    house.send()
    links = {name: unsubscribe_path(mail) for name, mail in mails(house).items()}
    house.provider.accepted.clear()
    run = launched(house)
    assert house.accounting(run) == {"pending": 3}

    def leave() -> list[int]:
        # One by the mailbox provider's urlencoded POST, one by multipart, each of them twice
        twice = [ask("POST", links["rahima"], ONE_CLICK, FORM) for _ in range(2)]
        return twice + [ask("POST", links["lily"], *MULTIPART) for _ in range(2)]

    told: list[int] = []
    if place == "queued":
        told = leave()
    else:
        # The sender holds the chunk and calls for the first person; the others are in later waves.
        house.sender.pacer.granted = 1.0  # type: ignore[attr-defined]
        first: list[str] = []

        def leave_at(mail: OutboundEmail, number: int) -> Outcome | None:
            if not first:
                first.append(mail.to)
                told.extend(leave())
            return None

        house.provider.failure = leave_at
    # When the sender handles the chunk
    assert [h.result for h in house.send()] == ["done"]
    # Then those who left are skipped as no_consent, and repeating the POST was fine
    assert told == [200] * 4
    reached = {m.to for m in house.provider.accepted}
    left = {"rahima@example.com", "lily@example.com"}
    if place == "queued":
        assert reached == {"nameless@example.com"}
        assert house.accounting(run) == {"accepted": 1, "skipped:no_consent": 2}
    else:
        # Whoever was being called at that instant had been claimed before; nobody of a later wave is called.
        skipped = left - set(first)
        assert reached.isdisjoint(skipped)
        assert house.accounting(run) == {"accepted": 3 - len(skipped), "skipped:no_consent": len(skipped)}
    assert len(house.ports.withdrawals.lines) == 2  # type: ignore[attr-defined]
    print(f"figure: {place}: 2 people left by one POST each (urlencoded, multipart): {len(reached)} of 3 called, "
          f"{house.accounting(run).get('skipped:no_consent', 0)} skipped as no_consent; each second POST answered 200")  # fmt: skip


def test_the_newsletter_that_comes_with_the_house_passes_the_launch_check(house: WholeHouse) -> None:
    house.client.put("/tenant", {"privacy_url": "https://shop.example/privacy"})
    path = house.draft(
        newsletter.template(), subject_line=newsletter.SUBJECT, subject_line_bn=newsletter.SUBJECT_BN,
        content=newsletter.CONTENT, content_bn=newsletter.CONTENT_BN,
    )  # fmt: skip
    assert [f for f in house.client.post(f"{path}/check").json["findings"] if f["level"] == "blocking"] == []
    assert house.launch(path)
    house.send()
    assert len(mails(house)) == 3
