"""What content needs from the outside."""

from __future__ import annotations

from typing import Protocol

from meghdoot.areas.content.model import Template
from meghdoot.kernel.records import Records


class Templates(Records[Template], Protocol):
    """The newest version of every template."""


class TemplateVersions(Protocol):
    """Every version ever saved, for the campaigns that pinned it."""

    def add(self, template: Template) -> None:
        """Keep a version; the same version twice is fine."""
        ...

    def get(self, tenant: str, template_id: str, version: int) -> Template | None:
        """One version, or None."""
        ...


class TemplateUses(Protocol):
    """How often templates were used by a run; kept apart from the template, so that uses never collide with edits."""

    def increment(self, tenant: str, template_id: str) -> int:
        """One more; answers the new total."""
        ...

    def count(self, tenant: str, template_id: str) -> int:
        """The total, 0 for one never used."""
        ...
