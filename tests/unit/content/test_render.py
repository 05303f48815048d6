"""What a person is shown: values escaped for their place, once, and never "Hi None"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.areas.content.compile import compile_email, person_fields
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Variable
from meghdoot.areas.content.names import customer_fields
from meghdoot.areas.content.program import RenderFailed
from meghdoot.areas.content.syntax import to_jinja
from meghdoot.areas.customers.model import Customer
from meghdoot.kernel.errors import Invalid
from tests.unit.content.samples import FOOTER, NOW, PERSON, compiled, rendered, template

MISSION = """{{#if header_image}}<img src="{{header_image}}" alt="Header">{{/if}}
<h1>Hi {{first_name}},</h1>{{content}}
{{#each properties}}<div><img src="{{image}}" alt="{{title}}"><h3>{{title}}</h3><p>{{price}}</p>
<a href="{{url}}">View Details</a></div>{{/each}}"""
HOMES = [
    {"image": "https://i.example/1.png", "title": "Lake & Garden", "price": 900, "url": "https://h.example/1"},
    {"image": "https://i.example/2.png", "title": "Tower", "price": "800", "url": "https://h.example/2"},
]


# --- 102: a missing value --------------------------------------------------------------------------
@pytest.mark.parametrize("value", [{}, {"first_name": None}, {"first_name": ""}, {"first_name": " \t"}])
@pytest.mark.parametrize("where", ["html", "subject", "text"])
def test_102_a_missing_variable_fails_the_render_and_never_prints_none(value: dict[str, Any], where: str) -> None:
    changes: dict[str, Any] = {"t_subject_line": "Hi {{first_name}}"} if where == "subject" else {}
    changes |= {"t_text_content": "Hi {{first_name}}"} if where == "text" else {}
    with pytest.raises(RenderFailed) as e:
        rendered("Hi {{first_name}}" if where == "html" else "Hi", value, **changes)
    assert e.value.code == "render_error"
    assert e.value.fields[0].field == "first_name"


def test_102_a_declared_default_stands_in_for_what_a_person_lacks() -> None:
    mail = compiled("Hi {{first_name}},", t_variables=(Variable("first_name", "friend"),))
    assert "Hi friend," in mail.render({"first_name": ""}, PERSON).html
    assert "Hi Rahim," in mail.render({"first_name": "Rahim"}, PERSON).html


def test_102_a_default_in_the_template_and_a_condition_work_without_the_value() -> None:
    html = "{{first_name|default('you')}} {{#if city}}in {{city}}{{else}}anywhere{{/if}} {% if x == 'a' %}A{% endif %}"
    assert "you anywhere " in rendered(html).html


def test_102_missing_fields_of_maps_and_of_loop_items_fail_too() -> None:
    for html, fields in (
        ("{{attributes.tier}}", {"attributes": {"tier": ""}}),
        ("{{attributes.tier|upper}}", {}),
        ("{{#each attributes.x}}{{title}}{{/each}}", {"attributes": {"x": [{"name": "a"}]}}),
        ("{% for a in attributes.y %}{{ a }}{% endfor %}", {}),
        ("{{attributes}}", {"attributes": {"a": "b"}}),
    ):
        with pytest.raises(RenderFailed):
            rendered(html, fields)


def test_102_a_campaign_that_lacks_a_field_of_its_products_is_told_when_it_is_compiled() -> None:
    with pytest.raises(RenderFailed, match="title"):
        compiled("{{#each products}}{{title}}{{/each}}", content={"products": [{"name": "x"}]})


def test_names_that_nobody_fills_are_reported() -> None:
    mail = compiled("{{headline}} {{teaser}} {{first_name}} {{postal_address}}", content={"teaser": "x"})
    assert mail.unresolved == {"headline"}


# --- 103: escaping ---------------------------------------------------------------------------------
NASTY = '<script>alert("1")</script>&\'{{7*7}}{% x %}'


def test_103_a_value_is_escaped_for_html_but_not_for_text_and_rendered_once() -> None:
    mail = rendered('<p title="{{first_name}}">{{first_name}}</p>', {"first_name": NASTY})
    assert "<script" not in mail.html
    assert "&lt;script&gt;alert(&quot;1&quot;)" in mail.html
    assert "{{7*7}}" in mail.html
    assert "49" not in mail.html
    assert NASTY in mail.text


def test_103_a_campaign_value_is_escaped_and_rendered_once_as_well() -> None:
    mail = rendered('<p title="{{headline}}">{{headline}}</p>', content={"headline": NASTY})
    assert "<script" not in mail.html
    assert "{{7*7}}" in mail.html
    assert NASTY in mail.text


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", " JaVaScRiPt:x", "data:text/html,x", "vbscript:x", "//evil.example", "/relative",
     "https://a.example/ x", 'https://a.example/"onclick', "https://a.example/<x>", "ftp://a.example", "java\tscript:x"],
)  # fmt: skip
@pytest.mark.parametrize("html", ['<a href="{{x}}">go</a>', '<img src="{{x}}" alt="x">'])
def test_103_an_address_in_a_link_is_http_mail_or_telephone(url: str, html: str) -> None:
    with pytest.raises(RenderFailed):
        rendered(html, {"x": url})
    with pytest.raises(RenderFailed):
        rendered(html, content={"x": url})


def test_103_a_value_inside_an_address_cannot_leave_its_place() -> None:
    mail = rendered('<a href="https://a.example/{{first_name}}?q={{first_name}}">x</a>', {"first_name": 'a/b?c&d"#'})
    assert 'href="https://a.example/a/b%3Fc%26d%22%23?q=a%2Fb%3Fc%26d%22%23"' in mail.html


@pytest.mark.parametrize("html", ['<a href="https://{{first_name}}/x">x</a>', '<a href="//{{first_name}}">x</a>'])
def test_103_a_host_cannot_be_pieced_together(html: str) -> None:
    with pytest.raises(Invalid) as e:
        compiled(html)
    assert e.value.code == "template_syntax"


@pytest.mark.parametrize("breaker", ["a\r\nBcc: x@y.z", "a\nb", "a\rb", "a\u2028b", "a\x00b", "a\x85b"])
def test_103_a_subject_takes_no_line_break_from_any_value(breaker: str) -> None:
    with pytest.raises(RenderFailed):
        rendered(fields={"first_name": breaker}, t_subject_line="Hi {{first_name}}")
    with pytest.raises(RenderFailed):
        rendered(content={"headline": breaker}, t_subject_line="Hi {{headline}}")


def test_103_a_style_takes_only_plain_values() -> None:
    html = '<p style="color:{{attributes.colour}}">x</p>'
    assert "color:#a0f" in rendered(html, {"attributes": {"colour": "#a0f"}}).html
    for bad in ("red;background:url(x)", "expression(1)", 'red"'):
        with pytest.raises(RenderFailed):
            rendered(html, {"attributes": {"colour": bad}})


def test_103_bangla_and_emoji_come_through_unchanged() -> None:
    name = "রহিমা বেগম 😀 ক্ষ্ম"
    mail = rendered("<p>{{first_name}}</p>", {"first_name": name}, t_subject_line="{{first_name}}")
    assert (name in mail.html, name in mail.text, name == mail.subject) == (True, True, True)


@given(st.text(max_size=40))
def test_103_no_value_ever_opens_a_tag_or_ends_an_attribute(value: str) -> None:
    mail = _PLACES
    try:
        html = mail.render({"x": value}, PERSON).html
    except RenderFailed:
        return
    assert html.count("<") == _TAGS
    assert html.count('"') == _QUOTES


_PLACES = compiled('<p title="{{x}}">{{x}}</p>{{#if x}}<b>{{x}}</b>{{/if}}')
_TAGS = _PLACES.render({"x": "a"}, PERSON).html.count("<")
_QUOTES = _PLACES.render({"x": "a"}, PERSON).html.count('"')


# --- the mission's syntax --------------------------------------------------------------------------
def test_the_template_of_the_mission_renders_with_its_inner_fields() -> None:
    mail = rendered(MISSION, {"first_name": "Asha"}, content={"properties": HOMES, "content": "Two homes"})
    assert "Hi Asha," in mail.html
    assert "Header" not in mail.html
    assert '<img src="https://i.example/1.png" alt="Lake &amp; Garden">' in mail.html
    assert "<p>900</p>" in mail.html
    assert mail.html.count("View Details") == 2
    with_image = {"properties": [], "content": "x", "header_image": "https://i.example/h.png"}
    assert 'src="https://i.example/h.png"' in rendered(MISSION, {"first_name": "A"}, content=with_image).html


def test_blocks_between_table_rows_survive_the_inlining_of_styles() -> None:
    html = "<style>td{color:red}</style><table>{{#each attributes.x}}<tr><td>{{this}}</td></tr>{{/each}}</table>"
    mail = rendered(html, {"attributes": {"x": ["one", "two"]}})
    assert [mail.html.index(word) for word in ("<table", "one", "two", "</table")] == sorted(
        mail.html.index(word) for word in ("<table", "one", "two", "</table")
    )
    assert mail.html.count('<td style="color: red;">') == 2


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("{{#if a}}x{{else}}y{{/if}}", "{% if a %}x{% else %}y{% endif %}"),
        ("{{#if a}}x{{else if b}}y{{/if}}", "{% if a %}x{% elif b %}y{% endif %}"),
        ("{{#unless a}}x{{/unless}}", "{% if not ( a) %}x{% endif %}"),
        ("{{#each a}}{{b}}{{this.c}}{{../d}}{{@index}}{{/each}}", "{% for this1 in a %}{{ this1.b}}{{ this1.c}}{{ d}}{{ loop.index0}}{% endfor %}"),
        ("{{#each a}}{{#each b}}{{c}}{{../d}}{{first_name}}{{/each}}{{/each}}", "{% for this1 in a %}{% for this2 in this1.b %}{{ this2.c}}{{ this1.d}}{{ first_name}}{% endfor %}{% endfor %}"),
        ("{{plain}} text", "{{plain}} text"),
    ],
)  # fmt: skip
def test_the_mission_syntax_becomes_jinja2(source: str, wanted: str) -> None:
    assert to_jinja(source).replace(" ", "") == wanted.replace(" ", "")


# --- languages, filters, text part -----------------------------------------------------------------
def test_bangla_has_its_own_texts_digits_and_months() -> None:
    made = template(
        "<p>en</p>", html_content_bn="<p>{{price|money}} {{day|date}}</p>", subject_line_bn="ঈদ", text_content="en"
    )
    mail = compile_email(
        made, "bn", footer=FOOTER, links=LinkTable(), content={"price": 1250000, "day": "2026-01-05"}
    ).render({}, PERSON)
    assert mail.subject == "ঈদ"
    assert "৳১২,৫০,০০০ ৫ জানুয়ারি ২০২৬" in mail.html
    assert mail.text.startswith("৳১২,৫০,০০০")


def test_a_language_without_html_takes_the_other_as_a_whole() -> None:
    mail = compile_email(template("<p>only</p>", text_content="t"), "bn", footer=FOOTER, links=LinkTable())
    assert "only" in mail.render({}, PERSON).html
    assert mail.render({}, PERSON).text == "t"


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("x|upper", "ABC DE"), ("x|title", "Abc De"), ("x|capitalize", "Abc de"), ("x|length", "6"), ("x|first", "a"),
        ("x|truncate(4)", "abc…"), ("n|round(1)", "2.7"), ("n|money('USD')", "$2.65"), ("l|join(' & ')", "p &amp; q"),
        ("l|last", "q"), ("d|date", "28 February 2026"), ("d|date('short')", "28/02/2026"), ("missing|default(n)", "2.65"),
        ("m|money", "৳1,234,567"), ("neg|money('JPY')", "-JPY 5"), ("x|escape", "abc de"), ("x|trim|lower", "abc de"),
    ],
)  # fmt: skip
def test_filters(expression: str, shown: str) -> None:
    values = {"x": "abc de", "n": 2.65, "l": ["p", "q"], "d": "2026-02-28", "m": 1234567, "neg": "-4.6"}
    for given_as in ({"fields": values}, {"content": values}):
        assert f"<p>{shown}</p>" in rendered(f"<p>{{{{ {expression} }}}}</p>", **given_as).html


def test_the_text_part_is_made_from_the_html() -> None:
    html = (
        "<style>p{color:red}</style><div style='display:none'>hidden <p>more</div><h1>Title</h1><p>One&nbsp;&amp; two</p>"
        "<ul><li>first</li><li>second</li></ul><img src='https://i.example/x.png' alt='A cat'><a href='https://a.example'>go</a>"
    )
    text = rendered(html).text
    for line in ("Title", "One & two", "- first", "- second", "[A cat]"):
        assert line in text
    assert "go (https://m.example/c/TOKEN/1)" in text
    assert "hidden" not in text
    assert "color" not in text


# --- fields of a person ----------------------------------------------------------------------------
def test_only_fields_that_the_template_uses_leave_the_profile() -> None:
    made = template("{{first_name}} {{attributes.tier}}", html_content_bn="{{customer_name}}")
    customer = Customer("acme", "c1", NOW, NOW, email="a@b.example", first_name="Rahim", last_name=None, phone="+880")
    wanted = person_fields(made)
    assert wanted == {"first_name", "attributes", "customer_name"}
    assert customer_fields(customer, wanted) == {"first_name": "Rahim", "customer_name": "Rahim"}
    whole = customer_fields(replace(customer, attributes={"tier": "gold"}, last_name="Uddin"), wanted)
    assert whole["customer_name"] == "Rahim Uddin"
    assert whole["attributes"] == {"tier": "gold"}


def test_a_person_cannot_bring_system_values() -> None:
    html = '<a href="{{privacy_url}}">p</a>'
    evil = {
        "privacy_url": "https://evil.example",
        "unsubscribe_url": "https://evil.example",
        "postal_address": "nowhere",
    }
    assert "evil" not in rendered(html, evil).html
    assert "nowhere" not in rendered(html, evil).html
    assert "evil" not in rendered(html, content=evil).html
