"""Criteria over a tenant's snapshot with DuckDB: `ports.QueryEngine` of segments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from meghdoot.adapters.lake.compactor import archive_prefix, read_manifest, unread
from meghdoot.adapters.lake.files import FileCache
from meghdoot.adapters.lake.manifest import Manifest, Manifests
from meghdoot.adapters.lake.session import json_lines, parquet, row_groups, session
from meghdoot.adapters.objects.store import ObjectStore
from meghdoot.areas.segments.cursor import Order
from meghdoot.areas.segments.days import instant
from meghdoot.areas.segments.model import Count, SegmentCustomer, Snapshot, SortKey
from meghdoot.areas.segments.plan import Column, Context, Every, Leaf, OneOf, PlanNode, Some
from meghdoot.areas.segments.resolve import plan
from meghdoot.areas.segments.sql import Statement, where
from meghdoot.kernel.errors import NotFound
from meghdoot.kernel.paging import Page

ACTIVE = Leaf(Column("is_active"), OneOf((True,)))
_PERSON = {"customers": "id", "events": "customer_id", "sends": "customer_id", "touches": "customer_id"}
_LAST = "\U0010ffff"
"""Behind every id: the last code point, which is no character."""


@dataclass(frozen=True)
class Lake:
    """Opens a tenant's snapshot as views: customers, events, purchases, sends, touches; the erased are already gone."""

    store: ObjectStore
    manifests: Manifests
    folder: Path
    memory_mb: int = 512
    threads: int = 2

    @contextmanager
    def open(self, tenant: str, kinds: Sequence[str]) -> Iterator[tuple[Any, Snapshot]]:
        """A locked connection with views of these kinds, and the snapshot that they show."""
        manifest, files = self._files(tenant, kinds)
        with session(self.folder, memory_mb=self.memory_mb, threads=self.threads) as connection:
            erased = (
                f"{parquet('tombstones', files['tombstones'])} UNION ALL {json_lines('tombstones', files['erased'])}"
            )
            connection.execute(f"CREATE VIEW erased AS {erased}")
            for kind in kinds:
                # A tombstone counts from the moment it is in the archive, before any compaction.
                rows = (
                    f"SELECT * FROM ({parquet(kind, files[kind])}) r ANTI JOIN erased ON erased.id = r.{_PERSON[kind]}"  # noqa: S608 - our own names
                )
                connection.execute(f"CREATE VIEW {kind} AS {rows}")
            if "customers" in kinds:
                connection.execute(f"CREATE VIEW cuts AS {row_groups(files['customers'], 'id')}")
            if "events" in kinds:
                connection.execute("CREATE VIEW purchases AS SELECT * FROM events WHERE type = 'purchase'")
            yield connection, manifest.snapshot

    def _files(self, tenant: str, kinds: Sequence[str]) -> tuple[Manifest, dict[str, list[Path]]]:
        try:
            return self._copies(tenant, kinds)
        except NotFound:
            # The manifest was replaced, and its files deleted, while we were reading it: the next one is there.
            return self._copies(tenant, kinds)

    def _copies(self, tenant: str, kinds: Sequence[str]) -> tuple[Manifest, dict[str, list[Path]]]:
        manifest = read_manifest(self.store, self.manifests, tenant)
        cache = FileCache(self.store, self.folder)
        files = {
            kind: cache.local((key, "") for key in manifest.files.get(kind, ())) for kind in [*kinds, "tombstones"]
        }
        erased = unread(manifest, self.store.list(f"{archive_prefix(tenant)}tombstones/"))
        files["erased"] = cache.local((found.key, found.etag) for found in erased)
        cache.trim(path for paths in files.values() for path in paths)
        return manifest, files


@dataclass(frozen=True)
class DuckDbEngine:
    """`ports.QueryEngine`. `currency_of` names a tenant's currency, in which amounts of criteria are meant."""

    lake: Lake
    currency_of: Callable[[str], str]

    def snapshot(self, tenant: str) -> Snapshot:
        """The newest snapshot."""
        return read_manifest(self.lake.store, self.lake.manifests, tenant).snapshot

    def count(self, tenant: str, criteria: Mapping[str, Any], *, now: datetime, zone: str) -> Count:
        """How many active customers meet the criteria."""
        statement, condition = self._condition(tenant, [criteria], now, zone)
        with self.lake.open(tenant, _kinds(statement)) as (connection, snapshot):
            sql = f"SELECT count(*) FROM {statement.relation()} WHERE {condition}"  # noqa: S608 - values are bound
            return Count(int(connection.execute(sql, statement.parameters).fetchone()[0]), snapshot)

    def page(
        self,
        tenant: str,
        criteria: Mapping[str, Any],
        *,
        now: datetime,
        zone: str,
        sort: SortKey,
        descending: bool,
        limit: int,
        after: str | None,
    ) -> Page[SegmentCustomer]:
        """Customers in order. Raises Malformed (`bad_cursor`) for an `after` of another order."""
        order = Order(sort, descending)
        position = None if after is None else order.read(after)
        statement, condition = self._condition(tenant, [criteria], now, zone)
        sql = _page_sql(statement, condition, order, position, limit)
        with self.lake.open(tenant, ("customers", "events")) as (connection, _):
            rows = [_customer(row) for row in connection.execute(sql, statement.parameters).fetchall()]
        more = len(rows) > limit
        return Page(tuple(rows[:limit]), order.write(rows[limit - 1]) if more else None)

    def members(
        self, tenant: str, criteria: list[Mapping[str, Any]], *, now: datetime, zone: str, slice_: int, slices: int
    ) -> Iterator[str]:
        """Ids of a slice in order. Asks for one row group of customers after the other, so that memory stays bounded."""
        if not criteria:
            return
        statement, condition = self._condition(tenant, criteria, now, zone, ranged=True)
        mine = f"c.slot % {statement.bind(slices)}::UBIGINT = {statement.bind(slice_)}::UBIGINT"
        near = "c.id >= $low AND c.id < $high"
        sql = f"SELECT c.id FROM {statement.relation()} WHERE {near} AND {mine} AND {condition} ORDER BY c.id"  # noqa: S608
        with self.lake.open(tenant, _kinds(statement)) as (connection, _):
            for low, high in _ranges(connection):
                rows = connection.execute(sql, {**statement.parameters, "low": low, "high": high}).fetchall()
                yield from (row[0] for row in rows)

    def _condition(
        self, tenant: str, criteria: Sequence[Mapping[str, Any]], now: datetime, zone: str, *, ranged: bool = False
    ) -> tuple[Statement, str]:
        context = Context.of(now, zone, self.currency_of(tenant))
        nodes: tuple[PlanNode, ...] = tuple(plan(tree, context) for tree in criteria)
        statement = Statement(context, ranged)
        return statement, where(Every((ACTIVE, Some(nodes))), statement)


def _ranges(connection: Any) -> list[tuple[str, str]]:
    """Ranges that together hold every id once: cut where row groups begin, since the files are sorted by id."""
    cuts = [row[0] for row in connection.execute("SELECT DISTINCT low FROM cuts ORDER BY low").fetchall()]
    return list(pairwise(["", *cuts, _LAST]))


def _kinds(statement: Statement) -> tuple[str, ...]:
    return ("customers", "events") if statement.aggregates else ("customers",)


def _page_sql(statement: Statement, condition: str, order: Order, position: tuple[int, str] | None, limit: int) -> str:
    total = f"coalesce({statement.aggregate('sum', None)}, 0)::BIGINT"
    orders = f"coalesce({statement.aggregate('count', None)}, 0)::BIGINT"
    last = statement.aggregate("last", None)
    key = {
        "customer_lifetime_value": total, "total_orders": orders, "customer_id": "0::BIGINT",
        "last_purchase_date": f"coalesce({last}, {order.never})::BIGINT",
    }[order.sort]  # fmt: skip
    down = order.descending
    id_down = down and order.sort == "customer_id"
    beyond = ""
    if position is not None:
        value, customer = statement.bind(position[0]), statement.bind(position[1])
        id_test = f"c.id {'<' if id_down else '>'} {customer}"
        beyond = f" AND ({key} {'<' if down else '>'} {value} OR ({key} = {value} AND {id_test}))"
    by = f"{key} {'DESC' if down else 'ASC'}, c.id {'DESC' if id_down else 'ASC'}"
    columns = f"c.id, {total}, {orders}, {last}"
    source = f"{statement.relation()} WHERE {condition}{beyond}"
    return f"SELECT {columns} FROM {source} ORDER BY {by} LIMIT {statement.bind(limit + 1)}"  # noqa: S608 - all bound


def _customer(row: tuple[Any, ...]) -> SegmentCustomer:
    return SegmentCustomer(row[0], int(row[1]), int(row[2]), None if row[3] is None else instant(int(row[3])))
