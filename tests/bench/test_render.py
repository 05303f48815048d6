"""CPU per recipient of writing a mail: our prepared path against the loop that a good engineer writes first.

Twice: a template of variables alone, which compiles to slots, and one with conditions and a loop over each person's own
list, which leaves blocks to Jinja2.

The baseline compiles its Jinja2 template once, signs every link by HMAC and builds an `email.message.EmailMessage`. Both
write the same newsletter (13 kB of HTML, 10 variables, 12 links) to the same people, in one process, taking turns; what
counts is the ratio of their process time. Run as a test with `-m bench`.
"""

from __future__ import annotations

import hmac
import statistics
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

import jinja2
import pytest

from meghdoot.adapters.email.mime import MimeComposers
from meghdoot.areas.content.compile import compile_email
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Footer, Template, Variable
from meghdoot.areas.messaging.model import Envelope
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.kernel.keyring import Keyring
from tests.bench.results_file import keep

ROUNDS, PEOPLE = 9, 400
REACH = {"ratio": {"at_least": 60}, "ratio_of_blocks": {"at_least": 10}}
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
KEYRING = Keyring({"k1": b"0" * 32}, "k1")
URL = "https://m.example.com"
VARIABLES = ("v1", "v2", "v3", "v4", "v5", "v6", "v7")
"""Beside first_name, unsubscribe_url and postal_address: ten in all."""
SUBJECT = "{{ first_name }}, news for you"
_FILLER = "Twelve farms sent us their first harvest of the season, picked by hand and packed the same morning. " * 7


def newsletter(href: Callable[[int], str]) -> str:
    """The HTML, with inlined styles; `href` writes the address of link n."""
    rows = "".join(
        f'<tr><td style="padding:14px 32px;font-family:Arial,sans-serif;font-size:16px;color:#1d2b27"><p>{_FILLER}'
        f"{'{{ ' + VARIABLES[n] + ' }}' if n < len(VARIABLES) else ''}</p>"
        f'<a style="color:#0f6b50;font-weight:bold" href="{href(n)}">Read more about offer {n + 1}</a></td></tr>\n'
        for n in range(12)
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><title>News</title></head><body style="margin:0;background:#eef3f1">'
        f'<h1>Hello {{{{ first_name }}}}</h1><table width="600">{rows}</table><p>{{{{ postal_address }}}} '
        '<a href="{{ unsubscribe_url }}">Unsubscribe</a></p>\n</body></html>'
    )  # fmt: skip


BLOCKS = (
    "{% if attributes.tier == 'gold' %}<p>Thank you for {{ attributes.points }} points, {{ first_name }}.</p>"
    "{% else %}<p>Gold begins at a thousand points.</p>{% endif %}"
    "<ul>{% for item in attributes.basket %}<li>{{ loop.index }}: {{ item.name }} for {{ item.price }}</li>{% endfor %}</ul>"
)
"""What no slot can hold: a condition and a loop over a person's own list."""


def with_blocks(html: str) -> str:
    """The newsletter with the blocks before its footer."""
    return html.replace("</table>", f"</table>{BLOCKS}")


def people() -> list[dict[str, Any]]:
    """Fields of each person; every tenth is written in Bangla."""
    names = ["Rahim", "Asha", "O'Neil & Sons", "Karim", "Mina", "Jo", "Lila", "Tanvir", "Sumi", "রহিমা বেগম"]
    return [
        {"first_name": names[n % 10], "attributes": attributes(n)}
        | {name: f"value {n} of {name}" for name in VARIABLES}
        for n in range(PEOPLE)
    ]


def attributes(n: int) -> dict[str, Any]:
    """What only the template with blocks reads."""
    basket = [{"name": f"Item {i}", "price": 100 * i + n} for i in range(3)]
    return {"tier": "gold" if n % 3 else "basic", "points": 1000 + n, "basket": basket}


def ours(change: Callable[[str], str] = str) -> Callable[[int, dict[str, Any]], bytes]:
    """Prepare once; the returned function signs a person's links, renders and writes the message."""
    html = change(newsletter(lambda n: f"https://shop.example.com/offer/{n}?from=mail"))
    template = Template(
        "acme", "t", 1, "News", "newsletter", SUBJECT, html, "ann", NOW, NOW, variables=tuple(map(Variable, VARIABLES))
    )
    footer = Footer("Acme", "12 Lake Road, Dhaka", None)
    compiled = compile_email(template, "en", footer=footer, links=LinkTable(), utm={"utm_source": "meghdoot"})
    composer = MimeComposers().prepare(compiled, Envelope("Acme", "news@acme.example", None, one_click=True))

    def write(n: int, fields: dict[str, Any]) -> bytes:
        links = person_links(
            URL, KEYRING, tenant="acme", run_id="0192f0c0-0000-7000-8000-000000000001",
            customer_id=f"0192f0c0-0000-7000-8000-{n:012d}", channel="email", send_key=f"{n:032x}",
        )  # fmt: skip
        return composer.mail(f"p{n}@b.example", fields, links, message_id=f"{n:032x}", date=NOW)

    return write


def _signed(purpose: str, payload: str) -> str:
    tag = hmac.new(b"0" * 32, f"{purpose}:{payload}".encode(), "sha256").digest()
    return f"{URL}/{purpose}/{payload}.{urlsafe_b64encode(tag[:16]).decode().rstrip('=')}"


def baseline(text: str, change: Callable[[str], str] = str) -> Callable[[int, dict[str, Any]], bytes]:
    """The first loop of a good engineer. It writes the text part that ours derives from the HTML."""
    env = jinja2.Environment(autoescape=True)
    pixel = '<img src="{{ pixel }}" width="1" height="1" alt=""></body>'
    html = env.from_string(change(newsletter(lambda n: f"{{{{ links[{n}] }}}}")).replace("</body>", pixel))
    plain = jinja2.Environment()
    body, subject = plain.from_string(text), plain.from_string(SUBJECT)

    def write(n: int, fields: dict[str, Any]) -> bytes:
        links = [_signed("c", f"acme.run.{n}.{link}") for link in range(1, 13)]
        unsubscribe = _signed("u", f"acme.run.{n}")
        context = {
            **fields, "links": links, "pixel": _signed("o", f"acme.run.{n}"), "unsubscribe_url": unsubscribe,
            "postal_address": "12 Lake Road, Dhaka",
        }  # fmt: skip
        message = EmailMessage()
        message["From"] = "Acme <news@acme.example>"
        message["To"] = f"p{n}@b.example"
        message["Subject"] = subject.render(context)
        message["Date"] = format_datetime(NOW)
        message["Message-ID"] = f"<{n:032x}@acme.example>"
        message["List-Unsubscribe"] = f"<{unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(body.render(context))
        message.add_alternative(html.render(context), subtype="html")
        return message.as_bytes()

    return write


def text_part() -> str:
    """The text that ours derives from the HTML, as a template."""
    values = [f"{{{{ {name} }}}}" for name in VARIABLES] + [""] * 5
    lines = [f"{_FILLER}{value}\nRead more ({{{{ links[{n}] }}}})" for n, value in enumerate(values)]
    return "Hello {{ first_name }}\n" + "\n".join(lines) + "\n{{ postal_address }} ({{ unsubscribe_url }})\n"


def spent(write: Callable[[int, dict[str, Any]], bytes], crowd: list[dict[str, Any]]) -> float:
    """Microseconds of process time a mail."""
    started = time.process_time()
    for n, fields in enumerate(crowd):
        write(n, fields)
    return (time.process_time() - started) / len(crowd) * 1e6


def compared(change: Callable[[str], str], text: str) -> tuple[list[float], float, float]:
    """Both in turns: the ratio of each round, and the median microseconds of ours and theirs."""
    crowd, mine, theirs = people(), ours(change), baseline(text, change)
    spent(mine, crowd), spent(theirs, crowd[:40])
    rounds = [(spent(mine, crowd), spent(theirs, crowd[: PEOPLE // 4])) for _ in range(ROUNDS)]
    ratios = [their / our for our, their in rounds]
    return ratios, statistics.median(our for our, _ in rounds), statistics.median(their for _, their in rounds)


def measure() -> dict[str, Any]:
    """The ratio of each round, its median and its worst, for both templates."""
    ratios, our_us, their_us = compared(str, text_part())
    blocks, our_blocks_us, their_blocks_us = compared(with_blocks, text_part() + _BLOCKS_TEXT)
    sample = ours()(0, people()[0])
    html = message_from_bytes(sample, policy=policy.default).get_body(("html",))
    return {
        "ratio": round(statistics.median(ratios), 1), "ratio_worst_round": round(min(ratios), 1), "rounds": ROUNDS,
        "ratio_of_blocks": round(statistics.median(blocks), 1), "ours_us": round(our_us, 1),
        "baseline_us": round(their_us, 1), "ours_of_blocks_us": round(our_blocks_us, 1),
        "baseline_of_blocks_us": round(their_blocks_us, 1),
        "html_bytes": len(html.get_content().encode()) if html else 0, "mail_bytes": len(sample), "variables": 10,
        "links": 12, "baseline": "jinja2 compiled once, HMAC a link, email.message.EmailMessage",
    }  # fmt: skip


_BLOCKS_TEXT = (
    "{% if attributes.tier == 'gold' %}Thank you for {{ attributes.points }} points, {{ first_name }}.\n{% else %}Gold "
    "begins at a thousand points.\n{% endif %}{% for item in attributes.basket %}{{ loop.index }}: {{ item.name }} for "
    "{{ item.price }}\n{% endfor %}"
)


@pytest.mark.bench
def test_a_mail_costs_a_sixtieth_of_the_first_loop_of_a_good_engineer() -> None:
    keep("render", measure(), REACH)
