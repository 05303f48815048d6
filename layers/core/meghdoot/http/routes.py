"""The one route table of the REST API. What is not here does not exist; what is here is documented, guarded and tested."""

from __future__ import annotations

from meghdoot.http.schemas import (
    access,
    campaigns,
    consent,
    content,
    customers,
    messages,
    reputation,
    segments,
    sending,
    tenants,
)
from meghdoot.http.schemas import email_campaigns as emails
from meghdoot.http.schemas.common import ListQuery
from meghdoot.http.schemas.run_messages import RunMessageAnswer
from meghdoot.http.table import Route

_TENANT = (
    Route("get_tenant", "GET", "/tenant", "settings:read", "Read the settings", "tenant", tenants.TenantAnswer, etag=True),
    Route("put_tenant", "PUT", "/tenant", "settings:write", "Replace the settings", "tenant", tenants.TenantAnswer,
          body=tenants.TenantSettings, etag=True, if_match=True),
    Route("create_sender", "POST", "/senders", "settings:write", "Add a sender and begin its verification", "senders",
          tenants.SenderAnswer, 201, body=tenants.SenderBody, etag=True),
    Route("list_senders", "GET", "/senders", "settings:read", "List the senders", "senders", tenants.SenderList),
    Route("verify_sender", "POST", "/senders/{sender_id}/verify", "settings:write", "Ask the provider whether the sender is verified",
          "senders", tenants.SenderAnswer, etag=True),
    Route("put_sender", "PUT", "/senders/{sender_id}", "settings:write", "Begin or end a sender's plan of growing volumes", "senders",
          tenants.SenderAnswer, body=tenants.SenderChange, etag=True),
    Route("delete_sender", "DELETE", "/senders/{sender_id}", "settings:write", "Remove a sender", "senders", status=204),
)  # fmt: skip

_ACCESS = (
    Route("create_api_key", "POST", "/api-keys", "keys:write", "Make an API key", "api-keys", access.NewApiKeyAnswer, 201,
          body=access.ApiKeyBody, shown_once=("api_key",)),
    Route("list_api_keys", "GET", "/api-keys", "keys:write", "List the API keys", "api-keys", access.ApiKeyList),
    Route("rotate_api_key", "POST", "/api-keys/{key_id}/rotate", "keys:write", "Replace a key; the old one works on for a while",
          "api-keys", access.NewApiKeyAnswer, 201, body=access.RotationBody, body_optional=True, shown_once=("api_key",)),
    Route("revoke_api_key", "DELETE", "/api-keys/{key_id}", "keys:write", "Revoke a key at once", "api-keys", status=204),
    Route("list_audit", "GET", "/audit-log", "audit:read", "Who did what", "audit", access.AuditList, query=ListQuery),
)  # fmt: skip

_CUSTOMERS = (
    Route("upsert_customer", "POST", "/customers", "customers:write", "Create or update a customer", "customers",
          customers.UpsertAnswer, body=customers.CustomerBody, etag=True),
    Route("upsert_customers", "POST", "/customers/batch", "customers:write", "Create or update up to 500 customers", "customers",
          customers.BatchAnswer, body=customers.CustomerBatchBody),
    Route("list_customers", "GET", "/customers", "customers:read", "List the customers", "customers", customers.CustomerList,
          query=customers.CustomerListQuery),
    Route("get_customer", "GET", "/customers/{customer_id}", "customers:read", "Read a customer", "customers",
          customers.CustomerAnswer, etag=True),
    Route("delete_customer", "DELETE", "/customers/{customer_id}", "customers:write", "Delete a customer", "customers", status=204),
    Route("list_customer_events", "GET", "/customers/{customer_id}/events", "customers:read", "A customer's events, newest first",
          "events", customers.EventList, query=ListQuery),
    Route("add_event", "POST", "/events", "events:write", "Record an event", "events", customers.EventResult, 202,
          body=customers.EventBody),
    Route("add_events", "POST", "/events/batch", "events:write", "Record up to 500 events", "events", customers.BatchAnswer, 202,
          body=customers.EventBatchBody),
    Route("define_attribute", "POST", "/attributes", "customers:write", "Define a custom attribute", "attributes",
          customers.AttributeAnswer, 201, body=customers.AttributeBody),
    Route("list_attributes", "GET", "/attributes", "customers:read", "List the custom attributes", "attributes",
          customers.AttributeList),
    Route("import_customers", "POST", "/imports", "customers:write", "Import customers from CSV of at most 256 KB", "imports",
          customers.ImportAnswer, query=customers.ImportQuery, takes_text=True),
)  # fmt: skip

_CONSENT = (
    Route("record_consent", "POST", "/customers/{customer_id}/consent", "consent:write", "Record an act of consent", "consent",
          consent.ConsentAnswer, 201, body=consent.ConsentBody),
    Route("record_consents", "POST", "/consent/batch", "consent:write", "Record up to 200 acts of consent", "consent",
          consent.ConsentBatchAnswer, body=consent.ConsentBatchBody),
    Route("list_consent", "GET", "/customers/{customer_id}/consent", "consent:read", "The ledger of a customer's consent", "consent",
          consent.ConsentList, query=ListQuery),
    Route("get_gate", "GET", "/customers/{customer_id}/consent/gate", "consent:read", "What may be sent to a customer now", "consent",
          consent.GateAnswer),
    Route("add_suppression", "POST", "/suppressions", "consent:write", "Never contact an address again", "suppressions",
          consent.SuppressionAnswer, 201, body=consent.SuppressionBody),
    Route("get_suppression", "GET", "/suppressions", "consent:read", "Whether and why an address is suppressed", "suppressions",
          consent.SuppressionAnswer, query=consent.SuppressionQuery),
    Route("lift_suppression", "DELETE", "/suppressions", "consent:write", "Lift a suppression of a mended address", "suppressions",
          status=204, query=consent.SuppressionQuery),
    Route("list_unsubscribes", "GET", "/email-campaigns/unsubscribes", "consent:read", "Unsubscribes from e-mail, newest first",
          "consent", consent.UnsubscribeList, query=ListQuery),
    Route("unsubscribe", "POST", "/email-campaigns/unsubscribe", "consent:write", "Record an unsubscribe that came another way",
          "consent", consent.UnsubscribeAnswer, body=consent.UnsubscribeBody),
)  # fmt: skip

_SEGMENTS = (
    Route("create_segment", "POST", "/segments", "segments:write", "Create a segment", "segments", segments.SegmentAnswer, 201,
          body=segments.SegmentBody, etag=True),
    Route("list_segments", "GET", "/segments", "segments:read", "List the segments", "segments", segments.SegmentList,
          query=segments.SegmentListQuery),
    Route("preview_segment", "POST", "/segments/preview", "segments:read", "Count criteria that are not saved", "segments",
          segments.CountAnswer, body=segments.PreviewBody),
    Route("get_segment", "GET", "/segments/{segment_id}", "segments:read", "Read a segment", "segments", segments.SegmentAnswer,
          etag=True),
    Route("update_segment", "PUT", "/segments/{segment_id}", "segments:write", "Change a segment", "segments",
          segments.SegmentAnswer, body=segments.SegmentChange, etag=True, if_match=True),
    Route("delete_segment", "DELETE", "/segments/{segment_id}", "segments:write", "Delete a segment", "segments", status=204),
    Route("refresh_segment", "POST", "/segments/{segment_id}/refresh", "segments:write", "Count a segment on the newest snapshot",
          "segments", segments.SegmentAnswer, 202, etag=True),
    Route("list_segment_customers", "GET", "/segments/{segment_id}/customers", "customers:read", "The customers of a segment",
          "segments", segments.SegmentCustomers, query=segments.SegmentCustomersQuery),
)  # fmt: skip

_TEMPLATES = (
    Route("create_template", "POST", "/templates", "templates:write", "Create a template", "templates", content.TemplateAnswer, 201,
          body=content.TemplateBody, etag=True),
    Route("list_templates", "GET", "/templates", "templates:read", "List the templates", "templates", content.TemplateList,
          query=content.TemplateListQuery),
    Route("get_template", "GET", "/templates/{template_id}", "templates:read", "Read a template", "templates",
          content.TemplateAnswer, etag=True),
    Route("update_template", "PUT", "/templates/{template_id}", "templates:write", "Save a new version", "templates",
          content.TemplateAnswer, body=content.TemplateChange, etag=True, if_match=True),
    Route("delete_template", "DELETE", "/templates/{template_id}", "templates:write", "Delete a template", "templates", status=204),
    Route("preview_template", "POST", "/templates/{template_id}/preview", "templates:read", "Render a template for sample values",
          "templates", content.RenderedAnswer, body=content.PreviewTemplateBody, body_optional=True),
    Route("check_template", "POST", "/templates/{template_id}/check", "templates:read", "What would go wrong with a template",
          "templates", content.CheckAnswer),
)  # fmt: skip

_CAMPAIGN = campaigns.CampaignAnswer
_CAMPAIGNS = (
    Route("create_campaign", "POST", "/campaigns", "campaigns:write", "Create a campaign", "campaigns", _CAMPAIGN, 201,
          body=campaigns.CampaignBody, etag=True),
    Route("list_campaigns", "GET", "/campaigns", "campaigns:read", "List the campaigns with a summary", "campaigns",
          campaigns.CampaignList, query=campaigns.CampaignListQuery),
    Route("get_campaign", "GET", "/campaigns/{campaign_id}", "campaigns:read", "Read a campaign", "campaigns", _CAMPAIGN, etag=True),
    Route("update_campaign", "PUT", "/campaigns/{campaign_id}", "campaigns:write", "Change a campaign", "campaigns", _CAMPAIGN,
          body=campaigns.CampaignChange, etag=True, if_match=True),
    Route("delete_campaign", "DELETE", "/campaigns/{campaign_id}", "campaigns:write", "Delete a campaign", "campaigns", status=204),
    Route("approve_campaign", "POST", "/campaigns/{campaign_id}/approve", "campaigns:approve", "Approve a campaign as it stands",
          "campaigns", _CAMPAIGN, etag=True),
    Route("launch_campaign", "POST", "/campaigns/{campaign_id}/launch", "campaigns:launch", "Launch a campaign and its e-mails",
          "campaigns", _CAMPAIGN, 202, etag=True),
    Route("pause_campaign", "POST", "/campaigns/{campaign_id}/pause", "campaigns:launch", "Pause a campaign", "campaigns", _CAMPAIGN,
          body=campaigns.ReasonBody, body_optional=True, etag=True),
    Route("resume_campaign", "POST", "/campaigns/{campaign_id}/resume", "campaigns:launch", "Resume a paused campaign", "campaigns",
          _CAMPAIGN, etag=True),
    Route("cancel_campaign", "POST", "/campaigns/{campaign_id}/cancel", "campaigns:launch", "Cancel a campaign for good", "campaigns",
          _CAMPAIGN, body=campaigns.ReasonBody, body_optional=True, etag=True),
    Route("get_campaign_analytics", "GET", "/campaigns/{campaign_id}/analytics", "reports:read", "What a campaign brought",
          "campaigns", campaigns.CampaignAnalytics),
)  # fmt: skip

_EMAIL = emails.EmailCampaignAnswer
_EMAILS = (
    Route("create_email_campaign", "POST", "/email-campaigns", "campaigns:write", "Create an e-mail campaign", "email-campaigns",
          _EMAIL, 201, body=emails.EmailCampaignBody, etag=True),
    Route("list_email_campaigns", "GET", "/email-campaigns", "campaigns:read", "List the e-mail campaigns", "email-campaigns",
          emails.EmailCampaignList, query=emails.EmailCampaignListQuery),
    Route("get_email_campaign", "GET", "/email-campaigns/{email_campaign_id}", "campaigns:read", "Read an e-mail campaign",
          "email-campaigns", _EMAIL, etag=True),
    Route("update_email_campaign", "PUT", "/email-campaigns/{email_campaign_id}", "campaigns:write", "Change an e-mail campaign",
          "email-campaigns", _EMAIL, body=emails.EmailCampaignChange, etag=True, if_match=True),
    Route("delete_email_campaign", "DELETE", "/email-campaigns/{email_campaign_id}", "campaigns:write", "Delete an e-mail campaign",
          "email-campaigns", status=204),
    Route("check_email_campaign", "POST", "/email-campaigns/{email_campaign_id}/check", "campaigns:read",
          "What would go wrong with a launch", "email-campaigns", content.CheckAnswer),
    Route("approve_email_campaign", "POST", "/email-campaigns/{email_campaign_id}/approve", "campaigns:approve",
          "Approve an e-mail campaign as it stands", "email-campaigns", _EMAIL, etag=True),
    Route("schedule_email_campaign", "POST", "/email-campaigns/{email_campaign_id}/schedule", "campaigns:launch",
          "Set when to send", "email-campaigns", _EMAIL, body=emails.ScheduleBody, etag=True),
    Route("launch_email_campaign", "POST", "/email-campaigns/{email_campaign_id}/launch", "campaigns:launch", "Send now",
          "email-campaigns", emails.LaunchAnswer, 202, etag=True),
    Route("pause_email_campaign", "POST", "/email-campaigns/{email_campaign_id}/pause", "campaigns:launch", "Pause the sending",
          "email-campaigns", _EMAIL, body=campaigns.ReasonBody, body_optional=True, etag=True),
    Route("resume_email_campaign", "POST", "/email-campaigns/{email_campaign_id}/resume", "campaigns:launch",
          "Resume the sending", "email-campaigns", _EMAIL, etag=True),
    Route("cancel_email_campaign", "POST", "/email-campaigns/{email_campaign_id}/cancel", "campaigns:launch",
          "Cancel: nobody else is sent anything", "email-campaigns", _EMAIL, body=campaigns.ReasonBody, body_optional=True, etag=True),
    Route("send_test_email", "POST", "/email-campaigns/{email_campaign_id}/test", "campaigns:write", "Send test mails",
          "email-campaigns", emails.SampleAnswer, body=emails.SampleBody),
    Route("get_email_performance", "GET", "/email-campaigns/{email_campaign_id}/performance", "reports:read",
          "What came of an e-mail campaign", "email-campaigns", emails.EmailPerformanceAnswer),
    Route("get_run", "GET", "/runs/{run_id}", "reports:read", "A run and where each of its people is", "runs", emails.RunAnswer),
    Route("get_run_message", "GET", "/runs/{run_id}/messages/{customer_id}", "customers:read",
          "The message of a run to one customer, as it was sent", "runs", RunMessageAnswer),
)  # fmt: skip

_SENDING = (
    Route("get_sending", "GET", "/sending", "reports:read", "Whether messages leave, and what keeps them back", "sending",
          sending.SendingAnswer),
    Route("stop_sending", "POST", "/sending/stop", "sending:write", "Stop every message of the tenant within seconds", "sending",
          sending.SendingAnswer, body=sending.StopBody),
    Route("resume_sending", "POST", "/sending/resume", "sending:write", "Go on where everything stood", "sending",
          sending.ResumedAnswer),
    Route("get_reputation", "GET", "/sending/reputation", "reports:read", "How the tenant's mail is received", "sending",
          reputation.ReputationAnswer),
)  # fmt: skip

_MESSAGES = (
    Route("send_message", "POST", "/messages", "messages:send", "Send one message to one person", "messages", messages.MessageAnswer,
          202, body=messages.MessageBody),
    Route("get_message", "GET", "/messages/{message_id}", "messages:read", "How far a message got", "messages",
          messages.MessageAnswer),
)  # fmt: skip

ROUTES: tuple[Route, ...] = (
    *_TENANT,
    *_ACCESS,
    *_CUSTOMERS,
    *_CONSENT,
    *_SEGMENTS,
    *_TEMPLATES,
    *_CAMPAIGNS,
    *_EMAILS,
    *_SENDING,
    *_MESSAGES,
)
BY_OPERATION: dict[str, Route] = {route.operation_id: route for route in ROUTES}
