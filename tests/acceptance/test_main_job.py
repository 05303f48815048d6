"""The main job, one test per promise, named by its number and printing its figure: `make acceptance WHAT=main_job`.

Each runs what a stranger would run, on a fresh clone of the committed state.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clean_clone import check, cloned, run

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def clone() -> Iterator[Path]:
    yield from cloned()


def test_1_a_whole_campaign_from_a_clean_clone(clone: Path) -> None:
    run(clone, "make", "demo", "ONCE=1", "JSON=out.json")
    figures = json.loads((clone / "out.json").read_text())
    print(json.dumps(figures, ensure_ascii=False))
    assert figures["customers"] == 2357
    assert figures["purchases"] == 6919
    assert figures["segment_count"] == figures["independent_count"] == 387
    assert sum(figures["accounting"].values()) == figures["audience"] == figures["segment_count"]
    for name in ("delivered", "bounced", "complained", "opened", "clicked", "unsubscribed", "conversions"):
        assert figures[name] > 0, name
    assert float(figures["revenue"]) > 0
    assert figures["sent_without_consent"] == 0
    assert figures["sent_twice"] == 0
    assert figures["accounting"].get("unknown", 0) == 0


def test_2_the_tests_pass_in_a_clean_clone(clone: Path) -> None:
    out = run(clone, "make", "test")
    print(out.strip().splitlines()[-1])
    assert "make test" in (clone / ".ci" / "run").read_text()


def test_3_a_killed_sender_doubles_nobody_and_loses_nobody(clone: Path) -> None:
    run(clone, "make", ".venv/.done")
    check(clone, "tests/unit/messaging/test_kills.py")


def test_4_the_stored_mail_is_whole_and_only_a_post_unsubscribes(clone: Path) -> None:
    check(clone, "tests/stories/test_one_mail.py")


def test_5_the_template_deploys_and_carries_a_campaign(clone: Path) -> None:
    ci = (clone / ".ci" / "run").read_text()
    assert "make infra" in ci
    assert "make openapi-check" in ci
    print(run(clone, "make", "infra").strip().splitlines()[-1])
    out = run(clone, "make", "deploy-smoke")
    print(out.strip().splitlines()[-1])
    assert "accepted" in out


def test_6_the_api_never_breaks_and_never_shows_another_tenant(clone: Path) -> None:
    check(clone, "tests/api", EXAMPLES="100")


def test_7_real_notifications_suppress_and_facts_come_in_any_order(clone: Path) -> None:
    check(clone, "tests/stories/test_receipts.py")


def test_8_the_benches_reach_what_they_promise(clone: Path) -> None:
    run(clone, "make", "bench")
    check(clone, "tests/bench/test_results.py")


def test_9_the_readme_opens_with_the_two_commands(clone: Path) -> None:
    readme = (clone / "README.md").read_text()
    lines = [line.strip() for line in readme.splitlines() if line.strip()]
    assert lines[1].startswith("make demo")
    assert lines[2].startswith("make test")
    for part in ("docs/images/inbox.png", "docs/images/report.png", "## The map", "## Deploy", "## Not there yet"):
        assert part in readme, part
    assert sys.version_info >= (3, 11)
