"""A whole deployment on moto, in process: tables, buckets, queues and the environment that functions read."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from moto import mock_aws

from meghdoot.adapters.email.ses_account import LocalAccountReader
from meghdoot.wiring import aws, messaging
from tests.support.moto_wire import serve_wire
from tests.support.tables import create_tables

REGION = "us-east-1"
KEYRING = json.dumps({"current": "k1", "keys": {"k1": b64encode(b"0" * 32).decode()}})
QUEUES = {
    "QUEUE_CHUNKS_URL": "chunks", "QUEUE_INTAKE_URL": "intake", "QUEUE_RECEIPTS_URL": "receipts",
    "QUEUE_URGENT_URL": "urgent",
}  # fmt: skip
BUCKETS = {"BUCKET_LAKE": "meghdoot-lake", "BUCKET_WITHDRAWALS": "meghdoot-withdrawals"}


@contextmanager
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Yields the environment. Statements run as items, since moto does not evaluate PartiQL conditions."""
    base = {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "testing",
        "AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled", "MEGHDOOT_STATEMENTS": "items", "MEGHDOOT_KEYRING": KEYRING,
        "PUBLIC_URL": "https://m.example.test", "SES_CONFIGURATION_SET": "meghdoot", "EMAIL_PROVIDER": "ses",
    }  # fmt: skip
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        env = base | _resources()
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        aws.forget()
        serve_wire(monkeypatch)
        # moto does not know the question; the reader has its own tests.
        monkeypatch.setattr(messaging, "account_reader", lambda: LocalAccountReader(500.0))
        messaging.seal().renew()
        yield env
    aws.forget()


def _resources() -> dict[str, str]:
    tables = create_tables(boto3.client("dynamodb", region_name=REGION), "w")
    env = {f"TABLE_{name.upper()}": table for name, table in tables.items()}
    s3: Any = boto3.client("s3", region_name=REGION)
    sqs: Any = boto3.client("sqs", region_name=REGION)
    for variable, bucket in BUCKETS.items():
        s3.create_bucket(Bucket=bucket)
        env[variable] = bucket
    for variable, queue in QUEUES.items():
        env[variable] = sqs.create_queue(QueueName=queue)["QueueUrl"]
    return env
