"""Idempotency-Key on POST: the same key and request get the same answer for 24 hours, and the work is done once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from meghdoot.http.message import HttpResponse
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, Invalid, Malformed, Unavailable
from meghdoot.kernel.idempotency import IdempotencyStore, Remembered
from meghdoot.kernel.ids import Ids

KEPT = timedelta(hours=24)
# Longer than any request can run, so that only a dead one is taken over.
IN_PROGRESS = timedelta(seconds=60)
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Runs work at most once for a key."""

    store: IdempotencyStore
    clock: Clock
    ids: Ids

    def once(
        self,
        tenant: str,
        key: str | None,
        fingerprint: str,
        work: Callable[[], HttpResponse],
        shown_once: tuple[str, ...] = (),
    ) -> HttpResponse:
        """The answer of `work`, or the one it gave before.

        Only successes are kept: a failed request changed nothing and may be tried again under its key. Fields named in
        `shown_once` (secrets) are not kept and come back as null. Raises Invalid (`idempotency_key_reused`) for another
        request, Conflict (`idempotency_in_progress`) while the first one runs, Malformed for a key that is none.
        """
        if key is None:
            return work()
        if not _KEY.fullmatch(key):
            raise Malformed("an Idempotency-Key has 1 to 128 visible ASCII characters", code="bad_idempotency_key")
        now, token = self.clock.now(), self.ids.new()
        known = self.store.begin(tenant, key, fingerprint, token, now=now, until=now + IN_PROGRESS)
        if known is not None:
            return _replay(known, fingerprint)
        return self._run(tenant, key, fingerprint, token, work, shown_once, now)

    def _run(
        self,
        tenant: str,
        key: str,
        fingerprint: str,
        token: str,
        work: Callable[[], HttpResponse],
        shown_once: tuple[str, ...],
        now: datetime,
    ) -> HttpResponse:
        try:
            response = work()
        except Exception:
            self.store.release(tenant, key, token)
            raise
        answer = _dump(_without(response, shown_once))
        # The work is done: were the answer refused for want of a note, the caller would come again and do it twice.
        with suppress(Unavailable):
            self.store.finish(tenant, key, fingerprint, token, answer=answer, until=now + KEPT)
        return response


def _replay(known: Remembered, fingerprint: str) -> HttpResponse:
    if known.fingerprint != fingerprint:
        raise Invalid(
            "this Idempotency-Key was used for another request",
            code="idempotency_key_reused",
            hint="Use a new key for every new request; keys are kept for 24 hours.",
        )
    if known.answer is None:
        raise Conflict(
            "the first request with this Idempotency-Key is still running",
            code="idempotency_in_progress",
            retry_after=1,
        )
    status, headers, body = json.loads(known.answer)
    return HttpResponse(status, body, {**headers, "Idempotency-Replayed": "true"})


def _without(response: HttpResponse, fields: tuple[str, ...]) -> HttpResponse:
    if not fields:
        return response
    data = json.loads(response.body)
    return HttpResponse(response.status, json.dumps(data | dict.fromkeys(fields)), response.headers)


def _dump(response: HttpResponse) -> str:
    return json.dumps([response.status, dict(response.headers), response.body])
