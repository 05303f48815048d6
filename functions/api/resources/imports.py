"""Files of customers."""

from __future__ import annotations

from api.audit import note
from api.resource import Resource
from meghdoot.http.endpoint import Call
from meghdoot.http.schemas.customers import ImportAnswer, ImportFailure
from meghdoot.wiring.services import Services

resource = Resource()


@resource.view
def import_customers(services: Services, call: Call) -> ImportAnswer:
    result = services.imports.run(call.tenant, call.text, call.query.consent_text_version)
    note(services, call, "customer.import", call.tenant, f"{result.rows} rows, {result.failed} failed")
    return ImportAnswer(
        rows=result.rows, created=result.created, updated=result.updated, unchanged=result.unchanged,
        failed=result.failed,
        errors=[ImportFailure(row=e.row, field=e.field, code=e.code, message=e.message) for e in result.errors],
    )  # fmt: skip
