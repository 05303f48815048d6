"""The public function on moto: what a recipient does ends in tables and bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from public.app import handler

from meghdoot.adapters.dynamodb.gate_items import gate_key
from meghdoot.adapters.dynamodb.run_links import DynamoRunLinks
from meghdoot.adapters.dynamodb.typed import typed
from meghdoot.adapters.objects.withdrawals import BotoWriteOnce
from meghdoot.areas.content.model import Link, PersonLinks
from meghdoot.areas.messaging.person_links import person_links
from meghdoot.wiring import aws, light
from tests.support.visits import visit
from tests.support.world import world

RUN, CUSTOMER = (f"0190a5a2-0000-7000-8000-00000000000{n}" for n in (1, 2))


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with world(monkeypatch) as env:
        # moto lives inside botocore, so the thin client's two ports are boto3's here; the emulator runs the real ones.
        monkeypatch.setattr(light, "calls", aws.calls)
        monkeypatch.setattr(light, "write_once", lambda: BotoWriteOnce(aws.client("s3")))
        item = {**gate_key("acme", CUSTOMER), "v": typed(1), "c": typed(frozenset({"em:m"}))}
        boto3.client("dynamodb").put_item(TableName=env["TABLE_PEOPLE"], Item=item)
        yield env


def links() -> PersonLinks:
    ids: dict[str, Any] = {"tenant": "acme", "run_id": RUN, "customer_id": CUSTOMER, "send_key": "aa"}
    return person_links("", light.keyring(), channel="email", **ids)


def items(env: dict[str, str], table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = boto3.client("dynamodb").scan(TableName=env[table])["Items"]
    return found


def test_111_get_changes_nothing_and_post_withdraws_in_table_bucket_and_touch(env: dict[str, str]) -> None:
    before = items(env, "TABLE_PEOPLE")
    assert handler(visit("GET", links().unsubscribe_url), None)["statusCode"] == 200
    assert items(env, "TABLE_PEOPLE") == before
    for _ in range(2):
        post = visit("POST", links().unsubscribe_url, "List-Unsubscribe=One-Click", "application/x-www-form-urlencoded")
        assert handler(post, None)["statusCode"] == 200
    gate = boto3.client("dynamodb").get_item(TableName=env["TABLE_PEOPLE"], Key=gate_key("acme", CUSTOMER))["Item"]
    assert ("c" in gate, gate["v"]) == (False, {"N": "2"})
    keys = [o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket=env["BUCKET_WITHDRAWALS"])["Contents"]]
    assert len(keys) == 1
    assert keys[0].startswith("withdrawals/acme/")
    assert [item["tk"]["S"] for item in items(env, "TABLE_ACTIVITY") if "tk" in item] == ["unsubscribe"]


def test_a_click_and_an_open_are_kept_once(env: dict[str, str]) -> None:
    DynamoRunLinks(aws.calls(), env["TABLE_DEFINITIONS"]).put("acme", RUN, [Link(1, "https://shop.example/1")])
    for _ in range(2):
        response = handler(visit("GET", links().click_base + "1"), None)
        assert (response["statusCode"], response["headers"]["Location"]) == (302, "https://shop.example/1")
        assert handler(visit("GET", links().pixel_url), None)["statusCode"] == 200
    kinds = sorted(item["tk"]["S"] for item in items(env, "TABLE_ACTIVITY") if "tk" in item)
    assert kinds == ["click", "open"]
