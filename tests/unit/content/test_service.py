"""Templates as their authors use them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from meghdoot.adapters.memory.content import MemoryTemplateUses, MemoryTemplateVersions, memory_templates
from meghdoot.areas.content.service import TemplateDraft, TemplateService
from meghdoot.kernel.clock import ManualClock
from meghdoot.kernel.errors import Invalid, NotFound, Stale
from meghdoot.kernel.ids import SystemIds
from tests.unit.content.samples import FOOTER, LEGAL

DRAFT = TemplateDraft("News", "newsletter", "Hello {{first_name}}", f"<p>One</p>{LEGAL}")


@pytest.fixture
def service() -> TemplateService:
    clock = ManualClock()
    return TemplateService(
        memory_templates(), MemoryTemplateVersions(), MemoryTemplateUses(), clock, SystemIds(clock, lambda n: b"1" * n)
    )


def test_104_a_version_that_a_campaign_pinned_never_changes(service: TemplateService) -> None:
    first = service.create("acme", "ann", DRAFT)
    second = service.update("acme", first.id, replace(DRAFT, html_content=f"<p>Two</p>{LEGAL}"))
    assert (first.version, second.version) == (1, 2)
    assert service.get("acme", first.id) == second
    assert service.get_version("acme", first.id, 1) == first
    assert "One" in service.preview("acme", first.id, 1, "en", {"first_name": "A"}, footer=FOOTER).html
    assert "Two" in service.preview("acme", first.id, None, "en", {"first_name": "A"}, footer=FOOTER).html


def test_104_a_version_is_found_even_if_its_copy_was_never_written(service: TemplateService) -> None:
    made = service.create("acme", "ann", DRAFT)
    crashed = replace(service, versions=MemoryTemplateVersions())
    assert crashed.get_version("acme", made.id, 1) == made
    with pytest.raises(NotFound):
        crashed.get_version("acme", made.id, 2)
    crashed.update("acme", made.id, DRAFT)
    assert crashed.get_version("acme", made.id, 1) == made


def test_106_a_refused_template_is_not_stored_and_every_finding_is_a_field(service: TemplateService) -> None:
    with pytest.raises(Invalid) as e:
        service.create("acme", "ann", replace(DRAFT, html_content="<p>{{nobody}}</p>"))
    assert e.value.code == "template_refused"
    assert {field.code for field in e.value.fields} == {
        "undeclared_variable",
        "no_unsubscribe_url",
        "no_postal_address",
    }
    assert service.all("acme") == []


def test_a_stale_author_changes_nothing(service: TemplateService) -> None:
    made = service.create("acme", "ann", DRAFT)
    service.update("acme", made.id, DRAFT, expected_version=1)
    with pytest.raises(Stale):
        service.update("acme", made.id, DRAFT, expected_version=1)
    assert service.get("acme", made.id).version == 2


def test_another_tenant_sees_nothing(service: TemplateService) -> None:
    made = service.create("acme", "ann", DRAFT)
    for act in (service.get, service.delete, service.used, service.check):
        with pytest.raises(NotFound):
            act("other", made.id)
    with pytest.raises(NotFound):
        service.get_version("other", made.id, 1)
    assert service.page("other").items == ()


def test_an_unused_template_is_removed_and_a_used_one_switched_off(service: TemplateService) -> None:
    made = service.create("acme", "ann", DRAFT)
    assert service.delete("acme", made.id) is None
    with pytest.raises(NotFound):
        service.get("acme", made.id)
    assert service.get_version("acme", made.id, 1) == made

    other = service.create("acme", "ann", replace(DRAFT, template_name="Used"))
    assert service.used("acme", other.id) == 1
    retired = service.delete("acme", other.id)
    assert retired is not None
    assert (retired.is_active, service.get("acme", other.id).usage_count) == (False, 1)
    assert service.page("acme", active=True).items == ()
    assert service.page("acme", active=False).items == (retired,)


def test_links_of_a_preview_lead_nowhere(service: TemplateService) -> None:
    made = service.create("acme", "ann", replace(DRAFT, html_content=f'<a href="https://a.example">x</a>{LEGAL}'))
    shown = service.preview("acme", made.id, fields={"first_name": "Asha"}, footer=FOOTER)
    assert shown.subject == "Hello Asha"
    assert "a.example" not in shown.html
    assert 'href="#link-1"' in shown.html
    assert 'href="#unsubscribe"' in shown.html


def test_texts_are_stored_composed(service: TemplateService) -> None:
    made = service.create("acme", "ann", replace(DRAFT, template_name="Cafe\u0301"))
    assert made.template_name == "Café"
