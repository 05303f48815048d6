"""Tracked links: numbers in the mail, addresses in the table."""

from __future__ import annotations

import re

import pytest

from meghdoot.areas.content.compile import compile_email
from meghdoot.areas.content.links import LinkTable, with_utm
from meghdoot.areas.content.model import Link
from meghdoot.kernel.errors import Invalid
from tests.unit.content.samples import FOOTER, PERSON, compiled, rendered, template

CLICK = "https://m.example/c/TOKEN/"


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://a.example", "https://a.example?utm_source=m&utm_campaign=eid+sale"),
        ("https://a.example/p?x=1", "https://a.example/p?x=1&utm_source=m&utm_campaign=eid+sale"),
        ("https://a.example/p?x=%20y#top", "https://a.example/p?x=%20y&utm_source=m&utm_campaign=eid+sale#top"),
        ("https://a.example/?utm_source=own", "https://a.example/?utm_source=own&utm_campaign=eid+sale"),
        ("https://a.example/?utm_source=&utm_campaign=x", "https://a.example/?utm_source=&utm_campaign=x"),
    ],
)
def test_utm_is_appended_and_nothing_of_the_address_is_lost(url: str, wanted: str) -> None:
    assert with_utm(url, {"utm_source": "m", "utm_campaign": "eid sale", "utm_term": ""}) == wanted


def test_every_literal_link_becomes_a_number_and_the_rest_stays() -> None:
    table = LinkTable()
    html = (
        "<a href=\"https://a.example/?x=1&amp;y=2\">1</a><A class=b HREF='https://b.example'>2</A>"
        "<a href=https://c.example/c>3</a><a href='https://a.example/?x=1&y=2'>again</a>"
        '<a href="mailto:a@b.example">m</a><a href="tel:+880">t</a><a href="#top">h</a><a name="x">n</a>'
        '<a href="{{unsubscribe_url}}">u</a><a href="{{privacy_url}}">p</a><!-- <a href="https://no.example">x</a> -->'
    )
    mail = rendered(html, links=table)
    found = re.findall(r'<a[^>]*href="?([^">]+)', mail.html, re.IGNORECASE)
    assert found == [
        f"{CLICK}1", f"{CLICK}2", f"{CLICK}3", f"{CLICK}1", "mailto:a@b.example", "tel:+880", "#top",
        PERSON.unsubscribe_url, FOOTER.privacy_url, "https://no.example", PERSON.unsubscribe_url, f"{CLICK}0",
    ]  # fmt: skip
    assert [link.url for link in table.links] == [
        "https://a.example/?x=1&y=2",
        "https://b.example",
        "https://c.example/c",
    ]


def test_a_campaign_level_link_is_tracked_and_a_personal_one_goes_straight() -> None:
    table = LinkTable()
    html = (
        '<a href="{{cta_link}}">a</a><a href="{{base}}/x?y=1">b</a><a href="https://a.example/?c={{first_name}}">c</a>'
    )
    content = {"cta_link": "https://shop.example/", "base": "https://shop.example"}
    mail = rendered(html, {"first_name": "Asha"}, links=table, content=content)
    assert [link.url for link in table.links] == ["https://shop.example/", "https://shop.example/x?y=1"]
    assert 'href="https://a.example/?c=Asha"' in mail.html


def test_links_in_loops_over_products_are_tracked_one_by_one() -> None:
    table = LinkTable()
    products = [{"title": n, "url": f"https://shop.example/{n}?a=1&b=2"} for n in ("x", "y")]
    mail = rendered(
        '{{#each products}}<a href="{{url}}">{{title}}</a>{{/each}}', content={"products": products}, links=table
    )
    assert f'<a href="{CLICK}1">x</a><a href="{CLICK}2">y</a>' in mail.html
    assert table.links[0].url == "https://shop.example/x?a=1&b=2"


def test_a_link_inside_a_personal_condition_is_tracked() -> None:
    mail = rendered('{{#if city}}<a href="https://a.example">x</a>{{/if}}', {"city": "Dhaka"})
    assert f'<a href="{CLICK}1">x</a>' in mail.html
    assert f"x ({CLICK}1)" in mail.text


def test_the_text_part_tracks_the_same_numbers() -> None:
    table = LinkTable()
    html = '<a href="https://a.example">1</a>'
    text = "See https://b.example/x, or (https://a.example). {{privacy_url}} {{unsubscribe_url}} {{cta}}"
    mail = rendered(html, links=table, t_text_content=text, content={"cta": "https://c.example"})
    assert mail.text == f"See {CLICK}2, or ({CLICK}1). {FOOTER.privacy_url} {PERSON.unsubscribe_url} {CLICK}3"


def test_all_languages_of_a_run_share_one_table_and_compile_again_to_the_same_numbers() -> None:
    made = template(
        '<a href="https://a.example">a</a>',
        html_content_bn='<a href="https://b.example">b</a><a href="https://a.example">a</a>',
    )
    first = LinkTable()
    english = compile_email(made, "en", footer=FOOTER, links=first).render({}, PERSON)
    bangla = compile_email(made, "bn", footer=FOOTER, links=first).render({}, PERSON)
    assert first.links == (Link(1, "https://a.example"), Link(2, "https://b.example"))
    again = LinkTable(first.links)
    assert compile_email(made, "bn", footer=FOOTER, links=again).render({}, PERSON) == bangla
    assert compile_email(made, "en", footer=FOOTER, links=again).render({}, PERSON) == english
    assert again.links == first.links


def test_114_a_hidden_link_with_number_zero_waits_for_machines_before_the_end_of_the_body() -> None:
    mail = rendered()
    trap = re.search(rf'<a href="{CLICK}0"[^>]*></a>', mail.html)
    assert trap is not None
    assert 'rel="nofollow"' in trap[0]
    assert 'aria-hidden="true"' in trap[0]
    assert mail.html.index(PERSON.pixel_url) < mail.html.index("</body>")
    assert f"{CLICK}0" not in mail.text


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://user:pw@a.example",
        "https://a.example:99999",
        "http://[::1",
        "https://a.example/" + "x" * 2000,
    ],
)
def test_an_address_that_cannot_be_linked_to_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as e:
        compiled(f'<a href="{url}">x</a>')
    assert e.value.fields[0].code == "bad_link"


def test_a_run_has_a_bounded_number_of_links() -> None:
    with pytest.raises(Invalid) as e:
        compiled("".join(f'<a href="https://a.example/{n}">x</a>' for n in range(501)))
    assert e.value.code == "too_many_links"


def test_styles_are_inlined_without_touching_values_or_fetching_anything() -> None:
    html = "<style>@import url(https://no.example/x.css); p.a{color:red} @media (max-width:9px){p{color:blue}}</style><link rel='stylesheet' href='https://no.example/y.css'><p class='a' title='{{first_name}}'>{{first_name}}</p>"
    mail = rendered(html, {"first_name": "A&B"})
    assert '<p class="a" title="A&amp;B" style="color: red;">A&amp;B</p>' in mail.html
    assert "@media" in mail.html


def test_a_body_without_end_still_gets_its_pixel() -> None:
    made = template(html_content="<p>bare</p>")
    mail = compile_email(made, "en", footer=FOOTER, links=LinkTable()).render({}, PERSON)
    assert mail.html.startswith("<p>bare</p>")
    assert PERSON.pixel_url in mail.html


def test_the_privacy_page_is_not_tracked_even_when_its_address_is_written_out() -> None:
    table = LinkTable()
    mail = rendered(f'<a href="{FOOTER.privacy_url}">p</a>', links=table, t_text_content=f"{FOOTER.privacy_url} x")
    assert table.links == ()
    assert f'href="{FOOTER.privacy_url}"' in mail.html
    assert mail.text == f"{FOOTER.privacy_url} x"
