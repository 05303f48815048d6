"""Why runs are paused: a code for programs, and a sentence for people in each language. A table, not code."""

from __future__ import annotations

import re

from meghdoot.kernel.i18n import Language

RESTORED = "restored"
FAILED = "run_failed"

Sentences = dict[Language, str]

_SUSPENDED: Sentences = {
    "en": "The provider has paused the account. Read its notice, mend the cause, and resume once it sends again.",
    "bn": "মেইল সেবাদাতা অ্যাকাউন্টটি থামিয়ে দিয়েছে। তাদের নোটিশ পড়ে কারণটি ঠিক করুন, আবার চালু হলে এখান থেকে চালিয়ে যান।",
}
_SANDBOX: Sentences = {
    "en": "The sender or the account is not verified: the account is still in the provider's sandbox, or the sender "
    "lost its verification. Ask the provider for production access, or verify the sender, then resume.",
    "bn": "প্রেরক বা অ্যাকাউন্ট যাচাই করা নেই: অ্যাকাউন্টটি এখনও সেবাদাতার পরীক্ষামূলক ধাপে, অথবা প্রেরকের যাচাই বাতিল হয়েছে। "
    "প্রোডাকশন অনুমতি নিন বা প্রেরক যাচাই করুন, তারপর চালিয়ে যান।",
}
_SETUP: Sentences = {
    "en": "The provider refuses our requests: a permission, an identity or the configuration set is missing. "
    "An operator must mend the deployment, then resume.",
    "bn": "সেবাদাতা আমাদের অনুরোধ নিচ্ছে না: কোনো অনুমতি, পরিচয় বা কনফিগারেশন নেই। অপারেটর এটি ঠিক করে তারপর চালিয়ে যাবেন।",
}
SENTENCES: dict[str, Sentences] = {
    "AccountSuspendedException": _SUSPENDED,
    "SendingPausedException": _SUSPENDED,
    "BadRequestException": _SUSPENDED,
    "MessageRejected": _SANDBOX,
    "MailFromDomainNotVerifiedException": _SANDBOX,
    "NotFoundException": _SETUP,
    "AccessDeniedException": _SETUP,
    "NoCredentialsError": _SETUP,
    "ParamValidationError": _SETUP,
    "LimitExceededException": {
        "en": "The provider's daily quota is used up. Sending goes on by itself when the provider takes mail again.",
        "bn": "সেবাদাতার আজকের সীমা শেষ। সেবাদাতা আবার মেইল নিলে পাঠানো নিজে থেকেই চলবে।",
    },
    "provider_refuses": {
        "en": "The provider refuses the account for a reason that it does not name. Ask its support, then resume.",
        "bn": "সেবাদাতা কারণ না জানিয়ে অ্যাকাউন্টটি নিচ্ছে না। তাদের সহায়তা নিন, তারপর চালিয়ে যান।",
    },
    FAILED: {
        "en": "Planning the run failed. People who were planned keep their places; mend the cause, then resume.",
        "bn": "প্রচারণা প্রস্তুত করার সময় ত্রুটি হয়েছে। যাঁদের নাম তোলা হয়েছে তাঁরা থাকছেন; কারণ ঠিক করে চালিয়ে যান।",
    },
    RESTORED: {
        "en": "The run was live when the tables were restored from a backup: whom it has mailed since is not known. "
        "It cannot be resumed, only cancelled.",
        "bn": "ব্যাকআপ থেকে ডেটা ফেরানোর সময় এটি চলছিল: এরপর কাকে মেইল গেছে জানা নেই। এটি আর চালানো যাবে না, শুধু বাতিল করা যাবে।",
    },
}  # fmt: skip
"""By the code before a colon: `run_failed:States.Timeout` finds `run_failed`."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]*(:.*)?")


def pause_words(reason: str | None, language: Language) -> str | None:
    """The sentence behind a stored reason; what a person wrote is their own sentence. None for None."""
    if reason is None:
        return None
    known = SENTENCES.get(reason.partition(":")[0])
    if known is None and _CODE.fullmatch(reason) and (reason[0].isupper() or ":" in reason):
        known = SENTENCES["provider_refuses"]
    return reason if known is None else known[language]
