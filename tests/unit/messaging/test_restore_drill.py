"""The restore drill at some size: who says no between a backup and its restore is never mailed again."""

from __future__ import annotations

from random import Random

import pytest

from meghdoot.adapters.memory.consent import MemoryWithdrawalReader
from meghdoot.adapters.memory.holding import MemoryUnfinishedRuns
from meghdoot.areas.messaging.model import OutboundEmail
from meghdoot.areas.messaging.restoring import RestoreService
from tests.stories.test_campaign import TEMPLATE
from tests.support.backup import Backup
from tests.support.whole_house import WholeHouse

PEOPLE = 120


def says_no(house: WholeHouse, customer: str, mail: OutboundEmail, way: int) -> None:
    """One of the ways in which people say no, by the door that they use."""
    house.clock.advance(seconds=7)
    if way == 0:
        house.services.consent.withdraw_all("acme", customer, source="one_click")
    elif way == 1:
        house.client.post("/email-campaigns/unsubscribe", {"email": mail.to})
    elif way == 2:
        house.client.post("/suppressions", {"channel": "email", "address": mail.to})
    elif way == 3:
        assert house.client.delete(f"/customers/{customer}").status == 204
    else:
        kind, subtype = ("complained", "abuse") if way == 4 else ("bounced", "hard")
        house.receipts.record([house.word(mail, kind, subtype)])


@pytest.mark.parametrize("seed", range(3))
def test_080_the_drill_mails_nobody_after_a_no(seed: int) -> None:
    # Given a campaign, noes before its backup, and noes after it
    chance, house = Random(seed), WholeHouse()
    people = {house.person(f"p{n}"): f"p{n}@example.com" for n in range(PEOPLE)}
    house.launch(house.draft(TEMPLATE))
    house.send()
    mails = {mail.to: mail for mail in house.provider.accepted}
    noes = chance.sample(sorted(people), PEOPLE // 2)
    before, after = noes[: PEOPLE // 4], noes[PEOPLE // 4 :]
    for customer in before:
        says_no(house, customer, mails[people[customer]], chance.randrange(6))
    p = house.ports
    stores = (p.customers, p.ledger, p.suppressions, house.gates, p.runs, p.emails, p.campaigns, p.chunks, house.rows)
    backup = Backup(stores)
    for customer in after:
        says_no(house, customer, mails[people[customer]], chance.randrange(6))
    # When the tables come back, and somebody launches before and after the replay
    house.clock.advance(hours=1)
    backup.restore()
    house.seal.whole = False
    sent = len(house.provider.accepted)
    house.launch(house.draft(TEMPLATE))
    assert {handled.result for handled in house.send()} == {"sealed"}
    done = RestoreService(
        MemoryWithdrawalReader(p.withdrawals), house.services.consent, p.customers, house.services.customers, p.runs,  # type: ignore[arg-type]
        MemoryUnfinishedRuns(p.runs, ["acme"]), house.live, house.seal, p.clock,
    ).replay()  # fmt: skip
    house.clock.advance(minutes=1)
    house.send()
    house.launch(house.draft(TEMPLATE))
    house.send()
    # Then exactly those are mailed who never said no
    mailed = [mail.to for mail in house.provider.accepted[sent:]]
    wrong = [to for to in mailed if to in {people[customer] for customer in noes}]
    print(f"restore drill: people={PEOPLE} noes={len(noes)} replayed={done.counts} mailed after a no={len(wrong)}")
    assert wrong == []
    assert sorted(mailed) == sorted(people[customer] for customer in people if customer not in noes)
