"""Breakages of frequency caps: windows, zones, and two campaigns at once."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

DECIDE = "meghdoot.areas.messaging.rules.decide"
COUNTED = "meghdoot.areas.messaging.rules.counted"
MEMORY = "meghdoot.adapters.memory.messaging"

CAP = (
    Mutant("cap", "daily cap passed by one", DECIDE,
        "counted.on_local_day(entries, now, zone) >= run.daily_cap", "counted.on_local_day(entries, now, zone) > run.daily_cap",
        "one more than the cap goes out on a day"),
    Mutant("cap", "weekly cap passed by one", DECIDE,
        "counted.in_rolling_week(entries, now) >= run.weekly_cap", "counted.in_rolling_week(entries, now) > run.weekly_cap",
        "one more than the cap goes out in a week"),
    Mutant("cap", "the day is that of UTC", COUNTED,
        "tz = ZoneInfo(zone)", 'tz = ZoneInfo("UTC")',
        "a person's day begins when Greenwich's does"),
    Mutant("cap", "the week is six days", COUNTED,
        "WEEK = timedelta(days=7)", "WEEK = timedelta(days=6)",
        "a message of six days ago does not count"),
    Mutant("cap", "exactly a week ago counts", COUNTED,
        "sum(e.minute > minute_of(now - WEEK) for e in entries)", "sum(e.minute >= minute_of(now - WEEK) for e in entries)",
        "a person waits a minute too long"),
    Mutant("cap", "entries forgotten early", COUNTED,
        "HORIZON = timedelta(days=8)", "HORIZON = timedelta(days=2)",
        "a key within the week is dropped"),
    Mutant("cap", "the key is not counted", DECIDE,
        "counted.write((*kept, Counted(key, counted.minute_of(now), chunk)))", "counted.write(kept)",
        "a claim leaves no trace in the gate"),
    Mutant("cap", "version left out of the claim", MEMORY,
        "if gate.version == request.expected_version and request.code in gate.granted:",
        "if request.code in gate.granted:",
        "two campaigns each overwrite what the other counted"),
    Mutant("cap", "not decided again", "meghdoot.areas.messaging.turn",
        "decisions[index] = self._decide(index, gate)\n                reason",
        "reason",
        "a refused claim is repeated with what was decided on the old gate"),
    Mutant("cap", "a full gate is no cap", DECIDE,
        "return len(entries) >= counted.MAX_ENTRIES", "return False",
        "the gate grows beyond its item"),
    Mutant("cap", "old entries never leave", COUNTED,
        "return tuple(e for e in entries if e.minute >= oldest)", "return tuple(entries)",
        "a gate fills up for ever"),
)  # fmt: skip
