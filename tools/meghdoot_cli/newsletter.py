"""The demo's mail: the newsletter template, filled for a music shop that misses its customers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parent / "demo_templates"
SHOP = "https://shop.example.com"
SUBJECT = "{{#if first_name}}{{ first_name }}, we miss you{{else}}We miss you{{/if}}"
SUBJECT_BN = "{{#if first_name}}{{ first_name }}, আপনাকে মনে পড়ে{{else}}আপনাকে মনে পড়ে{{/if}}"
CONTENT: dict[str, Any] = {
    "headline": "It has been quiet without you",
    "preheader": "Three records we put aside, and 10% off until Sunday.",
    "intro": "You have not been in the shop for a while. We listened to all that came in since, and kept the best three for you.",
    "products": [
        {"title": "Rivers at night, live in Sylhet", "price": 1450, "url": f"{SHOP}/rivers-at-night"},
        {"title": "The Baul sessions", "price": 1290, "url": f"{SHOP}/baul-sessions?format=cd"},
        {"title": "Monsoon piano", "price": 990, "url": f"{SHOP}/monsoon-piano"},
    ],
    "cta_text": "Come back and listen",
    "cta_link": f"{SHOP}/welcome-back",
}
CONTENT_BN: dict[str, Any] = {
    "headline": "আপনাকে ছাড়া দোকানটা বড় নীরব",
    "preheader": "আপনার জন্য তুলে রাখা তিনটি অ্যালবাম, রবিবার পর্যন্ত ১০% ছাড়।",
    "intro": "অনেক দিন আপনার দেখা নেই। এর মধ্যে যা কিছু নতুন এসেছে সব শুনেছি, আর সেরা তিনটি আপনার জন্য তুলে রেখেছি।",
    "products": [
        {"title": "রাতের নদী, সিলেটে সরাসরি", "price": 1450, "url": f"{SHOP}/rivers-at-night"},
        {"title": "বাউল আসর", "price": 1290, "url": f"{SHOP}/baul-sessions?format=cd"},
        {"title": "বর্ষার পিয়ানো", "price": 990, "url": f"{SHOP}/monsoon-piano"},
    ],
    "cta_text": "আবার শুনতে আসুন",
    "cta_link": f"{SHOP}/welcome-back",
}


def template() -> dict[str, Any]:
    """The body of `POST /templates`: HTML and text in English and Bangla with their declared variables."""
    described = json.loads((_FOLDER / "newsletter.json").read_text())
    return {
        "template_name": described["template_name"],
        "template_category": "reactivation",
        "subject_line": SUBJECT,
        "subject_line_bn": SUBJECT_BN,
        "html_content": (_FOLDER / "newsletter.html").read_text(),
        "html_content_bn": (_FOLDER / "newsletter_bn.html").read_text(),
        "text_content": (_FOLDER / "newsletter.txt").read_text(),
        "text_content_bn": (_FOLDER / "newsletter_bn.txt").read_text(),
        "variables": described["variables"],
    }
