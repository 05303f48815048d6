"""Rows of a CSV file: read strictly, columns by name, cells turned into inputs. Pure but for reading its lines.

The file is UTF-8, with or without a byte order mark, separated by commas. A row that cannot be read costs only itself:
after an unterminated quote or a broken one, reading goes on with the next line.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, BinaryIO, Literal

from meghdoot.areas.customers.inputs import CustomerInput, EventInput
from meghdoot.areas.customers.model import AttributeValue
from meghdoot.kernel.clock import parse_iso
from meghdoot.kernel.errors import FieldError, Invalid
from meghdoot.kernel.i18n import ascii_digits
from meghdoot.kernel.money import Money

Kind = Literal["customers", "events"]
MAX_COLUMNS, MAX_LINE, MAX_LINES_A_ROW = 500, 65_536, 20
_EVENT_TEXTS = ("type", "customer_id", "external_id", "email", "phone", "event_id", "order_id")
_REFERENCES = frozenset({"customer_id", "external_id", "email", "phone"})
_CUSTOMER_FIELDS = frozenset(f.name for f in fields(CustomerInput)) - {"attributes"}
_FIELDS: dict[Kind, frozenset[str]] = {
    "customers": _CUSTOMER_FIELDS,
    "events": frozenset({*_EVENT_TEXTS, "at", "amount", "currency"}),
}
_TYPE = r"(:(text|number|boolean|date))?"
_OPEN: dict[Kind, re.Pattern[str]] = {
    "customers": re.compile(rf"attributes\.[a-z][a-z0-9_]{{0,62}}{_TYPE}|consent\.[a-z_.]{{1,40}}"),
    "events": re.compile(rf"properties\.[A-Za-z_][A-Za-z0-9_.-]{{0,63}}{_TYPE}"),
}
"""Columns reach these only through the mapping. `attributes.size:number` says how the text of a cell is read."""
_FORMULA = ("'=", "'+", "'-", "'@", "'\t", "'\r")


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was not taken. `line` counts from 1 and is where the row begins; nothing of its content is kept."""

    line: int
    code: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row's cells by field; empty cells are left out."""

    line: int
    cells: Mapping[str, str]


def read_rows(source: Iterable[str] | BinaryIO, kind: Kind, mapping: Mapping[str, str]) -> Iterator[Row | RowError]:
    """Every row after the header, blank lines passed over. Raises Invalid when the header cannot be mapped."""
    records = _records(_lines(source))
    header = next(records, None)
    if header is None or isinstance(header, RowError):
        raise _header_error("header", "no_header", "the first line must name the columns, separated by commas")
    columns = _columns(header[1], kind, mapping)
    for record in records:
        yield record if isinstance(record, RowError) else _row(record, columns)


def _row(record: tuple[int, list[str]], columns: Sequence[str]) -> Row | RowError:
    line, cells = record
    if len(cells) != len(columns):
        return RowError(line, "wrong_number_of_cells")
    for column, cell in zip(columns, cells, strict=True):
        if any(0xDC80 <= ord(ch) <= 0xDCFF for ch in cell):
            return RowError(line, "not_utf8", column)
    return Row(line, {column: _restored(cell) for column, cell in zip(columns, cells, strict=True) if cell.strip()})


def _restored(cell: str) -> str:
    # Exports put an apostrophe before what a spreadsheet would take for a formula, such as +880...
    text = cell.strip(" ")
    return text[1:] if text.startswith(_FORMULA) else text


def _lines(source: Iterable[str] | BinaryIO) -> Iterator[tuple[int, str | None]]:
    """Numbered lines; None for one that is too long. Bytes that are no UTF-8 become lone surrogates, seen later."""
    read = getattr(source, "readline", None)
    raw: Iterator[str | bytes] = iter(source) if read is None else iter(lambda: read(MAX_LINE + 1), read(0))
    number, cut = 1, False
    for piece in raw:
        text = piece.decode("utf-8", "surrogateescape") if isinstance(piece, bytes) else piece
        if number == 1 and not cut:
            if "\x00" in text or text.startswith(("\udcff\udcfe", "\udcfe\udcff")):
                raise _header_error("header", "not_utf8", "the file must be UTF-8")
            text = text.removeprefix("\ufeff")
        ends = read is None or text.endswith("\n") or len(piece) <= MAX_LINE
        if ends:
            yield number, None if cut or len(text) > MAX_LINE else text
            number += 1
        cut = not ends


def _records(lines: Iterator[tuple[int, str | None]]) -> Iterator[tuple[int, list[str]] | RowError]:
    """Records of one or more lines. A record that does not end is an error at its first line, and costs only that."""
    waiting: deque[tuple[int, str | None]] = deque()
    while waiting or (line := next(lines, None)) is not None:
        if not waiting and line is not None:
            waiting.append(line)
        number, text = waiting.popleft()
        if text is None:
            yield RowError(number, "line_too_long")
            continue
        if text.strip():
            yield _record(number, text, waiting, lines)


def _record(
    number: int, text: str, waiting: deque[tuple[int, str | None]], lines: Iterator[tuple[int, str | None]]
) -> tuple[int, list[str]] | RowError:
    used = 0
    while True:
        try:
            cells = next(csv.reader([text], strict=True))
        except csv.Error as e:
            if "unexpected end of data" not in str(e):
                return RowError(number, "broken_quotes")
        else:
            for _ in range(used):
                waiting.popleft()
            return number, cells
        if used == len(waiting) and (more := next(lines, None)) is not None:
            waiting.append(more)
        following = waiting[used][1] if used < len(waiting) else None
        if following is None or used + 1 >= MAX_LINES_A_ROW:
            return RowError(number, "unterminated_quote")
        text += following if text.endswith("\n") else f"\n{following}"
        used += 1


def _header_error(field: str, code: str, message: str) -> Invalid:
    return Invalid.field(field, code, message)


def _columns(header: Sequence[str], kind: Kind, mapping: Mapping[str, str]) -> list[str]:
    names = [name.strip() for name in header]
    if len(names) > MAX_COLUMNS:
        raise _header_error("header", "too_many_columns", f"at most {MAX_COLUMNS} columns")
    columns = [mapping.get(name, name) for name in names]
    wrong = [
        FieldError(
            name[:64] or "header", "unknown_column", "map it to a field or an attribute; commas separate columns"
        )
        for name, column in zip(names, columns, strict=True)
        if not _is_column(kind, name, column, mapping)
    ]
    wrong += [
        FieldError(c[:64], "duplicate_column", "named twice") for c in dict.fromkeys(columns) if columns.count(c) > 1
    ]
    wrong += [FieldError(name[:64], "missing_column", "is not in the file") for name in mapping if name not in names]
    if not _REFERENCES.intersection(columns) or (kind == "events" and "type" not in columns):
        wrong.append(FieldError("header", "missing_column", "an identity (and for events a type) is needed"))
    if wrong:
        raise Invalid("the columns cannot be mapped", fields=tuple(wrong))
    return columns


def _is_column(kind: Kind, name: str, column: str, mapping: Mapping[str, str]) -> bool:
    return column in _FIELDS[kind] or (name in mapping and _OPEN[kind].fullmatch(column) is not None)


def customer_of(cells: Mapping[str, str]) -> CustomerInput:
    """The customer of a row: empty cells change nothing. Raises Invalid."""
    given: dict[str, Any] = {name: text for name, text in cells.items() if name in _CUSTOMER_FIELDS}
    if "tags" in given:
        given["tags"] = tuple(tag.strip() for tag in given["tags"].split("|") if tag.strip())
    if "is_active" in given:
        given["is_active"] = typed_cell("is_active", given["is_active"], "boolean")
    if attributes := _open_cells(cells, "attributes."):
        given["attributes"] = attributes
    return CustomerInput(**given)


def event_of(cells: Mapping[str, str], currency: str | None, fallback_id: str | None) -> EventInput:
    """The event of a row. `currency` is of amounts in rows that name none. Raises Invalid."""
    texts: dict[str, Any] = {name: cells.get(name) for name in _EVENT_TEXTS}
    texts["type"] = texts["type"] or ""
    texts["event_id"] = texts["event_id"] or fallback_id
    at, amount = cells.get("at"), cells.get("amount")
    return EventInput(
        **texts,
        at=None if at is None else _instant(at),
        amount=None if amount is None else _money(amount, cells.get("currency", currency)),
        properties=_open_cells(cells, "properties."),
    )


def _instant(text: str) -> Any:
    try:
        return parse_iso(text)
    except ValueError as e:
        raise Invalid.field("at", "invalid_time", "an instant with an offset, such as 2026-01-05T09:00:00Z") from e


def _money(text: str, currency: str | None) -> Money:
    try:
        if not currency:
            raise ValueError("no currency")
        return Money.of(ascii_digits(text), currency)
    except ValueError as e:
        raise Invalid.field("amount", "invalid_amount", "a decimal and a currency are wanted") from e


def _open_cells(cells: Mapping[str, str], prefix: str) -> dict[str, AttributeValue]:
    found: dict[str, AttributeValue] = {}
    for column, text in cells.items():
        if column.startswith(prefix):
            name, _, type_ = column.removeprefix(prefix).partition(":")
            found[name] = typed_cell(prefix + name, text, type_ or "text")
    return found


def typed_cell(field: str, text: str, type_: str) -> AttributeValue:
    """A cell's text as a value of its type. Raises Invalid."""
    if type_ == "boolean":
        if text.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise Invalid.field(field, "not_a_boolean", "true or false is wanted")
        return text.lower() in ("true", "1", "yes")
    if type_ == "number":
        digits = ascii_digits(text)
        if not re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", digits):
            raise Invalid.field(field, "not_a_number", "a number is wanted")
        return float(digits) if "." in digits else int(digits)
    return text
