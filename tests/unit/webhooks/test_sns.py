"""Only what one of our own topics has signed is believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from meghdoot.adapters.sns_inbox import SnsInbox
from meghdoot.adapters.sns_verify import SnsMessage, SnsVerifier
from meghdoot.http.webhooks import BODY_LIMIT, WebhookSite
from meghdoot.kernel.clock import ManualClock, iso
from meghdoot.kernel.errors import Unavailable
from tests.support.sns import CERTIFICATE_URL, TOPIC, FakeSns, body_of, headers_of
from tests.support.visits import visit

PATH = "/webhooks/sns/main"
# One key for the whole file: making one takes a tenth of a second.
SNS = FakeSns(ManualClock().at)
ROGUE = FakeSns(ManualClock().at)


@dataclass
class World:
    clock: ManualClock = field(default_factory=ManualClock)
    queue: list[str] = field(default_factory=list)
    confirmed: list[SnsMessage] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    pem: bytes = SNS.pem
    queue_is_down: bool = False

    def __post_init__(self) -> None:
        verifier = SnsVerifier(frozenset({TOPIC}), self.fetch, self.clock)
        inbox = SnsInbox(verifier, self.put, self.confirmed.append)
        self.site = WebhookSite(inbox, lambda decision, facts: self.lines.append((decision, facts)))

    def fetch(self, url: str) -> bytes:
        self.fetched.append(url)
        return self.pem

    def put(self, body: str) -> None:
        if self.queue_is_down:
            raise Unavailable("the queue is down")
        self.queue.append(body)

    def post(self, message: dict[str, str], as_base64: bool = False, **headers: str) -> int:
        body = body_of(message)
        event = visit("POST", PATH, body if as_base64 else body.decode(), "text/plain; charset=UTF-8")
        event["headers"] |= headers_of(message) | headers
        response = self.site.answer(event)
        assert response["body"] == ""
        return int(response["statusCode"])


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("as_base64", [False, True])
def test_064_a_signed_notification_goes_to_the_queue_as_it_came(world: World, version: str, as_base64: bool) -> None:
    message = SNS.message(version=version)
    assert world.post(message, as_base64) == 200
    assert world.queue == [body_of(message).decode()]


def test_a_notification_without_a_subject_is_signed_without_it(world: World) -> None:
    message = SNS.message()
    bare = SNS.signed({name: value for name, value in message.items() if name not in ("Subject", "Signature")})
    assert world.post(bare) == 200
    assert world.post(message | {"Subject": "changed"}) == 403


def test_064_header_names_come_in_any_case(world: World) -> None:
    message = SNS.message()
    event = visit("POST", PATH, body_of(message).decode())
    event["headers"] |= {name.title(): value for name, value in headers_of(message).items()}
    assert world.site.answer(event)["statusCode"] == 200


def test_the_certificate_is_fetched_once(world: World) -> None:
    for n in range(3):
        assert world.post(SNS.message(MessageId=f"m-{n}")) == 200
    assert world.fetched == [CERTIFICATE_URL]


@pytest.mark.parametrize("name", ["Message", "MessageId", "Subject", "Timestamp", "Type", "Signature"])
def test_057_a_message_changed_after_signing_is_refused(world: World, name: str) -> None:
    message = SNS.message()
    changed = {"Timestamp": iso(SNS.now + timedelta(seconds=1)), "Type": "UnsubscribeConfirmation"}
    message[name] = changed.get(name, message[name][:-1] + "!")
    assert world.post(message) == 403
    assert world.queue == []


def test_057_a_forgers_key_and_a_missing_signature_are_refused(world: World) -> None:
    assert world.post(ROGUE.message()) == 403
    unsigned = {name: value for name, value in SNS.message().items() if name != "Signature"}
    assert world.post(unsigned) == 403
    assert world.post(SNS.message() | {"SignatureVersion": "3"}) == 403
    assert world.post(SNS.message(version="1") | {"SignatureVersion": "2"}) == 403
    assert world.queue == []


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.ap-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.ap-south-1.amazonaws.com.evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.ap-south-1.amazonaws.com:8443/SimpleNotificationService-0123456789abcdef.pem",
        "https://a@sns.ap-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.ap-south-1.amazonaws.com@evil.example/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.ap-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem?x=1",
        "https://sns.ap-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem#x",
        "https://sns.ap-south-1.amazonaws.com/../SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.ap-south-1.amazonaws.com/evil.pem",
        "https://s3.ap-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://bucket.s3.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://snsXap-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "https://169.254.169.254/SimpleNotificationService-0123456789abcdef.pem",
        "https://sns.ap-south-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem\n",
        "file:///etc/passwd",
        "",
    ],
)
def test_057_a_certificate_from_elsewhere_is_never_fetched(world: World, url: str) -> None:
    assert world.post(SNS.message(SigningCertURL=url)) == 403
    assert world.fetched == []


@pytest.mark.parametrize("url", [CERTIFICATE_URL, CERTIFICATE_URL.replace("amazonaws.com", "amazonaws.com.cn")])
def test_amazons_own_addresses_are_fetched(world: World, url: str) -> None:
    assert world.post(SNS.message(SigningCertURL=url)) == 200


@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_057_a_foreign_topic_is_refused_without_a_fetch_though_amazon_signed_it(world: World, kind: str) -> None:
    foreign = SNS.message(kind, TopicArn="arn:aws:sns:ap-south-1:999999999999:provider-events")
    assert world.post(foreign) == 403
    assert (world.fetched, world.confirmed, world.queue) == ([], [], [])


def test_an_invitation_of_our_own_topic_is_accepted_by_the_api(world: World) -> None:
    assert world.post(SNS.message("SubscriptionConfirmation")) == 200
    (message,) = world.confirmed
    assert (message.topic, message.token, message.region) == (TOPIC, "t-1", "ap-south-1")
    assert world.queue == []


def test_the_end_of_a_subscription_changes_nothing(world: World) -> None:
    assert world.post(SNS.message("UnsubscribeConfirmation")) == 200
    assert (world.confirmed, world.queue) == ([], [])


@pytest.mark.parametrize("header", ["x-amz-sns-message-type", "x-amz-sns-message-id", "x-amz-sns-topic-arn"])
def test_headers_and_body_must_agree(world: World, header: str) -> None:
    assert world.post(SNS.message(), **{header: "other"}) == 403
    assert world.fetched == []


@pytest.mark.parametrize(
    ("minutes", "status"), [(0, 200), (74, 200), (76, 403), (60 * 24, 403), (-14, 200), (-16, 403)]
)
def test_058_an_old_capture_is_refused(world: World, minutes: int, status: int) -> None:
    world.clock.advance(minutes=minutes)
    assert world.post(SNS.message()) == status


def test_an_expired_certificate_proves_nothing(world: World) -> None:
    world.clock.advance(days=40)
    assert world.post(SNS.message(Timestamp=iso(world.clock.at))) == 403
    world.clock.advance(days=-42)
    assert world.post(SNS.message(Timestamp=iso(world.clock.at))) == 403


def test_rubbish_for_a_certificate_proves_nothing(world: World) -> None:
    world.pem = b"<html>"
    assert world.post(SNS.message()) == 403


def test_062_a_queue_that_is_down_makes_sns_come_again(world: World) -> None:
    world.queue_is_down = True
    assert world.post(SNS.message()) == 503
    world.queue_is_down = False
    assert world.post(SNS.message()) == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("x" * (BODY_LIMIT + 1), 413), (b"x" * (BODY_LIMIT + 1), 413), ("", 403), ("not json", 403), ("[]", 403),
        ("null", 403), ('{"Type":1}', 403), ("[" * 100_000, 403), (b"\xff\xfe", 403), ('{"TopicArn":"x"}', 403),
    ],
)  # fmt: skip
def test_061_rubbish_is_refused_in_bounded_time(world: World, body: str | bytes, status: int) -> None:
    response = world.site.answer(visit("POST", PATH, body))
    assert (response["statusCode"], response["body"]) == (status, "")
    assert (world.fetched, world.queue) == ([], [])


def test_only_post_to_the_address_of_sns(world: World) -> None:
    assert world.site.answer(visit("GET", PATH))["statusCode"] == 405
    for path in ("/", "/webhooks/sns/", "/webhooks/other/x", "/webhooks/sns/a/b"):
        assert world.site.answer(visit("POST", path))["statusCode"] == 404
