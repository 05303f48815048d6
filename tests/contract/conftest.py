"""Substrates of the contract suite: memory and moto in `make test`, the emulator too in `make test-emulator`.

A contract test takes the fixture of its port and runs once on each. The emulator's runs carry the marker `emulator`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.emulator import emulator
from tests.support.tables import create_tables

REGION = "us-east-1"


@dataclass(frozen=True)
class Substrate:
    """Where adapters of a test live. `tables` maps `people` and the like to names; memory has none."""

    name: str
    tables: dict[str, str]
    endpoint: str | None = None

    @property
    def is_memory(self) -> bool:
        return self.name == "memory"

    def client(self, service: str) -> Any:
        """A boto3 client of this substrate."""
        return boto3.client(service, region_name=REGION, endpoint_url=self.endpoint)


@pytest.fixture(scope="session")
def emulator_url() -> Iterator[str]:
    with emulator() as url:
        yield url


@pytest.fixture(autouse=True)
def _fake_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "testing",
        "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["memory", "moto", pytest.param("emulator", marks=pytest.mark.emulator)])
def substrate(request: pytest.FixtureRequest, _fake_credentials: None) -> Iterator[Substrate]:
    """Memory, moto, and (when asked for) the emulator, each with five fresh tables."""
    if request.param == "memory":
        yield Substrate("memory", {})
    elif request.param == "moto":
        with mock_aws():
            yield Substrate("moto", create_tables(boto3.client("dynamodb", region_name=REGION), "t"))
    else:
        url = request.getfixturevalue("emulator_url")
        prefix = f"t{abs(hash(request.node.nodeid)) % 10**10}"
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=url)
        yield Substrate("emulator", create_tables(client, prefix), url)
