"""Compiles one language of a template for a run: what is the same for everybody is worked out once, links are numbered.

The order is: translate and check, wrap every value into the writer of its place, fold what the campaign knows, inline
CSS, number the links, add pixel and honeypot, lower the rest to slots. The text part goes the same way without HTML.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import css_inline
from jinja2 import nodes

from meghdoot.areas.content import escaping
from meghdoot.areas.content.fold import Branch, Folder, Loop, Piece, Value
from meghdoot.areas.content.links import HONEYPOT, LinkTable, track_html, track_text, with_utm
from meghdoot.areas.content.lower import to_program
from meghdoot.areas.content.marks import Marks, bare
from meghdoot.areas.content.model import Footer, Template
from meghdoot.areas.content.names import BUILT_IN, PERSON_FIELDS
from meghdoot.areas.content.places import Placing, place_text, wrapped
from meghdoot.areas.content.plaintext import text_of
from meghdoot.areas.content.program import CompiledEmail, Program, RenderFailed, without_empty
from meghdoot.areas.content.sandbox import PlainEnvironment, environment, free_names, parse
from meghdoot.areas.content.syntax import TemplateSyntax
from meghdoot.kernel.errors import Invalid
from meghdoot.kernel.i18n import Language

MAX_VALUES = 2000
"""Single values that a context may hold: bounds every loop."""
_BODY_END = re.compile(r"</body\s*>(?!.*</body)", re.IGNORECASE | re.DOTALL)
_PERSON_VALUES = frozenset({"unsubscribe_url", "privacy_url"})
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


@dataclass(frozen=True, slots=True)
class Source:
    """The texts of one language of a template; what that language lacks is taken from the other."""

    subject: str
    html: str
    text: str | None

    @classmethod
    def of(cls, template: Template, language: Language) -> Source:
        """A Bangla mail without Bangla HTML falls back to the English one, as a whole."""
        if language == "bn" and template.html_content_bn:
            subject = template.subject_line_bn or template.subject_line
            return cls(subject, template.html_content_bn, template.text_content_bn)
        subject = (template.subject_line_bn if language == "bn" else None) or template.subject_line
        return cls(subject, template.html_content, template.text_content)


def compile_email(
    template: Template,
    language: Language,
    *,
    footer: Footer,
    links: LinkTable,
    utm: Mapping[str, str] | None = None,
    content: Mapping[str, Any] | None = None,
    subject_override: str | None = None,
) -> CompiledEmail:
    """One language of a run. `content` holds the campaign's own values; `links` is shared by all languages of the run.

    Raises Invalid: `template_syntax` for a template that would be refused when saved, `bad_link` for an address that
    cannot be linked to, `render_error` where the campaign's values do not fit the template.
    """
    source = Source.of(template, language)
    if subject_override:
        source = replace(source, subject=subject_override)
    constants = _constants(template, footer, content or {})
    job = _Compilation(language, _shared(constants, content or {}), links, dict(utm or {}), footer.privacy_url)
    try:
        subject = job.subject(source.subject)
        html, marked = job.html(source.html)
        text = job.derived_text(marked) if source.text is None else job.text(source.text)
    except TemplateSyntax as e:
        raise Invalid(f"line {e.line}: {e}", code="template_syntax") from e
    unresolved = frozenset(job.used - PERSON_FIELDS - {"unsubscribe_url"} - constants.keys())
    return CompiledEmail(subject, html, text, constants, unresolved)


def person_fields(template: Template) -> frozenset[str]:
    """Fields of a person that the template reads in any language (see `names.customer_fields`)."""
    texts = (
        template.subject_line, template.html_content, template.text_content, template.subject_line_bn,
        template.html_content_bn, template.text_content_bn,
    )  # fmt: skip
    used = {name for text in texts if text for name, _ in free_names(parse(text))}
    return frozenset(used & PERSON_FIELDS)


def _constants(template: Template, footer: Footer, content: Mapping[str, Any]) -> dict[str, Any]:
    constants: dict[str, Any] = {v.name: v.default for v in template.variables if v.default is not None}
    given = without_empty(content) or {}
    constants |= {name: value for name, value in given.items() if name not in BUILT_IN}
    constants |= {"tenant_name": footer.tenant_name, "postal_address": footer.postal_address}
    if footer.privacy_url:
        constants["privacy_url"] = footer.privacy_url
    if _count(constants) > MAX_VALUES:
        raise RenderFailed(f"the campaign's content holds more than {MAX_VALUES} values")
    return constants


def _shared(constants: dict[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """What is folded: the campaign's values and the footer; not a default, which a person may overrule."""
    return {
        name: constants[name]
        for name in {*content, "tenant_name", "postal_address"} & constants.keys()
        if name not in PERSON_FIELDS and name not in _PERSON_VALUES
    }


def _count(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(_count(inner) for inner in value.values())
    return sum(_count(inner) for inner in value) if isinstance(value, list) else 1


@dataclass(slots=True)
class _Compilation:
    language: Language
    shared: dict[str, Any]
    links: LinkTable
    utm: dict[str, str]
    privacy_url: str | None
    used: set[str] = field(default_factory=set)

    def _pieces(self, tree: nodes.Template, env: PlainEnvironment) -> list[Piece]:
        self.used |= {name for name, _ in free_names(tree)}
        tree.set_environment(env)
        return Folder(env).fold(tree.body, self.shared)

    def _plain(self, source: str, writer: str) -> list[Piece]:
        tree = parse(source)
        place_text(tree.body, writer)
        return self._pieces(tree, environment(self.language, html=False))

    def subject(self, source: str) -> Program:
        """The subject: one line, no markup."""
        pieces = self._plain(source, escaping.LINE)
        if any(ch in piece for piece in pieces if isinstance(piece, str) for ch in "\r\n"):
            raise TemplateSyntax("a subject is one line", 1)
        return to_program(pieces, environment(self.language, html=False))

    def html(self, source: str) -> tuple[Program, tuple[Marks, str]]:
        """The HTML part, and its marked text before pixel and honeypot, from which a text part can be made."""
        env, marks = environment(self.language, html=True), Marks()
        tree = parse(source)
        for problem in Placing().run(tree.body):
            raise TemplateSyntax(problem.message, problem.line)
        text = marks.text(self._pieces(tree, env), html=True)
        if "<style" in text.lower():
            text = _INLINER.inline(text)
        click = bare(marks.add(_own("_click", escaping.HTML)))
        text = track_html(text, lambda url: self._tracked(url, click, escape=True))
        return to_program(marks.pieces(_with_pixel(text, click, marks)), env), (marks, text)

    def text(self, source: str) -> Program:
        """The text part as the author wrote it."""
        marks = Marks()
        marked = marks.text(self._plain(source, escaping.TEXT), html=False)
        click = bare(marks.add(_own("_click", escaping.TEXT)))
        marked = track_text(marked, lambda url: self._tracked(url, click, escape=False))
        return to_program(marks.pieces(marked), environment(self.language, html=False))

    def derived_text(self, marked: tuple[Marks, str]) -> Program:
        """The text part made from the HTML part; its links are tracked already."""
        marks, html = marked
        pieces = [_as_text(piece) for piece in marks.pieces(text_of(html))]
        return to_program(pieces, environment(self.language, html=False))

    def _tracked(self, url: str, click: str, *, escape: bool) -> str:
        if url == self.privacy_url:
            return escaping.for_html(url) if escape else url
        return f"{click}{self.links.number(with_utm(url, self.utm))}"


def _own(name: str, writer: str) -> Value:
    return Value(wrapped(writer, nodes.Name(name, "load", lineno=1)))


def _as_text(piece: Piece) -> Piece:
    """The same piece for a text part: values of addresses stay checked, nothing is escaped for HTML."""
    if isinstance(piece, Value) and isinstance(piece.expression, nodes.Filter):
        keep = piece.expression.name in (escaping.PATH, escaping.QUERY)
        inner = piece.expression.node
        return piece if keep or inner is None else Value(wrapped(escaping.TEXT, inner))
    if isinstance(piece, Branch):
        return Branch(piece.tests, tuple([_as_text(inner) for inner in body] for body in piece.bodies))
    if isinstance(piece, Loop):
        return Loop(piece.target, piece.over, tuple([_as_text(inner) for inner in body] for body in piece.bodies))
    return piece


def _with_pixel(html: str, click: str, marks: Marks) -> str:
    """The pixel and the hidden link, before the end of the body."""
    pixel = bare(marks.add(_own("_pixel", escaping.HTML)))
    added = (
        f'<a href="{click}{HONEYPOT}" rel="nofollow" aria-hidden="true" tabindex="-1" style="display:none"></a>'
        f'<img src="{pixel}" width="1" height="1" alt="" style="display:block;border:0">'
    )
    end = _BODY_END.search(html)
    return html + added if end is None else html[: end.start()] + added + html[end.start() :]
