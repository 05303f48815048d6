"""The launch check writes the mail once for a made-up person in each language."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from meghdoot.areas.content.model import Variable
from meghdoot.kernel.errors import Conflict
from tests.unit.campaigns.house import EDITOR, EMAIL, HTML, TEMPLATE, House

OUT = "<p>{{postal_address}} {{unsubscribe_url}}</p>"


def house_with(**changes: Any) -> House:
    """A house whose template is another."""
    house = House()
    changed = replace(TEMPLATE, version=4, **changes)
    house.templates.replace(changed, 3)
    house.versions.add(changed)
    return house


def lines(house: House, **changes: Any) -> list[tuple[str, str, str | None]]:
    found = house.emails.check("acme", house.draft(**changes).id)
    return [(f.level, f.code, f.field) for f in found]


def test_a_mail_that_can_be_written_has_no_line() -> None:
    assert lines(House()) == []


def test_a_value_that_nobody_has_blocks_before_an_audience_of_render_errors() -> None:
    house = house_with(html_content="{{voucher}}" + OUT)
    draft = house.draft()
    assert lines(house) == [("blocking", "missing_variable", "content.voucher")]
    with pytest.raises(Conflict) as e:
        house.emails.launch("acme", draft.id)
    assert [f.code for f in e.value.fields] == ["missing_variable"]
    assert not house.runs.runs
    assert lines(house, content={"voucher": "EID"}) == []


def test_each_language_is_written_with_its_own_content() -> None:
    house = house_with(html_content_bn="{{greeting}}" + OUT, subject_line_bn="ঈদ")
    assert lines(house) == [("blocking", "missing_variable", "content.greeting")]
    assert lines(house, content_bn={"greeting": "সালাম"}) == []


def test_content_that_does_not_fit_the_template_blocks() -> None:
    house = house_with(html_content='<a href="{{cta_link}}">Go</a>' + OUT, variables=(Variable("cta_link", ""),))
    assert lines(house, content={"cta_link": "https://shop.example/eid"}) == []
    ((level, code, _),) = lines(house, content={"cta_link": "javascript:alert(1)"})
    assert (level, code) == ("blocking", "render_error")


def test_a_subject_with_a_line_break_from_the_content_blocks() -> None:
    ((level, _, _),) = lines(House(), subject_line="{{headline}}", content={"headline": "a\r\nBcc: x@y.example"})
    assert level == "blocking"


@pytest.mark.parametrize("url", ["http://m.example.test", "", "https://m.example.test/a b"])
def test_a_public_address_that_no_header_takes_blocks(url: str) -> None:
    house = House()
    house.public_url = url
    house.wire()
    assert lines(house) == [("blocking", "public_url_unusable", "public_url")]


def test_a_privacy_link_that_the_tenant_never_set_blocks_and_points_at_the_settings() -> None:
    house = house_with(html_content=HTML + '<a href="{{privacy_url}}">privacy</a>')
    assert lines(house) == [("blocking", "missing_variable", "privacy_url")]


def test_an_attribute_is_the_tenants_own_so_its_want_only_warns() -> None:
    house = house_with(html_content=HTML + "{{attributes.tier}}")
    assert lines(house) == [("warning", "attribute_without_default", "attributes.tier")]
    assert house.emails.launch("acme", house.draft().id).status == "sending"


def test_a_use_of_the_template_is_counted_once_a_launch() -> None:
    house = House()
    for times in (1, 2):
        email = house.emails.create(EDITOR, EMAIL)
        house.emails.check("acme", email.id)
        house.emails.launch("acme", email.id)
        with pytest.raises(Conflict):
            house.emails.launch("acme", email.id)
        house.timers.set("acme", email.id, house.clock.now())
        house.due.launch_due(house.later(minutes=1))
        assert house.uses.count("acme", "tpl") == times
