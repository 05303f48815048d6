"""What must hold when all faults have stopped and the clock has run on."""

from __future__ import annotations

import gzip
import json
from collections import Counter

from meghdoot.areas.messaging.model import RANKS, Run
from meghdoot.areas.messaging.proving import RootCheck
from tests.sim.story import Story
from tests.sim.watch import WAVE
from tests.support.killing import TENANT


def check(story: Story) -> None:
    """Every run has ended, everybody has one final state, and every sum is that of the ledger."""
    world = story.world
    unknown = sum(_run(story, plan.run_id) for plan in story.plans)
    bound = world.excuses * WAVE + world.provider.ambiguous
    if unknown > bound:
        world.watch.broken(
            f"{unknown} people are unknown after {world.excuses} deaths and {world.provider.ambiguous} silences"
        )
    if not world.watch.forgot:
        if world.archives:
            _archive(story)
        _told(story)
        if story.singles is not None:
            story.singles.check()
    if not world.seal.whole:
        world.watch.broken("the seal is broken at the end")


def _run(story: Story, run_id: str) -> int:
    """Checks one run; answers how many of its people were parked or given up."""
    world, broken = story.world, story.world.watch.broken
    run = world.watch.runs.get(run_id)
    if run is None:
        broken(f"run {run_id} was never stored")
        return 0
    if run_id in world.watch.forgot:
        return 0
    if run.finished_at is None or run.status not in ("done", "cancelled"):
        broken(f"run {run_id} has not ended: {run.status}")
    letters: Counter[str] = Counter()
    addressed: Counter[str] = Counter()
    for ref in story.refs(run_id):
        text = world.chunks.items[ref].letters
        letters.update(text)
        for person, letter in zip(world.audience.files[ref], text, strict=True):
            addressed[person.customer_id] += 1
            _person(story, run, person.customer_id, letter)
    if set(letters) & set(".cu"):
        broken(f"run {run_id} still has people at {dict(letters)}")
    if run.status == "done" and (set(addressed) != set(world.people.ids) or max(addressed.values()) > 1):
        broken(f"run {run_id} addresses {len(addressed)} of {len(world.people.ids)} people")
    _sums(story, run, letters)
    if world.proves:
        _proof(story, run)
    return letters["U"] + letters["u"]


def _person(story: Story, run: Run, customer: str, letter: str) -> None:
    watch = story.world.watch
    taken = f"{run.id}/{customer}" in watch.accepted
    if letter == "a" and not taken:
        watch.broken(f"{customer} counts as accepted in {run.id}, and never was")
    if taken and letter not in "aU":
        watch.broken(f"{customer} was sent {run.id} and stands at {letter}")
    if letter in "nse" and customer not in watch.ever_closed and customer in story.world.people.gates:
        watch.broken(f"{customer} was skipped as {letter} and never said no")
    if letter == "p" and run.daily_cap is None and run.weekly_cap is None:
        watch.broken(f"{customer} was capped in {run.id}, which has no cap")
    if letter in "DhlbqytU" and letter != "U":
        watch.broken(f"{customer} was skipped as {letter} for no reason")


def _sums(story: Story, run: Run, letters: Counter[str]) -> None:
    world, broken = story.world, story.world.watch.broken
    rows = [row for row in world.rows.rows.values() if row.run_id == run.id]
    totals = dict(world.counters.totals(TENANT, run.id))
    wanted = {name: count for name, count in world.watch.sums[run.id].items() if count}
    if totals != wanted:
        broken(f"the counters of {run.id} say {totals}, the rows {wanted}")
    states = world.service.accounting(run)
    if sum(states.values()) != run.audience:
        broken(f"run {run.id} of {run.audience} people adds up to {states}")
    spoken = sum(row.state in ("delivered", "bounced", "complained") for row in rows)
    told = sum(states.get(state, 0) for state in ("delivered", "bounced", "complained"))
    heard = {row.customer_id for row in rows}
    for place in world.watch.accepted:
        run_id, customer = place.split("/")
        if run_id == run.id and customer not in heard and place not in world.provider.silent:
            broken(f"{customer} was sent {run.id}, the provider spoke, and nobody knows")
    if told != spoken:
        broken(f"{spoken} people of {run.id} have the provider's word, {told} are shown")


def _proof(story: Story, run: Run) -> None:
    """The run is proven, and what is stored is what was proven."""
    world = story.world
    check = RootCheck.begin(run, world.roots)
    for view in world.views.of(run, run.chunk_numbers):
        check.take(view)
    verdict = check.verdict()
    if not verdict.verified:
        world.watch.broken(f"run {run.id} is not what was proven: {verdict.breaks or 'there is no proof'}")


def _archive(story: Story) -> None:
    """The lake holds every row in its highest state."""
    world = story.world
    highest: dict[str, int] = {}
    for key, body in world.bucket.objects.items():
        if "/sends/" in key:
            for line in gzip.decompress(body).splitlines():
                row = json.loads(line)
                highest[row["send_key"]] = max(highest.get(row["send_key"], 0), row["rank"])
    wanted = {row.send_key: RANKS[row.state] for row in world.rows.rows.values() if row.chunk is not None}
    # The row of a single message may go back to pending before the provider has spoken.
    if {key: highest.get(key) for key in wanted} != wanted:
        world.watch.broken(f"the lake knows {len(highest)} sends, the table {len(wanted)}, or in another state")


def _told(story: Story) -> None:
    """Whoever complained, or has an address that takes nothing, is never written to again."""
    world = story.world
    for customer in sorted(world.provider.unwanted):
        gate = world.gate_store.get(TENANT, customer)
        if gate is not None and "em" not in gate.suppressed:
            world.watch.broken(f"{customer} complained or bounced, and the gate is open")
