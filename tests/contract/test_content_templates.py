"""Templates, their versions and the count of their uses, on every substrate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.content import DynamoTemplateUses, DynamoTemplateVersions, dynamo_templates
from meghdoot.adapters.dynamodb.light_records import LightTemplateVersions
from meghdoot.adapters.dynamodb.models import DocumentItem, WorkItem, bind
from meghdoot.adapters.memory.content import MemoryTemplateUses, MemoryTemplateVersions, memory_templates
from meghdoot.areas.content.model import Template, Variable
from meghdoot.areas.content.ports import Templates, TemplateUses, TemplateVersions
from tests.contract.conftest import REGION, Substrate

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
TEMPLATE = Template(
    "acme", "t1", 1, "Welcome", "welcome", "Hi", "<p>আমার সোনার বাংলা</p>", "ann", NOW, NOW,
    subject_line_bn="শুভেচ্ছা", variables=(Variable("first_name", "friend"), Variable("headline")),
)  # fmt: skip


@dataclass(frozen=True)
class Stores:
    templates: Templates
    versions: TemplateVersions
    uses: TemplateUses


@pytest.fixture(params=["models", "light"])
def stores(substrate: Substrate, request: pytest.FixtureRequest) -> Stores:
    if substrate.is_memory:
        return Stores(memory_templates(), MemoryTemplateVersions(), MemoryTemplateUses())
    table = substrate.tables["definitions"]
    documents = bind(DocumentItem, table, REGION, substrate.endpoint)
    counts = bind(WorkItem, table, REGION, substrate.endpoint)
    light = LightTemplateVersions(BotoCalls(substrate.client("dynamodb")), table)
    versions = light if request.param == "light" else DynamoTemplateVersions(documents)
    return Stores(dynamo_templates(documents), versions, DynamoTemplateUses(counts))


def test_a_template_and_its_version_come_back_whole(stores: Stores) -> None:
    stores.templates.add(TEMPLATE)
    stores.versions.add(TEMPLATE)
    assert stores.templates.get("acme", "t1") == TEMPLATE
    assert stores.versions.get("acme", "t1", 1) == TEMPLATE
    assert stores.versions.get("acme", "t1", 2) is None
    assert stores.versions.get("other", "t1", 1) is None


def test_a_version_never_changes_once_it_was_kept(stores: Stores) -> None:
    stores.versions.add(TEMPLATE)
    stores.versions.add(replace(TEMPLATE, html_content="<p>changed</p>"))
    assert stores.versions.get("acme", "t1", 1) == TEMPLATE


def test_versions_and_uses_stand_in_no_list(stores: Stores) -> None:
    stores.templates.add(TEMPLATE)
    stores.versions.add(TEMPLATE)
    stores.versions.add(replace(TEMPLATE, version=2))
    stores.uses.increment("acme", "t1")
    assert stores.templates.all("acme") == [TEMPLATE]
    assert stores.templates.page("acme", status="active").items == (TEMPLATE,)
    assert stores.templates.page("acme", status="inactive").items == ()


def test_uses_are_counted_apart_from_the_template(stores: Stores) -> None:
    assert stores.uses.count("acme", "t1") == 0
    assert [stores.uses.increment("acme", "t1") for _ in range(3)] == [1, 2, 3]
    assert stores.uses.count("acme", "t1") == 3
    assert stores.uses.count("other", "t1") == 0
