"""Customers and events from CSV: every row is stored, or listed with its line and the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from meghdoot.areas.customers.csv_rows import Kind, Row, RowError, customer_of, event_of, read_rows
from meghdoot.areas.customers.inputs import CustomerInput, EventInput, EventResult, UpsertResult
from meghdoot.areas.customers.model import Customer
from meghdoot.kernel.errors import AppError, Throttled, Unavailable
from meghdoot.kernel.ids import digest

BATCH_ROWS = 100
Source = Iterable[str] | BinaryIO
Fate = str | AppError
GoodRow = Callable[[Customer, Mapping[str, str]], None]
"""Called for every stored customer with the cells of columns mapped to `consent.*`. An AppError makes the row bad."""


@dataclass(slots=True)
class Totals:
    """`good + bad == total` at every moment."""

    total: int = 0
    good: int = 0
    bad: int = 0
    stored: dict[str, int] = field(default_factory=dict)
    """Good rows by fate: created, updated, unchanged, duplicate."""

    def add(self, fate: Fate | None) -> None:
        """Count one row: its fate, or an error or None for a bad one."""
        self.total += 1
        if isinstance(fate, str):
            self.good += 1
            self.stored[fate] = self.stored.get(fate, 0) + 1
        else:
            self.bad += 1


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file: totals, and one error for each bad row."""

    totals: Totals
    errors: Sequence[RowError]


class CustomerRows(Protocol):
    """What stores customers: the customer service, or the address book that also minds suppressions."""

    def upsert_many(
        self, tenant: str, given: Sequence[CustomerInput], *, declare: bool = False
    ) -> list[UpsertResult]: ...


class EventRows(Protocol):
    """What stores events: the customer service."""

    def record_events(
        self, tenant: str, given: Sequence[EventInput], *, create_missing: bool = False
    ) -> list[EventResult]: ...


@dataclass(frozen=True, slots=True)
class CsvImport:
    """How a file of a tenant is to be read."""

    tenant: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Header to field: `email`, `attributes.size:number`, `properties.sku`, `consent.source`. Other headers name a field."""
    declare: bool = False
    """Declare attributes that nobody knows yet."""
    create_missing: bool = False
    """Create the customers of events who are not known yet."""
    currency: str | None = None
    """Of amounts in rows that name none."""
    source: str = ""
    """The file's own name: with it, rows of events without an id get one of file and line, so that the file may come twice."""
    on_error: Callable[[RowError], None] | None = None
    """Told of each error at once; the report then keeps none, so that memory does not grow with the file."""

    def customers(self, source: Source, to: CustomerRows, on_good: GoodRow | None = None) -> Report:
        """Store customers. Raises Invalid for the header (nothing is stored), Throttled and Unavailable: repeat the file."""
        return self._run("customers", source, lambda rows: self._store_customers(rows, to, on_good))

    def events(self, source: Source, to: EventRows) -> Report:
        """Store events. Raises Invalid for the header (nothing is stored), Throttled and Unavailable: repeat the file."""
        return self._run("events", source, lambda rows: self._store_events(rows, to))

    def _run(self, kind: Kind, source: Source, store: Callable[[list[Row]], list[Fate]]) -> Report:
        totals = Totals()
        errors: list[RowError] = []
        tell = self.on_error or errors.append
        batch: list[Row] = []

        def flush() -> None:
            for row, fate in zip(batch, store(batch) if batch else [], strict=True):
                totals.add(fate)
                if isinstance(fate, AppError):
                    tell(_row_error(row.line, fate))
            batch.clear()

        for read in read_rows(source, kind, self.mapping):
            if isinstance(read, RowError):
                flush()  # so that errors are told in the order of their lines
                totals.add(None)
                tell(read)
                continue
            batch.append(read)
            if len(batch) >= BATCH_ROWS:
                flush()
        flush()
        return Report(totals, errors)

    def _store_customers(self, rows: list[Row], to: CustomerRows, on_good: GoodRow | None) -> list[Fate]:
        given = [_customer(row) for row in rows]
        good = [one for one in given if not isinstance(one, AppError)]
        results = iter(to.upsert_many(self.tenant, good, declare=self.declare))
        return [
            one if isinstance(one, AppError) else _customer_fate(next(results), row, on_good)
            for row, one in zip(rows, given, strict=True)
        ]

    def _store_events(self, rows: list[Row], to: EventRows) -> list[Fate]:
        given = [self._event(row) for row in rows]
        good = [one for one in given if not isinstance(one, AppError)]
        results = iter(to.record_events(self.tenant, good, create_missing=self.create_missing))
        return [one if isinstance(one, AppError) else _event_fate(next(results)) for one in given]

    def _event(self, row: Row) -> EventInput | AppError:
        # Two equal rows are two events, so the line is part of the id.
        fallback = digest("csv", self.source, str(row.line)) if self.source else None
        try:
            return event_of(row.cells, self.currency, fallback)
        except AppError as e:
            return e


def _customer(row: Row) -> CustomerInput | AppError:
    try:
        return customer_of(row.cells)
    except AppError as e:
        return e


def _customer_fate(result: UpsertResult, row: Row, on_good: GoodRow | None) -> Fate:
    if result.customer is None or result.stored is None:
        return result.error or Unavailable("the customer was not stored")
    if on_good is not None:
        try:
            on_good(result.customer, {k: v for k, v in row.cells.items() if k.startswith("consent.")})
        except (Throttled, Unavailable):
            raise
        except AppError as e:
            return e
    return result.stored


def _event_fate(result: EventResult) -> Fate:
    return result.stored or result.error or Unavailable("the event was not stored")


def _row_error(line: int, error: AppError) -> RowError:
    first = error.fields[0] if error.fields else None
    return RowError(line, first.code if first else error.code, first.field if first else None)
