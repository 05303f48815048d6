"""A message as it was sent is written again byte for byte, or it is said plainly why that cannot be."""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from meghdoot.areas.messaging.model import ChunkRef, Fact, Outcome
from meghdoot.areas.messaging.rules.keys import run_minute, send_key
from meghdoot.areas.messaging.sent_messages import SentMessageService
from meghdoot.kernel.errors import NotFound
from meghdoot.kernel.keyring import Keyring
from meghdoot_cli.sent_message import lines
from tests.stories.test_one_mail import EMAIL, OUT, TEMPLATE
from tests.support.killing import TENANT, World
from tests.support.whole_house import WholeHouse


class Sent:
    """A real campaign: template, languages, links, MIME; both people were written to and the provider spoke."""

    def __init__(self) -> None:
        self.house = WholeHouse()
        self.rita = self.house.person("Rita", language="en", first_name="Rita")
        self.mina = self.house.person("Mina", language="bn", first_name="মীনা")
        self.run = self.house.launch(self.house.draft(TEMPLATE, **EMAIL))
        self.house.clock.at = self.house.clock.at.replace(microsecond=654_321)
        self.house.send()
        self.mails = {mail.tags["customer"]: mail for mail in self.house.provider.accepted}
        assert set(self.mails) == {self.rita, self.mina}

    def hear(self) -> None:
        for mail in self.mails.values():
            t, now = mail.tags, self.house.clock.now()
            self.house.receipts.record(
                [
                    Fact(
                        "memory", "delivered", now, t["key"], accepted_at=now, provider_id="p-1", tenant=t["tenant"],
                        run_id=t["run"], chunk=int(t["chunk"]), index=int(t["index"]), customer_id=t["customer"],
                        send_key=t["key"], minute=t["minute"], mail_hash=t["hash"], mailed_at=int(t["date"]),
                        key_id=t["kid"], address=mail.to,
                    )
                ]
            )  # fmt: skip

    @property
    def service(self) -> SentMessageService:
        h = self.house
        return SentMessageService(h.ports.runs, h.ports.chunks, h.audience, h.rows, h.sender.mails)


@pytest.fixture
def sent() -> Sent:
    made = Sent()
    made.hear()
    return made


def test_every_message_is_written_again_byte_for_byte_in_its_language(sent: Sent) -> None:
    sent.house.clock.advance(days=40)
    for customer in (sent.rita, sent.mina):
        message = sent.service.message("acme", sent.run, customer)
        assert message.verified == "true", message.words
        assert message.raw == sent.mails[customer].raw
        assert (message.state, message.provider_id, message.to) == ("delivered", "p-1", sent.mails[customer].to)
        assert message.mail_hash == sent.mails[customer].tags["hash"]


def test_later_changes_of_template_and_person_change_nothing(sent: Sent) -> None:
    run = sent.house.ports.runs.get("acme", sent.run)
    assert run is not None
    path = f"/templates/{run.content.template_id}"
    client = sent.house.client
    stored = client.get(path)
    changed = client.put(
        path, {**TEMPLATE, "html_content": "<p>Other</p>" + OUT}, headers={"If-Match": stored.headers["ETag"]}
    )
    assert changed.status == 200, changed.text
    client.post("/customers", {"external_id": "Rita", "first_name": "Other", "email": "rita@example.com"})
    assert sent.service.message("acme", sent.run, sent.rita).verified == "true"


def test_a_key_that_was_rotated_but_kept_still_verifies(sent: Sent) -> None:
    old = sent.service.mails.keyring
    ring = Keyring({**old.keys, "k2": b"2" * 32}, "k2")
    service = replace(sent.service, mails=replace(sent.service.mails, keyring=ring))
    assert service.message("acme", sent.run, sent.rita).verified == "true"


def test_a_key_that_was_taken_away_is_said_plainly(sent: Sent) -> None:
    service = replace(sent.service, mails=replace(sent.service.mails, keyring=Keyring({"k2": b"2" * 32}, "k2")))
    message = service.message("acme", sent.run, sent.rita)
    assert message.verified == "unknown"
    assert "the key k1 that signed its links is no longer in the keyring" in message.words
    assert message.raw is not None


def test_a_template_version_that_is_gone_is_said_plainly(sent: Sent) -> None:
    run = sent.house.ports.runs.get("acme", sent.run)
    assert run is not None
    gone = replace(run, content=replace(run.content, template_version=99), version=run.version + 1)
    sent.house.ports.runs.replace(gone, run.version)
    composers = type(sent.service.mails.composers)(sent.house.ports.versions, sent.service.mails.composers.composers)  # type: ignore
    service = replace(sent.service, mails=replace(sent.service.mails, composers=composers))
    message = service.message("acme", sent.run, sent.rita)
    assert (message.verified, message.raw) == ("unknown", None)
    assert f"version 99 of template {run.content.template_id} is gone" in message.words


def test_a_changed_field_of_the_frozen_person_is_found(sent: Sent) -> None:
    for ref, people in list(sent.house.audience.files.items()):
        sent.house.audience.files[ref] = tuple(
            replace(p, fields={**p.fields, "first_name": "Rina"}) if p.customer_id == sent.rita else p for p in people
        )
    assert sent.service.message("acme", sent.run, sent.rita).verified == "false"
    assert sent.service.message("acme", sent.run, sent.mina).verified == "true"


def test_before_the_provider_spoke_nothing_can_be_held_against_it() -> None:
    made = Sent()
    message = made.service.message("acme", made.run, made.rita)
    assert (message.state, message.verified, message.mail_hash) == ("accepted", "unknown", None)
    assert message.raw is not None


def test_a_row_of_an_earlier_version_has_no_hash(sent: Sent) -> None:
    for key, row in list(sent.house.rows.rows.items()):
        sent.house.rows.rows[key] = replace(row, mail_hash=None, mailed_at=None, key_id=None)
    message = sent.service.message("acme", sent.run, sent.rita)
    assert (message.verified, message.words) == ("unknown", "it left before hashes of messages were kept")


def test_who_was_skipped_was_written_nothing_and_who_was_not_addressed_is_not_found() -> None:
    world = World(30)
    del world.profiles["c00003"]
    run = world.launch()
    service = SentMessageService(world.runs, world.chunks, world.audience, world.rows, world.mails)
    message = service.message(TENANT, run.id, "c00003")
    assert (message.state, message.raw, message.verified) == ("skipped:erased", None, "unknown")
    assert message.words == "no message was written to this person"
    assert service.message(TENANT, run.id, "c00004").state == "pending"
    for run_id, customer in ((run.id, "c99999"), (run.id, ""), ("nothing", "c00001")):
        with pytest.raises(NotFound):
            service.message(TENANT, run_id, customer)


def test_somebody_without_a_row_is_found_in_few_reads() -> None:
    world = World(4_000, slices=3)
    world.provider.failure = lambda _mail, n: Outcome("ambiguous") if n == 7 else None
    run = world.launch()
    for ref in world.queue.take():
        world.deliver(ref)
    service = SentMessageService(world.runs, world.chunks, world.audience, world.rows, world.mails)
    reads = Counter[str]()
    world.audience.io = lambda name: reads.update([name])
    for customer in ("c00000", "c01234", "c03999"):
        reads.clear()
        assert service.message(TENANT, run.id, customer).customer_id == customer
        assert reads["before read audience"] <= 4


def test_the_second_of_the_mail_is_what_its_row_keeps() -> None:
    world = World(1)
    run = world.launch()
    world.clock.at = datetime(2026, 1, 5, 9, 0, 7, 999_999, tzinfo=UTC)
    for ref in world.queue.take():
        world.deliver(ref)
    (mail,) = world.provider.accepted
    world.receipts.record([world.delivery_of(mail)])
    key = send_key(run.id, "email", "c00000")
    row = world.rows.get_many(TENANT, [("c00000", run_minute(run.started_at), key)])[key]
    assert datetime.fromtimestamp(row.mailed_at or 0, UTC) == datetime(2026, 1, 5, 9, 0, 7, tzinfo=UTC)
    assert world.chunks.get(ChunkRef(TENANT, run.id, 0)) is not None


# --- by the API ----------------------------------------------------------------------------------------------------


def test_the_api_answers_the_message_with_its_proof_and_notes_who_read_it(sent: Sent) -> None:
    reply = sent.house.client.get(f"/runs/{sent.run}/messages/{sent.rita}")
    assert reply.status == 200, reply.text
    told = reply.json
    assert (told["verified"], told["state"], told["to"]) == ("true", "delivered", "rita@example.com")
    assert b64decode(told["mime_base64"]) == sent.mails[sent.rita].raw
    assert told["hash"] == sent.mails[sent.rita].tags["hash"]
    (line, *_) = sent.house.client.get("/audit-log").json["entries"]
    assert (line["action"], line["subject"], line["detail"]) == ("message.read", sent.rita, sent.run)


def test_021_another_tenants_message_is_not_found(sent: Sent) -> None:
    other = sent.house.client.as_(tenant="other")
    assert other.get(f"/runs/{sent.run}/messages/{sent.rita}").status == 404


def test_the_command_line_shows_the_message_and_its_proof(sent: Sent) -> None:
    said = "\n".join(lines(sent.service.message("acme", sent.run, sent.mina)))
    assert "verified: true" in said
    assert "Subject: ঈদ, মীনা" in said
    assert "প্রিয় মীনা" in said
