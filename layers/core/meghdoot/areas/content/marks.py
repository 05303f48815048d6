"""Pieces as one marked text and back, so that HTML tools can work on it without touching what is filled in later.

A mark is a number between two characters of the private use area, which no template and no value may hold. Blocks that
stand between tags are marked by comments: those alone are allowed everywhere in HTML, also between rows of a table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from meghdoot.areas.content.fold import Branch, Loop, Piece, Value
from meghdoot.areas.content.places import Scanner
from meghdoot.areas.content.program import RenderFailed

MARK = re.compile(r"<!--\ue002(\d+)\ue003-->|\ue000(\d+)\ue001")
COMMENT_MARK = re.compile(r"\ue002(\d+)\ue003")

Turn = Literal["value", "open", "next", "close"]


def bare(number: int | str) -> str:
    """The mark of a number in text and attributes."""
    return f"\ue000{number}\ue001"


@dataclass(slots=True)
class Marks:
    """What each number stands for."""

    entries: list[tuple[Turn, Piece]] = field(default_factory=list)

    def add(self, piece: Piece, turn: Turn = "value") -> int:
        """A new number."""
        self.entries.append((turn, piece))
        return len(self.entries) - 1

    def text(self, pieces: list[Piece], *, html: bool) -> str:
        """The marked text."""
        return _Writer(self, Scanner() if html else None).write(pieces)

    def pieces(self, text: str) -> list[Piece]:
        """Read a marked text back. Raises RenderFailed when a block was torn apart on the way."""
        return _Reader(self, text).read()


@dataclass(slots=True)
class _Writer:
    marks: Marks
    scanner: Scanner | None

    def write(self, pieces: list[Piece]) -> str:
        return "".join(self._piece(piece) for piece in pieces)

    def _piece(self, piece: Piece) -> str:
        if isinstance(piece, str):
            if self.scanner:
                self.scanner.feed(piece)
            return piece
        if isinstance(piece, Value):
            return bare(self.marks.add(piece))
        between = self.scanner is not None and self.scanner.state == "text"
        texts = [self._mark(piece, "open", between)]
        for index, body in enumerate(piece.bodies):
            texts += [self._mark(piece, "next", between)] if index else []
            texts.append(self.write(body))
        return "".join([*texts, self._mark(piece, "close", between)])

    def _mark(self, piece: Piece, turn: Turn, between_tags: bool) -> str:
        number = self.marks.add(piece, turn)
        return f"<!--\ue002{number}\ue003-->" if between_tags else bare(number)


class _Reader:
    def __init__(self, marks: Marks, text: str) -> None:
        self._marks = marks
        self._text = text
        self._tokens = list(MARK.finditer(text))
        self._next = 0
        self._at = 0

    def read(self) -> list[Piece]:
        pieces, turn, _ = self._body()
        if turn is not None:
            raise RenderFailed("a block of the template was torn apart by the structure of its HTML")
        return pieces

    def _body(self) -> tuple[list[Piece], Turn | None, Piece | None]:
        pieces: list[Piece] = []
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token.start() > self._at:
                pieces.append(self._text[self._at : token.start()])
            self._at, self._next = token.end(), self._next + 1
            turn, piece = self._marks.entries[int(token[1] or token[2])]
            if turn in ("next", "close"):
                return pieces, turn, piece
            pieces.append(piece if turn == "value" else self._block(piece))
        if self._at < len(self._text):
            pieces.append(self._text[self._at :])
        return pieces, None, None

    def _block(self, block: Piece) -> Piece:
        bodies: list[list[Piece]] = []
        turn: Turn | None = "next"
        while turn == "next":
            body, turn, owner = self._body()
            if owner is not block:
                raise RenderFailed("a block of the template was torn apart by the structure of its HTML")
            bodies.append(body)
        if isinstance(block, Loop):
            return Loop(block.target, block.over, tuple(bodies))
        if isinstance(block, Branch):
            return Branch(block.tests, tuple(bodies))
        raise TypeError("only blocks are opened")
