"""The public endpoints: unsubscribe page and one-click (RFC 8058), numbered links, pixel.

Only POST to an unsubscribe address changes consent. GET shows a page; HEAD and OPTIONS change nothing at all.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from meghdoot.areas.messaging.person_token import PersonRef, TokenPurpose, read_person_token
from meghdoot.areas.messaging.recipients import Farewell, RecipientService, Visit
from meghdoot.http.light import LightRequest, answer, read_request, safe_text
from meghdoot.http.recipient_pages import ask_page, done_page, missing_page, test_page
from meghdoot.kernel.errors import AppError
from meghdoot.kernel.keyring import Keyring

BODY_LIMIT = 64 * 1024
PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAICRAEAOw==")

_MAX_DIGITS = 4
_PAGE_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_URL_SAFE = "%/:=&?~#+!$,;'@()*[]-._"

Log = Callable[[str, Mapping[str, Any]], None]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecipientSite:
    """Answers events of API Gateway. `log` gets a decision and its ids, never an address or a body."""

    service: RecipientService
    keyring: Keyring
    log: Log

    def answer(self, event: Mapping[str, Any]) -> Answer:
        """The answer to one request; problems become a status, so that nothing of ours shows."""
        try:
            request = read_request(event, BODY_LIMIT)
            result = self._route(request)
        except AppError as e:
            self.log("refused", {"code": e.code})
            return answer(e.status, "", "text/plain")
        return result | {"body": ""} if request.method == "HEAD" else result

    def _route(self, request: LightRequest) -> Answer:
        if request.method == "OPTIONS":
            return answer(204, "", "text/plain", Allow="GET, HEAD, POST, OPTIONS")
        if request.method not in ("GET", "HEAD", "POST"):
            return answer(405, "", "text/plain", Allow="GET, HEAD, POST, OPTIONS")
        match request.path.rstrip("/").split("/")[1:]:
            case [*_, "u", token]:
                return self._unsubscribe(request, token)
            case [*_] if request.method == "POST":
                return answer(405, "", "text/plain", Allow="GET, HEAD, OPTIONS")
            case [*_, "c", token, number] if number.isascii() and number.isdecimal() and len(number) <= _MAX_DIGITS:
                return self._click(request, token, int(number))
            case [*_, "o", file] if file.endswith(".gif"):
                return self._open(request, file.removesuffix(".gif"))
        return _page(404, missing_page("en"))

    def _person(self, purpose: TokenPurpose, token: str) -> PersonRef | None:
        return read_person_token(self.keyring, purpose, token)

    def _unsubscribe(self, request: LightRequest, token: str) -> Answer:
        person = self._person("unsubscribe", token)
        if person is None:
            return _page(404, missing_page("en"))
        if person.inert:
            return _page(200, test_page(person.language))
        if request.method != "POST":
            return _page(200, ask_page(person.language))
        self.service.unsubscribe(person, _visit(request), _farewell(request.form()))
        self.log("unsubscribed", _ids(person))
        return _page(200, done_page(person.language))

    def _click(self, request: LightRequest, token: str, number: int) -> Answer:
        person = self._person("click", token)
        if person is None:
            return _page(404, missing_page("en"))
        if person.inert:
            return _page(200, test_page(person.language))
        url = self.service.target(person, number)
        if request.method == "GET" and (url is not None or number == 0):
            self._kept(person, lambda: self.service.followed(person, number, _visit(request)))
        location = safe_location(url)
        if location is None:
            return _page(404, missing_page(person.language))
        return answer(302, "", "text/plain", Location=location)

    def _open(self, request: LightRequest, token: str) -> Answer:
        person = self._person("open", token)
        if person is None:
            return answer(404, "", "text/plain")
        if request.method == "GET":
            self._kept(person, lambda: self.service.opened(person, _visit(request)))
        return answer(200, PIXEL, "image/gif")

    def _kept(self, person: PersonRef, keep: Callable[[], None]) -> None:
        """Keep a touch. A reader is sent on even while the database is away; the loss is logged and alarmed on."""
        try:
            keep()
        except AppError as e:
            self.log("touch_lost", _ids(person) | {"code": e.code})


def _visit(request: LightRequest) -> Visit:
    return Visit(request.method, request.user_agent, request.ip)


def _farewell(form: Mapping[str, str]) -> Farewell:
    """What the form said. Anything that is not our page's form is a mailbox provider's one click."""
    if form.get("page") != "1":
        return Farewell("one_click")
    detail = safe_text(form.get("detail"), 300)
    return Farewell("unsubscribe_page", form.get("reason"), detail, form.get("everything") == "1")


def _ids(person: PersonRef) -> dict[str, Any]:
    return {"tenant": person.tenant, "customer_id": person.customer_id, "send_key": person.send_key}


def _page(status: int, html: str) -> Answer:
    return answer(status, html, Content_Security_Policy=_PAGE_POLICY)


def safe_location(url: str | None) -> str | None:
    """A stored address as a header may carry it, or None unless it is a web address without control characters."""
    if url is None or any(ord(ch) < 32 or ord(ch) == 127 for ch in url):
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return quote(url, safe=_URL_SAFE)
