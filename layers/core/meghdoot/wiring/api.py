"""The API's composition on AWS: adapters, services, and the endpoint that serves every route."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger

from meghdoot.adapters import telemetry as traces
from meghdoot.adapters.dynamodb.access import DynamoAuditLog, dynamo_keys
from meghdoot.adapters.dynamodb.campaigns import (
    DynamoLaunchTimers,
    dynamo_campaigns,
    dynamo_email_campaigns,
    dynamo_figures,
)
from meghdoot.adapters.dynamodb.content import DynamoTemplateUses, DynamoTemplateVersions, dynamo_templates
from meghdoot.adapters.dynamodb.counters import DynamoCounters, DynamoReputationMarks
from meghdoot.adapters.dynamodb.customers import DynamoCustomers, dynamo_attributes
from meghdoot.adapters.dynamodb.idempotency import DynamoIdempotency
from meghdoot.adapters.dynamodb.models import DocumentItem, WorkItem
from meghdoot.adapters.dynamodb.pacer import DynamoTallies
from meghdoot.adapters.dynamodb.run_links import DynamoRunLinks
from meghdoot.adapters.dynamodb.segments import dynamo_segments
from meghdoot.adapters.dynamodb.tenants import DynamoIdentityOwners, dynamo_senders, dynamo_tenants
from meghdoot.adapters.email.local_identity import LocalIdentityVerifier
from meghdoot.adapters.email.ses_identity import SesIdentityVerifier
from meghdoot.adapters.lake.conversions import DuckDbConversions
from meghdoot.adapters.machines import StepFunctionsRefreshMachine, StepFunctionsRunMachine
from meghdoot.areas.analytics.reputation_rules import Limits, parse_limits
from meghdoot.areas.campaigns.reach import SegmentReach
from meghdoot.areas.consent.service import ConsentService
from meghdoot.areas.tenants.ports import IdentityVerifier
from meghdoot.http.endpoint import Endpoint
from meghdoot.http.idempotency import Idempotency
from meghdoot.http.rates import RequestRates
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.idempotency import IdempotencyStore
from meghdoot.kernel.ids import Ids
from meghdoot.kernel.keyring import Keyring
from meghdoot.wiring import aws, intake, lake, messaging, singles
from meghdoot.wiring.services import Ports, Services, compose

logger = Logger(service="api")


def log(message: str, fields: Mapping[str, Any], error: BaseException | None = None) -> None:
    """One line a request. The type and place of an unexpected error, never its text: that may hold what somebody sent."""
    if error is None:
        logger.info(message, extra=dict(fields))
        return
    logger.error(message, extra={**fields, "error": type(error).__name__, "at": _place(error)})


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    places = []
    while trace is not None:
        places.append(f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(places[-8:]))


def endpoint_over(
    services: Services, store: IdempotencyStore, keyring: Keyring, clock: Clock, ids: Ids
) -> Endpoint[Services]:
    """An endpoint over services, wherever their adapters live."""
    return Endpoint(services, Idempotency(store, clock, ids), keyring, clock, log)


def ports() -> Ports:
    """Every adapter of the API on AWS."""
    s, calls, consent = aws.settings(), aws.calls(), messaging.consent()
    definitions, machines = aws.bound(DocumentItem, s.table_definitions), aws.client("stepfunctions")
    return Ports(
        **_common(),
        **_messaging(),
        **_singles(),
        **_reputation(),
        idempotency=DynamoIdempotency(calls, s.table_work),
        tenants=dynamo_tenants(definitions),
        senders=dynamo_senders(definitions),
        owners=DynamoIdentityOwners(calls, s.table_work),
        verifier=verifier(),
        api_keys=dynamo_keys(definitions),
        audit=DynamoAuditLog(calls, s.table_definitions),
        customers=DynamoCustomers(calls, s.table_people),
        events=intake.events(),
        attributes=dynamo_attributes(definitions),
        ledger=consent.ledger,
        suppressions=consent.suppressions,
        withdrawals=consent.log,
        templates=dynamo_templates(definitions),
        versions=DynamoTemplateVersions(definitions),
        uses=DynamoTemplateUses(aws.bound(WorkItem, s.table_definitions)),
        segments=dynamo_segments(definitions),
        engine=lake.engine(),
        refresher=StepFunctionsRefreshMachine(machines, s.machine_segment_refresh),
        campaigns=dynamo_campaigns(definitions),
        emails=dynamo_email_campaigns(definitions),
        timers=DynamoLaunchTimers(calls, s.table_work),
        machine=StepFunctionsRunMachine(machines, s.machine_campaign_run),
        test_mail=messaging.test_sends(),
        reach=reach(consent),
        run_links=DynamoRunLinks(calls, s.table_definitions),
        counters=DynamoCounters(calls, s.table_work),
        figures=dynamo_figures(definitions),
        conversions=DuckDbConversions(lake.lake()),
    )


def reach(consent: ConsentService) -> SegmentReach:
    """How many people a campaign would find, by the snapshot and the gates."""
    s, definitions = aws.settings(), aws.bound(DocumentItem, aws.settings().table_definitions)
    return SegmentReach(
        dynamo_segments(definitions),
        lake.engine(),
        consent.ledger,
        DynamoCustomers(aws.calls(), s.table_people),
        dynamo_tenants(definitions),
        aws.clock(),
    )


def reputation_limits() -> Limits:
    """The deployment's limits. Raises ValueError, at the start, for limits that make no sense."""
    text = aws.settings().reputation_limits
    return parse_limits(text) if text else Limits()


def _reputation() -> dict[str, Any]:
    calls, table = aws.calls(), aws.settings().table_work
    counters, marks = DynamoCounters(calls, table), DynamoReputationMarks(calls, table)
    return {"hours": counters, "marks": marks, "limits": reputation_limits()}


def _common() -> dict[str, Any]:
    return {
        "clock": aws.clock(), "ids": aws.ids(), "entropy": os.urandom, "keyring": aws.keyring(),
        "public_url": aws.settings().public_url,
        "tracking_url": aws.settings().tracking_url,
    }  # fmt: skip


def _messaging() -> dict[str, Any]:
    return {
        "runs": messaging.runs(),
        "chunks": messaging.chunks(consistent=False),
        "queue": messaging.queue(),
        "audience": messaging.audience(),
        "rows": messaging.rows(consistent=False),
        "mails": messaging.mails(),
        "pace": messaging.run_pace(),
        "holds": messaging.holds(),
    }


def _singles() -> dict[str, Any]:
    return {
        "singles": singles.messages(), "single_rows": singles.rows(), "single_timers": singles.timers(),
        "urgent": singles.queue(), "compositions": singles.compositions(), "gates": messaging.gates(),
        "windows": singles.windows(),
    }  # fmt: skip


def verifier() -> IdentityVerifier:
    """The provider's word on senders. The local provider takes every sender."""
    s = aws.settings()
    return LocalIdentityVerifier() if s.email_provider == "local" else SesIdentityVerifier(aws.client("sesv2"))


@aws.once
def endpoint() -> Endpoint[Services]:
    """The deployed endpoint, built with the first request."""
    p = ports()
    return endpoint_over(compose(p), p.idempotency, p.keyring, p.clock, p.ids).limited(_rates())


def _rates() -> RequestRates:
    s = aws.settings()
    counts = DynamoTallies(aws.calls(), s.table_work)
    return RequestRates(
        counts, aws.clock(), s.api_key_rate, s.api_tenant_rate, lambda code: log("requests uncounted", {"code": code})
    )


@aws.once
def telemetry() -> traces.Telemetry:
    """X-Ray where Lambda runs its daemon."""
    return traces.telemetry(aws.settings().env.get("AWS_XRAY_DAEMON_ADDRESS"))
