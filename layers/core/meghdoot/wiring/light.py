"""What the fast functions share: settings, the thin client, clock, ids and keys. Imports neither boto3 nor a model."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeVar

from meghdoot.adapters.dynamodb.calls import Calls
from meghdoot.adapters.objects.withdrawals import WriteOnce
from meghdoot.adapters.sigv4 import Credentials
from meghdoot.adapters.wire import AwsWire
from meghdoot.adapters.wire_services import DynamoWire, WireWriteOnce, secret_text
from meghdoot.kernel.clock import SystemClock
from meghdoot.kernel.ids import SystemIds
from meghdoot.kernel.keyring import Keyring
from meghdoot.settings import Settings, parse_keyring

T = TypeVar("T")
_built: list[Callable[[], None]] = []
_logger = logging.getLogger("meghdoot")
_logger.setLevel(logging.INFO)


def once(build: Callable[[], T]) -> Callable[[], T]:
    """Build once a process, and again after `forget`."""
    kept = cache(build)
    _built.append(kept.cache_clear)
    return kept


@once
def settings() -> Settings:
    """The environment, read once."""
    return Settings.load()


def credentials() -> Credentials:
    """The keys of the function's role, as the platform gives them."""
    return Credentials(*settings().credentials)


@cache
def _wire(region: str) -> AwsWire:
    # Signed by the true clock, not by the offset one: AWS refuses a signature of another year.
    return AwsWire(region, credentials, SystemClock(), settings().endpoint_url)


def wire(region: str | None = None) -> AwsWire:
    """The thin client, for this region unless another is named."""
    return _wire(region or settings().region)


@once
def calls() -> Calls:
    """DynamoDB by operation name."""
    return DynamoWire(wire())


@once
def write_once() -> WriteOnce:
    """Objects that are written once."""
    return WireWriteOnce(wire())


@once
def clock() -> SystemClock:
    """The clock; only the local stack has an offset."""
    return SystemClock(settings().clock_offset)


@once
def ids() -> SystemIds:
    """UUIDv7 from that clock."""
    return SystemIds(clock())


@once
def keyring() -> Keyring:
    """The keys of tokens, from the secret store (or inline in the local stack and tests)."""
    s = settings()
    return s.keyring_inline or parse_keyring(secret_text(wire(), s.need("KEYRING_SECRET")))


def log(decision: str, facts: Mapping[str, Any]) -> None:
    """One line a decision, as JSON: ids only."""
    _logger.info(json.dumps({"decision": decision, **facts}))


def each_message(event: Mapping[str, Any], handle: Callable[[str], None]) -> dict[str, Any]:
    """Handle the messages of a queue one by one; the answer names those that failed, so that they alone come again.

    All failing is no failure of the batch either: the queue repeats them one by one.
    """
    failed: list[str] = []
    for record in event["Records"]:
        try:
            handle(record["body"])
        except Exception as e:  # noqa: BLE001  # whatever broke, the message is not done and the others are tried
            log("message_failed", {"message_id": record["messageId"], "error": type(e).__name__})
            failed.append(record["messageId"])
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def forget() -> None:
    """Drop everything that was built: tests and the local stack change the environment."""
    _wire.cache_clear()
    for clear in _built:
        clear()
