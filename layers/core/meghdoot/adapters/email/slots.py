"""The body of a prepared mail: static bytes with holes, and the shortest way from a person's values to what fills them.

Most values are short plain texts that look the same in text, in HTML and in quoted-printable: one test of a value says so,
and it is encoded once for all its places. Every other value takes the long way, writer by writer; both ways give the same
bytes (a property test holds them equal).
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from meghdoot.adapters.email import headers
from meghdoot.areas.content.escaping import HTML, TEXT, URL
from meghdoot.areas.content.model import Context, PersonLinks
from meghdoot.areas.content.program import MAX_OUTPUT, CompiledEmail, Evaluate, Lookup, Program, RenderFailed

SOFT = b"=\r\n"
_SHORT = 75
_MAX_BYTES = 6 * MAX_OUTPUT
_NEEDS_CODE = re.compile(r"[^ -<>-~]")
# Neither escaped in HTML nor encoded in quoted-printable; no blank at the end, so it is not empty either.
_PLAIN = re.compile(r"[ !#-%(-;?-~]{0,74}[!#-%(-;?-~]").fullmatch
_PLAIN_ADDRESS = re.compile(r"https?://[!#-%(-;?-\[\]-~]+").fullmatch
_OWN = {"_click": 0, "_pixel": 1, "unsubscribe_url": 2}
"""Names that every person has of their own, by their place in `_own`."""
_NOT_A_FIELD = frozenset({*_OWN, "privacy_url"})
_BOTH = frozenset({HTML, TEXT})
_ADDRESS_PLACES = frozenset({HTML, TEXT, URL})


def quoted_printable(text: str) -> bytes:
    """Quoted-printable (RFC 2045) with CRLF line ends and lines of at most 76 characters."""
    if len(text) <= _SHORT and _NEEDS_CODE.search(text) is None and text[-1:] != " ":
        return text.encode("ascii")
    raw = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8")
    return b2a_qp(raw, istext=True).replace(b"\n", b"\r\n")


@dataclass(slots=True)
class _Value:
    """One value of a person, in the two places where it may be plain. Cell `at` is its HTML, `at + 1` its text."""

    path: tuple[str, ...]
    writers: dict[str, Evaluate] = field(default_factory=dict)
    default: bytes | None = None
    """What stands for a missing value, where that is plain."""

    def encoded(self, context: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """The long way."""
        html, text = (self.writers.get(name) for name in (HTML, TEXT))
        return (
            quoted_printable(html(context)) if html else b"",
            quoted_printable(text(context)) if text else b"",
        )


class Body:
    """Text and HTML of one language of one run. `frame` is what stands before, between and behind them."""

    def __init__(self, compiled: CompiledEmail, frame: tuple[bytes, bytes, bytes]) -> None:
        self._compiled = compiled
        self._own: list[tuple[int, Evaluate]] = []
        self._values: dict[tuple[str, ...], _Value] = {}
        self._others: list[Evaluate] = []
        holes: list[tuple[Any, int]] = []
        self._static = [frame[0]]
        for program, following in ((compiled.text, frame[1]), (compiled.html, frame[2])):
            self._add(program, holes)
            self._static[-1] += following
        self._order = self._numbered(holes)
        # Single values first: (name, value) pairs read faster than paths.
        self._plain = [(value.path[0], value.path[1:], value) for value in self._values.values()]
        self._static_size = sum(map(len, self._static))
        self._pattern = self._interleaved()

    def _add(self, program: Program, holes: list[tuple[Any, int]]) -> None:
        for part in program.parts:
            if isinstance(part, str):
                self._static[-1] += quoted_printable(part)
            else:
                self._static[-1] += SOFT
                self._static.append(SOFT)
                holes.append(self._hole(program.slots[part]))

    def _hole(self, slot: Evaluate) -> tuple[Any, int]:
        """What fills a hole: a value and 0 for HTML or 1 for text, or a list and the place in it."""
        if isinstance(slot, Lookup) and slot.path[0] in _OWN and len(slot.path) == 1 and slot.writer in _ADDRESS_PLACES:
            return self._own, _place(self._own, (_OWN[slot.path[0]], slot))
        if not isinstance(slot, Lookup) or slot.writer not in _BOTH or slot.path[0] in _NOT_A_FIELD:
            return self._others, _place(self._others, slot)
        value = self._values.setdefault(slot.path, _Value(slot.path, default=self._default(slot.path)))
        value.writers.setdefault(slot.writer, slot)
        return value, 0 if slot.writer == HTML else 1

    def _default(self, path: tuple[str, ...]) -> bytes | None:
        given = self._compiled.constants.get(path[0]) if len(path) == 1 else None
        return given.encode("ascii") if type(given) is str and _PLAIN(given) else None

    def _numbered(self, holes: list[tuple[Any, int]]) -> Callable[[list[bytes]], tuple[bytes, ...]]:
        """From cells, as `_cells` makes them, to what fills the holes in order."""
        own = len(self._own)
        first = {id(self._own): 0, id(self._others): own + 2 * len(self._values)}
        first |= {id(value): own + 2 * n for n, value in enumerate(self._values.values())}
        numbers = [first[id(owner)] + n for owner, n in holes]
        if not numbers:
            return lambda _cells: ()
        # One number alone would answer the cell itself.
        pick = itemgetter(*numbers, 0)
        return lambda cells: pick(cells)[:-1]

    def _interleaved(self) -> list[bytes]:
        pattern = [b""] * (2 * len(self._static) - 1)
        pattern[::2] = self._static
        return pattern

    def write(
        self, head: bytes, fields: Context, personal: PersonLinks, context: Callable[[], Mapping[str, Any]]
    ) -> bytes:
        """The whole mail of one person behind its `head`. `context` is made only where it is needed. Raises RenderFailed."""
        parts = self._pattern.copy()
        parts[1::2] = self._order(self._cells(fields, personal, context))
        parts[0] = head + parts[0]
        mail = b"".join(parts)
        if len(mail) - self._static_size > _MAX_BYTES:
            raise RenderFailed(f"the mail grew beyond {_MAX_BYTES} bytes")
        return mail

    def _cells(self, fields: Context, personal: PersonLinks, context: Callable[[], Mapping[str, Any]]) -> list[bytes]:
        cells = self._addresses(personal, context)
        for name, path, value in self._plain:
            found = fields.get(name)
            for inner in path:
                found = found.get(inner) if type(found) is dict else None
            if type(found) is str and _PLAIN(found):
                plain = found.encode("ascii")
                cells += (plain, plain)
            elif found is None and value.default is not None:
                cells += (value.default, value.default)
            else:
                cells += value.encoded(context())
        if self._others:
            known = context()
            cells += [quoted_printable(evaluate(known)) for evaluate in self._others]
        return cells

    def _addresses(self, personal: PersonLinks, context: Callable[[], Mapping[str, Any]]) -> list[bytes]:
        given = (personal.click_base, personal.pixel_url, personal.unsubscribe_url)
        # Long, but of plain characters: only lines are broken, and alike in every place.
        plain = [_broken(address) if _PLAIN_ADDRESS(address) else None for address in given]
        return [plain[n] or quoted_printable(evaluate(context())) for n, evaluate in self._own]


def _broken(address: str) -> bytes:
    """Quoted-printable of a text that needs nothing but shorter lines."""
    length = len(address)
    # A line holds 75 characters and a soft break, the last one 76.
    pieces = [address[at : at + _SHORT] for at in range(0, max(1, length - 1), _SHORT)]
    if length % _SHORT == 1 and length > 1:
        pieces[-1] += address[-1]
    return "=\r\n".join(pieces).encode("ascii")


def _place(known: list[Any], wanted: Any) -> int:
    if wanted not in known:
        known.append(wanted)
    return known.index(wanted)


class Subject:
    """The header Subject of one language: bytes for everybody, or filled in for each person. Raises Invalid (`bad_header`)."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._static = None if program.slots else headers.unstructured(program.render({}), "subject")
        self._single: tuple[str, str, str] | None = None
        if len(program.slots) == 1 and [type(part) for part in program.parts].count(int) == 1:
            self._single = self._around(program)

    def _around(self, program: Program) -> tuple[str, str, str] | None:
        """What stands before and behind the one value, where a plain value makes a plain subject of it."""
        slot, at = program.slots[0], next(n for n, part in enumerate(program.parts) if isinstance(part, int))
        before, after = ("".join(map(str, side)) for side in (program.parts[:at], program.parts[at + 1 :]))
        if not isinstance(slot, Lookup) or len(slot.path) != 1 or slot.path[0] in _NOT_A_FIELD:
            return None
        plain = before.isascii() and after.isascii() and before.isprintable() and after.isprintable()
        no_word = "=?" not in before and "=" not in before[-1:] and "=?" not in after
        return (before, slot.path[0], after) if plain and no_word and before == before.lstrip() else None

    def header(self, fields: Context, context: Callable[[], Mapping[str, Any]]) -> bytes:
        """The value of the header for one person. Raises RenderFailed too."""
        if self._static is not None:
            return self._static
        if self._single is not None:
            before, name, after = self._single
            value = fields.get(name)
            if type(value) is str and _PLAIN(value):
                text = f"{before}{value}{after}"
                if len(text) <= headers.PLAIN_LINE and text[0] != " " != text[-1]:
                    return text.encode("ascii")
        return headers.unstructured(self._program.render(context()), "subject")
