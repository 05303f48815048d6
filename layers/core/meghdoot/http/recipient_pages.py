"""The pages that recipients see, in their own language. Plain HTML: no script, no cookie, nothing from elsewhere."""

from __future__ import annotations

from meghdoot.areas.consent.rules import UNSUBSCRIBE_REASONS, UnsubscribeReason
from meghdoot.kernel.i18n import Language

# Our own words only, nothing that a stranger wrote: none of them needs escaping (tested).
_TEXTS: dict[Language, dict[str, str]] = {
    "en": {
        "ask_title": "Unsubscribe",
        "ask": "Do you want to stop these messages? Nothing has changed yet.",
        "why": "Why? You need not say.",
        "detail": "In your own words",
        "everything": "Stop marketing messages on every channel, not only this one",
        "button": "Unsubscribe",
        "done_title": "You are unsubscribed",
        "done": "You will get no more marketing messages here. This works at once.",
        "test_title": "This was a test",
        "test": "The message was a test. Its links change nothing.",
        "missing_title": "This link does not work",
        "missing": "The address is not complete, or it is none of ours. Please open it from the message again.",
    },
    "bn": {
        "ask_title": "বার্তা বন্ধ করুন",
        "ask": "আপনি কি এই বার্তাগুলো বন্ধ করতে চান? এখনও কিছুই বদলায়নি।",
        "why": "কেন? না বললেও চলবে।",
        "detail": "আপনার নিজের ভাষায়",
        "everything": "শুধু এখানে নয়, সব মাধ্যমেই প্রচারমূলক বার্তা বন্ধ করুন",
        "button": "বন্ধ করুন",
        "done_title": "বার্তা বন্ধ করা হয়েছে",
        "done": "এখানে আপনি আর প্রচারমূলক বার্তা পাবেন না। এটি এখনই কার্যকর।",
        "test_title": "এটি পরীক্ষামূলক বার্তা ছিল",
        "test": "বার্তাটি পরীক্ষামূলক ছিল। এর লিংকে কিছুই বদলায় না।",
        "missing_title": "লিংকটি কাজ করছে না",
        "missing": "ঠিকানাটি অসম্পূর্ণ, অথবা আমাদের নয়। অনুগ্রহ করে বার্তা থেকে আবার খুলুন।",
    },
}

_REASONS: dict[Language, dict[UnsubscribeReason, str]] = {
    "en": {
        "too_frequent": "Too many messages",
        "not_relevant": "Not what I am interested in",
        "never_subscribed": "I never asked for them",
        "privacy": "I do not want my data used for this",
        "other": "Something else",
    },
    "bn": {
        "too_frequent": "বার্তা খুব বেশি আসে",
        "not_relevant": "আমার আগ্রহের বিষয় নয়",
        "never_subscribed": "আমি কখনও চাইনি",
        "privacy": "আমার তথ্য এভাবে ব্যবহার হোক চাই না",
        "other": "অন্য কারণ",
    },
}

_STYLE = (
    "body{font:1.05rem/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color:#1a1a1a}"
    "fieldset{border:0;padding:0;margin:1rem 0}legend{font-weight:600;padding:0}label{display:block;margin:.4rem 0}"
    "textarea{width:100%;box-sizing:border-box;font:inherit}button{font:inherit;padding:.7rem 1.4rem;color:#fff;"
    "background:#1a1a1a;border:0;border-radius:.3rem}"
)


def ask_page(language: Language) -> str:
    """The question, with the form that posts to the address of this very page."""
    texts, reasons = _TEXTS[language], _REASONS[language]
    choices = "".join(
        f'<label><input type="radio" name="reason" value="{code}"> {reasons[code]}</label>'
        for code in UNSUBSCRIBE_REASONS
    )
    form = (
        f'<p>{texts["ask"]}</p><form method="post"><input type="hidden" name="page" value="1">'
        f"<fieldset><legend>{texts['why']}</legend>{choices}</fieldset>"
        f'<label>{texts["detail"]}<textarea name="detail" rows="2" maxlength="300"></textarea></label>'
        f'<label><input type="checkbox" name="everything" value="1"> {texts["everything"]}</label>'
        f'<p><button type="submit">{texts["button"]}</button></p></form>'
    )
    return _page(language, texts["ask_title"], form)


def done_page(language: Language) -> str:
    """What one sees after unsubscribing, the first time and every other."""
    return _plain(language, "done")


def test_page(language: Language) -> str:
    """What the links of a test send lead to."""
    return _plain(language, "test")


def missing_page(language: Language) -> str:
    """What an address that is none of ours leads to."""
    return _plain(language, "missing")


def _plain(language: Language, name: str) -> str:
    texts = _TEXTS[language]
    return _page(language, texts[f"{name}_title"], f"<p>{texts[name]}</p>")


def _page(language: Language, title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
