"""The command line on moto: a tenant with its first key, rotation with overlap, revocation, errors in words."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator

import boto3
import pytest

from meghdoot.kernel.errors import Unauthenticated
from meghdoot.wiring import aws
from meghdoot.wiring.api import endpoint
from meghdoot_cli.__main__ import main
from tests.support.world import world

TENANT = ["tenant", "acme", "--name", "Acme", "--address", "1 Lake Road, Dhaka"]


@pytest.fixture(autouse=True)
def _deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with world(monkeypatch):
        for name in ("campaign_run", "segment_refresh"):
            arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:{name}"
            monkeypatch.setenv(f"MACHINE_{name.upper()}_ARN", arn)
        aws.forget()
        yield


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.strip().splitlines()[-1]


def test_a_tenant_begins_with_an_admin_key_that_opens(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(TENANT) == 0
    principal = endpoint().services.access.authenticate(said(capsys))
    assert (principal.tenant, principal.role) == ("acme", "admin")


def test_024_a_rotated_key_works_on_and_a_revoked_one_does_not(capsys: pytest.CaptureFixture[str]) -> None:
    main(TENANT)
    old = said(capsys)
    key_id = old.split(".")[2]
    assert main(["rotate-key", "acme", key_id, "--overlap-hours", "1"]) == 0
    new = said(capsys)
    access = endpoint().services.access
    assert access.authenticate(old).tenant == access.authenticate(new).tenant == "acme"
    assert main(["revoke-key", "acme", key_id]) == 0
    with pytest.raises(Unauthenticated):
        access.authenticate(old)
    assert access.authenticate(new).role == "admin"


def test_what_is_wrong_is_said_in_words_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    main(TENANT)
    assert main(TENANT) == 1
    assert "already_exists" in capsys.readouterr().err
    assert main(["key", "nobody-there", "--name", "x"]) == 1
    assert "not_found" in capsys.readouterr().err


def test_a_deployed_stage_lends_its_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("api/app.py", "")
    names = [n for n in os.environ if n.startswith(("TABLE_", "BUCKET_", "QUEUE_", "MACHINE_"))]
    variables = {n: os.environ[n] for n in names}
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    boto3.client("lambda").create_function(
        FunctionName="meghdoot-dev-api", Runtime="python3.11", Role=role, Handler="api.app.handler",
        Code={"ZipFile": code.getvalue()}, Environment={"Variables": variables},
    )  # fmt: skip
    for name in names:
        monkeypatch.delenv(name)
    aws.forget()
    assert main(["--stage", "dev", *TENANT]) == 0
    assert endpoint().services.access.authenticate(said(capsys)).tenant == "acme"
