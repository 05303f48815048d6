"""The proof of a run as it is kept: one leaf a chunk, joined in a Merkle root. Written once, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Leaf:
    """A chunk's digest, and of whom the provider had spoken when it was taken."""

    number: int
    digest: str
    """`rules.proof.chunk_digest`, in hex."""
    spoken: str
    """The people whose evidence stands in the digest, as `rules.proof.bits`."""


@dataclass(frozen=True, slots=True)
class RootPart:
    """The leaves of one slice of a run, so that a long run can be proven in several goes."""

    tenant: str
    run_id: str
    slice: int
    leaves: tuple[Leaf, ...]


@dataclass(frozen=True, slots=True)
class RunRoot:
    """A run's proof."""

    tenant: str
    run_id: str
    audience: int
    leaves: tuple[Leaf, ...]
    """In the order of the chunks' numbers."""
    root: str
    """In hex."""


class Roots(Protocol):
    """Where proofs are kept. What is there already stays, whoever comes second: every `put` answers what is stored.

    All raise Malformed (`damaged_root`) for stored bytes that no `put` has written.
    """

    def put_part(self, part: RootPart) -> RootPart:
        """Keep the leaves of a slice."""
        ...

    def part(self, tenant: str, run_id: str, slice_: int) -> RootPart | None:
        """The leaves of a slice."""
        ...

    def put(self, root: RunRoot) -> RunRoot:
        """Keep a run's proof."""
        ...

    def get(self, tenant: str, run_id: str) -> RunRoot | None:
        """A run's proof."""
        ...
