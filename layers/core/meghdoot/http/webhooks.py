"""The addresses that providers post to. What is not believed gets an empty 403 that does not say why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from meghdoot.http.light import answer, read_request
from meghdoot.kernel.errors import AppError

BODY_LIMIT = 256 * 1024
_SNS = re.compile(r"/webhooks/sns/[A-Za-z0-9_-]{1,64}/?$")

Log = Callable[[str, Mapping[str, Any]], None]


class Inbox(Protocol):
    """Takes what a provider posts."""

    def take(self, body: bytes, headers: Mapping[str, str]) -> str:
        """Believe and keep, or raise Forbidden; Unavailable when it must come again. Answers what it was."""
        ...


@dataclass(frozen=True, slots=True)
class WebhookSite:
    """Answers events of API Gateway."""

    sns: Inbox
    log: Log

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """200 once the message is on the queue; 403 for what is not believed; 5xx makes the provider come again."""
        try:
            request = read_request(event, BODY_LIMIT)
            if not _SNS.search(request.path):
                return answer(404, "", "text/plain")
            if request.method != "POST":
                return answer(405, "", "text/plain", Allow="POST")
            kind = self.sns.take(request.body, request.headers)
        except AppError as e:
            self.log("webhook_refused", {"code": e.code})
            return answer(e.status, "", "text/plain")
        self.log("webhook_taken", {"kind": kind})
        return answer(200, "", "text/plain")
