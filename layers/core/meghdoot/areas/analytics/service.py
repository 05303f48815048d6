"""Reports on e-mails and campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from meghdoot.areas.analytics import rules
from meghdoot.areas.analytics.model import Accounting, CampaignFiguresRecord, Conversions
from meghdoot.areas.analytics.ports import ConversionQuery, FiguresStore, RunReports
from meghdoot.areas.analytics.report import CampaignInfo, CampaignReport, EmailPerformance
from meghdoot.areas.campaigns.model import Campaign, EmailCampaign, Figures
from meghdoot.areas.campaigns.ports import Campaigns, EmailCampaigns
from meghdoot.areas.messaging.model import Run
from meghdoot.areas.messaging.ports import RunCounters
from meghdoot.areas.tenants.ports import Tenants
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Conflict, NotFound, Stale
from meghdoot.kernel.money import Money


@dataclass(frozen=True, slots=True)
class ReportService:
    """Puts a report together from the run's accounting, its counters and attribution."""

    campaigns: Campaigns
    emails: EmailCampaigns
    tenants: Tenants
    runs: RunReports
    counters: RunCounters
    conversions: ConversionQuery
    figures: FiguresStore
    clock: Clock

    def performance(self, tenant: str, email_campaign_id: str) -> EmailPerformance:
        """What came of an e-mail campaign, all zero before its launch. Raises NotFound."""
        email = self.emails.get(tenant, email_campaign_id)
        if email is None:
            raise NotFound("there is no such e-mail campaign")
        return self._performance(email, self._currency(tenant))

    def campaign_analytics(self, tenant: str, campaign_id: str) -> CampaignReport:
        """What came of a campaign over all its e-mails, in the campaign's currency; kept for lists. Raises NotFound."""
        campaign = self.campaigns.get(tenant, campaign_id)
        if campaign is None:
            raise NotFound("there is no such campaign")
        emails = [e for e in self.emails.all(tenant) if e.marketing_campaign_id == campaign_id]
        email = rules.channel([self._performance(e, campaign.currency) for e in emails], campaign.currency)
        spend = campaign.spent_amount or Money(0, campaign.currency)
        report = CampaignReport(
            campaign_id=campaign_id,
            currency=campaign.currency,
            overview=rules.overview([email], spend),
            channel_performance={"email": email} if emails else {},
            as_of=self.clock.now(),
        )
        self._keep(campaign, report)
        return report

    def accounting(self, tenant: str, run_id: str) -> Accounting:
        """Every person of a run in exactly one state. Raises NotFound."""
        return self._accounting(self.runs.get(tenant, run_id))

    def _performance(self, email: EmailCampaign, currency: str) -> EmailPerformance:
        run = None if email.run_id is None else self._run(email.tenant, email.run_id)
        accounting = Accounting(0, {}) if run is None else self._accounting(run)
        totals = {} if run is None else self.counters.totals(run.tenant, run.id)
        delivery, total_sent = rules.delivery(accounting.people), rules.sent(accounting.people)
        found = None if run is None else self._conversions(run, currency)
        return EmailPerformance(
            campaign_info=CampaignInfo(email.id, email.campaign_name, email.status, email.sent_at, total_sent),
            delivery_metrics=delivery,
            engagement_metrics=rules.engagement(totals, delivery.delivered),
            conversion_metrics=rules.conversion(found, currency, delivery.delivered, total_sent),
            top_performing_links=rules.top_links(run.content.links if run else (), totals, delivery.delivered),
            accounting=accounting,
        )

    def _run(self, tenant: str, run_id: str) -> Run | None:
        try:
            return self.runs.get(tenant, run_id)
        except NotFound:
            # The launch has committed and its run is about to be created.
            return None

    def _accounting(self, run: Run) -> Accounting:
        people = self.runs.accounting(run)
        return Accounting(sum(people.values()), people)

    def _conversions(self, run: Run, currency: str) -> Conversions:
        tenant = self.tenants.get(run.tenant, run.tenant)
        return self.conversions.conversions(
            run.tenant,
            run.id,
            window_days=run.attribution_days,
            currency=currency,
            now=self.clock.now(),
            zone=tenant.zone if tenant else "UTC",
        )

    def _currency(self, tenant: str) -> str:
        found = self.tenants.get(tenant, tenant)
        if found is None:
            raise NotFound("this tenant has no settings")
        return found.currency

    def _keep(self, campaign: Campaign, report: CampaignReport) -> None:
        stored = self.figures.get(campaign.tenant, campaign.id)
        o = report.overview
        record = CampaignFiguresRecord(
            campaign.tenant, campaign.id, o.total_reach, o.conversions, o.revenue, report.as_of,
            1 if stored is None else stored.version + 1,
        )  # fmt: skip
        try:
            if stored is None:
                self.figures.add(record)
            else:
                self.figures.replace(record, stored.version)
        except (Conflict, Stale):
            # Another report was made in the same moment, with the same numbers.
            return


@dataclass(frozen=True, slots=True)
class KeptFigures:
    """The figures of the last reports, for lists of campaigns (`campaigns.ports.CampaignFigures`)."""

    figures: FiguresStore

    def of(self, tenant: str) -> Mapping[str, Figures]:
        """Campaign to figures, as of its last report."""
        return {r.id: Figures(r.reach, r.conversions, r.revenue) for r in self.figures.all(tenant)}
