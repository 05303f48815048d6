"""Runs: begin, look, pause, resume, cancel, account; and single test sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from meghdoot.areas.consent.model import Purpose
from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import Chunk, ChunkRef, Outcome, Pace, Recipient, Run, RunContent
from meghdoot.areas.messaging.ports import ChunkQueue, Chunks, EmailProvider, RunCounters, RunLinks, Runs
from meghdoot.areas.messaging.rules import counted
from meghdoot.areas.messaging.rules.accounting import accounting
from meghdoot.areas.messaging.rules.pausing import RESTORED
from meghdoot.areas.messaging.run_records import change_run, stored_run
from meghdoot.areas.segments.ports import Segments
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, Invalid, NotFound
from meghdoot.kernel.i18n import Language
from meghdoot.kernel.ids import Ids

MAX_TEST_ADDRESSES = 5
TEST_MARK = "[TEST] "
PEOPLE_A_SLICE = 50_000
_CHUNKS_A_READ = 100
_NEVER = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class RunService:
    """The life of runs."""

    runs: Runs
    links: RunLinks
    segments: Segments
    chunks: Chunks
    queue: ChunkQueue
    counters: RunCounters
    clock: Clock
    ids: Ids

    def create_run(
        self,
        tenant: str,
        *,
        email_campaign_id: str,
        campaign_id: str | None,
        purpose: Purpose,
        segment_ids: Sequence[str],
        content: RunContent,
        attribution_days: int,
        daily_cap: int | None,
        weekly_cap: int | None,
        expected_people: int = 0,
        run_id: str | None = None,
        pace: Pace = Pace(),
    ) -> Run:
        """Begin a run: everything that it sends and to whom is frozen here.

        With `run_id` repeating is harmless and answers the run that exists. `expected_people` sizes the slices of
        planning. Raises NotFound for a segment that does not exist.
        """
        now = self.clock.now()
        run = Run(
            tenant=tenant,
            id=run_id or self.ids.new(),
            campaign_id=campaign_id,
            email_campaign_id=email_campaign_id,
            channel="email",
            purpose=purpose,
            status="planning",
            segment_ids=tuple(segment_ids),
            content=content,
            started_at=now,
            created_at=now,
            updated_at=now,
            stale_after=now + counted.HORIZON,
            attribution_days=attribution_days,
            criteria=self._criteria(tenant, segment_ids),
            daily_cap=daily_cap,
            weekly_cap=weekly_cap,
            slices=max(1, -(-expected_people // PEOPLE_A_SLICE)),
            hourly_limit=pace.hourly_limit,
            daily_limit=pace.daily_limit,
            tenant_weight=pace.tenant_weight,
            ramp_identity=pace.ramp_identity,
            ramp_started_on=pace.ramp_started_on,
        )
        return self._stored(run)

    def _stored(self, run: Run) -> Run:
        self.links.put(run.tenant, run.id, run.content.links)
        try:
            self.runs.add(run)
        except Conflict:
            return stored_run(self.runs, run.tenant, run.id)
        return run

    def _criteria(self, tenant: str, segment_ids: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
        found = [(segment_id, self.segments.get(tenant, segment_id)) for segment_id in segment_ids]
        missing = [segment_id for segment_id, segment in found if segment is None]
        if missing:
            raise NotFound(f"there is no segment {missing[0]}", code="segment_not_found")
        return tuple(segment.criteria for _, segment in found if segment is not None)

    def get(self, tenant: str, run_id: str) -> Run:
        """The run. Raises NotFound."""
        return stored_run(self.runs, tenant, run_id)

    def pause(self, tenant: str, run_id: str, reason: str) -> Run:
        """Stop calling within a second and a wave. Raises Conflict (`run_over`) for a run that has ended."""

        def paused(run: Run) -> Run:
            if run.status == "paused":
                return run
            return replace(_live(run), status="paused", pause_reason=reason)

        return change_run(self.runs, self.clock, tenant, run_id, paused)

    def resume(self, tenant: str, run_id: str) -> Run:
        """Go on where the run stood; nobody is skipped or repeated. Raises Conflict (`run_over`, `run_restored`)."""

        def resumed(run: Run) -> Run:
            refuse_restored(run)
            planned = run.planned_slices >= run.slices
            return replace(_live(run), status="sending" if planned else "planning", pause_reason=None)

        run = change_run(self.runs, self.clock, tenant, run_id, resumed)
        self._wake(run)
        return run

    def cancel(self, tenant: str, run_id: str) -> Run:
        """End the run: whoever was not called never will be. Raises Conflict (`run_over`) for a run that is done."""

        def cancelled(run: Run) -> Run:
            if run.status == "cancelled":
                return run
            return replace(_live(run), status="cancelled", pause_reason=None)

        run = change_run(self.runs, self.clock, tenant, run_id, cancelled)
        self._wake(run)
        return run

    def wake_all(self, tenant: str) -> int:
        """Enqueue what waits in every run that may send; answers how many runs had work left."""
        live = [run for status in ("planning", "sending") for run in self._by_status(tenant, status)]
        return sum(self._wake(run) for run in live)

    def _by_status(self, tenant: str, status: str) -> Iterator[Run]:
        after: str | None = None
        while True:
            page = self.runs.page(tenant, status=status, after=after)
            yield from page.items
            after = page.after
            if after is None:
                return

    def accounting(self, run: Run) -> dict[str, int]:
        """State to people; the values add up to the audience planned so far, at every instant.

        Skipped people stand under `skipped:<reason>`. States with nobody in them are left out.
        """
        texts = [chunk.letters for chunk in self._chunks(run)]
        return accounting(run.audience, texts, self.counters.totals(run.tenant, run.id))

    def progress(self, run: Run) -> tuple[int, int]:
        """Chunks with work left, and all chunks planned so far."""
        left = sum(chunk.work_left for chunk in self._chunks(run))
        return left, run.chunks

    def _wake(self, run: Run) -> bool:
        waiting: list[ChunkRef] = [chunk.ref for chunk in self._chunks(run) if chunk.work_left]
        if waiting:
            self.queue.put(waiting)
        return bool(waiting)

    def _chunks(self, run: Run) -> Iterator[Chunk]:
        numbers = run.chunk_numbers
        for start in range(0, len(numbers), _CHUNKS_A_READ):
            yield from self.chunks.get_many(run.tenant, run.id, numbers[start : start + _CHUNKS_A_READ])


def refuse_restored(run: Run) -> None:
    """Raises Conflict (`run_restored`) for a run that a restore has locked."""
    if run.status == "paused" and run.pause_reason == RESTORED:
        raise Conflict(
            "this run was live when the tables were restored: whom it has mailed since the backup is not known",
            code="run_restored",
            hint="cancel it, and launch a new one to those of whom the provider knows nothing",
        )


def _live(run: Run) -> Run:
    if run.status in ("done", "cancelled"):
        raise Conflict(f"the run is {run.status}", code="run_over")
    return run


@dataclass(frozen=True, slots=True)
class TestSends:
    """Mails to a few addresses of the vendor's own: marked, inert, outside all figures and all gates."""

    __test__ = False

    mails: Mails
    provider: EmailProvider
    clock: Clock
    ids: Ids

    def send_test(
        self,
        tenant: str,
        content: RunContent,
        purpose: Purpose,
        addresses: Sequence[str],
        *,
        language: Language | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> list[tuple[str, Outcome]]:
        """Send one marked mail to each address; answers each address with the provider's word.

        Raises Invalid for no address or more than five, for a bad address and for a variable that `fields` lack.
        """
        if not 1 <= len(addresses) <= MAX_TEST_ADDRESSES:
            raise Invalid.field("addresses", "too_many", f"from 1 to {MAX_TEST_ADDRESSES} addresses")
        run = self._run(tenant, content, purpose)
        now = self.clock.now()
        written = []
        for index, address in enumerate(addresses):
            spoken = language or content.default_language
            person = Recipient(index, f"test-{index}", address, spoken, None, dict(fields or {}))
            written.append((address, self.mails.test_mail(run, person, self.ids.new(), now)))
        return [(address, self.provider.send(mail)) for address, mail in written]

    def _run(self, tenant: str, content: RunContent, purpose: Purpose) -> Run:
        now = self.clock.now()
        bangla = content.subject_line_bn
        marked = replace(
            content,
            subject_line=TEST_MARK + content.subject_line,
            subject_line_bn=None if bangla is None else TEST_MARK + bangla,
        )
        return Run(
            tenant, f"test-{self.ids.new()}", None, "test", "email", purpose, "sending", (), marked, now, now, now,
            now + _NEVER, 0,
        )  # fmt: skip
