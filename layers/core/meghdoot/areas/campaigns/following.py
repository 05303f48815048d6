"""Campaigns follow their runs: what the provider or a failed machine did to a run must be seen where people look."""

from __future__ import annotations

from dataclasses import dataclass

from meghdoot.areas.campaigns.service import CampaignService
from meghdoot.areas.messaging.model import Run
from meghdoot.kernel.errors import Conflict, Stale


@dataclass(frozen=True, slots=True)
class RunFollower:
    """Tells e-mail campaigns what became of their runs. Every act may be repeated."""

    campaigns: CampaignService

    def follow(self, run: Run) -> str:
        """Mark the e-mail campaign sent when its run is over, paused when its run stopped by itself.

        Answers a stable word for the log: `sent`, `paused` or `nothing_to_do`.
        """
        if run.finished_at is not None:
            self.campaigns.email_sent(run.tenant, run.email_campaign_id)
            return "sent"
        if run.status == "paused":
            return self._paused(run)
        return "nothing_to_do"

    def _paused(self, run: Run) -> str:
        emails = self.campaigns.emails
        email = emails.launcher.emails.get(run.tenant, run.email_campaign_id)
        if email is None or email.status != "sending" or email.run_id != run.id:
            return "nothing_to_do"
        try:
            emails.pause(run.tenant, email.id, run.pause_reason or "its run was paused")
        except (Conflict, Stale):
            # Somebody is steering it in this moment; the next look sees what came of it.
            return "nothing_to_do"
        return "paused"
