"""After a restore: every no is said again from the write-once bucket, live runs are locked, and only then the tables are sealed.

A table that came back from a backup has forgotten what happened since: who unsubscribed, and who was sent what. The
first is in the bucket. The second nobody can know for certain, so a run that was live may only be cancelled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol

from meghdoot.areas.consent.holders import HolderSuppression
from meghdoot.areas.consent.model import SuppressionReason, Withdrawal
from meghdoot.areas.consent.ports import WithdrawalLine, WithdrawalReader
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.customers.ports import Customers
from meghdoot.areas.messaging.holding import TableSeals
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.ports import LiveRuns, Runs
from meghdoot.areas.messaging.rules.pausing import RESTORED
from meghdoot.areas.messaging.run_records import change_run
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import NotFound

LINES_A_PAGE = 500
_REASONS: dict[str, SuppressionReason] = {
    "complaint": "complaint", "hard_bounce": "hard_bounce", "unsubscribe": "unsubscribed", "erasure": "erased",
    "suppression": "manual",
}  # fmt: skip

Applied = Literal["applied", "known", "later_word", "nobody"]


class Erase(Protocol):
    """Removes a person for good; the service of customers does it."""

    def delete(self, tenant: str, customer_id: str) -> None:
        """Remove profile, identities and gate. Raises NotFound when there is nobody."""
        ...


class UnfinishedRuns(Protocol):
    """The runs of all tenants that are neither done nor cancelled: a walk over everything, for restores only."""

    def unfinished(self) -> Iterable[Run]:
        """Each once, in no order."""
        ...


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did. `counts` holds the lines by kind, and what became of them by `applied:`, `known:` and so on.

    known: the tables said so already. later_word: the person has agreed again since. nobody: there is no such person any
    more, or not yet in this backup.
    """

    counts: Mapping[str, int]
    unreadable: tuple[str, ...] = ()
    """Names of lines that could not be read: while there are any, the tables stay unsealed."""
    locked: tuple[tuple[str, str], ...] = ()
    """(tenant, run) of the runs that may only be cancelled now."""
    lost: tuple[tuple[str, str], ...] = ()
    """(tenant, run) of runs that began after the backup: what they sent is only known to the provider."""
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class _Moment:
    """A clock for acts of the past."""

    at: datetime

    def now(self) -> datetime:
        return self.at


class _Unwritten:
    """What is read from the log is not written to it again."""

    def append(self, withdrawal: Withdrawal) -> None:
        return None


@dataclass(frozen=True, slots=True)
class RestoreService:
    """Every step may be repeated, and the whole may go on where it broke off."""

    lines: WithdrawalReader
    consent: ConsentService
    customers: Customers
    erase: Erase
    runs: Runs
    unfinished: UnfinishedRuns
    live: LiveRuns
    seals: TableSeals
    clock: Clock
    tell: Callable[[str, Mapping[str, int]], None] = field(default=lambda _after, _counts: None)
    """Hears the cursor behind each page, from which a broken replay may go on, and the counts so far."""

    def replay(self, after: str | None = None, *, past_unreadable: bool = False) -> Replayed:
        """Say every no again (from the line behind `after`), lock the live runs, and seal the tables.

        A line that cannot be read leaves the tables unsealed, unless `past_unreadable`. Raises Unavailable, Throttled: go
        on from the last cursor.
        """
        counts, unreadable = self._noes(after)
        locked, lost = self.lock_runs()
        sealed = not unreadable or past_unreadable
        if sealed:
            self.seals.renew()
        return Replayed(dict(counts), tuple(unreadable), tuple(locked), tuple(lost), sealed)

    def _noes(self, after: str | None) -> tuple[Counter[str], list[str]]:
        counts: Counter[str] = Counter()
        unreadable: list[str] = []
        while True:
            page = self.lines.page(limit=LINES_A_PAGE, after=after)
            for line in page.items:
                self._line(line, counts, unreadable)
            after = page.after
            if after is None:
                return counts, unreadable
            self.tell(after, dict(counts))

    def _line(self, line: WithdrawalLine, counts: Counter[str], unreadable: list[str]) -> None:
        if line.withdrawal is None or line.withdrawal.kind not in _REASONS:
            # A newer version knows more kinds: such a line is not passed over in silence.
            unreadable.append(line.name)
            return
        counts[line.withdrawal.kind] += 1
        counts[f"{self.apply(line.withdrawal)}:{line.withdrawal.kind}"] += 1

    def apply(self, line: Withdrawal) -> Applied:
        """One no, as of the time when it was said. Repeating is harmless, in any order."""
        if line.kind == "erasure" and line.address_key is None:
            return self._erase(line)
        if self._has_agreed_since(line):
            return "later_word"
        return self._withdraw(line) if line.address_key is None else self._close(line, line.address_key)

    def _erase(self, line: Withdrawal) -> Applied:
        try:
            self.erase.delete(line.tenant, line.customer_id or "")
        except NotFound:
            return "known"
        return "applied"

    def _has_agreed_since(self, line: Withdrawal) -> bool:
        if line.customer_id is None or line.address_key is not None:
            # Consent never opens an address that is closed, and lifting that leaves no line: it stays closed.
            return False
        head = self.consent.ledger.head(line.tenant, line.customer_id, line.channel, line.purpose)
        return head is not None and head.state == "granted" and head.at > line.at

    def _withdraw(self, line: Withdrawal) -> Applied:
        customer = line.customer_id or ""
        head = self.consent.ledger.head(line.tenant, customer, line.channel, line.purpose)
        if head is not None and head.at >= line.at:
            return "known"
        source = "complaint" if line.kind == "complaint" else "restored"
        try:
            self._as_of(line).record(
                line.tenant, customer, line.channel, line.purpose, "withdrawn", source=source, evidence=line.id
            )
        except NotFound:
            return "nobody"
        return "applied"

    def _close(self, line: Withdrawal, address_key: str) -> Applied:
        closing = HolderSuppression(self.customers, self._as_of(line))
        is_new = closing.suppress(
            line.tenant, address_key, line.channel, _REASONS[line.kind],
            customer_id=line.customer_id, evidence=line.id,
        )  # fmt: skip
        return "applied" if is_new else "known"

    def _as_of(self, line: Withdrawal) -> ConsentService:
        return replace(self.consent, clock=_Moment(line.at), log=_Unwritten())

    def lock_runs(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Lock every run that is not over; answers those, and the live ones that the tables do not know."""
        locked = []
        for run in self.unfinished.unfinished():
            change_run(self.runs, self.clock, run.tenant, run.id, _locked)
            locked.append((run.tenant, run.id))
        lost = [(tenant, run_id) for tenant, run_id in self.live.all() if self.runs.get(tenant, run_id) is None]
        return locked, lost


def _locked(run: Run) -> Run:
    if run.status in ("done", "cancelled"):
        return run
    return replace(run, status="paused", pause_reason=RESTORED)


@dataclass(frozen=True, slots=True)
class SealService:
    """Seals a deployment that has nothing to replay: its first minute, before anybody has said no."""

    seals: TableSeals
    lines: WithdrawalReader

    def begin(self) -> Literal["intact", "foreign", "sealed", "noes_unreplayed"]:
        """Seal tables that have no seal where no line was ever written; answers what it found or did.

        A seal that is missing beside written noes may be a backup from before the first seal: only a replay seals then.
        """
        state = "intact" if self.seals.intact() else self.seals.state()
        if state != "missing":
            return state
        if self.lines.any():
            return "noes_unreplayed"
        self.seals.renew()
        return "sealed"

    def first(self) -> Literal["intact", "foreign", "sealed"]:
        """Seal a deployment that is older than seals: somebody says that its tables were never restored.

        A foreign seal proves the contrary and stays.
        """
        state = self.seals.state()
        if state != "missing":
            return state
        self.seals.renew()
        return "sealed"
