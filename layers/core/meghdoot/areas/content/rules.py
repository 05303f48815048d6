"""What a template must have before it is saved, and what its author should know."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import nodes

from meghdoot.areas.content.compile import compile_email
from meghdoot.areas.content.links import LinkTable
from meghdoot.areas.content.model import Finding, Footer, Template
from meghdoot.areas.content.names import BUILT_IN, SYSTEM_FIELDS
from meghdoot.areas.content.places import Placing, Scanner
from meghdoot.areas.content.sandbox import free_names, parse, problems
from meghdoot.kernel.errors import AppError
from meghdoot.kernel.i18n import LANGUAGES

CLIP_BYTES = 102 * 1024
"""Gmail cuts a longer HTML part off, and with it the footer."""
MAX_VARIABLES = 200
_VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_SCRIPT = re.compile(r"<\s*(script|iframe|object|embed|applet)\b", re.IGNORECASE)
_HANDLER = re.compile(r"<[a-z][^<>]*?\son[a-z]+\s*=", re.IGNORECASE)
_BAD_SCHEME = re.compile(r"(?:href|src|action)\s*=\s*[\"']?\s*(?:javascript|vbscript|data)\s*:", re.IGNORECASE)
_IMAGE = re.compile(r"<img\b(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
_ALT = re.compile(r"\salt\s*=", re.IGNORECASE)
_HTML_FIELDS = ("html_content", "html_content_bn")
_MANDATORY = {
    "unsubscribe_url": "put <a href=\"{{unsubscribe_url}}\"> into the footer",
    "postal_address": "put {{postal_address}} into the footer",
}  # fmt: skip

TEXT_FIELDS = (
    "subject_line", "html_content", "text_content", "subject_line_bn", "html_content_bn", "text_content_bn",
)  # fmt: skip


def check_template(template: Template) -> tuple[Finding, ...]:
    """All findings, blocking ones first. A template with a blocking finding is not saved and not sent."""
    refused = [*_declarations(template), *_syntax(template)]
    if not refused:
        refused = [*_places(template), *_undeclared(template), *_dangerous(template), *_legal(template)]
    if not refused:
        refused = list(_does_not_compile(template))
    return (*refused, *_advice(template))


def blocking(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Those that keep a template from being saved."""
    return tuple(f for f in findings if f.level == "blocking")


def _blocking(code: str, message: str, hint: str, field: str | None = None) -> Finding:
    return Finding("blocking", code, message, hint, field)


def _warning(code: str, message: str, hint: str, field: str | None = None) -> Finding:
    return Finding("warning", code, message, hint, field)


def _texts(template: Template) -> Iterator[tuple[str, str]]:
    for field in TEXT_FIELDS:
        text = getattr(template, field)
        if text is not None:
            yield field, text


def _declarations(template: Template) -> Iterator[Finding]:
    names = [variable.name for variable in template.variables]
    if len(names) != len(set(names)) or len(names) > MAX_VARIABLES:
        yield _blocking("bad_variable", f"each variable once, at most {MAX_VARIABLES}", "remove doubles", "variables")
    for name in names:
        if _VARIABLE.fullmatch(name) is None or name in SYSTEM_FIELDS:
            yield _blocking("bad_variable", f"{name[:64]} cannot be declared", "use letters, digits and _", "variables")


def _syntax(template: Template) -> Iterator[Finding]:
    for field, text in _texts(template):
        for problem in problems(text):
            yield _blocking(problem.code, f"line {problem.line}: {problem.message}", "correct the template", field)
        if field.startswith("subject") and ("\n" in text or "\r" in text):
            yield _blocking("line_break", "a subject is one line", "remove the line break", field)


def _places(template: Template) -> Iterator[Finding]:
    for field, text in _texts(template):
        if field in _HTML_FIELDS:
            for problem in Placing().run(parse(text).body):
                yield _blocking(problem.code, f"line {problem.line}: {problem.message}", "move the value", field)


def _undeclared(template: Template) -> Iterator[Finding]:
    declared = BUILT_IN | {variable.name for variable in template.variables}
    for field, text in _texts(template):
        for name, line in dict(reversed(list(free_names(parse(text))))).items():
            if name not in declared:
                hint = "declare it in `variables`, with a default if a person may lack it"
                yield _blocking("undeclared_variable", f"line {line}: {name} is not declared", hint, field)


def _dangerous(template: Template) -> Iterator[Finding]:
    for field, text in _texts(template):
        if field in _HTML_FIELDS and (_SCRIPT.search(text) or _HANDLER.search(text)):
            yield _blocking("script_refused", "mails hold no scripts or frames", "remove them", field)
        if field in _HTML_FIELDS and _BAD_SCHEME.search(text):
            yield _blocking("bad_link", "links lead to https, mailto or tel", "correct the address", field)


def _legal(template: Template) -> Iterator[Finding]:
    if not template.is_marketing:
        return
    for field, text in _texts(template):
        if field.startswith("subject"):
            continue
        always = _always_printed(text)
        for name, hint in _MANDATORY.items():
            if name not in always:
                yield _blocking(
                    f"no_{name}", f"marketing mail must show {{{{{name}}}}}, outside of conditions", hint, field
                )


def _always_printed(text: str) -> set[str]:
    """Variables that stand in every mail: printed at the top level, outside of HTML comments."""
    scanner = Scanner()
    printed: set[str] = set()
    for node in parse(text).body:
        for child in node.nodes if isinstance(node, nodes.Output) else []:
            if isinstance(child, nodes.TemplateData):
                scanner.feed(child.data)
            elif isinstance(child, nodes.Name) and scanner.state != "comment":
                printed.add(child.name)
    return printed


def _does_not_compile(template: Template) -> Iterator[Finding]:
    """A trial with nothing known: finds blocks that the structure of the HTML tears apart, and bad links."""
    footer = Footer("Name", "Address", "https://example.com/privacy")
    for language in LANGUAGES:
        try:
            compile_email(template, language, footer=footer, links=LinkTable())
        except AppError as e:
            yield _blocking(e.fields[0].code if e.fields else e.code, e.detail, "correct the template", "html_content")


def _advice(template: Template) -> Iterator[Finding]:
    if template.html_content_bn is None or template.subject_line_bn is None:
        yield _warning("no_bangla", "there is no Bangla variant", "add subject_line_bn and html_content_bn")
    if template.text_content is None:
        yield _warning("no_text", "the text part is made from the HTML", "write text_content", "text_content")
    for field, text in _texts(template):
        if field not in _HTML_FIELDS:
            continue
        if any(not _ALT.search(image[0]) for image in _IMAGE.finditer(text)):
            yield _warning("image_without_alt", "an image has no alt text", 'add alt="..." to each image', field)
        if len(text.encode()) > CLIP_BYTES:
            yield _warning("clipped", "Gmail cuts off after 102 KB, before the footer", "shorten the HTML", field)
