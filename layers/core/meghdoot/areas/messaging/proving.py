"""The proof of a run: made once when every letter is final, and checked against what is stored as often as one likes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from meghdoot.areas.messaging.chunk_views import ChunkView, ChunkViews
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.ports import Runs
from meghdoot.areas.messaging.roots import Leaf, RootPart, Roots, RunRoot
from meghdoot.areas.messaging.rules import merkle, proof
from meghdoot.areas.messaging.run_records import change_run
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Malformed

Broken = Literal["chunk", "leaf", "root", "file"]


@dataclass(frozen=True, slots=True)
class Break:
    """One place where the proof and what is stored differ.

    chunk: the letters, the audience file or the rows are not what was proven. leaf: the stored leaf was changed. root: the
    root in the file, or that of the run's record. file: the whole file cannot be read or is that of another run.
    """

    what: Broken
    words: str
    chunk: int | None = None


@dataclass(frozen=True, slots=True)
class RootVerdict:
    """Whether everything stored is what was proven; `verified` is None for a run without a proof."""

    verified: bool | None
    root: str | None
    breaks: tuple[Break, ...] = ()


@dataclass(frozen=True, slots=True)
class ProofService:
    """Makes proofs. Repeating is harmless, and two at once end with the same root."""

    runs: Runs
    views: ChunkViews
    roots: Roots
    clock: Clock

    def keep(self, run: Run, may_go_on: Callable[[], bool] = lambda: True) -> Run:
        """Prove a run that is over; answers the run, whose `root` is set unless a letter can still change.

        `may_go_on` is asked before each slice: what was proven so far is kept, and the next call goes on there.
        """
        if run.root is not None or run.finished_at is None:
            return run
        leaves: list[Leaf] = []
        for slice_ in sorted(int(name) for name in run.slice_chunks):
            part = self.roots.part(run.tenant, run.id, slice_)
            if part is None and may_go_on():
                part = self._proven(run, slice_)
            if part is None:
                return run
            leaves += part.leaves
        root = merkle.root([bytes.fromhex(leaf.digest) for leaf in leaves]).hex()
        kept = self.roots.put(RunRoot(run.tenant, run.id, run.audience, tuple(leaves), root))
        return change_run(
            self.runs, self.clock, run.tenant, run.id, lambda stored: replace(stored, root=stored.root or kept.root)
        )

    def _proven(self, run: Run, slice_: int) -> RootPart | None:
        leaves = []
        for view in self.views.of(run, run.numbers_of(slice_)):
            if not proof.is_final(view.chunk.letters):
                return None
            evidence = {index: proof.evidence_hash(row) for index, row in view.rows.items()}
            digest = proof.chunk_digest(view.chunk, view.audience, evidence)
            leaves.append(Leaf(view.chunk.number, digest, proof.bits(evidence, len(view.chunk.letters))))
        return self.roots.put_part(RootPart(run.tenant, run.id, slice_, tuple(leaves)))


@dataclass(slots=True)
class RootCheck:
    """Holds a run's chunks against its proof, one view after the other, in the order of their numbers."""

    run: Run
    stored: RunRoot | None
    damage: str | None = None
    _found: list[bytes] = field(default_factory=list)
    _differ: list[int] = field(default_factory=list)

    @classmethod
    def begin(cls, run: Run, roots: Roots) -> RootCheck:
        """Read the proof."""
        try:
            return cls(run, roots.get(run.tenant, run.id))
        except Malformed as e:
            return cls(run, None, e.detail)

    def take(self, view: ChunkView) -> None:
        """The next chunk."""
        if self.stored is None:
            return
        place, number = len(self._found), view.chunk.number
        leaf = self.stored.leaves[place] if place < len(self.stored.leaves) else Leaf(-1, "", "")
        try:
            spoken = proof.indexes(leaf.spoken)
        except ValueError:
            spoken = []
        evidence = {n: proof.evidence_hash(view.rows[n]) if n in view.rows else "" for n in spoken}
        digest = proof.chunk_digest(view.chunk, view.audience, evidence)
        self._found.append(bytes.fromhex(digest))
        if (leaf.number, leaf.digest) != (number, digest) or leaf.spoken != proof.bits(spoken, len(view.chunk.letters)):
            self._differ.append(number)

    def verdict(self) -> RootVerdict:
        """What all chunks together say."""
        if self.damage is not None:
            return RootVerdict(verified=False, root=self.run.root, breaks=(Break("file", self.damage),))
        if self.stored is None:
            if self.run.root is None:
                return RootVerdict(verified=None, root=None)
            return RootVerdict(verified=False, root=self.run.root, breaks=(Break("file", "the stored proof is gone"),))
        breaks = (*self._chunk_breaks(self.stored), *self._root_breaks(self.stored))
        return RootVerdict(not breaks, self.stored.root, breaks)

    def _chunk_breaks(self, stored: RunRoot) -> list[Break]:
        # The chunks alone give the root: then it is the leaf in the file that was changed.
        whole = merkle.root(self._found).hex() in (stored.root, self.run.root)
        what: Broken = "leaf" if whole else "chunk"
        words = "its leaf in the stored proof was changed" if whole else "letters, audience file or rows were changed"
        breaks = [Break(what, f"chunk {number}: {words}", number) for number in self._differ]
        if len(stored.leaves) > len(self._found):
            breaks.append(Break("file", f"{len(stored.leaves) - len(self._found)} leaves stand for no chunk"))
        return breaks

    def _root_breaks(self, stored: RunRoot) -> list[Break]:
        breaks = []
        if (stored.tenant, stored.run_id, stored.audience) != (self.run.tenant, self.run.id, self.run.audience):
            breaks.append(Break("file", "the stored proof is that of another run or audience"))
        try:
            joined = merkle.root([bytes.fromhex(leaf.digest) for leaf in stored.leaves]).hex()
        except ValueError:
            joined = ""
        if not self._differ and joined != stored.root:
            breaks.append(Break("root", "the root in the stored proof is not that of its leaves"))
        if self.run.root is not None and self.run.root != stored.root:
            breaks.append(Break("root", "the run's record names another root than the stored proof"))
        return breaks
