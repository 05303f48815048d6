"""Use cases of templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from meghdoot.areas.content.compile import compile_email
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import (
    Context,
    Finding,
    Footer,
    PersonLinks,
    RenderedEmail,
    Template,
    TemplateCategory,
    Variable,
)
from meghdoot.areas.content.ports import Templates, TemplateUses, TemplateVersions
from meghdoot.areas.content.rules import blocking, check_template
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import FieldError, Invalid, NotFound, Stale
from meghdoot.kernel.i18n import Language, nfc
from meghdoot.kernel.ids import Ids
from meghdoot.kernel.paging import Page

INERT_LINKS = PersonLinks(click_base="#link-", pixel_url="", unsubscribe_url="#unsubscribe")
"""Links of a preview: they lead nowhere and count nothing."""


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """What an author writes."""

    template_name: str
    template_category: TemplateCategory
    subject_line: str
    html_content: str
    text_content: str | None = None
    subject_line_bn: str | None = None
    html_content_bn: str | None = None
    text_content_bn: str | None = None
    variables: tuple[Variable, ...] = ()
    is_responsive: bool = True
    is_active: bool = True

    def fields(self) -> dict[str, Any]:
        """All fields, texts composed canonically (NFC)."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: nfc(value) if isinstance(value, str) else value for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class TemplateService:
    """Templates are saved as versions that never change; campaigns pin one."""

    templates: Templates
    versions: TemplateVersions
    uses: TemplateUses
    clock: Clock
    ids: Ids

    def create(self, tenant: str, created_by: str, draft: TemplateDraft) -> Template:
        """Version 1 of a new template. Raises Invalid with every blocking finding."""
        now = self.clock.now()
        template = Template(
            tenant=tenant, id=self.ids.new(), version=1, created_by=created_by, created_at=now, updated_at=now,
            **draft.fields(),
        )  # fmt: skip
        return self._saved(template)

    def update(
        self, tenant: str, template_id: str, draft: TemplateDraft, expected_version: int | None = None
    ) -> Template:
        """The next version. Raises NotFound, Invalid, and Stale when the expected version is not the newest."""
        current = self._newest(tenant, template_id)
        if expected_version is not None and expected_version != current.version:
            raise Stale(f"template {template_id} was changed by somebody else")
        changed = replace(current, version=current.version + 1, updated_at=self.clock.now(), **draft.fields())
        return self._saved(changed, current.version)

    def check(self, tenant: str, template_id: str) -> tuple[Finding, ...]:
        """Findings about the newest version, for a pre-flight check. Raises NotFound."""
        return check_template(self._newest(tenant, template_id))

    def get(self, tenant: str, template_id: str) -> Template:
        """The newest version with its count of uses. Raises NotFound."""
        template = self._newest(tenant, template_id)
        return replace(template, usage_count=self.uses.count(tenant, template_id))

    def get_version(self, tenant: str, template_id: str, version: int) -> Template:
        """A version as it was saved, also of a template deleted since. Raises NotFound."""
        template = self.versions.get(tenant, template_id, version)
        if template is None:
            # The newest is stored before its copy: a crash between the two must not lose a version.
            template = self.templates.get(tenant, template_id)
        if template is None or template.version != version:
            raise NotFound(f"template {template_id} has no version {version}")
        return template

    def page(
        self, tenant: str, *, active: bool | None = None, limit: int = 100, after: str | None = None
    ) -> Page[Template]:
        """Templates, newest change first within active and inactive ones."""
        status = None if active is None else "active" if active else "inactive"
        return self.templates.page(tenant, status=status, limit=limit, after=after)

    def all(self, tenant: str) -> list[Template]:
        """Every template of the tenant, newest change first."""
        return self.templates.all(tenant)

    def delete(self, tenant: str, template_id: str) -> Template | None:
        """Remove an unused template; one that was used is switched off instead and returned. Raises NotFound."""
        current = self._newest(tenant, template_id)
        if self.uses.count(tenant, template_id) == 0:
            self.templates.remove(tenant, template_id, current.version)
            return None
        retired = replace(current, version=current.version + 1, updated_at=self.clock.now(), is_active=False)
        return self._stored(retired, current.version)

    def used(self, tenant: str, template_id: str) -> int:
        """A run uses the template: count it. Raises NotFound."""
        self._newest(tenant, template_id)
        return self.uses.increment(tenant, template_id)

    def preview(
        self,
        tenant: str,
        template_id: str,
        version: int | None = None,
        language: Language = "en",
        fields: Context | None = None,
        *,
        footer: Footer,
        content: Mapping[str, Any] | None = None,
        subject_override: str | None = None,
    ) -> RenderedEmail:
        """The mail as a person with these fields would see it; its links lead nowhere. Raises NotFound, Invalid."""
        template = self.get(tenant, template_id) if version is None else self.get_version(tenant, template_id, version)
        compiled = compile_email(
            template, language, footer=footer, links=LinkTable(), content=content, subject_override=subject_override
        )
        return compiled.render(fields or {}, INERT_LINKS)

    def _newest(self, tenant: str, template_id: str) -> Template:
        template = self.templates.get(tenant, template_id)
        if template is None:
            raise NotFound(f"there is no template {template_id}")
        return template

    def _saved(self, template: Template, expected_version: int | None = None) -> Template:
        if refused := blocking(check_template(template)):
            fields = tuple(FieldError(f.field or "html_content", f.code, f.message) for f in refused)
            raise Invalid(
                f"{template.template_name}: {refused[0].message}",
                code="template_refused",
                fields=fields,
                hint=refused[0].hint,
            )
        return self._stored(template, expected_version)

    def _stored(self, template: Template, expected_version: int | None) -> Template:
        """The newest first, since that write decides who wins; a version that lost is never kept."""
        if expected_version is None:
            self.templates.add(template)
        else:
            self.versions.add(self._newest(template.tenant, template.id))
            self.templates.replace(template, expected_version)
        self.versions.add(template)
        return template
