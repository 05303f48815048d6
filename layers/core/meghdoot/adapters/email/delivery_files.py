"""Files of a provider's events, one event a line, as a delivery stream writes them: recorded in as few calls as possible.

A file may come twice, or end in the middle: recording the same facts again changes nothing. A file is deleted once it was
read to its end, since its events hold addresses; lines that cannot be read are put aside, and stop nothing.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, cast

from meghdoot.adapters.email.ses_events import parse
from meghdoot.adapters.objects.store import ObjectStore
from meghdoot.areas.messaging.model import Fact
from meghdoot.areas.messaging.receipts import ReceiptService
from meghdoot.kernel.errors import AppError, Malformed, NotFound, Throttled, Unavailable

FOLDER, ASIDE = "deliveries/", "deliveries-unread/"
FACTS = 500
"""So many facts are recorded together: twenty calls of 25 rows, and one watermark."""
_GIVE_UP = 5
_LINE_LIMIT = 256 * 1024
_ASIDE_LINES = 1000
_GZIP = b"\x1f\x8b"


@dataclass(slots=True)
class TakenFile:
    """What became of a file."""

    key: str
    lines: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    """Counts of what was recorded, and of what is of no use to us by its reason."""
    unread: list[int] = field(default_factory=list)
    """Numbers, from 1, of the lines that cannot be read or that storage will never take."""
    late: list[int] = field(default_factory=list)
    """Numbers of the lines that could not be recorded now."""


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: bytes
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class DeliveryFiles:
    """The reader of files."""

    store: ObjectStore
    receipts: ReceiptService
    provider: str

    def take(self, key: str) -> TakenFile:
        """Record a file whole. A file that is gone was taken before.

        Raises Unavailable, after all that could be recorded was, when some lines could not: the file stays, and may come
        again. Raises Malformed when it breaks off, or hardly any of it can be read.
        """
        taken, aside = TakenFile(key), list[bytes]()
        with TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            try:
                self.store.download(key, path)
            except NotFound:
                taken.seen["gone"] += 1
                return taken
            with _opened(path) as file:
                for group in _groups(self._lines(file, taken, aside)):
                    self._record(group, taken, aside)
        if taken.late:
            raise Unavailable("lines could not be recorded", hint=f"from line {taken.late[0]} of {key}")
        if len(taken.unread) > _ASIDE_LINES:
            raise Malformed("this file cannot be read", code="bad_file", hint=f"{len(taken.unread)} lines of {key}")
        if aside:
            self.store.put(ASIDE + key.removeprefix(FOLDER).removesuffix(".gz"), b"\n".join(aside) + b"\n")
        self.store.delete(key)
        return taken

    def _lines(self, file: IO[bytes], taken: TakenFile, aside: list[bytes]) -> Iterator[_Line]:
        for number, text in enumerate(_texts(file), 1):
            taken.lines = number
            if not text.strip():
                continue
            try:
                parsed = parse(text.decode(), self.provider)
            except (AppError, UnicodeDecodeError):
                _put_aside(number, text, taken, aside)
                continue
            if parsed.ignored is not None:
                taken.seen[f"ignored:{parsed.ignored}"] += 1
            yield _Line(number, text, parsed.facts)

    def _record(self, group: Sequence[_Line], taken: TakenFile, aside: list[bytes]) -> None:
        """Record lines as one; when that fails, each alone, so that one line takes no other with it."""
        try:
            self._told([fact for line in group for fact in line.facts], taken)
        except Exception:  # noqa: BLE001  # whatever it is, it is met again below, by its line alone
            for line in group:
                self._record_alone(line, taken, aside)

    def _record_alone(self, line: _Line, taken: TakenFile, aside: list[bytes]) -> None:
        try:
            self._told(line.facts, taken)
        except (Throttled, Unavailable) as e:
            taken.late.append(line.number)
            if len(taken.late) >= _GIVE_UP:
                raise Unavailable("the database does not answer", hint=f"from line {taken.late[0]}") from e
        except Exception:  # noqa: BLE001  # storage will never take it: it must not stop the others
            _put_aside(line.number, line.text, taken, aside)

    def _told(self, facts: Sequence[Fact], taken: TakenFile) -> None:
        if not facts:
            return
        done = self.receipts.record(facts)
        for name in ("born", "climbed", "suppressed", "unmatched"):
            taken.seen[name] += getattr(done, name)


def key_of(body: str, bucket: str) -> str:
    """The file that a message tells of: S3's word by EventBridge. Raises Malformed for anything else."""
    try:
        detail = json.loads(body)["detail"]
        told, key = detail["bucket"]["name"], detail["object"]["key"]
    except (ValueError, KeyError, TypeError) as e:
        raise Malformed("this message names no file", code="bad_message") from e
    if told != bucket or not isinstance(key, str) or not key.startswith(FOLDER):
        raise Malformed("this message names a file of others", code="bad_message")
    return key


def _put_aside(number: int, text: bytes, taken: TakenFile, aside: list[bytes]) -> None:
    taken.unread.append(number)
    if len(aside) < _ASIDE_LINES:
        aside.append(text.rstrip(b"\n"))


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def _texts(file: IO[bytes]) -> Iterator[bytes]:
    """Lines, cut where they grow beyond any event, so that no file fills the memory."""
    try:
        while text := file.readline(_LINE_LIMIT):
            yield text
    except (EOFError, OSError) as e:
        raise Malformed("this file breaks off", code="bad_file") from e


def _groups(lines: Iterator[_Line]) -> Iterator[list[_Line]]:
    group: list[_Line] = []
    facts = 0
    for line in lines:
        group.append(line)
        facts += len(line.facts)
        if facts >= FACTS:
            yield group
            group, facts = [], 0
    if group:
        yield group
