"""Breakages of consent: the gate, the claim's terms, the withdrawal and what must be kept for ever."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

DECIDE = "meghdoot.areas.messaging.rules.decide"
RULES = "meghdoot.areas.consent.rules"
SERVICE = "meghdoot.areas.consent.service"
MEMORY = "meghdoot.adapters.memory.messaging"

CONSENT = (
    Mutant("consent", "consent term left out of the claim", MEMORY,
        "if gate.version == request.expected_version and request.code in gate.granted:",
        "if gate.version == request.expected_version:",
        "the claim holds the version only"),
    Mutant("consent", "no consent check in the claim", MEMORY,
        "if gate.version == request.expected_version and request.code in gate.granted:", "if True:",
        "the claim writes whatever was decided before"),
    Mutant("consent", "version forgotten by a withdrawal", RULES,
        "return replace(gate, granted=granted, version=gate.version + 1)", "return replace(gate, granted=granted)",
        "a gate changes and nobody can tell"),
    Mutant("consent", "no consent check in the decision", DECIDE,
        'if run.purpose == "marketing" and gate_code(run.channel, run.purpose) not in gate.granted:', "if False:",
        "people without consent are claimed again and again"),
    Mutant("consent", "suppression overlooked", DECIDE,
        "if CHANNEL_CODES[run.channel] in gate.suppressed:", "if False:",
        "a transactional mail goes to an address that was given up"),
    Mutant("consent", "touch skipped", DECIDE,
        'return Decision("touch", counted=gate.counted) if entry.chunk', 'return Decision("free") if entry.chunk',
        "a key that was counted before a crash is taken for consent now"),
    Mutant("consent", "erased people are sent", DECIDE,
        'if gate is None:\n        return "erased"', "if gate is None:\n        return None",
        "no gate means no objection"),
    Mutant("consent", "gates read too early", "meghdoot.areas.messaging.turn",
        'at_once = self.crowded or self.run.purpose == "transactional"', "at_once = self.crowded",
        "a transactional wave believes gates that were read waves ago"),
    Mutant("consent", "withdrawal not kept", SERVICE,
        "self.log.append(rules.withdrawal_of_entry(entry))", "pass",
        "the write-once bucket lacks a withdrawal"),
    Mutant("consent", "kept before the gate closes", SERVICE,
        "entry = self._append(draft)\n        if state == \"withdrawn\":\n            self.log.append(rules.withdrawal_of_entry(entry))",
        "if state == \"withdrawn\":\n            self.log.append(rules.withdrawal_of_entry(rules.next_entry(None, draft)))\n"
        "        entry = self._append(draft)",
        "the line is written for an act that has no place in the ledger yet"),
    Mutant("consent", "a repeated withdrawal is a new act", RULES,
        "return says_the_same and head is not None and is_closed_by(head, draft.source)", "return False",
        "a mailbox provider's retry stands in the ledger twice"),
    Mutant("consent", "complaint is no withdrawal", SERVICE,
        'if reason == "complaint" and customer_id is not None:', "if False:",
        "a complaint leaves the ledger as it was"),
    Mutant("consent", "suppression keeps the grants", RULES,
        "granted=gate.granted - set(codes),", "granted=gate.granted,",
        "an address that was given up may be claimed"),
    Mutant("consent", "unsubscribe is a click only", "meghdoot.areas.messaging.recipients",
        "        try:\n            self._withdraw(person, visit, farewell)\n",
        "        try:\n            pass\n",
        "the page says goodbye and nothing is withdrawn"),
)  # fmt: skip
