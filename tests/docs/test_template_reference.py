"""The reference of the template is what the template says."""

from __future__ import annotations

from pathlib import Path

from meghdoot_cli import template_reference
from tests.support.templates import template


def test_the_reference_of_the_template_is_current(tmp_path: Path) -> None:
    template_reference.main(tmp_path / "template.md")
    assert template_reference.PAGE.read_text() == (tmp_path / "template.md").read_text(), (
        "run `make template-reference`"
    )


def test_every_parameter_and_output_stands_in_it() -> None:
    text = template_reference.PAGE.read_text()
    assert [name for name in (*template()["Parameters"], *template()["Outputs"]) if f"`{name}`" not in text] == []
