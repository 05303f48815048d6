"""What compiling leaves to do per person: fill slots in static text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from meghdoot.areas.content.model import Context, PersonLinks, RenderedEmail
from meghdoot.kernel.errors import FieldError, Invalid

MAX_OUTPUT = 1_000_000
"""Characters that one part of a mail may come to."""

Evaluate = Callable[[Mapping[str, Any]], str]
"""A slot: from a person's context to text that is already escaped for its place."""


class RenderFailed(Invalid):
    """This person's mail cannot be written, mostly for want of a variable: the person is skipped as `render_error`."""

    default_code = "render_error"

    def __init__(self, detail: str, variable: str | None = None) -> None:
        fields = () if variable is None else (FieldError(variable, "missing_variable", detail),)
        super().__init__(detail, fields=fields)


_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Lookup:
    """A slot that prints one value: the most common one, so whoever fills many mails may take a shorter way for it."""

    path: tuple[str, ...]
    """`("attributes", "tier")` for `attributes.tier`."""
    writer: str
    """The name of what writes it for its place (`escaping.WRITERS`)."""
    write: Callable[[Any], str]

    def __call__(self, context: Mapping[str, Any]) -> str:
        """The value as it is written. Raises RenderFailed."""
        value: Any = context
        for name in self.path:
            value = value.get(name, _ABSENT) if isinstance(value, Mapping) else _ABSENT
        if value is _ABSENT:
            missing = ".".join(self.path)
            raise RenderFailed(f"{missing} is missing", missing)
        return self.write(value)


@dataclass(frozen=True, slots=True)
class Program:
    """Static texts and slot numbers in order. A slot that stands in several places is evaluated once a person."""

    parts: tuple[str | int, ...]
    slots: tuple[Evaluate, ...]

    def render(self, context: Mapping[str, Any]) -> str:
        """The text for one person. Raises RenderFailed."""
        values = [slot(context) for slot in self.slots]
        text = "".join([part if isinstance(part, str) else values[part] for part in self.parts])
        if len(text) > MAX_OUTPUT:
            raise RenderFailed(f"the text grew beyond {MAX_OUTPUT} characters")
        return text


@dataclass(frozen=True, slots=True)
class CompiledEmail:
    """One language of one run, ready to be filled in for any number of people."""

    subject: Program
    html: Program
    text: Program
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Defaults of variables, the footer and the campaign's own values: the same for everybody."""
    unresolved: frozenset[str] = frozenset()
    """Variables that are no field of a person and have neither a default nor a value in the campaign. Unless the
    caller's `fields` bring them, whatever prints them fails."""

    def context(self, fields: Context, personal: PersonLinks) -> dict[str, Any]:
        """What the slots are evaluated over. Empty values count as missing: nobody is greeted as "Hi ,"."""
        context = dict(self.constants)
        for name, value in fields.items():
            if type(value) is str:
                if value and not value.isspace():
                    context[name] = value
            elif (cleaned := without_empty(value)) is not None:
                context[name] = cleaned
        if "privacy_url" in self.constants:
            context["privacy_url"] = self.constants["privacy_url"]
        context["unsubscribe_url"] = personal.unsubscribe_url
        context["_click"] = personal.click_base
        context["_pixel"] = personal.pixel_url
        return context

    def render(self, fields: Context, personal: PersonLinks) -> RenderedEmail:
        """The mail as this person sees it. Raises RenderFailed for a missing variable or a value that does not fit."""
        context = self.context(fields, personal)
        return RenderedEmail(self.subject.render(context), self.html.render(context), self.text.render(context))


def without_empty(value: Any) -> Any:
    """Plain data without None and blank texts in maps; None when nothing is left of a blank text itself.

    Raises RenderFailed for anything that is not plain data.
    """
    if value is None or type(value) in (int, float, bool):
        return value
    if isinstance(value, str):
        return value if value and not value.isspace() else None
    if isinstance(value, Mapping):
        cleaned = ((str(name), without_empty(inner)) for name, inner in value.items())
        return {name: inner for name, inner in cleaned if inner is not None}
    if isinstance(value, list | tuple):
        return [without_empty(inner) for inner in value]
    raise RenderFailed(f"templates take plain data, not {type(value).__name__}")
