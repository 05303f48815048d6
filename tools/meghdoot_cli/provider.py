"""Plays the e-mail provider and the people behind the addresses, at seeded rates.

It keeps the only list that counts for the promise: what was truly accepted, by whom and when. Everything a real
provider and real people would do afterwards comes back by the same roads: delivery, bounces and complaints as SES
events through the topic, opens and clicks as requests for the pixel and the links in the mail, unsubscribes as the
one-click POST of RFC 8058, purchases through the API.
"""

from __future__ import annotations

import queue
import re
import threading
import urllib.error
import urllib.request
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from typing import Any, cast

from meghdoot.kernel.assign import bucket

_OPENING_AGENT = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36"
_MACHINE_AGENT = "Mozilla/5.0"
"""What Apple's privacy proxy sends."""


@dataclass(frozen=True)
class Rates:
    """Shares in per mille of accepted (bounce), delivered (the rest) or clicked (purchase) mails."""

    bounce: int = 25
    complaint: int = 8
    machine_open: int = 90
    open: int = 380
    click_of_opened: int = 420
    unsubscribe: int = 18
    purchase_of_clicked: int = 450


@dataclass
class Accepted:
    """A mail that the provider truly took."""

    number: int
    message_id: str
    to: str
    sender: str
    raw: bytes
    tags: dict[str, str]
    at: datetime
    story: list[str] = field(default_factory=list)

    def parsed(self) -> EmailMessage:
        """The mail as a mail program reads it."""
        return cast(EmailMessage, message_from_bytes(self.raw, policy=policy.default))

    def part(self, kind: str) -> str:
        """The `html` or `plain` body, or an empty text."""
        body = self.parsed().get_body((kind,))
        return str(body.get_content()) if body is not None else ""


class LocalProvider:
    """Accepts mails, remembers them, and lets their readers act."""

    def __init__(
        self,
        publish: Callable[[dict[str, Any]], None],
        buy: Callable[[str, str], None] | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.accepted: list[Accepted] = []
        self.unsubscribed_at: dict[str, datetime] = {}
        self._publish = publish
        self.buy = buy
        self._rates = rates or Rates()
        self._work: queue.Queue[tuple[Callable[[Accepted], None], Accepted]] = queue.Queue()
        self._lock = threading.Lock()
        self._pending = 0
        self.reacting = True
        """Whether people act on their mails; test sends and `meghdoot dev` may switch it off."""
        for _ in range(2):
            threading.Thread(target=self._people, daemon=True).start()

    def send(self, request: dict[str, Any]) -> dict[str, str]:
        """Take one mail; the answer carries the provider's id, as SES does."""
        raw = b64decode(request.get("mime_base64") or request["raw"])
        with self._lock:
            number = len(self.accepted) + 1
            mail = Accepted(
                number,
                f"local-{number:07d}",
                request["to"],
                request.get("from", ""),
                raw,
                dict(request.get("tags") or {}),
                datetime.now(UTC),
            )
            self.accepted.append(mail)
            self._pending += 1
        self._work.put((self._live, mail))
        return {"MessageId": mail.message_id}

    @property
    def idle(self) -> bool:
        """Whether everybody has done what they will do."""
        return self._pending == 0

    def _people(self) -> None:
        while True:
            act, mail = self._work.get()
            try:
                if self.reacting and mail.tags:
                    act(mail)
            except (OSError, KeyError, ValueError) as e:
                mail.story.append(f"stopped: {type(e).__name__}")
            finally:
                with self._lock:
                    self._pending -= 1

    def _chance(self, what: str, mail: Accepted, per_mille: int) -> bool:
        return bucket(f"act:{what}", mail.to, 1000) < per_mille

    def _live(self, mail: Accepted) -> None:
        """One mail's life, in the order in which the world would tell it."""
        if self._chance("bounce", mail, self._rates.bounce):
            self._event(mail, "Bounce", _bounce(mail))
            return
        self._event(mail, "Delivery", {"recipients": [mail.to], "smtpResponse": "250 OK", "timestamp": _now()})
        if self._chance("machine", mail, self._rates.machine_open):
            self._get(_pixel(mail), _MACHINE_AGENT)
            mail.story.append("machine open")
        if self._chance("open", mail, self._rates.open):
            self._read(mail)
        if self._chance("complaint", mail, self._rates.complaint):
            detail = {
                "complainedRecipients": [{"emailAddress": mail.to}],
                "complaintFeedbackType": "abuse",
                "timestamp": _now(),
            }
            self._event(mail, "Complaint", detail)
        elif self._chance("unsubscribe", mail, self._rates.unsubscribe):
            self._unsubscribe(mail)

    def _read(self, mail: Accepted) -> None:
        self._get(_pixel(mail), _OPENING_AGENT)
        mail.story.append("open")
        links = tracked_links(mail)
        if not links or not self._chance("click", mail, self._rates.click_of_opened):
            return
        # Whoever clicks within four seconds of the making of a mail is taken for a scanner: people need a moment to read.
        self._later(4.6, self._click, mail)

    def _later(self, seconds: float, act: Callable[[Accepted], None], mail: Accepted) -> None:
        with self._lock:
            self._pending += 1
        timer = threading.Timer(seconds, self._work.put, ((act, mail),))
        timer.daemon = True
        timer.start()

    def _click(self, mail: Accepted) -> None:
        links = tracked_links(mail)
        self._get(links[bucket("which", mail.to, len(links))], _OPENING_AGENT)
        mail.story.append("click")
        if self.buy is not None and self._chance("purchase", mail, self._rates.purchase_of_clicked):
            self.buy(mail.to, mail.message_id)
            mail.story.append("purchase")

    def _unsubscribe(self, mail: Accepted) -> None:
        url = str(mail.parsed()["List-Unsubscribe"]).strip("<> ")
        request = urllib.request.Request(url, data=b"List-Unsubscribe=One-Click", method="POST")
        request.add_header("Content-Type", "application/x-www-form-urlencoded")
        with urllib.request.urlopen(request, timeout=20) as answer:
            answer.read()
        self.unsubscribed_at[mail.to] = datetime.now(UTC)
        mail.story.append("unsubscribe")

    def _event(self, mail: Accepted, kind: str, detail: dict[str, Any]) -> None:
        self._publish(
            {
                "eventType": kind,
                "mail": {
                    "timestamp": mail.at.isoformat().replace("+00:00", "Z"), "messageId": mail.message_id, "source": mail.sender,
                    "destination": [mail.to], "tags": {k: [v] for k, v in mail.tags.items()},
                },
                kind.lower(): detail,
            }
        )  # fmt: skip
        mail.story.append(kind.lower())

    @staticmethod
    def _get(url: str, agent: str) -> None:
        if not url:
            return
        request = urllib.request.Request(url, headers={"User-Agent": agent})
        try:
            opener = urllib.request.build_opener(_NoRedirect)
            opener.open(request, timeout=20).read()
        except urllib.error.HTTPError as e:
            if e.code not in (301, 302, 303, 307, 308):
                raise


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Following the shop's link would leave the machine."""

    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        return None


def tracked_links(mail: Accepted) -> list[str]:
    """The links of the mail that a person would click: tracked ones, without the hidden honeypot (number 0)."""
    found = re.findall(r'href="([^"]+/c/[^"]+)"', mail.part("html"))
    return [unescape(u) for u in found if not u.rstrip("/").endswith("/0")]


def _pixel(mail: Accepted) -> str:
    found = re.search(r'src="([^"]+/o/[^"]+\.gif)"', mail.part("html"))
    return unescape(found.group(1)) if found else ""


def _bounce(mail: Accepted) -> dict[str, Any]:
    recipient = {
        "emailAddress": mail.to,
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    return {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": [recipient], "timestamp": _now(), "feedbackId": mail.message_id}  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
