"""`meghdoot reconcile`: every person of a run with one end, its reason and evidence, and whether the proof holds."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from meghdoot.areas.messaging.reconciling import Contradiction, Fate, Reconciliation
from meghdoot.kernel.clock import iso
from meghdoot.wiring import reconciling

_SHOWN = 20
_COLUMNS = [f.name for f in fields(Fate) if f.name != "touches"] + ["open", "click", "unsubscribe"]
Writer = Callable[[Fate], None]


def run(tenant: str, run_id: str, json_path: str | None, csv_path: str | None, touches: bool) -> int:
    """Account for a run and print the sums; 1 when anything is contradicted. Raises NotFound."""
    with ExitStack() as files:
        writers: list[Writer] = []
        finish = None
        if csv_path:
            writers.append(files.enter_context(_csv(Path(csv_path))))
        if json_path:
            write, finish = files.enter_context(_json(Path(json_path)))
            writers.append(write)
        result = account(tenant, run_id, writers, touches=touches)
        if finish is not None:
            finish(result)
    for line in lines(result):
        print(line)
    return 0 if result.holds else 1


def account(tenant: str, run_id: str, writers: list[Writer], *, touches: bool = False) -> Reconciliation:
    """The account of a run; each person goes to every writer. Raises NotFound."""

    def sink(fate: Fate) -> None:
        for write in writers:
            write(fate)

    return reconciling.service().reconcile(reconciling.run(tenant, run_id), sink, touches=touches)


def lines(result: Reconciliation) -> Iterator[str]:
    """The account for people to read."""
    yield f"run {result.run_id}, {result.status}: {result.audience:,} people planned, {sum(result.people.values()):,} accounted for"
    for state, count in sorted(result.people.items(), key=lambda pair: -pair[1]):
        yield f"  {state:24} {count:>10,}"
    if "unknown" not in result.people:
        yield f"  {'unknown':24} {0:>10,}"
    yield _root_line(result)
    for kind, count in sorted(result.found.items()):
        yield f"CONTRADICTION {kind}: {count:,}"
    for told in result.contradictions[:_SHOWN]:
        yield f"  {_where(told)}{told.words}"
    if sum(result.found.values()) > _SHOWN:
        yield "  ... (--json FILE has the first thousand)"


def _root_line(result: Reconciliation) -> str:
    if result.root.verified is None:
        return "no proof yet: it is made when every person's end is final"
    verdict = "root verified" if result.root.verified else "ROOT NOT VERIFIED"
    return f"{verdict}: {result.root.root}"


def _where(told: Contradiction) -> str:
    person = f"customer {told.customer_id}: " if told.customer_id else ""
    return person if told.chunk is None or "chunk" in told.words else f"chunk {told.chunk}, {person}"


def summary(result: Reconciliation) -> dict[str, Any]:
    """The account without its people, as plain data."""
    return {
        "run_id": result.run_id, "status": result.status, "audience": result.audience,
        "reconciled": sum(result.people.values()), "people": dict(result.people), "unknown": result.unknown,
        "root": result.root.root, "root_verified": result.root.verified, "contradictions": dict(result.found),
        "told": [asdict(told) for told in result.contradictions],
    }  # fmt: skip


def _row(fate: Fate) -> dict[str, Any]:
    row = {f.name: getattr(fate, f.name) for f in fields(fate) if f.name != "touches"} | dict(fate.touches)
    return {name: iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


@contextmanager
def _csv(path: Path) -> Iterator[Writer]:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, _COLUMNS)
        table.writeheader()
        yield lambda fate: table.writerow(_row(fate))


@contextmanager
def _json(path: Path) -> Iterator[tuple[Writer, Callable[[Reconciliation], None]]]:
    """Written as the people come, so that a million of them need no memory."""
    with path.open("w", encoding="utf-8") as file:
        before = '{"people": ['

        def write(fate: Fate) -> None:
            nonlocal before
            told = {name: value for name, value in _row(fate).items() if value is not None}
            file.write(before + "\n" + json.dumps(told, ensure_ascii=False))
            before = ","

        def finish(result: Reconciliation) -> None:
            file.write(("" if before == "," else before) + f'\n], "summary": {json.dumps(summary(result))}}}\n')

        yield write, finish
