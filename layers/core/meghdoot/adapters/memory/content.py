"""Templates in memory."""

from __future__ import annotations

from collections import Counter

from meghdoot.adapters.memory.records import MemoryRecords
from meghdoot.areas.content.model import Template


def memory_templates() -> MemoryRecords[Template]:
    """The newest version of every template."""
    return MemoryRecords("template", lambda template: template.status)


class MemoryTemplateVersions:
    """Every version in a dict."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str, int], Template] = {}

    def add(self, template: Template) -> None:
        self._versions.setdefault((template.tenant, template.id, template.version), template)

    def get(self, tenant: str, template_id: str, version: int) -> Template | None:
        return self._versions.get((tenant, template_id, version))


class MemoryTemplateUses:
    """Counts in a dict."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def increment(self, tenant: str, template_id: str) -> int:
        self._counts[(tenant, template_id)] += 1
        return self._counts[(tenant, template_id)]

    def count(self, tenant: str, template_id: str) -> int:
        return self._counts[(tenant, template_id)]
