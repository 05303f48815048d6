"""Customers from CSV: each row has its own fate, and the same file again changes nothing."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meghdoot.areas.consent.address_book import AddressBook
from meghdoot.areas.consent.model import Channel
from meghdoot.areas.customers.inputs import CustomerInput, UpsertResult
from meghdoot.areas.customers.model import AttributeType, AttributeValue
from meghdoot.kernel.errors import AppError, FieldError, Invalid, Malformed, Throttled, Unavailable
from meghdoot.kernel.ids import digest

MAX_ROWS = 5000
COLUMNS = {
    "external_id": "external_id", "email": "email", "phone": "phone", "first_name": "first_name",
    "last_name": "last_name", "language": "language", "timezone": "zone", "gender": "gender",
    "birth_date": "birth_date", "city": "city", "country": "country", "tags": "tags",
}  # fmt: skip
CONSENT_COLUMNS: Mapping[str, Channel] = {"email_consent": "email", "sms_consent": "sms"}
ATTRIBUTE_PREFIX = "attributes."
_YES, _NO = frozenset({"yes", "true", "1", "y"}), frozenset({"", "no", "false", "0", "n"})


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row, or a part of it, was not taken. `row` is the line of the file; the header is line 1."""

    row: int
    code: str
    message: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Totals; `rows` is the sum of created, updated, unchanged and failed."""

    rows: int
    created: int
    updated: int
    unchanged: int
    failed: int
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    given: CustomerInput
    grants: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class ImportService:
    """Imports files that fit into one request."""

    book: AddressBook

    def run(self, tenant: str, text: str, consent_text_version: str | None = None) -> ImportResult:
        """Import a file; columns are `COLUMNS`, `email_consent`, `sms_consent` and `attributes.<declared name>`.

        A grant needs `consent_text_version`, the wording that these people saw, and never undoes a withdrawal. Raises
        Malformed for what is no CSV, Invalid for unknown columns, Throttled and Unavailable: repeat the whole then.
        """
        types = {d.id: d.type for d in self.book.customers.list_attributes(tenant)}
        rows: list[_Row] = []
        errors: list[RowError] = []
        for line, cells in _lines(text, types, consent_text_version):
            try:
                rows.append(_row(line, cells, types))
            except Invalid as e:
                errors.append(_error(line, e))
        results = self.book.upsert_many(tenant, [row.given for row in rows])
        stored = Counter(result.stored for result in results if result.error is None)
        unread, refused = len(errors), sum(result.error is not None for result in results)
        evidence = f"import:{digest(tenant, text)}"
        for row, result in zip(rows, results, strict=True):
            errors += self._granted(tenant, row, result, consent_text_version, evidence)
        return ImportResult(
            rows=unread + len(results),
            created=stored["created"],
            updated=stored["updated"],
            unchanged=stored["unchanged"],
            failed=unread + refused,
            errors=tuple(sorted(errors, key=lambda e: e.row)),
        )

    def _granted(
        self, tenant: str, row: _Row, result: UpsertResult, version: str | None, evidence: str
    ) -> Iterable[RowError]:
        if result.error is not None or result.customer is None:
            yield _error(row.line, result.error or Invalid("it was not stored"))
            return
        for channel in row.grants:
            try:
                self._grant(tenant, result.customer.id, channel, version, evidence)
            except (Throttled, Unavailable):
                raise
            except AppError as e:
                yield _error(row.line, e)

    def _grant(self, tenant: str, customer_id: str, channel: Channel, version: str | None, evidence: str) -> None:
        consent = self.book.consent
        head = consent.ledger.head(tenant, customer_id, channel, "marketing")
        if head is not None and head.state == "withdrawn":
            raise Invalid.field(
                f"{channel}_consent", "withdrawn_before", "this person withdrew; only they can consent again"
            )
        if head is not None and head.state == "granted":
            return
        consent.record(
            tenant, customer_id, channel, "marketing", "granted",
            source="import", text_version=version, evidence=evidence,
        )  # fmt: skip


def _lines(text: str, types: Mapping[str, AttributeType], version: str | None) -> list[tuple[int, dict[str, str]]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, types, version)
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(found) == MAX_ROWS:
                raise Invalid(f"a file has at most {MAX_ROWS} rows", code="too_many_rows")
            # Too many cells stand under a name that no column has, and are refused with their row.
            names = [*header, *(["?"] * (len(cells) - len(header)))]
            found.append((reader.line_num, dict(zip(names, cells, strict=False))))
    except csv.Error as e:
        raise Malformed(f"line {reader.line_num} is no CSV", code="not_csv") from e
    return found


def _check_header(header: list[str], types: Mapping[str, AttributeType], version: str | None) -> None:
    wrong = [
        FieldError(name[:100], "unknown_column", "there is no such column")
        for name in header
        if not _known(name, types)
    ]
    wrong += [
        FieldError(name, "duplicate_column", "stands twice") for name, times in Counter(header).items() if times > 1
    ]
    if version is None and CONSENT_COLUMNS.keys() & set(header):
        wrong.append(FieldError("consent_text_version", "required", "consent needs the version of the wording"))
    if not header:
        raise Malformed("the file is empty", code="not_csv")
    if wrong:
        raise Invalid("the header cannot be used", fields=tuple(wrong))


def _known(name: str, types: Mapping[str, AttributeType]) -> bool:
    if name.startswith(ATTRIBUTE_PREFIX):
        return name.removeprefix(ATTRIBUTE_PREFIX) in types
    return name in COLUMNS or name in CONSENT_COLUMNS


def _row(line: int, cells: dict[str, str], types: Mapping[str, AttributeType]) -> _Row:
    if "?" in cells:
        raise Invalid("the row has more cells than the header", code="too_many_cells")
    # An empty cell says nothing: it clears no field.
    told = {name: cell.strip() for name, cell in cells.items() if cell.strip()}
    fields: dict[str, Any] = {COLUMNS[name]: cell for name, cell in told.items() if name in COLUMNS}
    if "tags" in fields:
        fields["tags"] = tuple(tag.strip() for tag in fields["tags"].split(";") if tag.strip())
    attributes = {
        name.removeprefix(ATTRIBUTE_PREFIX): _typed(name, cell, types[name.removeprefix(ATTRIBUTE_PREFIX)])
        for name, cell in told.items()
        if name.startswith(ATTRIBUTE_PREFIX)
    }
    if attributes:
        fields["attributes"] = attributes
    grants = tuple(channel for name, channel in CONSENT_COLUMNS.items() if _is_yes(name, told.get(name, "")))
    return _Row(line, CustomerInput(**fields), grants)


def _is_yes(name: str, cell: str) -> bool:
    if cell.lower() not in _YES | _NO:
        raise Invalid.field(name, "not_a_boolean", "yes or no")
    return cell.lower() in _YES


def _typed(name: str, cell: str, kind: AttributeType) -> AttributeValue:
    if kind == "boolean":
        return _is_yes(name, cell)
    if kind != "number":
        return cell
    try:
        return int(cell) if cell.lstrip("-").isdigit() else float(cell)
    except ValueError as e:
        raise Invalid.field(name, "not_a_number", "a number") from e


def _error(line: int, error: AppError) -> RowError:
    if error.fields:
        first = error.fields[0]
        return RowError(line, first.code, first.message, first.field)
    return RowError(line, error.code, error.detail)
