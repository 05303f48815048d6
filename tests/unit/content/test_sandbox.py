"""Templates can neither escape nor hang."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meghdoot.areas.content.program import MAX_OUTPUT, RenderFailed
from meghdoot.areas.content.sandbox import MAX_SOURCE, environment, problems
from tests.unit.content.samples import PERSON, compiled, rendered

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ().__class__.__bases__[0].__subclasses__()[104].__init__.__globals__ }}",
    "{{ config.__class__.__init__.__globals__['os'].popen('id').read() }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ request|attr('application')|attr('\\x5f\\x5fglobals\\x5f\\x5f') }}",
    "{{ ''|attr('__class__') }}",
    "{{ '%s'|format(first_name.__class__) }}",
    "{{ '{0.__class__}'.format(first_name) }}",
    "{{ first_name['__class__'] }}",
    "{{ first_name._private }}",
    "{{ _click }}",
    "{{ attributes['_x'] }}",
    "{{ first_name.__class__ }}",
    "{{ loop.__class__ }}",
    "{% for a in b %}{{ loop._iterable }}{% endfor %}",
    "{% for a in b %}{{ loop.cycle('a') }}{% endfor %}",
    "{{ caller() }}",
    "{{ super() }}",
    "{{ self }}",
    "{{ varargs }}",
    "{{ kwargs }}",
    "{{ first_name.upper() }}",
    "{{ p.delete() }}",
    "{{ [].append(1) }}",
    "{{ dict(a=1) }}",
    "{{ x|map('attr', '__class__')|list }}",
    "{{ x|selectattr('__class__') }}",
    "{{ x|xmlattr }}",
    "{{ x|safe }}",
    "{{ x|tojson }}",
    "{{ x is defined }}",
    "{{{ x }}}",
]
BOMBS = [
    "{{ 'A' * 200000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ '%300000000d' % 1 }}",
    "{{ 'a'|center(900000000) }}",
    "{{ 'a'.ljust(900000000) }}",
    "{{ 'a'|indent(900000000) }}",
    "{{ 'a' ~ 'b' }}",
    "{{ [1] * 100000000 }}",
    "{{ 'a' + 'b' }}",
    "{{ 1 // 0 }}",
    "{{ range(99999999) }}",
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{{ lipsum(n=100000) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% include 'x' %}",
    "{% import 'x' as x %}",
    "{% from 'x' import y %}",
    "{% extends 'x' %}",
    "{% block b %}{% endblock %}",
    "{% set a = 'x' %}",
    "{% call m() %}{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with a = 1 %}{% endwith %}",
    "{% autoescape false %}{{ x }}{% endautoescape %}",
    "{% raw %}{{ x }}{% endraw %}",
    "{% do x.append(1) %}",
    "{% for a in x recursive %}{{ loop(a) }}{% endfor %}",
    "{% for a in x if a %}{{ a }}{% endfor %}",
    "{% for a, b in x %}{{ a }}{% endfor %}",
    "{% for a in x %}{% for b in x %}{% for c in x %}{{ c }}{% endfor %}{% endfor %}{% endfor %}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "not " * 5000 + "x }}",
    "{{ " + "- " * 5000 + "1 }}",
    "{{ x" + ".a" * 5000 + " }}",
    "{{ x" + "|upper" * 5000 + " }}",
    "{{ x" + "[0]" * 5000 + " }}",
    "{% if x %}" * 5000,
    "{{#if x}}" * 500 + "{{/if}}" * 500,
    "{{#each x}}" * 3 + "{{this}}" + "{{/each}}" * 3,
    "{{ x }}" * 20000,
    "{{ " + "9" * 9000 + " }}",
    "{{ 'a" + "\\'" * 5000,
    "x" * (MAX_SOURCE + 1),
    "{{ {'a': 1} }}",
    "{{ x[1:2] }}",
    "{{ x if y else z }}",
    "{{ (1, 2) }}",
    "{{ x",
    "{% if x %}",
    "{{#each x}}",
    "{{/if}}",
    "\x00{{ x }}",
    "\ue0000\ue001",
    "{{ x|default(value=1) }}",
    "{{ x|truncate(*y) }}",
]


def test_the_collection_of_payloads_is_as_large_as_promised() -> None:
    assert len(ESCAPES) >= 12
    assert len(ESCAPES) + len(BOMBS) >= 60


@pytest.mark.parametrize("payload", ESCAPES)
def test_100_every_known_way_out_of_the_sandbox_is_refused_when_saved(payload: str) -> None:
    assert problems(payload)


@pytest.mark.parametrize("payload", BOMBS, ids=lambda payload: payload[:30])
def test_101_every_bomb_is_refused_within_50_ms_of_work(payload: str) -> None:
    spent = []
    for _ in range(3):
        started = time.process_time()
        found = problems(payload)
        spent.append(time.process_time() - started)
        assert found
    assert min(spent) < 0.05


@pytest.mark.parametrize(
    "fine",
    [
        "Hi {{ first_name }}",
        "{{ first_name|default('you')|upper }}",
        "{% if a and not b or c == 'x' %}y{% elif d >= 3 %}z{% else %}w{% endif %}",
        "{% if points > -1 %}x{% endif %}",
        "{% for p in products %}{{ loop.index }} {{ p.title }}{% else %}none{% endfor %}",
        "{{#each products}}{{title}} {{price|money('BDT')}}{{/each}}",
        "{{ attributes['favourite colour'] }} {{ products[0].title }}",
        "{# a comment #}{{! another }}",
    ],
)
def test_what_authors_need_is_accepted(fine: str) -> None:
    assert problems(fine) == ()


def test_a_problem_names_its_line() -> None:
    assert problems("a\nb\n{{ x|nonsense }}")[0].line == 3
    assert problems("a\n{{#if x}}\nb")[0].line == 2


class Person:
    name = "secret"

    def delete(self) -> str:
        return "DELETED"


@pytest.mark.parametrize("html", ["{{ p.name }}", "{{ p }}", "{% for x in p.name %}{{ x }}{% endfor %}"])
def test_100_an_object_never_reaches_a_template(html: str) -> None:
    with pytest.raises(RenderFailed, match="plain data"):
        rendered(html, {"p": Person()})


def test_100_fields_are_looked_up_in_maps_never_as_attributes() -> None:
    env = environment("en", html=False)
    for value, name in (({"a": 1}, "items"), ([1], "append"), ("text", "upper"), ({}, "__class__")):
        assert not env.getattr(value, name)
    assert rendered("{{ item.items }}", content={"item": {"items": "mine"}}).text.startswith("mine")


def test_101_output_stops_at_the_cap_while_it_is_generated() -> None:
    mail = compiled("{% for a in attributes.x %}{% for b in attributes.x %}" + "y" * 500 + "{% endfor %}{% endfor %}")
    started = time.process_time()
    with pytest.raises(RenderFailed, match="beyond"):
        mail.html.render({"attributes": {"x": ["z"] * 400}})
    assert time.process_time() - started < 1


def test_101_a_campaign_loop_is_capped_when_it_is_unrolled() -> None:
    with pytest.raises(RenderFailed, match="beyond"):
        compiled(
            "{% for a in x %}{% for b in x %}" + "y" * 500 + "{% endfor %}{% endfor %}", content={"x": ["z"] * 400}
        )


def test_101_plain_slots_are_capped_too() -> None:
    with pytest.raises(RenderFailed, match="beyond"):
        rendered("{{ x }}" * 20, {"x": "y" * (MAX_OUTPUT // 10)})


def test_101_a_campaign_cannot_bring_unbounded_data() -> None:
    with pytest.raises(RenderFailed, match="more than"):
        compiled("x", content={"x": [[1] * 100] * 100})


@pytest.mark.parametrize(
    "bad", ["{{ x|truncate(10000000) }}", "{{ x|round(99999) }}", "{{ x|date('%Y') }}", "{{ x|first }}", "{{ x|join }}"]
)
def test_101_filters_refuse_arguments_beyond_their_bounds(bad: str) -> None:
    with pytest.raises(RenderFailed):
        rendered(bad, {"x": 5})


_ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
_BUSY = compiled(
    "{{ x|upper }}{{ x|title }}{{ x.a }}{{ x|length }}{% for y in x %}{{ y|truncate(3) }}{{ y|money }}{% endfor %}"
    '{% if x > 3 %}{{ x|round(2) }}{% endif %}<a href="{{ x }}">{{ x|date }}</a>'
)


@given(_ANY)
def test_102_whatever_a_value_is_the_mail_is_written_or_refused_as_render_error(value: Any) -> None:
    try:
        mail = _BUSY.render({"x": value}, PERSON)
    except RenderFailed:
        return
    assert "None" not in mail.text
