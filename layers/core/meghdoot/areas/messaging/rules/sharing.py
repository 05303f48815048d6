"""Who gets how many combs of a frame: urgent claimants first, then tenants by weight, their runs by weight, senders evenly.

Everybody who wants slots writes a word about themselves into the frames that they ask for, and reads those of the frame
before; from the same words all come to the same shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from heapq import heapify, heapreplace

ROOM_PART = 8
"""While somebody urgent is about, bulk leaves one comb in so many for whoever is urgent next."""
MOST_WEIGHT = 100
_WORD_SECONDS = 120
_COMBS_A_ROTA = 4096
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Claimant:
    """One sender's word about itself. Tenant and run are short digests: their only use is to be equal or not."""

    worker: str
    tenant: str
    run: str
    urgent: bool
    tenant_weight: int
    run_weight: int
    wants: int
    """Combs that it can use."""

    def text(self) -> str:
        """As it is stored."""
        urgent = "u" if self.urgent else "b"
        return f"{self.worker}.{self.tenant}.{self.run}.{urgent}.{self.tenant_weight}.{self.run_weight}.{self.wants}"


def claimant_of(text: str) -> Claimant | None:
    """Reads what `text` wrote; None for words of another version."""
    parts = text.split(".")
    if len(parts) != 7 or not all(part.isdigit() for part in parts[4:]):
        return None
    worker, tenant, run, urgent = parts[:4]
    return Claimant(worker, tenant, run, urgent == "u", max(1, int(parts[4])), max(1, int(parts[5])), int(parts[6]))


def claimants_of(texts: Iterable[str]) -> dict[str, Claimant]:
    """Claimants by worker, of words in any order. A worker that changed its mind within a frame counts once."""
    found = (claimant_of(text) for text in sorted(texts))
    return {claimant.worker: claimant for claimant in found if claimant is not None}


def digest(text: str) -> str:
    """Eight letters for an id."""
    return blake2b(text.encode(), digest_size=4).hexdigest()


def shares(claimants: Iterable[Claimant], combs: int) -> dict[str, float]:
    """Combs a frame by worker. All are dealt out, except the room for the urgent while any is about.

    Nobody gets more than it wants before everybody has what they want.
    """
    everybody = sorted(claimants, key=lambda claimant: claimant.worker)
    urgent = [c for c in everybody if c.urgent]
    first = _by_weight(urgent, float(combs))
    room = max(1, combs // ROOM_PART) if urgent else 0
    bulk = _by_weight([c for c in everybody if not c.urgent], max(0.0, combs - sum(first.values()) - room))
    return first | (bulk if urgent or not bulk else _with_the_rest(bulk, combs))


class Rota:
    """Whose each comb is, frame after frame, so that everybody's stand as evenly as can be.

    Whoever has the same view of the shares comes to the same rota. It begins anew every few thousand combs: a sender that
    joins needs no older history.
    """

    def __init__(self, parts: Mapping[str, float], combs: int, frame: int) -> None:
        self.parts, self.combs = dict(parts), combs
        self.begins = frame - frame % _period(combs)
        rest = combs - sum(parts.values())
        owed = {**parts, "": rest if rest > _NOTHING else 0.0}
        order = sorted(name for name, part in owed.items() if part > _NOTHING)
        turn = self.begins // _period(combs)
        # Each is dealt a comb whenever its next is due, first in the middle of its first stretch.
        self._due = [
            (combs / owed[name] / 2, (n + turn) % len(order), name, combs / owed[name]) for n, name in enumerate(order)
        ]
        heapify(self._due)
        self._next = self.begins
        self._dealt: dict[str, list[int]] = {}

    def is_of(self, parts: Mapping[str, float], combs: int, frame: int) -> bool:
        """Whether this rota is the one for these shares and this frame."""
        same = self.parts == parts and self.combs == combs
        return same and self.begins == frame - frame % _period(combs) and frame >= self._next - 1

    def combs_of(self, worker: str, frame: int) -> list[int]:
        """The combs of a frame that are a worker's. Frames are asked for in order."""
        while self._next <= frame:
            self._dealt = {}
            for comb in range(self.combs if self._due else 0):
                due, turn, name, stretch = self._due[0]
                self._dealt.setdefault(name, []).append(comb)
                heapreplace(self._due, (due + stretch, turn, name, stretch))
            self._next += 1
        return self._dealt.get(worker, [])


def _period(combs: int) -> int:
    return max(1, _COMBS_A_ROTA // combs)


def _by_weight(claimants: Sequence[Claimant], combs: float) -> dict[str, float]:
    tenants = _grouped(claimants, lambda c: c.tenant)
    heavy = {
        t: (max(c.tenant_weight for c in group), float(sum(c.wants for c in group))) for t, group in tenants.items()
    }
    parts: dict[str, float] = {}
    for tenant, of_tenant in fill(combs, heavy).items():
        runs = _grouped(tenants[tenant], lambda c: c.run)
        light = {r: (max(c.run_weight for c in group), float(sum(c.wants for c in group))) for r, group in runs.items()}
        for run, of_run in fill(of_tenant, light).items():
            parts |= fill(of_run, {c.worker: (1, float(c.wants)) for c in runs[run]})
    return parts


def _grouped(claimants: Iterable[Claimant], key: Callable[[Claimant], str]) -> dict[str, list[Claimant]]:
    groups: dict[str, list[Claimant]] = {}
    for claimant in claimants:
        groups.setdefault(key(claimant), []).append(claimant)
    return groups


def fill(total: float, wishes: Mapping[str, tuple[int, float]]) -> dict[str, float]:
    """Deal a total by weight; whoever wants less than its part leaves the rest to the others. Wishes: weight and most."""
    parts = dict.fromkeys(wishes, 0.0)
    open_, left = dict(wishes), total
    while open_ and left > 1e-9:
        each = left / sum(weight for weight, _ in open_.values())
        modest = {name: most for name, (weight, most) in open_.items() if most <= each * weight}
        if not modest:
            return parts | {name: each * weight for name, (weight, _) in open_.items()}
        for name, most in modest.items():
            parts[name] = most
            left -= most
            del open_[name]
    return parts


def _with_the_rest(parts: Mapping[str, float], combs: int) -> dict[str, float]:
    """What nobody wanted is dealt evenly: wishes are guesses, and an unused slot only passes."""
    rest = max(0.0, combs - sum(parts.values())) / len(parts)
    return {worker: part + rest for worker, part in parts.items()}


def yields(worker: str, claimants: Iterable[Claimant], frame: int) -> bool:
    """Whether this sender is the one to make room for a tenant for which nobody works.

    One at a time does: of the tenant that has most senders, whoever's turn it is. Nobody urgent does.
    """
    bulk = [c for c in claimants if not c.urgent]
    groups = _grouped(bulk, lambda c: c.tenant)
    if not groups:
        return False
    largest = max(sorted(groups), key=lambda tenant: len(groups[tenant]))
    workers = sorted(c.worker for c in groups[largest])
    return workers[frame % len(workers)] == worker


def waiting_word(tenant: str, second: int) -> str:
    """The word of a tenant that begins to wait now: the same for two minutes, so that many words are one."""
    return f"{digest(tenant)}.{(second // _WORD_SECONDS + 2) * _WORD_SECONDS}"


def waiting_tenant(word: str) -> str:
    """The digest of the tenant that waits."""
    return word.partition(".")[0]


def waits_until(word: str) -> int:
    """Seconds since 1970 at which the word is over; 0 for words of another version."""
    until = word.partition(".")[2]
    return int(until) if until.isdigit() else 0
