"""From a run's pinned template to composers: compiled once a run and language, kept while the process lives."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from meghdoot.areas.content.compile import compile_email, person_fields
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Template
from meghdoot.areas.content.ports import TemplateVersions
from meghdoot.areas.messaging.model import Envelope, Run
from meghdoot.areas.messaging.ports import Composer, Composers
from meghdoot.kernel.errors import NotFound
from meghdoot.kernel.i18n import Language

_KEPT = 16


@dataclass(slots=True)
class TemplateComposers:
    """Composers from stored template versions: later edits of the template change nothing."""

    versions: TemplateVersions
    composers: Composers
    _ready: OrderedDict[tuple[str, str, Language], Composer] = field(default_factory=OrderedDict)

    def of(self, run: Run, language: Language) -> Composer:
        """The composer of a run's language. Raises NotFound for a version that is gone, Invalid for a broken one."""
        key = (run.tenant, run.id, language)
        if key not in self._ready:
            self._ready[key] = self._prepared(run, language)
            if len(self._ready) > _KEPT:
                self._ready.popitem(last=False)
        return self._ready[key]

    def used_fields(self, run: Run) -> frozenset[str]:
        """The fields of a person that the run's template reads. Raises NotFound."""
        return person_fields(self._template(run))

    def _template(self, run: Run) -> Template:
        template = self.versions.get(run.tenant, run.content.template_id, run.content.template_version)
        if template is None:
            raise NotFound(f"there is no version {run.content.template_version} of the run's template")
        return template

    def _prepared(self, run: Run, language: Language) -> Composer:
        content = run.content
        own = content.content if language == "en" else {**content.content, **content.content_bn}
        compiled = compile_email(
            self._template(run),
            language,
            footer=content.footer,
            # The stored numbers: what a mail calls link 3 is what the run's links call 3.
            links=LinkTable(content.links),
            utm=content.utm,
            content=own,
            subject_override=content.subject_line if language == "en" else content.subject_line_bn,
        )
        envelope = Envelope(content.sender_name, content.sender_email, content.reply_to, run.purpose == "marketing")
        return self.composers.prepare(compiled, envelope)
