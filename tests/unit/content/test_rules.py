"""What keeps a template from being saved, and what its author is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from meghdoot.areas.content.compile import compile_email
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Template, Variable
from meghdoot.areas.content.rules import blocking, check_template
from meghdoot.kernel.i18n import Language
from tests.unit.content.samples import FOOTER, LEGAL, PERSON, template

DEMO = Path(__file__).resolve().parents[3] / "tools" / "meghdoot_cli" / "demo_templates"


def codes(made: Template, level: str = "blocking") -> set[str]:
    return {finding.code for finding in check_template(made) if finding.level == level}


def test_a_template_in_order_has_only_advice() -> None:
    assert codes(template()) == set()
    assert codes(template(), "warning") == {"no_bangla", "no_text"}


@pytest.mark.parametrize(
    "html",
    ["<p>{{postal_address}}</p>", "<!-- {{unsubscribe_url}} -->{{postal_address}}",
     "{{#if city}}{{unsubscribe_url}}{{/if}}{{postal_address}}", "{# {{unsubscribe_url}} #}{{postal_address}}"],
)  # fmt: skip
def test_106_marketing_without_a_certain_unsubscribe_link_is_refused(html: str) -> None:
    assert codes(template(html_content=html)) == {"no_unsubscribe_url"}
    assert codes(template(html_content=html, template_category="transactional")) == set()


def test_106_marketing_without_a_postal_address_is_refused_in_every_language_and_part() -> None:
    only_link = "<p>{{unsubscribe_url}}</p>"
    assert codes(template(html_content=only_link)) == {"no_postal_address"}
    assert codes(template(html_content_bn=only_link)) == {"no_postal_address"}
    assert codes(template(text_content="{{unsubscribe_url}}")) == {"no_postal_address"}


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("{{ headline }}", "undeclared_variable"),
        ("{{ x|nonsense }}", "unknown_filter"),
        ("{{#if x}}", "syntax_error"),
        ("{{ ''.__class__ }}", "refused"),
        ("<script>x</script>", "script_refused"),
        ("<iframe src='https://x'></iframe>", "script_refused"),
        ("<p onclick='x'>y</p>", "script_refused"),
        ("<a href=' javascript:x'>y</a>", "bad_link"),
        ("<a href='https://user@x.example'>y</a>", "bad_link"),
        ("<a {{first_name}}>x</a>", "place_refused"),
        ("<p class={{first_name}}>x</p>", "place_refused"),
        ("<p onclick='{{first_name}}'>x</p>", "place_refused"),
        ("<style>p{color:{{first_name}}}</style>", "place_refused"),
        ("<{{first_name}}>", "place_refused"),
        ("<p {{#if city}}class='a'{{/if}}>x</p>", "place_refused"),
        ("<a href='https://{{first_name}}.example'>x</a>", "place_refused"),
        ("<p>{{#if city}}<a href='{{/if}}'>x</p>", "unbalanced"),
    ],
)
def test_what_cannot_work_is_refused_with_a_stable_code(html: str, code: str) -> None:
    assert code in codes(template(html))


def test_a_finding_names_the_line_the_field_and_what_to_do() -> None:
    made = template("one\n{{ headline }}")
    [finding] = blocking(check_template(made))
    assert (finding.field, "line 2" in finding.message, bool(finding.hint)) == ("html_content", True, True)
    assert codes(replace(made, variables=(Variable("headline"),))) == set()


def test_a_subject_is_checked_as_well() -> None:
    assert "line_break" in codes(template(subject_line="a\r\nBcc: x"))
    assert "undeclared_variable" in codes(template(subject_line_bn="{{ x }}"))


@pytest.mark.parametrize("name", ["unsubscribe_url", "1x", "a-b", "_x", "", "a" * 65])
def test_names_that_cannot_be_declared(name: str) -> None:
    assert "bad_variable" in codes(template(declared=(name,)))
    assert "bad_variable" in codes(template(declared=("twice", "twice")))


def test_advice_about_images_and_length() -> None:
    assert "image_without_alt" in codes(template('<img src="https://i.example/x.png">'), "warning")
    assert "image_without_alt" not in codes(template('<img src="https://i.example/x.png" alt="">'), "warning")
    assert "clipped" in codes(template("x" * 103 * 1024), "warning")


def demo() -> tuple[Template, dict[str, dict[str, object]]]:
    seed = json.loads((DEMO / "newsletter.json").read_text("utf-8"))
    text = {name.name: name.read_text("utf-8") for name in DEMO.glob("newsletter*.*")}
    made = template(
        template_name=seed["template_name"], template_category=seed["template_category"],
        subject_line=seed["subject_line"], subject_line_bn=seed["subject_line_bn"],
        html_content=text["newsletter.html"], text_content=text["newsletter.txt"],
        html_content_bn=text["newsletter_bn.html"], text_content_bn=text["newsletter_bn.txt"],
        variables=tuple(Variable(**variable) for variable in seed["variables"]),
    )  # fmt: skip
    return made, {"en": seed["content"], "bn": seed["content_bn"]}


@pytest.mark.parametrize("language", ["en", "bn"])
@pytest.mark.parametrize("person", [{}, {"first_name": "রহিম", "attributes": {"tier": "gold"}}])
def test_the_demo_newsletter_passes_all_checks_and_renders_in_both_languages(
    language: Language, person: dict[str, object]
) -> None:
    made, content = demo()
    links = LinkTable()
    assert check_template(made) == ()
    mail = compile_email(made, language, footer=FOOTER, links=links, content=content[language])
    shown = mail.render(person, PERSON)
    assert mail.unresolved == frozenset()
    assert len(links.links) == 4
    assert PERSON.unsubscribe_url in shown.html
    assert FOOTER.postal_address in shown.text
    assert ("রহিম" in shown.subject) == ("first_name" in person)
    assert LEGAL not in shown.html
