"""Breakages of pacing: slots that two hold, limits that nobody counts, beats that are missed."""

from __future__ import annotations

from tests.mutants.mutant import Mutant

RULES = "meghdoot.areas.messaging.rules.pacing"
SHARING = "meghdoot.areas.messaging.rules.sharing"
SLOTS = "meghdoot.areas.messaging.slots"
MEMORY = "meghdoot.adapters.memory.pacer"
BEAT = "meghdoot.areas.messaging.beat"
PURSE = "meghdoot.areas.messaging.purse"

PACING = (
    Mutant("pacing", "more slots than were granted", RULES, "FILL = 0.99", "FILL = 1.2",
        "every second holds a fifth more than the provider allows"),
    Mutant("pacing", "one slot for two", MEMORY, "if page.taken & set(combs):", "if False:",
        "two senders hold the same slots"),
    Mutant("pacing", "late calls are made all the same", BEAT,
        "if self._begun - due <= LATE_SECONDS:", "if True:",
        "a slow sender calls when others' slots have come"),
    Mutant("pacing", "slots of the past", SLOTS,
        "line.held = [slot for slot in line.held if slot >= at]", "pass",
        "slots that were not used pile up and are used at once"),
    Mutant("pacing", "nobody is urgent", SLOTS,
        "demand.urgent,\n", "False,\n",
        "a receipt waits behind a million"),
    Mutant("pacing", "no room for the urgent", SHARING,
        "room = max(1, combs // ROOM_PART) if urgent else 0", "room = 0",
        "whoever is urgent next finds everything taken"),
    Mutant("pacing", "weights are not weighed", SHARING,
        "return parts | {name: each * weight for name, (weight, _) in open_.items()}",
        "return parts | {name: left / len(open_) for name in open_}",
        "all tenants get the same"),
    Mutant("pacing", "the quota of the day is not counted", PURSE,
        'found.append(Allowance(keys[0], left, "quota", until, min(demand.left, left // _QUOTA_SLICES)))', "pass",
        "the account is sent beyond its day's quota"),
    Mutant("pacing", "limits hold for each process", MEMORY,
        "got = max(0, min(wanted, limit - known))", "got = min(wanted, limit)",
        "four senders send four times what a campaign may"),
    Mutant("pacing", "new senders do not grow slowly", "meghdoot.areas.messaging.rules.allowances",
        "return RAMP_PLAN[index] if index < len(RAMP_PLAN) else None", "return None",
        "a new domain begins with a flood"),
    Mutant("pacing", "a new rate at once", SLOTS,
        "granted = reading.rate if now >= reading.switch_at else (reading.before or before)", "granted = reading.rate",
        "two senders cut one second into two grids"),
    Mutant("pacing", "slots of the next hour", SLOTS,
        "return [slot for slot in slots if slot < last]", "return slots",
        "what was counted for one hour is sent in the next"),
    Mutant("pacing", "waves of 25 at any rate", "meghdoot.areas.messaging.rules.waves",
        "return max(1, min(WAVE_SIZE, int(rate)))", "return WAVE_SIZE",
        "a slow account claims people long before it calls them"),
)  # fmt: skip
