"""What a stack costs in a month in which nobody uses it, from the template and the price table."""

from __future__ import annotations

from typing import Any

from tests.bench.aws_meter import Usage
from tests.bench.million import assumed
from tests.bench.prices import Line, lambda_lines
from tests.support.templates import Template, functions, of_type

SECONDS = 30 * 86_400
POLL_SECONDS = 20
"""Lambda's pollers wait this long for a message; an empty answer is a request like any other."""
TICK_MS = 400
"""A tick that finds nothing: its queries one after another."""


def exists(resource: dict[str, Any], firehose: bool) -> bool:
    """Whether a resource is created on AWS with the defaults, or with deliveries by the stream."""
    condition = resource.get("Condition")
    if condition == "DeliveriesByFirehose":
        return firehose
    return condition not in ("HasAlarmEmail", "HasPublicUrl", "HasOwnKeyring")


def lines_of(t: Template, tick: Usage, log_bytes: float, *, firehose: bool) -> list[Line]:
    """Every line. `tick` is what one tick asks for that finds nothing to do."""
    t = {**t, "Resources": {n: r for n, r in t["Resources"].items() if exists(r, firehose)}}
    alarms = of_type(t, "AWS::CloudWatch::Alarm")
    queues = [
        name for name, f in functions(t).items() for e in f.get("Events", {}).values() if e["Type"] == "SQS"
    ]  # fmt: skip
    polls = len(queues) * assumed("pollers") * SECONDS / POLL_SECONDS
    clocks = [
        n for n, f in functions(t).items() for e in f.get("Events", {}).values() if e["Type"].startswith("Schedule")
    ]
    assert clocks == ["TickerFunction"], clocks
    ticks, ticker = SECONDS / 60, functions(t)["TickerFunction"]
    traced = 0 if ticker.get("Tracing") == "PassThrough" else ticks
    return [
        Line("alarms", "alarm_metric", sum(metrics(alarm) for alarm in alarms.values()), f"{len(alarms)} alarms"),
        Line("metrics", "custom_metric", 0, "metrics of our own are written when something happens"),
        Line("secrets", "secret", len(of_type(t, "AWS::SecretsManager::Secret")), "the keyring"),
        Line("keys", "kms_key", len(of_type(t, "AWS::KMS::Key")), "none of our own"),
        Line("pollers", "sqs_request", polls, f"{len(queues)} queues, five long polls of 20 s each"),
        *lambda_lines("ticker", ticks, TICK_MS, ticker["MemorySize"], "once a minute"),
        Line("ticker", "read_unit", ticks * tick.totals["read_units"], "measured"),
        Line("ticker", "write_unit", ticks * tick.totals["write_units"], "measured"),
        Line("ticker", "s3_put", ticks * (tick.requests["s3 PUT"] + tick.requests["s3 LIST"]), "measured"),
        Line("ticker", "log_gb", ticks * log_bytes / 1e9, f"{log_bytes:.0f} bytes a tick"),
        Line("ticker", "custom_event", ticks, "the schedule's own events, if they are counted at all"),
        Line("ticker", "trace", traced, "traces begun by the ticker"),
    ]


def metrics(alarm: dict[str, Any]) -> int:
    """An alarm is paid for by the metrics that it reads."""
    several = [m for m in alarm["Properties"].get("Metrics", []) if "MetricStat" in m]
    return len(several) or 1
