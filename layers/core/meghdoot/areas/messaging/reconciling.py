"""Every person of a run with exactly one end, its reason and its evidence; and whatever contradicts the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from meghdoot.areas.consent.model import ContactGate
from meghdoot.areas.consent.ports import ConsentLedger
from meghdoot.areas.messaging.chunk_views import ChunkView, ChunkViews
from meghdoot.areas.messaging.model import ACCEPTED, SLICE_STRIDE, Recipient, Run, SendRow
from meghdoot.areas.messaging.ports import Evidence, Gates, RunCounters, TouchTimes
from meghdoot.areas.messaging.proving import RootCheck, RootVerdict
from meghdoot.areas.messaging.roots import Roots
from meghdoot.areas.messaging.rules import counted, fate
from meghdoot.areas.messaging.rules.accounting import ROW_STATES
from meghdoot.areas.messaging.rules.keys import gate_key, send_key
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.clock import Clock

WINDOW = timedelta(hours=24)
"""So long after its end a run may wait for the provider's words."""
MAX_TOLD = 1_000
MAX_SUSPECTS = 10_000
_HISTORY = 500
_AUDIENCE = "audience"


@dataclass(frozen=True, slots=True)
class Fate:
    """One person's end, and all that speaks for it. Holds no address."""

    customer_id: str
    chunk: int
    index: int
    letter: str
    state: str
    reason: str
    provider: str | None = None
    provider_id: str | None = None
    said_at: datetime | None = None
    """When the provider said the last thing that counted."""
    mailed_at: datetime | None = None
    mail_hash: str | None = None
    counted_at: datetime | None = None
    """The minute in which the contact gate counted the message; gates forget after eight days."""
    touches: Mapping[str, datetime] = field(default_factory=dict)
    """`open`, `click`, `unsubscribe` to their first time, when they were asked for."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something that cannot be true together with the rest."""

    kind: fate.Kind
    words: str
    chunk: int | None = None
    customer_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A run's account. The values of `people` add up to `audience` unless a contradiction says otherwise."""

    run_id: str
    status: str
    audience: int
    people: Mapping[str, int]
    root: RootVerdict
    contradictions: tuple[Contradiction, ...]
    """The first thousand."""
    found: Mapping[str, int]
    """Kind to how many."""

    @property
    def unknown(self) -> int:
        """People of whom nobody can say whether a message reached the provider."""
        return self.people.get("unknown", 0)

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts anything."""
        return not self.found


Sink = Callable[[Fate], None]


def nowhere(_fate: Fate) -> None:
    """For those who want the sums alone."""


@dataclass(frozen=True, slots=True)
class ReconcileService:
    """Reads a run chunk by chunk; what it holds does not grow with the audience."""

    views: ChunkViews
    gates: Gates
    ledger: ConsentLedger
    touches: TouchTimes
    counters: RunCounters
    roots: Roots
    evidence: Evidence
    clock: Clock
    provider: str

    def reconcile(self, run: Run, sink: Sink = nowhere, *, touches: bool = False) -> Reconciliation:
        """Account for a run. Each person goes to the sink, in the order of the chunks.

        `touches` asks for first opens, clicks and unsubscribes too: three more reads a person.
        """
        walk = _Walk(run, self._is_silence_over(run))
        check, order = RootCheck.begin(run, self.roots), _Order(run)
        for view in self.views.of(run, run.chunk_numbers):
            check.take(view)
            order.take(view)
            if view.damage is not None:
                walk.note("damaged_chunk", f"chunk {view.chunk.number}: {view.damage}", view.chunk.number)
            self._chunk(walk, view, sink, touches)
        self._whole(walk, order)
        verdict = check.verdict()
        for broken in verdict.breaks:
            walk.note("root", broken.words, broken.chunk)
        return walk.result(verdict)

    def _is_silence_over(self, run: Run) -> bool:
        """Whether a message of the run of which nothing was heard contradicts the pipeline that hears others."""
        if run.finished_at is None or self.clock.now() - run.finished_at < WINDOW:
            return False
        heard = self.evidence.watermark(self.provider)
        return heard is not None and heard > run.finished_at

    def _chunk(self, walk: _Walk, view: ChunkView, sink: Sink, touches: bool) -> None:
        run, called = walk.run, [p for p in view.people if p.skip is None]
        gates = self.gates.read(run.tenant, [p.customer_id for p in called]) if called else {}
        seen = self._seen(run, called) if touches else {}
        sent: dict[str, datetime] = {}
        for person, letter in zip(view.people, view.chunk.letters, strict=False):
            made = _fate(run, view, person, letter, gates.get(person.customer_id), seen)
            walk.take(made, view.rows.get(person.index), gates.get(person.customer_id))
            written = made.mailed_at or made.counted_at
            if written is not None and (letter == ACCEPTED or person.index in view.rows):
                sent[person.customer_id] = written
            sink(made)
        if len(view.people) != len(view.chunk.letters) and view.damage is None:
            words = f"chunk {view.chunk.number}: {len(view.chunk.letters)} letters for {len(view.people)} people"
            walk.note("damaged_chunk", words, view.chunk.number)
        self._consent(walk, view.chunk.number, sent)

    def _seen(self, run: Run, people: Sequence[Recipient]) -> dict[str, dict[str, datetime]]:
        keys = [(p.customer_id, send_key(run.id, run.channel, p.customer_id)) for p in people]
        return self.touches.first_of(run.tenant, keys)

    def _consent(self, walk: _Walk, chunk: int, sent: Mapping[str, datetime]) -> None:
        run = walk.run
        if run.purpose != "marketing" or not sent:
            return
        heads = self.ledger.heads(run.tenant, list(sent), run.channel, run.purpose)
        for customer, head in heads.items():
            if head.state == "granted" and head.at <= sent[customer]:
                continue
            # Consent changed after the message was written, or stands withdrawn: the ledger tells how it stood then.
            history = self.ledger.history(run.tenant, customer, limit=_HISTORY).items
            if fate.was_withdrawn(history, run.channel, run.purpose, sent[customer]):
                words = f"written at {sent[customer]:%Y-%m-%dT%H:%M:%SZ}, after consent had been taken back"
                walk.note("accepted_after_withdrawal", words, chunk, customer)

    def _whole(self, walk: _Walk, order: _Order) -> None:
        run = walk.run
        for customer, chunks in self._twice(run, order.suspects):
            walk.note("two_chunks", f"stands in the chunks {', '.join(map(str, chunks))}", chunks[0], customer)
        total = sum(walk.people.values())
        if total != run.audience:
            walk.note("sum", f"{total} people have a state, {run.audience} were planned")
        if run.finished_at is None:
            return
        live = self.counters.totals(run.tenant, run.id)
        for state in ROW_STATES:
            if live.get(state, 0) != walk.rows[state]:
                words = f"{state}: the counters say {live.get(state, 0)}, {walk.rows[state]} rows are there"
                walk.note("counters", words)

    def _twice(self, run: Run, suspects: set[str]) -> Iterator[tuple[str, list[int]]]:
        """Those of the suspects who truly stand in two chunks. Reads the files again, which only damage makes necessary."""
        if not suspects:
            return
        places: dict[str, list[int]] = {}
        for view in self.views.of(run, run.chunk_numbers):
            for person in view.people:
                if person.customer_id in suspects:
                    places.setdefault(person.customer_id, []).append(view.chunk.number)
        yield from ((customer, chunks) for customer, chunks in places.items() if len(chunks) > 1)


def _fate(
    run: Run,
    view: ChunkView,
    person: Recipient,
    letter: str,
    gate: ContactGate | None,
    seen: Mapping[str, Mapping[str, datetime]],
) -> Fate:
    row, key = view.rows.get(person.index), send_key(run.id, run.channel, person.customer_id)
    end = fate.end_of(letter, row)
    entry = _entry(gate, key)
    return Fate(
        person.customer_id,
        view.chunk.number,
        person.index,
        letter,
        end.state,
        end.reason,
        None if row is None else row.provider,
        None if row is None else row.provider_id,
        None if row is None else row.at,
        None if row is None or row.mailed_at is None else datetime.fromtimestamp(row.mailed_at, UTC),
        None if row is None else row.mail_hash,
        None if entry is None else datetime.fromtimestamp(entry.minute * 60, UTC),
        seen.get(key, {}),
    )


def _entry(gate: ContactGate | None, key: str) -> counted.Counted | None:
    if gate is None:
        return None
    wanted = gate_key(key)
    return next((entry for entry in counted.parse(gate.counted) if entry.key == wanted), None)


@dataclass(slots=True)
class _Walk:
    """Sums and contradictions of one walk."""

    run: Run
    silence_is_over: bool
    people: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    told: list[Contradiction] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)

    def note(self, kind: fate.Kind, words: str, chunk: int | None = None, customer_id: str | None = None) -> None:
        self.found[kind] += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(Contradiction(kind, words, chunk, customer_id))

    def take(self, made: Fate, row: SendRow | None, gate: ContactGate | None) -> None:
        self.people[made.state] += 1
        place = (made.chunk, made.customer_id)
        if row is not None:
            self.rows[row.state] += 1
        if fate.is_contradicted(made.letter, row):
            self.note("row_without_accepted_letter", f"the letter is `{made.letter}`, yet the provider spoke", *place)
        if fate.is_out_of_place(row, made.chunk, made.index):
            self.note("row_of_another_place", "the row names another chunk or index", *place)
        if made.letter == ACCEPTED and row is None and self.silence_is_over:
            self.note("accepted_without_word", "taken by the provider, and nothing was heard in its window", *place)
        entry = _entry(gate, send_key(self.run.id, self.run.channel, made.customer_id))
        if made.letter == ACCEPTED and entry is not None and entry.chunk != made.chunk:
            self.note("counted_by_another_chunk", f"the gate counts it for chunk {entry.chunk}", *place)

    def result(self, root: RootVerdict) -> Reconciliation:
        people = {state: count for state, count in sorted(self.people.items()) if count}
        return Reconciliation(
            self.run.id, self.run.status, self.run.audience, people, root, tuple(self.told), dict(self.found)
        )


@dataclass(slots=True)
class _Order:
    """Finds those who may stand twice without remembering everybody.

    Planning puts each person into the slice of their hash, and the people of a slice into the order of their ids over all
    its chunks. Whoever stands twice breaks one of the two at least once.
    """

    run: Run
    suspects: set[str] = field(default_factory=set)
    _slice: int = -1
    _last: str = ""

    def take(self, view: ChunkView) -> None:
        slice_ = view.chunk.number // SLICE_STRIDE
        if slice_ != self._slice:
            self._slice, self._last = slice_, ""
        for person in view.people:
            customer = person.customer_id
            if customer <= self._last or bucket(_AUDIENCE, customer, self.run.slices) != slice_:
                self._suspect(customer)
            self._last = max(self._last, customer)

    def _suspect(self, customer: str) -> None:
        if len(self.suspects) < MAX_SUSPECTS:
            self.suspects.add(customer)
