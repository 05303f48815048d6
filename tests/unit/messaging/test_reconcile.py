"""Every person of a run has one end with its reason and evidence; what cannot be true together is named."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from meghdoot.adapters.memory.consent import MemoryConsentLedger
from meghdoot.adapters.memory.messaging import MemoryGates, MemoryRunCounters
from meghdoot.adapters.memory.touches import MemoryTouches
from meghdoot.areas.consent import rules as consent_rules
from meghdoot.areas.consent.model import ConsentEntry
from meghdoot.areas.messaging.chunk_views import ChunkView, ChunkViews
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Outcome, Recipient, Run
from meghdoot.areas.messaging.reconciling import Fate, ReconcileService, Reconciliation
from meghdoot.areas.messaging.rules.keys import send_key
from meghdoot.areas.messaging.rules.letters import STATES
from meghdoot.areas.messaging.touching import Touch
from tests.support.killing import START, TENANT, World


@dataclass
class Account:
    """A world, its run, and the service that accounts for it."""

    people: int = 60
    slices: int = 1
    fates: list[Fate] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(self.people, self.slices)
        self.ledger, self.touches = MemoryConsentLedger(self.world.gates), MemoryTouches()

    def send(self, **wanted: Any) -> Run:
        self.run = self.world.launch(**wanted)
        for ref in self.world.queue.take():
            self.world.deliver(ref)
        return self.run

    def hear(self, *kinds: str) -> None:
        """The provider's word about everybody it took; the first ones get another kind each."""
        mails = self.world.provider.accepted
        told = [self.world.delivery_of(mail) for mail in mails]
        told += [self.world.delivery_of(mail, kind) for mail, kind in zip(mails, kinds, strict=False)]
        self.world.receipts.record(told)

    def close(self) -> None:
        self.world.sweeper.sweep(self.now())

    def now(self) -> Run:
        return self.world.service.get(TENANT, self.run.id)

    @property
    def service(self) -> ReconcileService:
        w = self.world
        return ReconcileService(
            ChunkViews(w.chunks, w.audience, w.rows), MemoryGates(w.gates), self.ledger, self.touches,
            MemoryRunCounters(w.rows), w.roots, w.evidence, w.clock, "memory",
        )  # fmt: skip

    def result(self, **how: Any) -> Reconciliation:
        self.fates.clear()
        return self.service.reconcile(self.now(), self.fates.append, **how)

    def letter(self, index: int, letter: str, chunk: int = 0) -> None:
        ref = ChunkRef(TENANT, self.run.id, chunk)
        stored = self.world.chunks.items[ref]
        self.world.chunks.items[ref] = replace(
            stored, letters=stored.letters[:index] + letter + stored.letters[index + 1 :]
        )


def over(people: int = 60, slices: int = 1) -> Account:
    """A run that was sent, heard and closed."""
    account = Account(people, slices)
    account.send()
    account.hear("bounced", "complained")
    account.close()
    return account


def kinds(result: Reconciliation) -> dict[str, int]:
    return dict(result.found)


# --- what holds ----------------------------------------------------------------------------------------------------


def test_everybody_has_one_end_and_the_sums_are_the_audience() -> None:
    account = over(1_100, slices=3)
    result = account.result()
    assert result.people == {"bounced": 1, "complained": 1, "delivered": 1_098}
    assert (sum(result.people.values()), len(account.fates)) == (result.audience, 1_100)
    assert len({made.customer_id for made in account.fates}) == 1_100
    assert (result.holds, result.root.verified, result.unknown) == (True, True, 0)


def test_each_end_has_its_evidence() -> None:
    account = over(3)
    opened = account.world.provider.accepted[1].message_id
    account.touches.touch(Touch(TENANT, "c00001", account.run.id, opened, "open", START))
    account.result(touches=True)
    bounced, complained, delivered = account.fates
    assert (bounced.letter, bounced.state, bounced.provider) == ("a", "bounced", "memory")
    assert complained.touches == {"open": START}
    assert delivered.reason == "the_provider_said_delivered"
    mail = account.world.provider.accepted[2]
    assert (delivered.mail_hash, delivered.provider_id) == (mail.tags["hash"], None)
    assert delivered.mailed_at == mail.date == delivered.counted_at


def test_unknown_is_a_number_of_its_own_and_a_skip_has_its_reason() -> None:
    account = Account(30)
    del account.world.profiles["c00003"]
    account.world.provider.failure = lambda _mail, n: Outcome("ambiguous") if n == 2 else None
    account.send()
    account.hear()
    account.close()
    result = account.result()
    assert result.people == {"delivered": 28, "skipped:erased": 1, "unknown": 1}
    assert (result.unknown, result.holds, result.root.verified) == (1, True, None)
    (lost,) = [made for made in account.fates if made.state == "unknown"]
    assert (lost.letter, lost.reason, lost.counted_at is not None) == ("u", "no_word_yet", True)
    # And when the provider speaks after all, the row says more than the letter
    mail = account.world.provider.accepted[0]
    late = replace(account.world.delivery_of(mail), customer_id=lost.customer_id, index=lost.index)
    account.world.receipts.record([replace(late, send_key=send_key(account.run.id, "email", lost.customer_id))])
    assert account.result().people == {"delivered": 29, "skipped:erased": 1}


def test_every_letter_has_its_end() -> None:
    account = Account(len(STATES))
    account.send()
    for index, letter in enumerate(STATES):
        account.letter(index, letter)
    result = account.result()
    assert [made.letter for made in account.fates] == list(STATES)
    assert [made.state for made in account.fates] == list(STATES.values())
    assert sum(result.people.values()) == result.audience
    assert all(made.reason for made in account.fates)


def test_a_run_in_the_making_adds_up_too() -> None:
    account = Account(50)
    account.run = account.world.launch()
    assert account.result().people == {"pending": 50}
    assert account.result().holds


# --- what does not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", [".", "n", "f", "x"])
def test_a_row_of_somebody_who_was_never_called_is_named(letter: str) -> None:
    account = over()
    account.letter(5, letter)
    found = kinds(account.result())
    assert found["row_without_accepted_letter"] == 1
    # The letters are proven, too
    assert found["root"] == 1


def test_silence_about_somebody_accepted_is_named_once_others_were_heard() -> None:
    account = Account(20)
    account.send()
    account.close()
    assert account.result().holds
    account.world.clock.advance(hours=25)
    assert account.result().holds, "nobody was heard: the pipeline may be down"
    account.world.evidence.marks["memory"] = account.world.clock.now()
    assert kinds(account.result()) == {"accepted_without_word": 20}


def test_a_person_in_two_chunks_is_named_with_both() -> None:
    account = over(1_100)
    ref = ChunkRef(TENANT, account.run.id, 2)
    people = list(account.world.audience.files[ref])
    people[7] = replace(people[7], customer_id="c00003")
    account.world.audience.files[ref] = tuple(people)
    result = account.result()
    (twice,) = [c for c in result.contradictions if c.kind == "two_chunks"]
    assert (twice.customer_id, twice.words) == ("c00003", "stands in the chunks 0, 2")
    assert [c.chunk for c in result.contradictions if c.kind == "root"] == [2]


def test_a_person_in_two_slices_is_named_with_both() -> None:
    account = over(300, slices=3)
    numbers = account.now().chunk_numbers
    mine = account.world.audience.files[ChunkRef(TENANT, account.run.id, numbers[0])][0]
    ref = ChunkRef(TENANT, account.run.id, numbers[2])
    people = list(account.world.audience.files[ref])
    people[-1] = replace(people[-1], customer_id=mine.customer_id)
    account.world.audience.files[ref] = tuple(people)
    (twice,) = [c for c in account.result().contradictions if c.kind == "two_chunks"]
    assert (twice.customer_id, twice.chunk) == (mine.customer_id, numbers[0])


def test_a_row_that_names_another_place_is_named() -> None:
    account = over()
    key, row = next((k, r) for k, r in account.world.rows.rows.items() if r.index == 9)
    account.world.rows.rows[key] = replace(row, chunk=4)
    assert kinds(account.result()) == {"row_of_another_place": 1}


def test_a_message_that_the_gate_counts_for_another_chunk_is_named() -> None:
    account = over()
    gate = account.world.gates.get(TENANT, "c00004")
    assert gate is not None
    account.world.gates.put(replace(gate, counted=gate.counted.rpartition(":")[0] + ":7"))
    (found,) = account.result().contradictions
    assert (found.kind, found.customer_id) == ("counted_by_another_chunk", "c00004")


def consent(account: Account, customer: str, *acts: tuple[str, float]) -> None:
    """Acts of consent, each so many seconds after the run's start."""
    for number, (state, seconds) in enumerate(acts, start=1):
        entry = ConsentEntry(
            TENANT, customer, "email", "marketing", number, state, "v1", "consent", "api",  # type: ignore[arg-type]
            START + timedelta(seconds=seconds),
        )  # fmt: skip
        account.ledger.append(replace(entry, hash=consent_rules.entry_hash(entry)))


@pytest.mark.parametrize(
    ("acts", "named"),
    [
        ([("granted", -900)], False),
        ([("granted", -900), ("withdrawn", -600)], True),
        ([("granted", -900), ("withdrawn", -600), ("granted", -300)], False),
        ([("granted", -900), ("withdrawn", -600), ("granted", 300)], True),
        ([("granted", -900), ("withdrawn", 300)], False),
        ([("granted", -900), ("withdrawn", -10)], False),
    ],
    ids=["granted", "withdrawn", "again", "again-too-late", "later", "within-one-wave"],
)
def test_a_message_after_a_withdrawal_is_named_beyond_one_wave(acts: list[tuple[str, float]], named: bool) -> None:
    account = over(3)
    consent(account, "c00001", *acts)
    found = account.result().contradictions
    assert [(c.kind, c.customer_id) for c in found] == ([("accepted_after_withdrawal", "c00001")] if named else [])


def test_counters_that_are_not_the_sum_of_the_rows_are_named() -> None:
    account = over()
    other = World(1)
    wrong = replace(account.service, counters=MemoryRunCounters(other.rows))
    result = wrong.reconcile(account.now())
    assert kinds(result) == {"counters": 3}
    assert "delivered: the counters say 0, 58 rows are there" in [c.words for c in result.contradictions]


def test_letters_without_people_and_people_without_letters_are_named() -> None:
    account = over()
    ref = ChunkRef(TENANT, account.run.id, 0)
    account.world.audience.files[ref] = account.world.audience.files[ref][:-1]
    found = kinds(account.result())
    assert (found["damaged_chunk"], found["sum"], found["root"]) == (1, 1, 1)
    del account.world.audience.files[ref]
    found = kinds(account.result())
    assert (found["damaged_chunk"], found["sum"], found["root"]) == (1, 1, 1)


def test_a_flood_of_contradictions_is_counted_whole_and_told_in_part() -> None:
    account = over(1_300)
    for chunk in (0, 1, 2):
        ref = ChunkRef(TENANT, account.run.id, chunk)
        stored = account.world.chunks.items[ref]
        account.world.chunks.items[ref] = replace(stored, letters="n" * len(stored.letters))
    result = account.result()
    assert result.found["row_without_accepted_letter"] == 1_300
    assert len(result.contradictions) == 1_000


def test_nothing_in_an_account_holds_an_address() -> None:
    account = over()
    account.result()
    assert "x.example" not in repr(account.fates)


def test_the_people_are_read_chunk_by_chunk() -> None:
    account = over(2_500)
    reads = Counter[str]()
    account.world.audience.io = lambda name: reads.update([name])
    account.service.reconcile(account.now())
    # Each file once for its digest and once for its people, and never all at once
    assert reads["before read audience"] == 2 * 5


# --- size ----------------------------------------------------------------------------------------------------------


@dataclass
class Endless:
    """A run of any size that is made while it is read, so that what remains in memory is the account's own."""

    people: int

    def of(self, run: Run, numbers: Sequence[int]) -> Iterator[ChunkView]:
        for number in numbers:
            first = number * 500
            people = [Recipient(n, f"c{first + n:08d}", f"c{first + n}@x.example", "en", None) for n in range(500)]
            yield ChunkView(Chunk(TENANT, run.id, number, "a" * 500), people, "0" * 64)


class Nobody:
    """Gates and consent of which nothing is known."""

    def read(self, _tenant: str, _customers: Sequence[str]) -> dict[str, Any]:
        return {}

    def heads(self, *_asked: Any) -> dict[str, Any]:
        return {}


def peak_of(people: int) -> int:
    """Bytes that accounting for so many people takes at most."""
    account = Account(1)
    run = replace(account.world.launch(), audience=people, slice_chunks={"0": people // 500}, chunks=people // 500)
    account.run = run
    service = replace(account.service, views=Endless(people), gates=Nobody(), ledger=Nobody())  # type: ignore[arg-type]
    tracemalloc.start()
    result = service.reconcile(run)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.people == {"accepted": people}
    return peak


def test_what_an_account_holds_does_not_grow_with_the_run() -> None:
    peak_of(500)
    small, large = peak_of(5_000), peak_of(40_000)
    assert large < small * 1.3, (small, large)
