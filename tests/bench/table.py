"""The figures that we promise: one row each, with what it must reach and how it is measured; and the page that shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FOLDER = Path(__file__).parent / "results"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "benchmarks.md"

_HEAD = """# Benchmarks

What `make bench` measured last, and what each figure must reach. Figures are ratios of two things that were measured in
turns in one run, or counts; bare seconds say more about a machine than about a program, so there are none. The page is
written by `make bench` from `tests/bench/results`; `make test` fails when the two differ or a figure falls short.

| figure | measured | must reach | how it is measured |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """One figure. `result` and `key` say where it stands in the results."""

    result: str
    key: str
    kind: Literal["at_least", "at_most"]
    bound: float
    figure: str
    how: str


ROWS = (
    Row("render", "ratio", "at_least", 60, "Writing a mail: times less processor time than the usual loop",
        "The same newsletter (13 kB of HTML, 10 variables, 12 links) to the same people, by our composer and by Jinja2 "
        "compiled once, an HMAC a link and `EmailMessage`, in turns in one process; median of the rounds' ratios"),
    Row("render", "ratio_of_blocks", "at_least", 10, "The same with a template that does not compile to slots",
        "The newsletter with a condition and a loop over a person's own list, which Jinja2 renders"),
    Row("send_path", "ratio", "at_least", 10, "Sending a mail, whole path: times less processor time of the sender than by boto3",
        "The sender's handler over chunks of 500 against the same guarantees by a conditional put, two conditional updates, "
        "`EmailMessage` and SES by boto3 for each mail; both speak HTTP to a second process that plays AWS; fresh processes in "
        "turns, warm; median of the rounds' ratios"),
    Row("wire", "calls_per_1000", "at_most", 250, "Calls of AWS for 1,000 recipients",
        "5,000 people planned, sent and reported as delivered through the functions' handlers on the local emulator, every "
        "HTTP request counted at the wire; the clock passes as at 300 mails a second. Without the provider's own calls and "
        "without those that AWS makes for us (polling queues)"),
    Row("wire", "write_units_per_1000", "at_most", 2300, "DynamoDB write units for 1,000 recipients, delivered rows included",
        "The same run; each write weighed by the larger of the item before and after it, in begun kilobytes, refused "
        "conditions and index entries included, transactions doubled"),
    Row("imports", "public_of_boto3", "at_most", 0.5, "Importing the function `public`, as part of importing boto3",
        "Processor time in fresh processes, in turns; median of the rounds' ratios"),
    Row("imports", "webhooks_of_boto3", "at_most", 0.5, "Importing the function `webhooks`, as part of importing boto3",
        "The same"),
    Row("imports", "public_heavy_modules", "at_most", 0, "Heavy packages loaded by `public` after its first requests",
        "boto3, botocore, pynamodb and pydantic in `sys.modules`, with the wire stubbed"),
    Row("imports", "webhooks_heavy_modules", "at_most", 0, "Heavy packages loaded by `webhooks` after its first request",
        "The same"),
    Row("pacing", "used_at_least", "at_least", 0.98, "Part of the granted rate that is used, by 1, 2, 5, 10 and 20 senders",
        "Real senders in virtual time, four calls a second each; calls of 20 to 100 ms, 1% of them throttled; the least of "
        "two seeds each"),
    Row("pacing", "seconds_above_the_rate", "at_most", 0, "Runs in which any sliding second held more calls than granted",
        "All runs of this measurement"),
    Row("pacing", "small_tenant_waits", "at_most", 2.0, "Virtual seconds that a tenant of 100 mails waits for its first",
        "It comes while a backlog that never ends is sent by 1 to 20 senders; the longest, with a queue that is fair by groups"),
    Row("pacing", "urgent_waits", "at_most", 1.2, "Virtual seconds that a transactional mail waits for its slot behind bulk",
        "From a process of its own, every few seconds, behind the same backlog; the longest"),
    Row("pacing", "hottest_key", "at_most", 100, "Writes to one key of pacing within a second, at 5,000 sends a second",
        "20 senders of calls that take 1 to 3 ms; each key by clock second"),
    Row("pacing", "calls_per_1000", "at_most", 12, "Reads and writes of pacing for 1,000 people, one process at 300 a second",
        "Counted at the book of slots"),
    Row("sim", "violations", "at_most", 0, "Simulating the send protocol: promises broken",
        "`make sim`: seeds of faults over the real services, every promise checked on every effect; how many seeds, messages "
        "and faults stands in the result, and the sums over slices beside it"),
    Row("exhaustive", "violations", "at_most", 0, "Faults placed at every I/O call of every handler that sends, alone and in pairs: promises broken",
        "`make sim-exhaustive PAIRS=1`: each kind of fault at each call, and with it each other at each call that follows; the "
        "placements by handler stand in the result"),
    Row("mutation", "percent", "at_least", 90, "Changing the rules of consent and messaging one by one: noticed by their tests, percent",
        "`make mutation`: comparisons, numbers, conditions and statements; changes without an effect are named beside it"),
    Row("sender_memory", "over_import_mb", "at_most", 64, "Sending to 1,000,000 people: peak of resident memory over the import, MB",
        "2,000 chunks through the sender's handler and the thin client in a process of its own, the network played there too"),
    Row("sender_memory", "growth_mb", "at_most", 5, "The same: more than for 100,000 people, MB", "The same"),
    Row("units", "spread_percent", "at_most", 2, "Requests and units of AWS for a person at 10,000, 100,000 and 1,000,000 people: apart, percent",
        "Planned, sent and reported as delivered by the wired services over an account in process that counts; the fixed part "
        "of a run is fitted and stands beside the figures in `tests/bench/results/units.json`"),
    Row("plan_memory", "peak_mb", "at_most", 300, "Planning 1,000,000 people: peak of resident memory, MB",
        "The real planner over a generated snapshot, slice by slice, into audience files, in a process of its own"),
    Row("plan_memory", "growth_mb", "at_most", 60, "The same: more than for 100,000 people, MB", "The same"),
    Row("million", "write_units", "at_most", 1_200_000, "DynamoDB write units of the send side, 1,000,000 people",
        "10,000 people planned, sent and looked after through the functions' handlers over a metered account, scaled up with "
        "the batches that the template's mappings make; before deliveries are reported"),
    Row("million", "write_units_with_rows", "at_most", 2_300_000, "The same with the rows of their deliveries", "The same"),
    Row("million", "sqs_requests", "at_most", 12_000, "SQS requests of the send side, 1,000,000 people", "The same"),
    Row("million", "invocations", "at_most", 2_200, "Lambda invocations of the send side, 1,000,000 people", "The same"),
    Row("million", "dollars_by_topic", "at_most", 3.00, "Dollars for 1,000,000 people beside the provider, events by topic and queue",
        "All lines of docs/reference/costs.md; 25% opens, 3% clicks, 1% bounces, 0.1% complaints; pixels by the function's own "
        "address; list prices of us-east-1"),
    Row("million", "dollars_by_firehose", "at_most", 2.20, "The same with deliveries by Firehose", "The same"),
    Row("idle", "dollars_a_month", "at_most", 10, "Dollars a month of a stack that nobody uses", "The template and the price table; what a tick reads is metered"),
    Row("idle", "dollars_a_month_by_firehose", "at_most", 10, "The same with deliveries by Firehose", "The same"),
    Row("hot_keys", "hottest_key", "at_most", 100, "Writes to any one DynamoDB key within a second, at 5,000 sends and 2,000 events",
        "80 real senders and ten readers of events in virtual time, real adapters over a metered account; each key by clock second"),
    Row("hot_keys", "sends_a_second", "at_least", 4_500, "Sends a second in that measurement", "The same"),
    Row("hot_keys", "events_a_second", "at_least", 1_800, "Events a second in that measurement", "The same"),
)  # fmt: skip


def results() -> dict[str, dict[str, Any]]:
    """The stored results by name."""
    stored = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
    # A list is the history of a long measurement that was made in slices.
    return {name: result for name, result in stored.items() if isinstance(result, dict)}


def page(stored: dict[str, dict[str, Any]]) -> str:
    """The page. Raises KeyError for a figure that was not measured."""
    lines = [
        f"| {row.figure} | {stored[row.result]['measured'][row.key]} | {row.kind.replace('_', ' ')} {row.bound:,} | {row.how} |"
        for row in ROWS
    ]
    return _HEAD + "\n".join(lines) + "\n" + _breakdown(stored["wire"]["measured"]) + _machines(stored)


def _breakdown(wire: dict[str, Any]) -> str:
    parts = [
        ("Calls for 1,000 recipients, by phase", wire["calls_by_phase"]),
        ("Calls, by operation", wire["calls_by_operation"]),
        ("Write units, by statement", wire["units_by_statement"]),
    ]
    text = "\n## Where the calls and units go\n"
    for title, counts in parts:
        rows = "\n".join(f"| `{name}` | {count} |" for name, count in counts.items())
        text += f"\n| {title} | |\n|---|---|\n{rows}\n"
    return text


def _machines(stored: dict[str, dict[str, Any]]) -> str:
    told = {json.dumps(result["machine"], sort_keys=True) for result in stored.values()}
    lines = [f"{m['cores']} cores of {m['cpu']}, Python {m['python']}" for m in map(json.loads, sorted(told))]
    return "\n## Measured on\n\n" + "\n".join(f"- {line}" for line in lines) + "\n"


def write_page() -> None:
    """Write the page, once every result is there."""
    stored = results()
    if {row.result for row in ROWS} <= stored.keys():
        PAGE.write_text(page(stored))
