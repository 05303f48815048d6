"""One module a resource: thin views that call one service and answer a model."""

from __future__ import annotations

from api.resources import (
    access,
    campaigns,
    consent,
    customers,
    email_campaigns,
    events,
    imports,
    messages,
    run_messages,
    segments,
    sending,
    templates,
    tenants,
)

RESOURCES = (
    tenants.resource,
    access.resource,
    customers.resource,
    events.resource,
    imports.resource,
    consent.resource,
    segments.resource,
    templates.resource,
    campaigns.resource,
    email_campaigns.resource,
    sending.resource,
    messages.resource,
    run_messages.resource,
)
