"""Templates, a footer and a person for tests of content and MIME."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from meghdoot.areas.content.compile import compile_email
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Footer, PersonLinks, RenderedEmail, Template, Variable
from meghdoot.areas.content.program import CompiledEmail

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
FOOTER = Footer("Acme & Sons", "12 Lake Road, Dhaka", "https://acme.example/privacy")
PERSON = PersonLinks("https://m.example/c/TOKEN/", "https://m.example/o/TOKEN", "https://m.example/u/TOKEN")
LEGAL = '<p>{{postal_address}} <a href="{{unsubscribe_url}}">stop</a></p>'


def template(html: str = "<p>Hi</p>", **changes: Any) -> Template:
    """A newsletter with this HTML and the legal footer."""
    base = Template(
        "acme", "t1", 1, "News", "newsletter", "Hello", f"<html><body>{html}{LEGAL}</body></html>", "ann", NOW, NOW
    )
    if "declared" in changes:
        changes["variables"] = tuple(Variable(name) for name in changes.pop("declared"))
    return replace(base, **changes)


def compiled(html: str = "<p>Hi</p>", links: LinkTable | None = None, **options: Any) -> CompiledEmail:
    """The English mail; `options` go to the template (`t_...`) and to the compiler."""
    of_template = {name[2:]: options.pop(name) for name in list(options) if name.startswith("t_")}
    language = options.pop("language", "en")
    table = LinkTable() if links is None else links
    return compile_email(template(html, **of_template), language, footer=FOOTER, links=table, **options)


def rendered(html: str = "<p>Hi</p>", fields: dict[str, Any] | None = None, **options: Any) -> RenderedEmail:
    """The mail of one person."""
    return compiled(html, **options).render(fields or {}, PERSON)
