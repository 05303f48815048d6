"""Breakages of receipts: rows that fall, addresses that stay open, evidence that proves nothing."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

FACTS = "meghdoot.areas.messaging.rules.facts"
SERVICE = "meghdoot.areas.messaging.receipts"
MEMORY = "meghdoot.adapters.memory.messaging"

RECEIPTS = (
    Mutant("receipts", "rows may fall", MEMORY,
        "if stored is None or RANKS[stored.state] >= RANKS[row.state]:", "if stored is None:",
        "a late delivery hides a complaint"),
    Mutant("receipts", "rows never climb", SERVICE,
        "if not is_new]", "if is_new]",
        "the first word about a mail is the last"),
    Mutant("receipts", "the lowest fact wins", FACTS,
        "if key not in best or _order(row) > _order(best[key]):", "if key not in best or _order(row) < _order(best[key]):",
        "of two facts in a batch the lesser one stays"),
    Mutant("receipts", "hard bounces stay open", FACTS,
        'if fact.type == "bounced" and fact.subtype in ("hard", "suppressed"):', "if False:",
        "a dead address is written to again"),
    Mutant("receipts", "soft bounces close", FACTS,
        'fact.subtype in ("hard", "suppressed")', 'fact.subtype in ("hard", "suppressed", "soft")',
        "a full mailbox is given up"),
    Mutant("receipts", "the first soft bounce closes", SERVICE,
        'return "hard_bounce" if over else None', 'return "hard_bounce"',
        "a mailbox that is full once is given up"),
    Mutant("receipts", "complaints stay open", FACTS,
        'return None if fact.subtype in _RECORD_ONLY else "complaint"', "return None",
        "who complained is written to again"),
    Mutant("receipts", "praise closes an address", FACTS,
        'return None if fact.subtype in _RECORD_ONLY else "complaint"', 'return "complaint"',
        "`not-spam` is taken for a complaint"),
    Mutant("receipts", "made-up keys are believed", FACTS,
        "if fact.send_key != send_key(fact.message_id or fact.run_id, channel, fact.customer_id):", "if False:",
        "a notification makes a row of a message that never was"),
    Mutant("receipts", "anything proves the pipeline", SERVICE,
        "self._heard([fact for fact, row in matched if row is not None])", "self._heard([fact for fact, _ in matched])",
        "a stranger's notification counts as evidence"),
    Mutant("receipts", "nothing proves the pipeline", SERVICE,
        "self._heard([fact for fact, row in matched if row is not None])", "self._heard([])",
        "parked people wait for ever"),
    Mutant("receipts", "the watermark sinks", MEMORY,
        "self.marks[provider] = max(at, self.marks.get(provider, at))", "self.marks[provider] = at",
        "an old event takes back what a new one proved"),
)  # fmt: skip
