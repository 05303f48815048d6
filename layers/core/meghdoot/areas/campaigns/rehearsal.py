"""Writes a campaign's mail for a made-up person in every language, before anybody real is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from meghdoot.areas.campaigns import planning
from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.areas.content.compile import compile_email, person_fields
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Finding, PersonLinks, Template
from meghdoot.areas.content.names import SYSTEM_FIELDS
from meghdoot.areas.messaging.model import Envelope, RunContent
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.areas.messaging.ports import Composers
from meghdoot.areas.tenants.model import SenderIdentity, Tenant
from meghdoot.kernel.clock import Clock
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.i18n import Language
from meghdoot.kernel.keyring import Keyring

SAMPLE_ID = "00000000-0000-7000-8000-000000000000"
SAMPLE_ADDRESS = "sample@example.com"
SAMPLE: dict[Language, dict[str, Any]] = {
    "en": {
        "first_name": "Rahima", "last_name": "Khatun", "customer_name": "Rahima Khatun", "city": "Dhaka",
        "country": "BD", "language": "en",
    },
    "bn": {
        "first_name": "রহিমা", "last_name": "খাতুন", "customer_name": "রহিমা খাতুন", "city": "ঢাকা",
        "country": "BD", "language": "bn",
    },
}  # fmt: skip
"""A person who has every field; attributes are the tenant's own and cannot be made up."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """`ports.Rehearse`: the same steps as the sender's, without a call to anybody."""

    composers: Composers
    keyring: Keyring
    clock: Clock
    public_url: str

    def __call__(
        self, email: EmailCampaign, template: Template, tenant: Tenant, sender: SenderIdentity | None
    ) -> Sequence[Finding]:
        """What keeps the mail from being written, each cause once; nothing when it can be."""
        parts = planning.RunParts(email, template, tenant, sender, self.public_url)
        content = planning.run_content(parts)
        found = [f for language in content.languages for f in self._one(parts, content, language)]
        return list(dict.fromkeys(found))

    def _one(self, parts: planning.RunParts, content: RunContent, language: Language) -> Iterator[Finding]:
        try:
            self._write(parts, content, language)
        except Invalid as e:
            yield _finding(e, "attributes" in person_fields(parts.template))

    def _write(self, parts: planning.RunParts, content: RunContent, language: Language) -> None:
        bangla = language == "bn"
        compiled = compile_email(
            parts.template,
            language,
            footer=content.footer,
            links=LinkTable(),
            utm=content.utm,
            content={**content.content, **(content.content_bn if bangla else {})},
            subject_override=content.subject_line_bn if bangla else content.subject_line,
        )
        one_click = planning.purpose_of(parts.template) == "marketing"
        envelope = Envelope(content.sender_name, content.sender_email, content.reply_to, one_click)
        self.composers.prepare(compiled, envelope).mail(
            SAMPLE_ADDRESS,
            SAMPLE[language],
            self._links(parts, content, language),
            message_id=SAMPLE_ID,
            date=self.clock.now(),
        )

    def _links(self, parts: planning.RunParts, content: RunContent, language: Language) -> PersonLinks:
        return person_links(
            content.public_url, self.keyring, tenant=parts.tenant.id, run_id=SAMPLE_ID, customer_id=SAMPLE_ID,
            channel="email", send_key="0" * 32, language=language, issued_at=self.clock.now(), inert=True,
        )  # fmt: skip


def _finding(error: Invalid, reads_attributes: bool) -> Finding:
    """A line of the check. Whether anybody has an attribute cannot be known here, so its want is a warning."""
    code = error.fields[0].code if error.fields else error.code
    field = error.fields[0].field if error.fields else None
    unsure = reads_attributes and (field or "").startswith("attributes")
    if code == "bad_header" and field == "unsubscribe_url":
        hint = "set the address of the public pages (PUBLIC_URL, or the tenant's tracking domain) to an https address"
        return Finding("blocking", "public_url_unusable", "no header takes the unsubscribe address", hint, "public_url")
    if unsure or (reads_attributes and error.code == "render_error" and field is None):
        return Finding(
            "warning", "attribute_without_default", f"people who lack an attribute are skipped: {error.detail}",
            "give the place in the template a default", field,
        )  # fmt: skip
    hint, place = _mend(code, field)
    return Finding("blocking", code, f"the mail cannot be written: {error.detail}", error.hint or hint, place)


def _mend(code: str, field: str | None) -> tuple[str, str | None]:
    """What to do, and the field to do it in."""
    if code != "missing_variable" or field is None:
        return "mend the template or the campaign's content", field
    if field in SYSTEM_FIELDS:
        return f"set {field} in the settings, or write the template without it", field
    return "set it in the campaign's content", f"content.{field}"
