"""State machines run on moto, in process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto import mock_aws

from tests.support.machines import Handler, Machines, Start, machines


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Start:
    """`with running({"campaign_run": handler}) as m:` gives machines whose tasks call these handlers."""

    @contextmanager
    def start(tasks: dict[str, Handler]) -> Iterator[Machines]:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}), machines(monkeypatch, tasks) as m:
            yield m

    return start
