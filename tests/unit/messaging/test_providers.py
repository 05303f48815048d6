"""What a provider is given, what its refusals and events mean, and what the queue takes. Posts are counted in unit/adapters."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

import pytest

from meghdoot.adapters.email.local import LocalProvider
from meghdoot.adapters.email.outcomes import outcome_of
from meghdoot.adapters.email.ses import SesProvider, ses_client
from meghdoot.adapters.email.ses_events import parse
from meghdoot.adapters.email.ses_wire import SesWireProvider
from meghdoot.adapters.email.tags import email_tags
from meghdoot.adapters.queues import SqsChunkQueue, parse_ref, ref_body
from meghdoot.adapters.sigv4 import Credentials
from meghdoot.adapters.wire import AwsWire
from meghdoot.areas.messaging.model import ChunkRef, OutboundEmail
from meghdoot.kernel.clock import SystemClock
from meghdoot.kernel.errors import Malformed, Unavailable
from tests.support.provider_http import FakeProvider, fake_provider

MAIL = OutboundEmail(
    "Acme", "news@acme.example", "rita@x.example", None, "Hi", "<p>Hi</p>", "Hi",
    {"List-Unsubscribe": "<https://m.acme.example/u/t>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    {"tenant": "acme", "run": "r-1"}, "key1", datetime(2026, 1, 5, tzinfo=UTC),
)  # fmt: skip


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with fake_provider() as state:
        yield state


def provider(url: str) -> SesProvider:
    return SesProvider(ses_client("us-east-1", url, read_seconds=0.3), "meghdoot")


def test_106_what_ses_gets_is_the_message_with_its_headers_tags_and_configuration_set(fake: FakeProvider) -> None:
    outcome = provider(fake.url).send(MAIL)
    assert outcome.provider_id == "m-1"
    asked = json.loads(fake.posts[0])
    assert asked["Destination"] == {"ToAddresses": ["rita@x.example"]}
    assert asked["ConfigurationSetName"] == "meghdoot"
    assert asked["EmailTags"] == [{"Name": "tenant", "Value": "acme"}, {"Name": "run", "Value": "r-1"}]
    parsed = message_from_bytes(b64decode(asked["Content"]["Raw"]["Data"]), policy=policy.default)
    assert parsed["List-Unsubscribe"] == "<https://m.acme.example/u/t>"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed["Message-ID"] == "<key1@acme.example>"


def test_106_the_thin_client_tells_ses_what_boto3_tells_it(fake: FakeProvider) -> None:
    wire = AwsWire("us-east-1", lambda: Credentials("testing", "testing"), SystemClock(), fake.url, timeout=1)
    provider(fake.url).send(MAIL)
    assert SesWireProvider(wire, "meghdoot").send(MAIL).provider_id == "m-1"
    theirs, ours = (json.loads(post) for post in fake.posts)
    assert ours == theirs


def test_106_what_the_local_provider_gets_is_the_message_as_it_was_written(fake: FakeProvider) -> None:
    LocalProvider(f"{fake.url}/provider/send").send(replace(MAIL, raw=b"To: x\r\n\r\nhi"))
    asked = json.loads(fake.posts[0])
    told = (b64decode(asked["mime_base64"]), asked["to"], asked["tags"]["run"])
    assert told == (b"To: x\r\n\r\nhi", "rita@x.example", "r-1")


@pytest.mark.parametrize("tags", [{"tenant": "a b"}, {"na me": "x"}, {"key": ""}, {"key": "x" * 257}, {"c": "ক"}])
def test_tags_that_would_be_refused_are_found_here(tags: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="tag"):
        email_tags(tags)


@pytest.mark.parametrize(
    ("status", "code", "sentence", "kind"),
    [
        (400, "ThrottlingException", "Maximum sending rate exceeded.", "retry"),
        (400, "ThrottlingException", "Daily message quota exceeded.", "wait_quota"),
        (400, "LimitExceededException", "", "wait_quota"),
        (400, "MessageRejected", "Email address is not verified. The following identities failed", "stop"),
        (400, "MessageRejected", "Address blacklisted.", "refused_address"),
        (400, "MessageRejected", "The message contains a virus", "refused"),
        (400, "BadRequestException", "Illegal address", "refused_address"),
        (400, "BadRequestException", "Missing final '@domain'", "refused_address"),
        (400, "MailFromDomainNotVerifiedException", "", "stop"),
        (400, "AccountSuspendedException", "", "stop"),
        (404, "NotFoundException", "Configuration set <x> does not exist", "stop"),
        (403, "AccessDeniedException", "", "stop"),
        (418, "SomethingNew", "", "stop"),
        (429, "SomethingNew", "", "retry"),
        (502, "", "", "ambiguous"),
    ],
)
def test_047_every_refusal_has_one_meaning(status: int, code: str, sentence: str, kind: str) -> None:
    assert outcome_of(status, code, sentence).kind == kind


# --- events --------------------------------------------------------------------------------------------------------


def an_event(kind: str, detail: Any, **more: Any) -> str:
    mail = {
        "timestamp": "2026-01-05T09:00:00.000Z", "messageId": "p1", "source": "news@acme.example",
        "destination": ["c1@x.example"],
        "tags": {"tenant": ["acme"], "run": ["r1"], "chunk": ["2"], "index": ["7"], "customer": ["c1"], "key": ["k1"],
                 "minute": ["202601050900"], "ses:configuration-set": ["meghdoot"]},
    }  # fmt: skip
    return json.dumps({"eventType": kind, "mail": mail, kind[:1].lower() + kind[1:]: detail} | more)


@pytest.mark.parametrize(
    ("kind", "detail", "type_", "subtype"),
    [
        ("Send", {}, "accepted", None),
        ("Delivery", {"recipients": ["c1@x.example"]}, "delivered", None),
        ("Bounce", {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": []}, "bounced", "hard"),
        ("Bounce", {"bounceType": "Permanent", "bounceSubType": "OnAccountSuppressionList"}, "bounced", "suppressed"),
        ("Bounce", {"bounceType": "Transient", "bounceSubType": "MailboxFull"}, "bounced", "soft"),
        ("Bounce", {"bounceType": "Undetermined", "bounceSubType": "Undetermined"}, "bounced", "soft"),
        ("Complaint", {"complaintFeedbackType": "abuse", "complainedRecipients": []}, "complained", "abuse"),
        ("Reject", {"reason": "Bad content"}, "rejected", None),
        ("DeliveryDelay", {"delayType": "MailboxFull"}, "deferred", None),
    ],
)
def test_every_event_has_its_fact(kind: str, detail: dict[str, Any], type_: str, subtype: str | None) -> None:
    envelope = json.dumps({"Type": "Notification", "MessageId": "sns-1", "Message": an_event(kind, detail)})
    for body in (envelope, an_event(kind, detail)):
        (fact,) = parse(body).facts
        assert (fact.type, fact.subtype, fact.address) == (type_, subtype, "c1@x.example")
        assert (fact.tenant, fact.run_id, fact.chunk, fact.index) == ("acme", "r1", 2, 7)
        assert (fact.customer_id, fact.send_key, fact.minute) == ("c1", "k1", "202601050900")
        assert fact.accepted_at == datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    assert parse(envelope).facts[0].dedupe_key == "sns-1"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("Successfully validated SNS topic for Amazon SES event publishing.", "validation"),
        (json.dumps({"Type": "Notification", "Message": "Successfully validated SNS topic for"}), "validation"),
        (json.dumps({"Type": "SubscriptionConfirmation", "Message": "You have chosen"}), "SubscriptionConfirmation"),
        (an_event("Rendering Failure", {}), "type:Rendering Failure"),
        (an_event("Open", {}), "type:Open"),
        (json.dumps({"hello": 1}), "type:None"),
    ],
)
def test_060_what_is_of_no_use_is_named_and_acknowledged(body: str, why: str) -> None:
    assert parse(body).ignored == why


@pytest.mark.parametrize(
    "body", ["", "x", "[]", "null", "[" * 100_000, json.dumps({"eventType": "Bounce"}), an_event("Bounce", {}),
             an_event("Delivery", None), an_event("Delivery", {"timestamp": "yesterday"}),
             json.dumps({"Type": "Notification", "Message": "poison"})],
)  # fmt: skip
def test_030_a_broken_event_fails_its_own_record(body: str) -> None:
    with pytest.raises(Malformed):
        parse(body)


def test_026_an_error_about_an_event_holds_no_address() -> None:
    with pytest.raises(Malformed) as e:
        parse(an_event("Bounce", {"bouncedRecipients": [{"emailAddress": "canary@x.example"}]}))
    assert "canary" not in f"{e.value!r} {e.value.detail}"


# --- the queue -----------------------------------------------------------------------------------------------------


class Sqs:
    """Refuses the entries of a script, call by call."""

    def __init__(self, *refused: set[int]) -> None:
        self.refused = list(refused)
        self.asked: list[list[dict[str, Any]]] = []

    def send_message_batch(self, **asked: Any) -> dict[str, Any]:
        entries = asked["Entries"]
        self.asked.append(entries)
        refused = self.refused.pop(0) if self.refused else set()
        failed = [e for e in entries if int(e["Id"]) in refused]
        return {
            "Successful": [{"Id": e["Id"]} for e in entries if e not in failed],
            "Failed": [{"Id": e["Id"]} for e in failed],
        }


REFS = [ChunkRef("acme", "r1", n) for n in range(23)]


def test_035_entries_that_the_queue_refuses_are_sent_again() -> None:
    sqs = Sqs({1, 4}, {4})
    SqsChunkQueue(sqs, "q", pause=lambda _s: None).put(REFS, delay_seconds=5000)
    assert [len(entries) for entries in sqs.asked] == [10, 2, 1, 10, 3]
    assert {e["MessageGroupId"] for entries in sqs.asked for e in entries} == {"acme"}
    assert {e["DelaySeconds"] for entries in sqs.asked for e in entries} == {900}


def test_035_a_queue_that_refuses_for_ever_is_told() -> None:
    with pytest.raises(Unavailable):
        SqsChunkQueue(Sqs(*[{0}] * 99), "q", pause=lambda _s: None).put(REFS[:1])


def test_034_a_message_of_a_known_shape_is_read_and_extra_fields_do_no_harm() -> None:
    assert parse_ref(ref_body(REFS[3])) == REFS[3]
    assert parse_ref(json.dumps(json.loads(ref_body(REFS[3])) | {"new": 1})) == REFS[3]


@pytest.mark.parametrize(
    "body", ['{"v": 2, "tenant": "a", "run_id": "r", "number": 1}', "x", "[]", "{}", '{"v": 1, "tenant": "a"}',
             '{"v": 1, "tenant": "a", "run_id": "r", "number": "1"}', '{"v": 1, "tenant": "a", "run_id": "r", "number": true}'],
)  # fmt: skip
def test_034_a_message_of_another_shape_is_never_mis_sent(body: str) -> None:
    with pytest.raises(Malformed):
        parse_ref(body)
