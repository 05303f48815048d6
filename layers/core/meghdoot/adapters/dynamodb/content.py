"""Templates in the table `definitions`: the newest as a record, each version as `V#<n>`, the count of uses apart."""

from __future__ import annotations

from pynamodb.exceptions import PutError

from meghdoot.adapters.codec import from_plain, to_plain
from meghdoot.adapters.dynamodb import keys
from meghdoot.adapters.dynamodb.errors import condition_failed, translated
from meghdoot.adapters.dynamodb.models import DocumentItem, WorkItem
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.areas.content.model import Template

KIND = "template"
_USES = "USES"


def dynamo_templates(model: type[DocumentItem]) -> DynamoRecords[Template]:
    """The newest version of every template."""
    return DynamoRecords(model, Template, KIND, lambda template: template.status)


class DynamoTemplateVersions:
    """Every version ever saved, in the record's own partition and in no index."""

    def __init__(self, model: type[DocumentItem]) -> None:
        self._model = model

    def add(self, template: Template) -> None:
        item = self._model(
            keys.record_pk(template.tenant, KIND, template.id), keys.version_sk(template.version),
            tenant=template.tenant, kind=KIND, version=template.version, data=to_plain(template),
        )  # fmt: skip
        with translated():
            try:
                item.save(condition=self._model.pk.does_not_exist())
            except PutError as e:
                if not condition_failed(e):
                    raise

    def get(self, tenant: str, template_id: str, version: int) -> Template | None:
        with translated():
            try:
                item = self._model.get(
                    keys.record_pk(tenant, KIND, template_id), keys.version_sk(version), consistent_read=True
                )
            except self._model.DoesNotExist:
                return None
        return from_plain(Template, item.data)


class DynamoTemplateUses:
    """One counter a template, added to where it stands."""

    def __init__(self, model: type[WorkItem]) -> None:
        self._model = model

    def increment(self, tenant: str, template_id: str) -> int:
        item = self._model(keys.record_pk(tenant, KIND, template_id), _USES)
        with translated():
            item.update(actions=[self._model.amount.add(1)])
        return int(item.amount or 0)

    def count(self, tenant: str, template_id: str) -> int:
        with translated():
            try:
                item = self._model.get(keys.record_pk(tenant, KIND, template_id), _USES, consistent_read=True)
            except self._model.DoesNotExist:
                return 0
        return int(item.amount or 0)
