"""The launch check: each line appears for its cause, and only for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from meghdoot.areas.campaigns.checks import LaunchFacts, launch_findings
from meghdoot.areas.campaigns.model import EmailCampaign
from meghdoot.areas.content.model import Finding, Variable
from tests.unit.campaigns.house import NOW, SEGMENT, SENDER, TEMPLATE, TENANT, House, in_

FACTS = LaunchFacts(
    tenant=TENANT, template=TEMPLATE, template_findings=(), senders=[SENDER], segments=[("seg", SEGMENT)],
    reachable=10, now=NOW, sending_now=False,
)  # fmt: skip
EMAIL = House().draft()


def codes(email: EmailCampaign = EMAIL, **facts: object) -> list[tuple[str, str]]:
    return [(f.level, f.code) for f in launch_findings(email, replace(FACTS, **facts))]  # type: ignore[arg-type]


def test_a_sound_campaign_has_no_lines() -> None:
    assert codes() == []


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"template": None}, ("blocking", "template_missing")),
        ({"template": replace(TEMPLATE, is_active=False)}, ("blocking", "template_inactive")),
        ({"template": replace(TEMPLATE, html_content="<p>Hi</p>")}, ("blocking", "no_unsubscribe_link")),
        ({"template": replace(TEMPLATE, html_content_bn="<p>x</p>", subject_line_bn="x")}, ("blocking", "no_unsubscribe_link")),
        ({"template_findings": [Finding("blocking", "bad_syntax", "m", "h")]}, ("blocking", "bad_syntax")),
        ({"tenant": replace(TENANT, postal_address=" ")}, ("blocking", "postal_address_missing")),
        ({"senders": []}, ("blocking", "sender_not_verified")),
        ({"senders": [replace(SENDER, status="pending")]}, ("blocking", "sender_not_verified")),
        ({"segments": []}, ("blocking", "no_segment")),
        ({"segments": [("gone", None), ("seg", SEGMENT)]}, ("blocking", "segment_missing")),
        ({"segments": [("seg", replace(SEGMENT, is_active=False))]}, ("blocking", "segment_inactive")),
        ({"segments": [("seg", SEGMENT), ("b", replace(SEGMENT, customer_count=0))]}, ("warning", "segment_empty")),
        ({"segments": [("seg", replace(SEGMENT, last_updated=None))]}, ("warning", "segment_not_refreshed")),
        ({"segments": [("seg", replace(SEGMENT, last_updated=NOW - timedelta(hours=25)))]}, ("warning", "segment_not_refreshed")),
        ({"reachable": 0}, ("blocking", "nobody_reachable")),
        ({"tenant": replace(TENANT, approval_required=True)}, ("blocking", "approval_missing")),
        ({"template": replace(TEMPLATE, variables=(Variable("voucher"),))}, ("blocking", "missing_variable")),
        ({"template": replace(TEMPLATE, variables=(Variable("first_name"),))}, ("warning", "variable_without_default")),
        ({"tenant": replace(TENANT, default_language="bn")}, ("warning", "bangla_variant_missing")),
        ({"template": replace(TEMPLATE, html_content_bn="{{unsubscribe_url}}")}, ("warning", "bangla_subject_missing")),
    ],
)  # fmt: skip
def test_each_cause_has_its_line(facts: dict[str, object], line: tuple[str, str]) -> None:
    assert codes(**facts) == [line]


def test_an_empty_audience_blocks_and_stands_before_the_warnings() -> None:
    empty = replace(SEGMENT, customer_count=0)
    assert codes(segments=[("seg", empty)], reachable=0) == [
        ("blocking", "audience_empty"),
        ("warning", "segment_empty"),
    ]


def test_an_unknown_reach_blocks_nothing() -> None:
    assert codes(reachable=None) == []


def test_variables_with_a_default_or_a_value_of_the_campaign_are_fine() -> None:
    declared = (Variable("headline"), Variable("coupon", "none"), Variable("unsubscribe_url"))
    assert codes(template=replace(TEMPLATE, variables=declared)) == []


def test_a_transactional_mail_needs_no_unsubscribe_link_and_no_address() -> None:
    template = replace(TEMPLATE, template_category="transactional", html_content="<p>Your receipt</p>")
    assert codes(template=template, tenant=replace(TENANT, postal_address="")) == []


def test_a_time_that_has_passed_matters_unless_it_is_sent_now() -> None:
    email = House().draft(scheduled_time=in_(hours=1))
    later = NOW + timedelta(hours=2)
    fresh = [("seg", replace(SEGMENT, last_updated=later))]
    assert codes(email, now=later, segments=fresh) == [("blocking", "schedule_in_the_past")]
    assert codes(email, now=later, segments=fresh, sending_now=True) == []
    assert codes(replace(email, scheduled_time=None)) == [("blocking", "schedule_missing")]


def test_every_line_says_what_to_do() -> None:
    nothing = replace(
        FACTS, template=None, senders=[], segments=[("gone", None)], tenant=replace(TENANT, approval_required=True)
    )
    findings = launch_findings(EMAIL, nothing)
    assert len(findings) == 4
    assert all(f.hint and f.field and f.level == "blocking" for f in findings)
