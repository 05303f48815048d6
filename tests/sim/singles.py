"""Single messages: somebody asks for one by its key, the urgent queue carries it, a sweeper looks after what was lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from meghdoot.adapters.memory.effects import effect
from meghdoot.adapters.memory.singles import MemorySingleRows, MemorySingles, MemorySingleTimers, memory_compositions
from meghdoot.areas.messaging.model import RANKS
from meghdoot.areas.messaging.singles import rules
from meghdoot.areas.messaging.singles.guarding import SingleGuard
from meghdoot.areas.messaging.singles.mails import SingleMails
from meghdoot.areas.messaging.singles.model import Composition, Single, SingleRef, SingleRequest
from meghdoot.areas.messaging.singles.sender import SingleSender
from meghdoot.areas.messaging.singles.service import SingleService
from meghdoot.areas.messaging.singles.sweeper import SingleSweeper
from meghdoot.kernel.errors import AppError
from tests.sim.people import KEYRING
from tests.sim.queues import Queue
from tests.support.killing import CONTENT, TENANT, PlainComposers

if TYPE_CHECKING:
    from tests.sim.scheduler import Worker
    from tests.sim.world import World

_MARGIN = 3.0
_COMPOSITIONS = {"transactional": "single-t", "marketing": "single-m"}
_KINDS: tuple[tuple[Any, Any], ...] = (
    ("transactional", "default"), ("transactional", "default"), ("transactional", "otp"), ("marketing", "default"),
)  # fmt: skip


class Service(SingleService):
    """The real use case; only what a request would be composed of is made here, without templates."""

    __slots__ = ()

    def _written(self, ref: SingleRef, wanted: SingleRequest) -> Single:
        now = self.clock.now()
        promise = rules.policy(wanted.purpose, wanted.kind, self.windows)
        marketing = wanted.purpose == "marketing"
        return Single(
            TENANT, ref.message_id, rules.fingerprint(wanted), _COMPOSITIONS[wanted.purpose], "t1", 1,
            wanted.customer_id or rules.nobody(wanted.key), "email", wanted.purpose, wanted.kind, "en", now,
            now + promise.stale, 1 if marketing else None, None, wanted.email, {"first_name": "Rita"},
        )  # fmt: skip


@dataclass
class UrgentMessages:
    """Puts into the simulated urgent queue."""

    world: World
    queue: Any = None

    def put(self, refs: Sequence[SingleRef], *, delay_seconds: int = 0) -> None:
        """Enqueue."""
        with effect(self.world.io, "enqueue urgent"):
            for ref in refs:
                self.queue.put(ref, float(delay_seconds))


class Singles:
    """The services of single messages over the world's stores."""

    def __init__(self, world: World) -> None:
        self.world = world
        io, ports = world.io, world.ports
        self.items, self.timers = MemorySingles(io), MemorySingleTimers(io)
        world.restored_too.append(self.items.items)
        self.rows, self.compositions = MemorySingleRows(world.rows, io), memory_compositions(io)
        for purpose, name in _COMPOSITIONS.items():
            made = Composition(TENANT, name, purpose, CONTENT, world.clock.now())  # type: ignore[arg-type]
            self.compositions._items[(TENANT, name)] = made
        self.messages = UrgentMessages(world)
        self.queue = self.messages.queue = Queue(
            world.scheduler, world.weather, "urgent", self._send, life=lambda: 60.0, visibility=360.0, receives=5,
            concurrency=1 + int(world.chance() * 2), batch=5,
        )  # fmt: skip
        mails = SingleMails(PlainComposers(), KEYRING)  # type: ignore[arg-type]
        guard = SingleGuard(world.gates, world.suppressions, KEYRING, world.clock)
        tenant = SimpleNamespace(test_only=False)
        self.ports = ports | {
            "singles": self.items, "rows": self.rows, "timers": self.timers, "queue": self.messages, "mails": mails,
            "guard": guard, "compositions": self.compositions, "customers": world.people,
            "composer": SimpleNamespace(compositions=self.compositions), "tenant_of": lambda _tenant: tenant,
        }  # fmt: skip
        self.service: Service = world.build(Service, self.ports)
        self.sweeper: SingleSweeper = world.build(SingleSweeper, self.ports | {"provider": "memory"})
        self.asked: dict[str, SingleRequest] = {}
        """Messages whose taking was answered."""

    def request(self, number: int) -> SingleRequest:
        """Somebody's wish: mostly a receipt, to a customer or to an address that nobody holds."""
        chance, ids = self.world.chance, self.world.people.ids
        purpose, kind = _KINDS[int(chance() * len(_KINDS))]
        customer = None if purpose == "transactional" and chance() < 0.2 else ids[int(chance() * len(ids))]
        address = f"{customer or f'guest{number}'}@x.example"
        return SingleRequest(f"k{number}", "t1", "shop@x.example", purpose, kind, customer, address)

    def ask(self, wanted: SingleRequest) -> None:
        """One call of the API, repeated by its client until it is answered."""

        def work(_worker: Worker) -> None:
            view = self.service.accept(TENANT, wanted)
            self.asked[view.single.id] = wanted

        self.world.job("api", work, tries=4, wait=5.0)

    def _send(self, worker: Worker, refs: list[SingleRef]) -> list[int]:
        world, end = self.world, worker.deadline
        service: SingleSender = world.build(SingleSender, self.ports | {"pacer": world.pacer()})
        failed = []
        for number, ref in enumerate(refs):
            worker.begun = world.watch.steps
            try:
                service.handle(ref, lambda: end - world.scheduler.now - _MARGIN)
            except AppError:
                failed.append(number)
        return failed

    # --- at rest -------------------------------------------------------------------------------------

    def check(self) -> None:
        """Every message that was taken has come to an end, and none that somebody waits for was lost."""
        world = self.world
        for message_id in sorted(self.asked):
            single = self.items.items.get((TENANT, message_id))
            if single is None and message_id in world.watch.lost_messages:
                continue
            if single is None:
                world.watch.broken(f"message {message_id} was taken and is gone")
                continue
            self._one(single)

    def _one(self, single: Single) -> None:
        world, watch = self.world, self.world.watch
        row = self.rows._row(_key(single))
        name = f"the {single.purpose} message to {single.customer_id}"
        if (row is None or not row.is_over) and self._is_forgotten(single):
            return
        if row is None or not row.is_over:
            watch.broken(f"{name} has not come to an end: {None if row is None else row.state}")
            return
        taken = len(watch.singles.get(single.id, ()))
        heard = f"message/{single.id}" not in world.provider.silent
        if taken and heard and row.rank < RANKS["accepted"]:
            watch.broken(f"{name} was sent, the provider spoke, and nobody knows: {row.state}")
        if not taken and row.rank >= RANKS["accepted"]:
            watch.broken(f"{name} is shown as {row.state}, and the provider never took it")
        if not taken:
            self._why_not(single, row, name)

    def _is_forgotten(self, single: Single) -> bool:
        """It came to its end between a backup and the loss, so that nothing wakes it any more."""
        waits = any(message_id == single.id for _, _, message_id in self.timers.timers)
        return single.created_at.timestamp() < self.world.watch.restored_at and not waits

    def _why_not(self, single: Single, row: Any, name: str) -> None:
        watch = self.world.watch
        known = watch.ever_closed | {c for c in self.world.people.ids if c not in self.world.people.gates}
        # Whose address the provider called impossible is suppressed, and a repeated attempt finds that.
        refused = f"message/{single.id}" in watch.refused
        fine = {
            "skipped": single.customer_id in known or row.reason in ("stale", "capped") or refused,
            "failed": refused,
            "unknown": row.doubts > 0 or row.reason == "restored",
        }
        if not fine.get(row.state, False):
            watch.broken(f"{name} was lost: {row.state}, {row.reason}")


def _key(single: Single) -> tuple[str, str, str, str]:
    return (single.tenant, single.customer_id, rules.minute_of(single), rules.key_of(single))
