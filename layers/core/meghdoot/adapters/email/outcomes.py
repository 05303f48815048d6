"""Amazon SES's answers as data: what each refusal means for the person, the message and the run."""

from __future__ import annotations

from meghdoot.areas.messaging.model import Outcome, OutcomeKind

CODES: dict[str, OutcomeKind] = {
    "TooManyRequestsException": "retry",
    "ThrottlingException": "retry",
    "Throttling": "retry",
    "RequestLimitExceeded": "retry",
    "ExpiredTokenException": "retry",
    "LimitExceededException": "wait_quota",
    "MessageRejected": "refused",
    "BadRequestException": "refused",
    "MailFromDomainNotVerifiedException": "stop",
    "AccountSuspendedException": "stop",
    "SendingPausedException": "stop",
    "NotFoundException": "stop",
    "AccessDeniedException": "stop",
}
"""Codes that are not here are a definite no that nobody foresaw: the run stops, and no person fails for it."""

_BY_SENTENCE: tuple[tuple[str, str, OutcomeKind], ...] = (
    ("ThrottlingException", "daily message quota", "wait_quota"),
    ("Throttling", "daily message quota", "wait_quota"),
    # The sandbox, or an identity that lost its verification: the sender is at fault, not the reader.
    ("MessageRejected", "is not verified", "stop"),
    ("MessageRejected", "address blacklisted", "refused_address"),
    ("BadRequestException", "illegal address", "refused_address"),
    ("BadRequestException", "invalid address", "refused_address"),
    ("BadRequestException", "local address contains", "refused_address"),
    ("BadRequestException", "domain contains", "refused_address"),
    ("BadRequestException", "missing final '@domain'", "refused_address"),
    ("BadRequestException", "sending paused", "stop"),
)


def outcome_of(status: int, code: str, sentence: str) -> Outcome:
    """What a refusal by SES means. `status` is that of HTTP; 500 and above leaves open whether the mail was taken."""
    if status >= 500:
        return Outcome("ambiguous", code=code or str(status))
    said = sentence.lower()
    for known, part, kind in _BY_SENTENCE:
        if code == known and part in said:
            return Outcome(kind, code=code)
    if status == 429:
        return Outcome("retry", code=code)
    return Outcome(CODES.get(code, "stop"), code=code)
