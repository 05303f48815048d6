"""Templates."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from meghdoot.areas.content.model import Finding, RenderedEmail, Template, TemplateCategory, Variable
from meghdoot.http.schemas.common import LEFT_OUT, Answer, Body, Instant, Line, Name, PagedQuery, Plain, Ref
from meghdoot.kernel.i18n import Language

Html = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class VariableBody(Body):
    """A declared variable. Without a default it is required: a person who lacks it is skipped."""

    name: VariableName
    default: Annotated[str, StringConstraints(max_length=1000)] | None = None


class TemplateBody(Body):
    """A new template. `{{first_name}}`, `{{#if}}` and `{{#each}}` are understood, so is Jinja2."""

    template_name: Name = Field(examples=["Eid offer"])
    template_category: TemplateCategory
    subject_line: Line
    html_content: Html
    text_content: Html | None = None
    subject_line_bn: Line | None = None
    html_content_bn: Html | None = None
    text_content_bn: Html | None = None
    variables: list[VariableBody] = Field(default_factory=list, max_length=100)
    is_responsive: bool = True
    is_active: bool = True


class TemplateChange(Body):
    """What changes; every save is a new version, and running campaigns keep theirs."""

    template_name: Name = LEFT_OUT
    template_category: TemplateCategory = LEFT_OUT
    subject_line: Line = LEFT_OUT
    html_content: Html = LEFT_OUT
    text_content: Html | None = None
    subject_line_bn: Line | None = None
    html_content_bn: Html | None = None
    text_content_bn: Html | None = None
    variables: list[VariableBody] = Field(default=LEFT_OUT, max_length=100)
    is_responsive: bool = LEFT_OUT
    is_active: bool = LEFT_OUT


class VariableAnswer(Answer):
    """A declared variable."""

    name: str
    default: str | None


class TemplateAnswer(Answer):
    """A template at its newest version."""

    id: str
    version: int
    template_name: str
    template_category: TemplateCategory
    subject_line: str
    html_content: str
    text_content: str | None
    subject_line_bn: str | None
    html_content_bn: str | None
    text_content_bn: str | None
    variables: list[VariableAnswer]
    is_responsive: bool
    is_active: bool
    usage_count: int
    created_by: str
    created_at: Instant
    updated_at: Instant

    @classmethod
    def of(cls, t: Template) -> TemplateAnswer:
        """From the stored template."""
        return cls(
            id=t.id, version=t.version, template_name=t.template_name, template_category=t.template_category,
            subject_line=t.subject_line, html_content=t.html_content, text_content=t.text_content,
            subject_line_bn=t.subject_line_bn, html_content_bn=t.html_content_bn, text_content_bn=t.text_content_bn,
            variables=[VariableAnswer(name=v.name, default=v.default) for v in t.variables],
            is_responsive=t.is_responsive, is_active=t.is_active, usage_count=t.usage_count, created_by=t.created_by,
            created_at=t.created_at, updated_at=t.updated_at,
        )  # fmt: skip


def variables(bodies: list[VariableBody]) -> tuple[Variable, ...]:
    """Declared variables of a body."""
    return tuple(Variable(v.name, v.default) for v in bodies)


class TemplateListQuery(PagedQuery):
    """Templates, newest change first."""


class TemplateList(Answer):
    """Templates, newest change first."""

    templates: list[TemplateAnswer]
    after: str | None


class PreviewTemplateBody(Body):
    """Whom to render for: sample values, a language, or a real customer."""

    language: Language | None = Field(default=None, description="When left out, the customer's own, else the tenant's.")
    customer_id: Ref | None = Field(
        default=None, description="Render with this customer's fields; `data` overrules them. Needs the scope customers:read."
    )  # fmt: skip
    data: Plain = Field(default_factory=dict, examples=[{"first_name": "Rahima"}])


class RenderedAnswer(Answer):
    """The mail as that person would see it."""

    subject: str
    html: str
    text: str

    @classmethod
    def of(cls, mail: RenderedEmail) -> RenderedAnswer:
        """From a rendered mail."""
        return cls(subject=mail.subject, html=mail.html, text=mail.text)


class FindingAnswer(Answer):
    """One line of a check."""

    level: Literal["blocking", "warning"]
    code: str
    message: str
    hint: str
    field: str | None

    @classmethod
    def of(cls, f: Finding) -> FindingAnswer:
        """From a finding."""
        return cls(level=f.level, code=f.code, message=f.message, hint=f.hint, field=f.field)


class CheckAnswer(Answer):
    """What would go wrong. `ok` when nothing blocks."""

    ok: bool
    findings: list[FindingAnswer]

    @classmethod
    def of(cls, findings: list[Finding] | tuple[Finding, ...]) -> CheckAnswer:
        """From findings."""
        return cls(ok=all(f.level != "blocking" for f in findings), findings=[FindingAnswer.of(f) for f in findings])
