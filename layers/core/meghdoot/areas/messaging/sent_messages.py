"""The message that one person of a run was sent: written again from what was pinned, and held against its hash."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from meghdoot.areas.messaging.mails import Mails
from meghdoot.areas.messaging.model import LETTER_SKIPS, ChunkRef, Recipient, Run, SendRow
from meghdoot.areas.messaging.ports import Audience, Chunks, Runs, SendRows
from meghdoot.areas.messaging.rules import fate, proof
from meghdoot.areas.messaging.rules.keys import run_minute, send_key
from meghdoot.areas.messaging.run_records import stored_run
from meghdoot.kernel.assign import bucket
from meghdoot.kernel.errors import AppError, NotFound
from meghdoot.kernel.keyring import Keyring

Verified = Literal["true", "false", "unknown"]

_AUDIENCE = "audience"
_NEVER_SENT = (".", "x", *LETTER_SKIPS)


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message as it was sent, as far as that can be shown."""

    run_id: str
    customer_id: str
    chunk: int
    state: str
    reason: str
    to: str | None
    sent_at: datetime | None
    provider: str | None
    provider_id: str | None
    mail_hash: str | None
    """Of the message that left, as its send row keeps it."""
    verified: Verified
    words: str
    """Why, in a sentence."""
    raw: bytes | None = None
    """The message written again: byte for byte what left where `verified` is true."""


@dataclass(frozen=True, slots=True)
class SentMessageService:
    """Finds a person's message without an index, and writes it again."""

    runs: Runs
    chunks: Chunks
    audience: Audience
    rows: SendRows
    mails: Mails

    def message(self, tenant: str, run_id: str, customer_id: str) -> SentMessage:
        """The message of a run to a customer. Raises NotFound for a run or for somebody whom the run did not address."""
        run = stored_run(self.runs, tenant, run_id)
        row = self._row(run, customer_id)
        found = self._found(run, customer_id, row)
        if found is None:
            raise NotFound("the run did not address this customer", code="not_in_the_run")
        ref, person = found
        chunk = self.chunks.get(ref)
        letter = chunk.letters[person.index] if chunk is not None and person.index < len(chunk.letters) else ""
        end = fate.end_of(letter, row) if letter else fate.End("unknown", "the_chunk_is_gone")
        told = SentMessage(
            run.id, customer_id, ref.number, end.state, end.reason, person.address, _sent_at(row),
            row.provider if row else None, row.provider_id if row else None, row.mail_hash if row else None, "unknown", "",
        )  # fmt: skip
        if row is None and letter in _NEVER_SENT:
            return replace(told, words="no message was written to this person")
        return self._written(told, run, person, row)

    def _row(self, run: Run, customer_id: str) -> SendRow | None:
        key = send_key(run.id, run.channel, customer_id)
        return self.rows.get_many(run.tenant, [(customer_id, run_minute(run.started_at), key)]).get(key)

    # --- where the person stands ----------------------------------------------------------------------------------
    def _found(self, run: Run, customer_id: str, row: SendRow | None) -> tuple[ChunkRef, Recipient] | None:
        for number in self._candidates(run, customer_id, row):
            ref = ChunkRef(run.tenant, run.id, number)
            person = next((p for p in self._people(ref) if p.customer_id == customer_id), None)
            if person is not None:
                return ref, person
        return None

    def _candidates(self, run: Run, customer_id: str, row: SendRow | None) -> Iterator[int]:
        """The chunk that the row names, else the one in which the order of planning puts the person."""
        if row is not None and row.chunk is not None:
            yield row.chunk
        numbers = run.numbers_of(bucket(_AUDIENCE, customer_id, run.slices))
        low, high = 0, len(numbers)
        # People of a slice stand in the order of their ids over all its chunks: the last one that begins not behind ours.
        while low < high:
            middle = (low + high) // 2
            people = self._people(ChunkRef(run.tenant, run.id, numbers[middle]))
            if people and people[0].customer_id <= customer_id:
                low = middle + 1
            else:
                high = middle
        if low:
            yield numbers[low - 1]

    def _people(self, ref: ChunkRef) -> list[Recipient]:
        try:
            return self.audience.read(ref)
        except NotFound:
            return []

    # --- writing it again -----------------------------------------------------------------------------------------
    def _written(self, told: SentMessage, run: Run, person: Recipient, row: SendRow | None) -> SentMessage:
        at = told.sent_at or run.started_at
        key_id = row.key_id if row else None
        ring = self.mails.keyring
        if key_id is not None and key_id not in ring.keys:
            words = (
                f"the key {key_id} that signed its links is no longer in the keyring; its links cannot be written again"
            )
            return self._content(told, run, person, at, ring, words)
        if row is None:
            words = "the provider has not spoken of it yet, so its hash and second are not known"
            return self._content(told, run, person, at, ring, words)
        if row.mail_hash is None or row.mailed_at is None:
            return self._content(told, run, person, at, ring, "it left before hashes of messages were kept")
        rings = [replace(ring, current=key_id)] if key_id else [replace(ring, current=name) for name in ring.keys]
        return self._compared(told, run, person, at, rings)

    def _compared(
        self, told: SentMessage, run: Run, person: Recipient, at: datetime, rings: list[Keyring]
    ) -> SentMessage:
        for ring in rings:
            made = self._content(told, run, person, at, ring, "")
            if made.raw is None:
                return made
            if proof.mail_hash(made.raw) == told.mail_hash:
                return replace(
                    made, verified="true", words="written again byte for byte: the hash is that of what left"
                )
        words = "what is stored gives another message than the one that left: content, person or software has changed"
        return replace(made, verified="false", words=words)

    def _content(
        self, told: SentMessage, run: Run, person: Recipient, at: datetime, ring: Keyring, words: str
    ) -> SentMessage:
        try:
            mail = replace(self.mails, keyring=ring).mail(run, told.chunk, person, at)
        except NotFound:
            gone = f"version {run.content.template_version} of template {run.content.template_id} is gone"
            return replace(told, words=gone)
        except AppError as e:
            return replace(told, words=f"it cannot be written any more: {e.detail}")
        return replace(told, words=words, raw=mail.raw)


def _sent_at(row: SendRow | None) -> datetime | None:
    if row is None or row.mailed_at is None:
        return None
    return datetime.fromtimestamp(row.mailed_at, UTC)
