"""Templates as written, e-mails as compiled, mails as one person sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from meghdoot.kernel.i18n import Language

TemplateCategory = Literal["welcome", "promotional", "transactional", "newsletter", "abandoned_cart", "reactivation"]


@dataclass(frozen=True, slots=True)
class Variable:
    """A declared variable. Without a default it is required: a person who lacks it is skipped as `render_error`."""

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template. Versions never change; campaigns pin one. `version` grows with every save."""

    tenant: str
    id: str
    version: int
    template_name: str
    template_category: TemplateCategory
    subject_line: str
    html_content: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    text_content: str | None = None
    subject_line_bn: str | None = None
    html_content_bn: str | None = None
    text_content_bn: str | None = None
    variables: tuple[Variable, ...] = ()
    is_responsive: bool = True
    is_active: bool = True
    usage_count: int = 0

    @property
    def is_marketing(self) -> bool:
        """Whether consent, caps, the legal footer and the unsubscribe headers apply."""
        return self.template_category != "transactional"

    @property
    def status(self) -> str:
        """The status that lists filter by."""
        return "active" if self.is_active else "inactive"


@dataclass(frozen=True, slots=True)
class Footer:
    """What the law wants to see: `{{postal_address}}`, `{{privacy_url}}`; the unsubscribe link is a person's own."""

    tenant_name: str
    postal_address: str
    privacy_url: str | None


@dataclass(frozen=True, slots=True)
class Link:
    """A tracked link of a run. The number, never the address, stands in the mail, so no one can redirect anywhere else."""

    number: int
    url: str


@dataclass(frozen=True, slots=True)
class PersonLinks:
    """A person's own addresses within one run. Click link n is `click_base + str(n)`."""

    click_base: str
    pixel_url: str
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class RenderedEmail:
    """What one person is sent: header-safe subject (no CR or LF), HTML and text."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A line of a check: blocking or warning, what is wrong and what to do."""

    level: Literal["blocking", "warning"]
    code: str
    message: str
    hint: str
    field: str | None = None


Context = Mapping[str, Any]
"""Plain data only: texts, numbers, booleans, lists and maps of these."""

LANGUAGE_FIELDS: dict[Language, str] = {"en": "", "bn": "_bn"}
