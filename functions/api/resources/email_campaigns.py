"""E-mail campaigns and their runs."""

from __future__ import annotations

from api.audit import note
from api.resource import Resource
from meghdoot.areas.campaigns.local_time import to_instant
from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.http.endpoint import Call
from meghdoot.http.paging import one_page
from meghdoot.http.schemas.common import given
from meghdoot.http.schemas.content import CheckAnswer
from meghdoot.http.schemas.email_campaigns import (
    AccountingAnswer,
    EmailCampaignAnswer,
    EmailCampaignList,
    EmailPerformanceAnswer,
    LaunchAnswer,
    RunAnswer,
    SampleAnswer,
    SampleRow,
)
from meghdoot.kernel.paging import Page
from meghdoot.wiring.services import Services

resource = Resource()


def _id(call: Call) -> str:
    return call.path["email_campaign_id"]


@resource.view
def create_email_campaign(services: Services, call: Call) -> EmailCampaignAnswer:
    email = services.emails.create(call.principal, given(call.body))
    note(services, call, "email_campaign.create", email.id)
    return EmailCampaignAnswer.of(email)


@resource.view
def list_email_campaigns(services: Services, call: Call) -> EmailCampaignList:
    query = call.query

    def fetch(limit: int, after: str | None) -> Page[EmailCampaign]:
        return services.emails.page(call.tenant, status=query.status, limit=limit, after=after)

    page = one_page(fetch, call.cursors, query.limit, query.after, query.page)
    return EmailCampaignList(email_campaigns=[EmailCampaignAnswer.of(e) for e in page.items], after=page.after)


@resource.view
def get_email_campaign(services: Services, call: Call) -> EmailCampaignAnswer:
    return EmailCampaignAnswer.of(services.emails.get(call.tenant, _id(call)))


@resource.view
def update_email_campaign(services: Services, call: Call) -> EmailCampaignAnswer:
    version = call.expected_version or services.emails.get(call.tenant, _id(call)).version
    email = services.emails.update(call.principal, _id(call), given(call.body), version)
    note(services, call, "email_campaign.update", email.id)
    return EmailCampaignAnswer.of(email)


@resource.view
def delete_email_campaign(services: Services, call: Call) -> None:
    services.emails.delete(call.tenant, _id(call))
    note(services, call, "email_campaign.delete", _id(call))


@resource.view
def check_email_campaign(services: Services, call: Call) -> CheckAnswer:
    return CheckAnswer.of(services.emails.check(call.tenant, _id(call)))


@resource.view
def approve_email_campaign(services: Services, call: Call) -> EmailCampaignAnswer:
    email = services.emails.approve(call.principal, _id(call))
    note(services, call, "email_campaign.approve", email.id, f"version {email.version}")
    return EmailCampaignAnswer.of(email)


@resource.view
def schedule_email_campaign(services: Services, call: Call) -> EmailCampaignAnswer:
    at = call.body.scheduled_time
    if at.tzinfo is None:
        at = to_instant(at, call.body.timezone or services.emails.get(call.tenant, _id(call)).timezone)
    email = services.emails.schedule(call.tenant, _id(call), at)
    note(services, call, "email_campaign.schedule", email.id)
    return EmailCampaignAnswer.of(email)


@resource.view
def launch_email_campaign(services: Services, call: Call) -> LaunchAnswer:
    email = services.emails.launch(call.tenant, _id(call))
    note(services, call, "email_campaign.launch", email.id, f"run {email.run_id}")
    return LaunchAnswer(
        run_id=email.run_id or "", email_campaign=EmailCampaignAnswer.of(email), version=email.version,
        held=services.sending.words(call.tenant, services.runs.get(call.tenant, email.run_id or "").purpose),
    )  # fmt: skip


@resource.view
def pause_email_campaign(services: Services, call: Call) -> EmailCampaignAnswer:
    email = services.emails.pause(call.tenant, _id(call), call.body.reason or "paused by a person")
    note(services, call, "email_campaign.pause", email.id)
    return EmailCampaignAnswer.of(email)


@resource.view
def resume_email_campaign(services: Services, call: Call) -> EmailCampaignAnswer:
    email = services.emails.resume(call.tenant, _id(call))
    note(services, call, "email_campaign.resume", email.id)
    return EmailCampaignAnswer.of(email)


@resource.view
def cancel_email_campaign(services: Services, call: Call) -> EmailCampaignAnswer:
    email = services.emails.cancel(call.tenant, _id(call))
    note(services, call, "email_campaign.cancel", email.id)
    return EmailCampaignAnswer.of(email)


@resource.view
def send_test_email(services: Services, call: Call) -> SampleAnswer:
    outcomes = services.emails.send_test(call.tenant, _id(call), call.body.test_emails, call.body.test_data)
    note(services, call, "email_campaign.test", _id(call))
    rows = [SampleRow(email=address, outcome=outcome.kind, code=outcome.code) for address, outcome in outcomes]
    return SampleAnswer(results=rows)


@resource.view
def get_email_performance(services: Services, call: Call) -> EmailPerformanceAnswer:
    return EmailPerformanceAnswer.of(services.reports.performance(call.tenant, _id(call)))


@resource.view
def get_run(services: Services, call: Call) -> RunAnswer:
    run = services.runs.get(call.tenant, call.path["run_id"])
    known = services.reports.accounting(call.tenant, run.id)
    told = AccountingAnswer(audience=known.audience, people=dict(known.people))
    return RunAnswer.of(run, told, services.sending.words(call.tenant, run.purpose), services.pace.of(run))
