"""The only reader of the environment. Every setting has one name, here; a missing one fails at the start."""

from __future__ import annotations

import json
import os
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from meghdoot.kernel.keyring import Keyring


class MissingSetting(RuntimeError):
    """A setting that this function needs is not in its environment."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Typed access to the environment. Each property raises MissingSetting, naming the variable, when it is absent."""

    env: Mapping[str, str]

    @classmethod
    def load(cls) -> Settings:
        """From the process's environment."""
        return cls(dict(os.environ))

    def need(self, name: str) -> str:
        """A required value."""
        value = self.env.get(name, "")
        if not value:
            raise MissingSetting(f"the environment variable {name} is not set")
        return value

    @property
    def table_definitions(self) -> str:
        return self.need("TABLE_DEFINITIONS")

    @property
    def table_people(self) -> str:
        return self.need("TABLE_PEOPLE")

    @property
    def table_activity(self) -> str:
        return self.need("TABLE_ACTIVITY")

    @property
    def table_value(self) -> str:
        return self.need("TABLE_VALUE")

    @property
    def table_work(self) -> str:
        return self.need("TABLE_WORK")

    @property
    def bucket_lake(self) -> str:
        """Archive, snapshots and audiences."""
        return self.need("BUCKET_LAKE")

    @property
    def bucket_withdrawals(self) -> str:
        """Write-once."""
        return self.need("BUCKET_WITHDRAWALS")

    @property
    def queue_chunks(self) -> str:
        return self.need("QUEUE_CHUNKS_URL")

    @property
    def queue_urgent(self) -> str:
        return self.need("QUEUE_URGENT_URL")

    @property
    def marketing_unknown_after(self) -> timedelta:
        """How long silence about a marketing message lasts before it counts as `unknown`."""
        return timedelta(hours=float(self.env.get("MARKETING_UNKNOWN_HOURS", "24")))

    @property
    def transactional_resend_after(self) -> timedelta:
        """How long silence about a transactional message lasts before it is sent again."""
        return timedelta(minutes=float(self.env.get("TRANSACTIONAL_RESEND_MINUTES", "15")))

    @property
    def queue_intake(self) -> str:
        return self.need("QUEUE_INTAKE_URL")

    @property
    def queue_receipts(self) -> str:
        return self.need("QUEUE_RECEIPTS_URL")

    @property
    def machine_campaign_run(self) -> str:
        return self.need("MACHINE_CAMPAIGN_RUN_ARN")

    @property
    def machine_segment_refresh(self) -> str:
        return self.need("MACHINE_SEGMENT_REFRESH_ARN")

    @property
    def public_url(self) -> str:
        """Base of pixels, links and unsubscribe pages, without a slash at the end."""
        return self.need("PUBLIC_URL").rstrip("/")

    @property
    def api_key_rate(self) -> float:
        """Requests a second that one API key may make on average."""
        return float(self.env.get("API_KEY_RATE", "50"))

    @property
    def api_tenant_rate(self) -> float:
        """Requests a second that all keys of a tenant may make together on average."""
        return float(self.env.get("API_TENANT_RATE", "80"))

    @property
    def tracking_url(self) -> str:
        """Base of pixels and links where they have an address of their own, without a slash at the end; else empty."""
        return self.env.get("TRACKING_URL", "").rstrip("/")

    @property
    def configuration_set(self) -> str:
        return self.need("SES_CONFIGURATION_SET")

    @property
    def provider_topics(self) -> frozenset[str]:
        """ARNs of the SNS topics whose messages over HTTP are believed."""
        return frozenset(t for t in self.env.get("PROVIDER_TOPIC_ARNS", "").split(",") if t)

    @property
    def email_provider(self) -> str:
        """`ses`, or `local` for the provider that the local stack plays."""
        return self.env.get("EMAIL_PROVIDER", "ses")

    @property
    def deliveries_by_firehose(self) -> bool:
        """Whether deliveries come in files of a delivery stream; else all events come by topic and queue."""
        return self.env.get("DELIVERY_EVENTS", "sns") == "firehose"

    @property
    def sender_rate(self) -> float:
        """Upper bound of mails a second; 0 takes whatever the e-mail provider grants."""
        return float(self.env.get("SENDER_RATE", "0"))

    @property
    def reputation_limits(self) -> str:
        """From which rates on marketing is warned of and stopped; see `analytics.reputation_rules.parse_limits`."""
        return self.env.get("REPUTATION_LIMITS", "")

    @property
    def local_provider_url(self) -> str:
        """Where the provider of the local stack takes mails."""
        return self.need("LOCAL_PROVIDER_URL")

    @property
    def region(self) -> str:
        return self.env.get("AWS_REGION") or self.env.get("AWS_DEFAULT_REGION") or "us-east-1"

    @property
    def credentials(self) -> tuple[str, str, str | None]:
        """Access key, secret key and session token of the function's role, for the thin client."""
        token = self.env.get("AWS_SESSION_TOKEN") or None
        return self.need("AWS_ACCESS_KEY_ID"), self.need("AWS_SECRET_ACCESS_KEY"), token

    @property
    def endpoint_url(self) -> str | None:
        """Set for an emulator."""
        return self.env.get("AWS_ENDPOINT_URL") or None

    @property
    def emulates_partiql(self) -> bool:
        """True under a substrate that answers ok to a statement whose condition is false; see adapters/dynamodb."""
        return self.env.get("MEGHDOOT_STATEMENTS", "partiql") == "items"

    @property
    def clock_offset(self) -> timedelta:
        """Only the local stack lives in another year."""
        return timedelta(seconds=int(self.env.get("MEGHDOOT_CLOCK_OFFSET_SECONDS", "0")))

    @property
    def keyring_parameter(self) -> str | None:
        """Name of the secret that holds the keyring."""
        return self.env.get("KEYRING_SECRET") or None

    @property
    def keyring_inline(self) -> Keyring | None:
        """A keyring in the environment: the local stack and tests only."""
        text = self.env.get("MEGHDOOT_KEYRING")
        return parse_keyring(text) if text else None


def parse_keyring(text: str) -> Keyring:
    """A keyring from `{"current": "k1", "keys": {"k1": "<base64>"}}`. Raises ValueError when it is anything else.

    A key may also stand beside `keys`: a secret that CloudFormation generates has its one key at the top.
    """
    data = json.loads(text)
    beside = {name: value for name, value in data.items() if name not in ("current", "keys")}
    keys = {key_id: b64decode(value, validate=True) for key_id, value in (beside | data["keys"]).items()}
    if data["current"] not in keys or any(len(value) < 32 for value in keys.values()):
        raise ValueError("a keyring names its current key, and every key has at least 32 bytes")
    return Keyring(keys, data["current"])
