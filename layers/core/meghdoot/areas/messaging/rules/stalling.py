"""When a run counts as waiting, and how that is said."""

from __future__ import annotations

from datetime import datetime, timedelta

from meghdoot.areas.messaging.pacing_model import Stall, StallReason
from meghdoot.kernel.i18n import Language

GRACE = timedelta(minutes=3)
"""A note is believed so long after the time for which the next try was announced: a chunk needs some time to wake."""
TOLD_AFTER = timedelta(minutes=3)
"""So long a run waits before the clock tells of it in log and metric."""

WORDS: dict[Language, dict[StallReason, str]] = {
    "en": {
        "quota": "the mail provider's quota of 24 hours is used up; the rest goes out as it frees",
        "hourly_limit": "the campaign's hourly limit is reached; it goes on with the next hour",
        "daily_limit": "the campaign's daily limit is reached; it goes on with the next day (UTC)",
        "ramp": "the new sender's volume for today is reached; it grows tomorrow (UTC)",
        "hold": "sending of this account is held",
        "provider": "the mail provider takes nothing at present",
        "rate": "other messages have all slots of the granted rate at present",
        "share": "other tenants have their turn at present",
    },
    "bn": {
        "quota": "মেইল সেবাদাতার ২৪ ঘণ্টার কোটা শেষ; জায়গা হলেই বাকিগুলো যাবে",
        "hourly_limit": "ক্যাম্পেইনের ঘণ্টাপ্রতি সীমা পূর্ণ; পরের ঘণ্টায় আবার চলবে",
        "daily_limit": "ক্যাম্পেইনের দৈনিক সীমা পূর্ণ; পরের দিন (UTC) আবার চলবে",
        "ramp": "নতুন প্রেরকের আজকের পরিমাণ পূর্ণ; আগামীকাল (UTC) তা বাড়বে",
        "hold": "এই অ্যাকাউন্টের পাঠানো স্থগিত আছে",
        "provider": "মেইল সেবাদাতা এখন কিছু নিচ্ছে না",
        "rate": "অনুমোদিত গতির সব জায়গা এখন অন্য বার্তার দখলে",
        "share": "এখন অন্য অ্যাকাউন্টের পালা",
    },
}


def is_live(stall: Stall, now: datetime) -> bool:
    """Whether the note still says how things stand."""
    return now <= stall.until + GRACE


def continues(stall: Stall, reason: StallReason, now: datetime) -> bool:
    """Whether a new note goes on with an older one."""
    return stall.reason == reason and is_live(stall, now)


def is_told(stall: Stall, now: datetime) -> bool:
    """Whether the run has waited long enough to ring for."""
    return is_live(stall, now) and now - stall.since >= TOLD_AFTER
