"""The steps of a run on AWS: plan, check, close, fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meghdoot.adapters.dynamodb.customers import DynamoCustomers
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.tenants import dynamo_tenants
from meghdoot.areas.campaigns.following import RunFollower
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.planner import PlannerService
from meghdoot.areas.messaging.steps import RunSteps
from meghdoot.wiring import api, aws, lake, messaging
from meghdoot.wiring.services import Services, compose


class UnknownReach:
    """Nobody counts here: the API did so when the campaign was scheduled, and the ticker carries no query engine."""

    def reachable(self, tenant: str, segment_ids: Sequence[str]) -> int | None:
        """Unknown."""
        return None


@aws.once
def services() -> Services:
    """The services of campaigns and runs."""
    return compose(replace(api.ports(), reach=UnknownReach()))


@aws.once
def follower() -> RunFollower:
    """Campaigns follow their runs."""
    return RunFollower(services().campaigns)


@aws.once
def steps() -> RunSteps:
    """The steps."""
    s = aws.settings()
    planner = PlannerService(
        runs=messaging.runs(),
        live=messaging.live(),
        tenants=dynamo_tenants(aws.bound(DocumentItem, s.table_definitions)),
        engine=lake.engine(),
        customers=DynamoCustomers(aws.calls(), s.table_people, consistent=False),
        gates=messaging.gates(),
        audience=messaging.audience(),
        chunks=messaging.chunks(),
        queue=messaging.queue(),
        used_fields=messaging.composers().used_fields,
        clock=aws.clock(),
    )
    return RunSteps(planner, services().runs, messaging.sweeper())


def closed(run: Run) -> str:
    """Tell the campaign that its run is over; answers the run's status."""
    follower().follow(run)
    return run.status
