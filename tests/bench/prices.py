"""List prices of us-east-1 in dollars, as data: what is counted, how many of it one price buys, and where the price was seen.

No free tier and no discount is taken off. A price that was not looked up says so.
"""

from __future__ import annotations

from dataclasses import dataclass

_GOLDEN = "infracost's golden files, August 2026"
_MEMORY = "AWS's price page from memory, not looked up"


@dataclass(frozen=True)
class Price:
    """`dollars` for every `per` of the thing."""

    dollars: float
    per: float
    thing: str
    source: str

    def of(self, count: float) -> float:
        """Dollars of so many."""
        return self.dollars * count / self.per


_M = 1_000_000

PRICES = {
    "write_unit": Price(0.625, _M, "DynamoDB write request units, on demand", _GOLDEN),
    "read_unit": Price(0.125, _M, "DynamoDB read request units, on demand", _GOLDEN),
    "lambda_request": Price(0.20, _M, "Lambda requests", _GOLDEN),
    "lambda_gb_second": Price(0.0000133334, 1, "Lambda GB-seconds, arm64", _GOLDEN),
    "sqs_request": Price(0.40, _M, "SQS requests, standard queues, 64 KB each", _GOLDEN),
    "sns_publish": Price(0.50, _M, "SNS publishes, standard topics, 64 KB each; bringing them to SQS is free", _GOLDEN),
    "http_api_request": Price(1.00, _M, "API Gateway requests, HTTP API", _GOLDEN),
    "rest_api_request": Price(3.50, _M, "API Gateway requests, REST API", _GOLDEN),
    "transition": Price(25.00, _M, "Step Functions transitions, standard", _GOLDEN),
    "custom_event": Price(1.00, _M, "EventBridge events that are opted in to, S3's among them", _GOLDEN),
    "firehose_gb": Price(0.029, 1, "Firehose GB, each record rounded up to 5 KB",
                         "price from memory; the rounding on AWS's Firehose price page"),
    "log_gb": Price(0.50, 1, "CloudWatch Logs GB taken in", _MEMORY),
    "trace": Price(5.00, _M, "X-Ray traces", _MEMORY),
    "alarm_metric": Price(0.10, 1, "CloudWatch metrics in alarms, a month", _MEMORY),
    "custom_metric": Price(0.30, 1, "CloudWatch metrics of our own, a month", _MEMORY),
    "secret": Price(0.40, 1, "secrets, a month", _MEMORY),
    "kms_key": Price(1.00, 1, "KMS keys of our own, a month", _MEMORY),
    "s3_put": Price(0.005, 1_000, "S3 PUT, COPY, POST and LIST", _MEMORY),
    "s3_get": Price(0.0004, 1_000, "S3 GET", _MEMORY),
    "s3_gb_month": Price(0.023, 1, "S3 GB, a month", _MEMORY),
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """So many of one thing, in one part of the system. `basis` says how the number came about."""

    part: str
    price: str
    count: float
    basis: str

    @property
    def dollars(self) -> float:
        """What it costs."""
        return PRICES[self.price].of(self.count)


def lambda_lines(part: str, invocations: float, milliseconds: float, megabytes: float, basis: str) -> list[Line]:
    """Requests and time of a function."""
    gigabyte_seconds = invocations * max(1.0, milliseconds) / 1000 * megabytes / 1024
    return [
        Line(part, "lambda_request", invocations, basis),
        Line(part, "lambda_gb_second", gigabyte_seconds, f"{milliseconds:.0f} ms at {megabytes:.0f} MB; {basis}"),
    ]


def total(lines: list[Line]) -> float:
    """Dollars of all."""
    return sum(line.dollars for line in lines)


def by_part(lines: list[Line]) -> dict[str, float]:
    """Dollars by part of the system, the dearest first."""
    sums: dict[str, float] = {}
    for line in lines:
        sums[line.part] = sums.get(line.part, 0.0) + line.dollars
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))
