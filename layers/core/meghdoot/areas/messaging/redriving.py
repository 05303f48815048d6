"""Messages that were given up, put back by a person: what is stale by now is refused, the rest gets another try."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from meghdoot.areas.messaging.model import ChunkRef
from meghdoot.areas.messaging.ports import Chunks, Runs
from meghdoot.areas.messaging.rules.pausing import RESTORED
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Malformed

Refusal = Literal["unknown_run", "run_over", "past_horizon", "restored", "no_work"]
Verdict = Literal["put_back", "unreadable"] | Refusal
Judge = Callable[[str], Verdict]
"""What to do with the body of a message."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up. `handle` is the queue's own name for this delivery."""

    body: str
    handle: str
    group: str | None = None


class DeadLetters(Protocol):
    """A queue of messages that were given up, beside the queue that they came from."""

    def take(self) -> Sequence[DeadLetter]:
        """Some that nobody has taken, for some minutes; none when there are no more. Raises Unavailable."""
        ...

    def put_back(self, letter: DeadLetter) -> None:
        """Send it to the queue it came from, then delete it here: a crash between leaves it twice, which does no harm."""
        ...

    def drop(self, letter: DeadLetter) -> None:
        """Delete it for good."""
        ...


@dataclass(frozen=True, slots=True)
class ChunkJudge:
    """Refuses chunks that must not be sent any more: the sweeper and the run's end account for their people."""

    runs: Runs
    chunks: Chunks
    parse: Callable[[str], ChunkRef]
    clock: Clock

    def __call__(self, body: str) -> Verdict:
        """The verdict on one message. A shape that this code does not know stays for code that does."""
        try:
            ref = self.parse(body)
        except Malformed:
            return "unreadable"
        run = self.runs.get(ref.tenant, ref.run_id)
        if run is None:
            return "unknown_run"
        if run.status in ("done", "cancelled"):
            return "run_over"
        if self.clock.now() >= run.stale_after:
            return "past_horizon"
        if run.status == "paused" and run.pause_reason == RESTORED:
            return "restored"
        chunk = self.chunks.get(ref)
        return "put_back" if chunk is not None and chunk.work_left else "no_work"


def anything(_body: str) -> Verdict:
    """Facts and events have no age: each is recorded once, whenever it comes."""
    return "put_back"


@dataclass(frozen=True, slots=True)
class RedriveService:
    """Empties a queue of dead letters."""

    letters: DeadLetters
    judge: Judge

    def redrive(self, most: int = 100_000) -> Mapping[Verdict, int]:
        """Judge each letter once; answers how many met which verdict. Raises Unavailable: what was done stays done."""
        counts: Counter[Verdict] = Counter()
        while counts.total() < most:
            taken = self.letters.take()
            if not taken:
                break
            for letter in taken:
                counts[self._settle(letter)] += 1
        return dict(counts)

    def _settle(self, letter: DeadLetter) -> Verdict:
        verdict = self.judge(letter.body)
        if verdict == "put_back":
            self.letters.put_back(letter)
        elif verdict != "unreadable":
            self.letters.drop(letter)
        return verdict
