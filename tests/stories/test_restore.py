"""The restore drill: a backup comes back, and nobody who has said no since is sent anything."""

from __future__ import annotations

import pytest

from meghdoot.adapters.memory.consent import MemoryWithdrawalLog, MemoryWithdrawalReader
from meghdoot.adapters.memory.holding import MemoryUnfinishedRuns
from meghdoot.areas.consent.model import Withdrawal
from meghdoot.areas.consent.ports import WithdrawalLine
from meghdoot.areas.messaging.model import Fact
from meghdoot.areas.messaging.restoring import RestoreService, SealService
from meghdoot.kernel.paging import Page
from tests.stories.test_campaign import TEMPLATE
from tests.support.backup import Backup
from tests.support.memory_services import NOW
from tests.support.whole_house import WholeHouse

NAMES = ("Unsubscribed", "Complained", "Bounced", "Erased", "Page", "Called", "Stays")


KINDS = {"unsubscribe", "complaint", "hard_bounce", "erasure", "suppression"}


class Drill:
    """A house, a backup of its tables, and the service that mends them."""

    def __init__(self) -> None:
        self.house = house = WholeHouse()
        self.people = {name: house.person(name) for name in NAMES}
        p = house.ports
        self.log: MemoryWithdrawalLog = p.withdrawals  # type: ignore[assignment]
        self.stores = (
            p.customers, p.ledger, p.suppressions, house.gates, p.runs, p.emails, p.campaigns, p.chunks, house.rows,
        )  # fmt: skip
        self.cursors: list[str] = []

    def service(self, reader: MemoryWithdrawalReader | None = None) -> RestoreService:
        p, services = self.house.ports, self.house.services
        return RestoreService(
            reader or MemoryWithdrawalReader(self.log), services.consent, p.customers, services.customers, p.runs,
            MemoryUnfinishedRuns(p.runs, ["acme"]), self.house.live, self.house.seal, p.clock,
            lambda after, _counts: self.cursors.append(after),
        )  # fmt: skip

    def launch(self) -> str:
        return self.house.launch(self.house.draft(TEMPLATE))

    def say_no(self) -> None:
        """Each in their own way, as of now."""
        house = self.house
        mails = {mail.to.partition("@")[0]: mail for mail in house.provider.accepted}
        house.client.post("/email-campaigns/unsubscribe", {"email": "unsubscribed@example.com"})
        house.services.consent.withdraw_all("acme", self.people["Page"], source="unsubscribe_page")
        house.client.post("/suppressions", {"channel": "email", "address": "called@example.com"})
        for name, kind, subtype in (("complained", "complained", "abuse"), ("bounced", "bounced", "hard")):
            tags = mails[name].tags
            fact = Fact(
                "memory", kind, house.clock.now(), f"{kind}-1", accepted_at=house.clock.now(), subtype=subtype,  # type: ignore[arg-type]
                tenant=tags["tenant"], run_id=tags["run"], chunk=int(tags["chunk"]), index=int(tags["index"]),
                customer_id=tags["customer"], send_key=tags["key"], minute=tags["minute"], address=mails[name].to,
            )  # fmt: skip
            house.receipts.record([fact])
        assert house.client.delete(f"/customers/{self.people['Erased']}").status == 204

    def mailed_since(self, before: int) -> list[str]:
        return sorted(mail.to.partition("@")[0] for mail in self.house.provider.accepted[before:])


def test_080_after_a_restore_nobody_is_mailed_who_said_no_since_the_backup() -> None:
    # Given a campaign that was sent, a backup of that moment, and people who say no after it
    drill = Drill()
    house = drill.house
    drill.launch()
    house.send()
    assert len(house.provider.accepted) == len(NAMES)
    house.clock.advance(minutes=10)
    backup = Backup(drill.stores)
    house.clock.advance(minutes=10)
    drill.say_no()
    # When the tables come back from the backup
    house.clock.advance(hours=1)
    backup.restore()
    house.seal.whole = False
    # Then the backup has forgotten every no, and no sender runs
    assert house.client.get(f"/customers/{drill.people['Erased']}").status == 200
    before = len(house.provider.accepted)
    run = drill.launch()
    assert {handled.result for handled in house.send()} == {"sealed"}
    assert drill.mailed_since(before) == []
    # And after the replay only those are mailed who never said no
    house.ports.runs.remove("acme", run)
    done = drill.service().replay()
    assert done.sealed
    assert done.counts["applied:erasure"] == 1
    assert {k for k in done.counts if ":" not in k} == KINDS
    house.queue.take()
    drill.launch()
    house.send()
    assert drill.mailed_since(before) == ["stays"]
    assert house.client.get(f"/customers/{drill.people['Erased']}").status == 404


def test_080_a_run_that_was_live_may_only_be_cancelled() -> None:
    # Given a run in the middle of which the backup was made
    drill = Drill()
    house = drill.house
    path = house.draft(TEMPLATE)
    run = house.launch(path)
    backup = Backup(drill.stores)
    house.send()
    assert house.accounting(run) == {"accepted": len(NAMES)}
    # When its letters come back as they were
    house.clock.advance(minutes=5)
    backup.restore()
    house.seal.whole = False
    done = drill.service().replay()
    # Then nobody is sent a second time, whatever people and the sweeper do
    assert done.locked == (("acme", run),)
    told = house.client.get(f"/runs/{run}").json
    assert (told["status"], told["pause_reason"]) == ("paused", "restored")
    assert "backup" in told["pause_words"]["en"]
    house.follower.follow(house.services.runs.get("acme", run))
    refused = house.client.post(f"{path}/resume")
    assert (refused.status, refused.code) == (409, "run_restored")
    assert house.client.get(path).json["status"] == "paused"
    house.services.runs.wake_all("acme")
    house.sweeper.sweep_all()
    house.send()
    assert len(house.provider.accepted) == len(NAMES)
    # And cancelling ends it
    assert house.client.post(f"{path}/cancel").status == 200
    house.send()
    assert house.accounting(run) == {"cancelled": len(NAMES)}
    assert len(house.provider.accepted) == len(NAMES)


def test_080_a_run_that_began_after_the_backup_is_named() -> None:
    drill = Drill()
    backup = Backup(drill.stores)
    run = drill.launch()
    backup.restore()
    assert drill.service().replay().lost == (("acme", run),)


def test_080_replaying_again_and_in_any_order_changes_nothing_more() -> None:
    drill = Drill()
    drill.launch()
    drill.house.send()
    backup = Backup(drill.stores)
    drill.house.clock.advance(minutes=1)
    drill.say_no()
    ends, lines = [], len(drill.log.lines)
    for order in (1, -1):
        backup.restore()
        service = drill.service()
        for _ in range(2):
            results = [service.apply(line) for line in drill.log.lines[::order]]
        assert set(results) <= {"known", "later_word", "nobody"}
        ends.append({c: drill.house.gates.get("acme", c) for c in drill.people.values()})
        assert len(drill.log.lines) == lines
    first, second = ({c: g and (g.granted, g.suppressed) for c, g in end.items()} for end in ends)
    assert first == second


def test_080_somebody_who_agreed_again_before_the_backup_stays_agreed() -> None:
    drill = Drill()
    house, who = drill.house, drill.people["Unsubscribed"]
    house.clock.advance(minutes=1)
    house.client.post("/email-campaigns/unsubscribe", {"email": "unsubscribed@example.com"})
    house.clock.advance(minutes=1)
    act = {"channel": "email", "state": "granted", "text_version": "v2"}
    assert house.client.post(f"/customers/{who}/consent", act).status == 201
    done = drill.service().replay()
    assert done.counts["later_word:unsubscribe"] == 1
    assert "em:m" in house.services.consent.gate("acme", who).granted


def test_080_an_address_that_is_closed_stays_closed_whoever_agreed_before_the_replay() -> None:
    drill = Drill()
    house, who = drill.house, drill.people["Bounced"]
    drill.launch()
    house.send()
    backup = Backup(drill.stores)
    house.clock.advance(minutes=1)
    drill.say_no()
    backup.restore()
    house.seal.whole = False
    # Given a consent that came after the restore, when nothing was known of the bounce
    house.clock.advance(minutes=1)
    act = {"channel": "email", "state": "granted", "text_version": "v2"}
    assert house.client.post(f"/customers/{who}/consent", act).status == 201
    drill.service().replay()
    gate = house.services.consent.gate("acme", who)
    assert ("em" in gate.suppressed, "em:m" in gate.granted) == (True, False)


def test_080_a_broken_replay_goes_on_behind_its_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    drill = Drill()
    house = drill.house
    monkeypatch.setattr("meghdoot.areas.messaging.restoring.LINES_A_PAGE", 2)
    backup = Backup(drill.stores)
    house.clock.advance(minutes=1)
    for customer in drill.people.values():
        house.services.consent.withdraw_all("acme", customer, source="unsubscribe_page")
    backup.restore()
    house.seal.whole = False
    # Given a replay that ends in its third page
    broken = Cut(drill.log, pages=2)
    with pytest.raises(RuntimeError):
        drill.service(broken).replay()
    assert not house.seal.intact()
    # When it goes on behind the last page that it told of
    done = drill.service().replay(drill.cursors[-1])
    assert done.counts["unsubscribe"] == len(NAMES) - 4
    assert house.seal.intact()
    assert not any(house.services.consent.gate("acme", c).granted for c in drill.people.values())


class Cut(MemoryWithdrawalReader):
    """Ends after some pages."""

    def __init__(self, log: MemoryWithdrawalLog, pages: int) -> None:
        super().__init__(log)
        self.left = pages

    def page(self, *, limit: int = 500, after: str | None = None) -> Page[WithdrawalLine]:
        if not self.left:
            raise RuntimeError("killed")
        self.left -= 1
        return super().page(limit=limit, after=after)


class Odd(MemoryWithdrawalReader):
    """Holds a line that nobody can read, and one of a kind that only a newer version knows."""

    def page(self, *, limit: int = 500, after: str | None = None) -> Page[WithdrawalLine]:
        newer = Withdrawal("acme", "w", "revoked", NOW, "email", "marketing", "c1")  # type: ignore[arg-type]
        return Page((WithdrawalLine("odd.json", None), WithdrawalLine("newer.json", newer)), None)


def test_080_a_line_that_cannot_be_read_leaves_the_tables_unsealed_until_somebody_says_so() -> None:
    drill = Drill()
    drill.house.seal.whole = False
    odd = drill.service(Odd(drill.log))
    assert odd.replay().unreadable == ("odd.json", "newer.json")
    assert not drill.house.seal.intact()
    assert odd.replay(past_unreadable=True).sealed
    assert drill.house.seal.intact()


def test_080_only_a_deployment_without_any_no_is_sealed_by_itself() -> None:
    drill = Drill()
    seal, guard = drill.house.seal, SealService(drill.house.seal, MemoryWithdrawalReader(drill.log))
    assert guard.begin() == "intact"
    seal.whole = False
    assert guard.begin() == "foreign"
    assert not seal.intact()
    seal.missing = True
    assert guard.begin() == "sealed"
    assert seal.intact()
    drill.house.services.consent.withdraw_all("acme", drill.people["Page"], source="unsubscribe_page")
    seal.whole, seal.missing = False, True
    assert guard.begin() == "noes_unreplayed"
    assert not seal.intact()


def test_080_an_erasure_leaves_a_line_and_a_second_one_finds_nobody() -> None:
    drill = Drill()
    who = drill.people["Erased"]
    assert drill.house.client.delete(f"/customers/{who}").status == 204
    assert [(line.kind, line.customer_id) for line in drill.log.lines] == [("erasure", who)]
    assert drill.house.client.delete(f"/customers/{who}").status == 404
    assert len(drill.log.lines) == 1
