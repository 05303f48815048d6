"""What every function's wiring shares: settings, clients, bound item models, clock, ids and keys. Built once a process."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from meghdoot.adapters.dynamodb.calls import BotoCalls
from meghdoot.adapters.dynamodb.models import Item, bind
from meghdoot.kernel.clock import SystemClock
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring
from meghdoot.settings import Settings, parse_keyring
from meghdoot.wiring import light

M = TypeVar("M", bound=Item)
T = TypeVar("T")

_built: list[Callable[[], None]] = []


def once(build: Callable[[], T]) -> Callable[[], T]:
    """Build once a process, and again after `forget`: for services that a wiring file composes."""
    kept = cache(build)
    _built.append(kept.cache_clear)
    return kept


@cache
def settings() -> Settings:
    """The environment, read once."""
    return Settings.load()


@cache
def client(service: str) -> Any:
    """A boto3 client. Not for providers of messages: those come from their own factory, which never repeats a call."""
    s = settings()
    config = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=2, read_timeout=10)
    return boto3.client(service, region_name=s.region, endpoint_url=s.endpoint_url, config=config)


@cache
def calls() -> BotoCalls:
    """DynamoDB by operation name."""
    return BotoCalls(client("dynamodb"))


def bound(model: type[M], table: str) -> type[M]:
    """An item model that lives in a table of this deployment."""
    return bind(model, table, settings().region, settings().endpoint_url)


@cache
def clock() -> SystemClock:
    """The clock; only the local stack has an offset."""
    return SystemClock(settings().clock_offset)


@cache
def ids() -> SystemIds:
    """UUIDv7 from that clock."""
    return SystemIds(clock())


@cache
def keyring() -> Keyring:
    """The keys of tokens and addresses, from the secret store (or inline in the local stack and tests)."""
    s = settings()
    if s.keyring_inline is not None:
        return s.keyring_inline
    secret = client("secretsmanager").get_secret_value(SecretId=s.need("KEYRING_SECRET"))
    return parse_keyring(secret["SecretString"])


def forget() -> None:
    """Drop everything that was built: tests and the local stack change the environment."""
    for built in (settings, client, calls, clock, ids, keyring):
        built.cache_clear()
    for clear in _built:
        clear()
    light.forget()
