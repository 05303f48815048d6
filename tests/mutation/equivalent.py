"""Mutations that change nothing that anybody can see, and why."""

from __future__ import annotations

_PREFIX = "both codes of a channel begin with the same two letters"
_NOBODY = "no count is below zero, and a state with nobody in it is left out"

EQUIVALENT: dict[str, str] = {
    "consent.rules:gate_suppressed: 0 -> 1": _PREFIX,
    "consent.rules:gate_suppressed: 0 -> -1": _PREFIX,
    "consent.rules:gate_lifted: 0 -> 1": _PREFIX,
    "consent.rules:gate_lifted: 0 -> -1": _PREFIX,
    "messaging.rules.accounting:accounting: 0 -> -1": _NOBODY,
}
