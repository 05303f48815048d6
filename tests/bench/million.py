"""What a million people cost: the measured run scaled up, batch by batch as the template's mappings make them, and priced.

What cannot be measured here is a constant below, with the reason for its value; everything else is counted. Times are
assumptions in milliseconds and enter only the line of a function's time, the smallest of each function but the sender.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from meghdoot.areas.messaging.planner import CHUNK_SIZE
from meghdoot.areas.messaging.service import PEOPLE_A_SLICE
from meghdoot.areas.messaging.steps import wait_seconds
from meghdoot.wiring.sender import CALLS_AT_ONCE
from tests.bench.metered_run import Phase, mapping, memory
from tests.bench.prices import Line, lambda_lines
from tests.support.tables import ROOT
from tests.support.templates import functions, template

PEOPLE = 1_000_000
OPENED, CLICKED, BOUNCED, COMPLAINED = 0.25, 0.03, 0.01, 0.001

ASSUMED = {
    "mails_a_second": (300, "what a grown account of SES is granted"),
    "shards": (4, "partitions of a table that can take 4,000 writes a second, which is how an on-demand table begins"),
    "pollers": (5, "Lambda begins with five pollers a queue, and shares what comes among them"),
    "touch_hours": (24, "opens and clicks come evenly over a day; sooner would fill the stream's batches better"),
    "receive": (10, "messages that Lambda's poller takes or deletes by one request"),
    "leg_from_topic": (
        1,
        "SQS requests for a message that a topic brings; it may be none, the price page does not say",
    ),
    "dynamodb_ms": (5, "a call of DynamoDB, with the network"),
    "s3_ms": (30, "a call of S3, with the network"),
    "sqs_ms": (10, "a call of SQS, with the network"),
    "provider_ms": (50, "a call of SES: an AWS sample measured 40 to 60"),
    "sender_cpu_ms": (0.8, "processor time of the sender for a mail, TLS included, at one whole processor"),
    "event_cpu_ms": (0.15, "the same of an event or a stream record in a batch"),
    "visit_cpu_ms": (0.8, "the same of a pixel or a link, TLS included"),
    "plan_cpu_ms": (0.1, "the same of planning, for a person"),
    "access_line": (230, "bytes of a line in the access log, with the 26 that CloudWatch adds"),
    "platform_lines": (900, "bytes that Lambda itself logs of an invocation, where its level is not WARN"),
    "file_bytes": (16 * 1024 * 1024, "a file of the delivery stream, by its buffer"),
}
"""Value and reason."""
_FULL_CPU_MB = 1769


def assumed(name: str) -> float:
    """The value of an assumption."""
    return float(ASSUMED[name][0])


@dataclass(frozen=True)
class Measured:
    """The phases of the metered run of so many people, and the bytes of an event."""

    people: int
    phases: Mapping[str, Phase]
    event_bytes: int
    topic_bytes: int


RUN_SECONDS = PEOPLE / assumed("mails_a_second")
CHUNKS = -(-PEOPLE // CHUNK_SIZE)
SLICES = -(-PEOPLE // PEOPLE_A_SLICE)


def units(part: str, phase: Phase, each: float, basis: str) -> list[Line]:
    """Write and read units, requests of S3 and SQS of a phase, for so many times what was measured."""
    totals, usage = phase.usage.totals, phase.usage
    puts = usage.requests["s3 PUT"] * each
    lines = [
        Line(part, "write_unit", totals["write_units"] * each, basis),
        Line(part, "read_unit", totals["read_units"] * each, basis),
        Line(part, "s3_put", puts, basis),
        Line(part, "s3_get", usage.requests["s3 GET"] * each, basis),
        Line(part, "sqs_request", totals.get("sqs_requests", 0.0) * each, basis),
    ]
    return [line for line in lines if line.count]


def milliseconds(phase: Phase, cpu_ms: float, function: str) -> float:
    """Time of one invocation: its calls one after another, and its processor time at the function's share."""
    spent = sum(
        count * assumed(f"{service}_ms")
        for name, count in phase.usage.requests.items()
        if f"{(service := name.partition(' ')[0])}_ms" in ASSUMED
    )
    return spent / phase.invocations + cpu_ms / min(1.0, memory(function) / _FULL_CPU_MB)


def logs(part: str, function: str, phase: Phase, invocations: float) -> list[Line]:
    """Log bytes: what the handler was seen to write, and what Lambda writes."""
    quiet = functions(template())[function]["LoggingConfig"].get("SystemLogLevel") == "WARN"
    size = phase.log_bytes / phase.invocations + (0 if quiet else assumed("platform_lines"))
    return [Line(part, "log_gb", invocations * size / 1e9, f"{size:.0f} bytes an invocation")]


def traces(part: str, function: str, invocations: float, seconds: float) -> list[Line]:
    """Traces that a function begins by itself: one a second, and a twentieth of the rest."""
    if functions(template())[function].get("Tracing", "Active") != "Active":
        return []
    first = min(invocations, seconds)
    return [Line(part, "trace", first + (invocations - first) / 20, "one a second and a twentieth of the rest")]


def planning(m: Measured) -> list[Line]:
    """The steps of the machine that plan, look and close; and the walks of the ticker over the run's chunks."""
    scale, plan, check, tick = PEOPLE / m.people, m.phases["plan"], m.phases["check"], m.phases["tick"]
    looks, minutes = rounds(RUN_SECONDS), RUN_SECONDS / 60
    steps = SLICES + looks + 1
    time = milliseconds(plan, assumed("plan_cpu_ms") * m.people, "CampaignRunFunction")
    walk = check.usage.read_units["activity"] * scale
    return [
        *units("planning", plan, scale, "measured"),
        Line("planning", "read_unit", walk * (looks + minutes), f"{looks} looks, {minutes:.0f} walks over all chunks"),
        Line("proof", "read_unit", tick.usage.read_units["activity"] * scale, "every row once, when the run is over"),
        Line("proof", "s3_get", tick.usage.requests["s3 GET"] * scale, "measured"),
        *lambda_lines("planning", steps, time * scale / steps, memory("CampaignRunFunction"), f"{steps} steps"),
        *logs("planning", "CampaignRunFunction", check, steps),
        *traces("planning", "CampaignRunFunction", steps, RUN_SECONDS),
        Line("step functions", "transition", transitions(RUN_SECONDS), "the machine walked, with its growing waits"),
        Line("planning", "s3_gb_month", 2 * plan.usage.s3_bytes * scale / 1e9, "audience files, kept 60 days"),
    ]


def sending(m: Measured) -> list[Line]:
    """The sender, and the queue before it."""
    phase, scale = m.phases["send"], PEOPLE / m.people
    mails = m.people / phase.invocations
    # While it waits for one answer it makes other calls; what is longer, waiting or work, is what passes.
    worked = assumed("sender_cpu_ms") / min(1.0, memory("SenderFunction") / _FULL_CPU_MB)
    time = milliseconds(phase, 0, "SenderFunction") + mails * max(worked, assumed("provider_ms") / CALLS_AT_ONCE)
    return [
        *units("sending", phase, scale, "measured"),
        Line("sending", "sqs_request", 2 * CHUNKS, "a chunk received and deleted"),
        *lambda_lines("sending", CHUNKS, time, memory("SenderFunction"), f"a chunk of {CHUNK_SIZE}"),
        *logs("sending", "SenderFunction", phase, CHUNKS),
        *traces("sending", "SenderFunction", CHUNKS, RUN_SECONDS),
    ]


def topic(m: Measured, phase: str, events: float, basis: str, beside: float = 0) -> list[Line]:
    """Events by topic, queue and the function receipts; `beside` is how many others share its batches."""
    measured = m.phases[phase]
    batch = topic_batch(events + beside)
    each = events / sum_of(measured)
    invocations = events / batch
    # Calls follow the events: what an invocation of the measured size took, taken to the size of these batches.
    size = sum_of(measured) / measured.invocations
    time = milliseconds(measured, assumed("event_cpu_ms") * size, "ReceiptsFunction") * batch / size
    polled = 2 * events / min(assumed("receive"), batch) + assumed("leg_from_topic") * events
    return [
        *units("events", measured, each, basis),
        Line("events", "sns_publish", events, basis),
        Line("events", "sqs_request", polled, "brought by the topic, received and deleted"),
        *lambda_lines("events", invocations, time, memory("ReceiptsFunction"), f"{batch:.0f} events a batch"),
        *logs("events", "ReceiptsFunction", measured, invocations),
        *traces("events", "ReceiptsFunction", invocations, RUN_SECONDS),
    ]


def topic_batch(events: float) -> float:
    """Events in one batch of the function receipts: what comes within its window, shared by the pollers."""
    settings = mapping("ReceiptsFunction", "SQS", "Queue")
    gathered = events / RUN_SECONDS * settings["MaximumBatchingWindowInSeconds"] / assumed("pollers")
    return max(1.0, min(float(settings["BatchSize"]), gathered))


def sum_of(phase: Phase) -> float:
    """Rows that a phase of events wrote or raised."""
    return float(sum(n for what, n in phase.usage.writes.items() if what.startswith("INSERT INTO activity")) or 1)


def by_stream(m: Measured) -> list[Line]:
    """Deliveries by the delivery stream, its files and the function deliveries."""
    phase, events = m.phases["deliveries"], PEOPLE * (1 - BOUNCED)
    files = max(events * m.event_bytes / assumed("file_bytes"), RUN_SECONDS / 60)
    in_file = events / files
    rounded = -(-m.event_bytes // 5120) * 5120
    time = assumed("event_cpu_ms") * in_file / (memory("DeliveriesFunction") / _FULL_CPU_MB)
    time += in_file / sum_of(phase) * sum(phase.usage.requests.values()) * assumed("dynamodb_ms")
    return [
        *units("events", phase, events / sum_of(phase), "measured"),
        Line("firehose", "firehose_gb", events * rounded / 1024**3, f"events of {m.event_bytes} bytes"),
        Line("events", "s3_put", files, f"files of {in_file:.0f} events"),
        Line("events", "sqs_request", 3 * files, "a file's message sent, received and deleted"),
        *lambda_lines("events", files, time, memory("DeliveriesFunction"), f"a file of {in_file:.0f} events"),
        *logs("events", "DeliveriesFunction", phase, files),
    ]


def visiting(m: Measured, by: str) -> list[Line]:
    """Pixels and links: the API, or the function's own address (`url`); the function, the touches that it writes."""
    function = "TrackingFunction" if by == "url" else "PublicFunction"
    lines: list[Line] = []
    for name, share in (("opens", OPENED), ("clicks", CLICKED)):
        phase, requests = m.phases[name], PEOPLE * share
        time = milliseconds(phase, assumed("visit_cpu_ms"), function)
        lines += [
            *units("touches", phase, requests / phase.invocations, f"{name}, measured"),
            *lambda_lines("public function", requests, time, memory(function), name),
            *logs("public function", function, phase, requests),
            *traces("public function", function, requests, assumed("touch_hours") * 3600),
        ]
        if by == "api":
            lines += [
                Line("public API", "http_api_request", requests, name),
                Line("public API", "log_gb", requests * assumed("access_line") / 1e9, "a line a request"),
            ]
    return lines


def streaming(m: Measured) -> list[Line]:
    """The two readers of the stream: while the run goes on, and while touches trickle in."""
    lines: list[Line] = []
    written = {"run": PEOPLE * (1 + BOUNCED + COMPLAINED), "touches": PEOPLE * (OPENED + CLICKED)}
    seconds = {"run": RUN_SECONDS, "touches": assumed("touch_hours") * 3600}
    for reader, function in (("counters", "CountersFunction"), ("archive", "ArchiveFunction")):
        settings = mapping(function, "DynamoDB", "Activity")
        for when, records in written.items():
            phase = m.phases[f"{reader} {when}"]
            batches = stream_batches(records, seconds[when], settings)
            time = milliseconds(phase, assumed("event_cpu_ms") * records / batches, function)
            basis = f"{records / batches:.0f} records a batch, {when}"
            lines += [
                *units(reader, phase, batches / phase.invocations, basis),
                *lambda_lines(reader, batches, time, memory(function), basis),
                *logs(reader, function, phase, batches),
                *traces(reader, function, batches, seconds[when]),
            ]
    return lines + gates_passed_by()


def stream_batches(records: float, seconds: float, settings: Mapping[str, Any]) -> float:
    """Invocations for so many records that come evenly: one a shard and window, or more when they are full."""
    shards = assumed("shards")
    windows = shards * seconds / settings["MaximumBatchingWindowInSeconds"]
    return max(min(records, windows), records / settings["BatchSize"])


def gates_passed_by() -> list[Line]:
    """The archive reads the stream of people too, where each claim is a record: filtered, it brings no invocation."""
    if "GATE" in str(mapping("ArchiveFunction", "DynamoDB", "People").get("FilterCriteria")):
        return []
    batches = stream_batches(PEOPLE, RUN_SECONDS, mapping("ArchiveFunction", "DynamoDB", "People"))
    time = assumed("event_cpu_ms") * PEOPLE / batches / (memory("ArchiveFunction") / _FULL_CPU_MB)
    return lambda_lines("archive", batches, time, memory("ArchiveFunction"), "claims, passed by")


def urgent(m: Measured, beside: float) -> list[Line]:
    """Bounces and complaints, which come by topic in both ways."""
    bounces = topic(m, "bounces", PEOPLE * BOUNCED, "bounces, withdrawn for good", beside)
    return bounces + topic(m, "complaints", PEOPLE * COMPLAINED, "complaints, consent withdrawn", beside)


def lines_of(m: Measured, way: str, tracking: str) -> list[Line]:
    """Every line of a million people; deliveries come by `sns` or `firehose`, pixels and links by `api` or `url`."""
    events = PEOPLE * (1 - BOUNCED)
    deliveries = by_stream(m) if way == "firehose" else topic(m, "receipts", events, "deliveries")
    bad_news = urgent(m, beside=0 if way == "firehose" else events)
    lines = [*planning(m), *sending(m), *deliveries, *bad_news, *visiting(m, tracking), *streaming(m)]
    return lines + told_of(lines) if way == "firehose" else lines


def told_of(lines: list[Line]) -> list[Line]:
    """With a delivery stream the lake's bucket tells EventBridge of each object; that of withdrawals never does."""
    objects = sum(line.count for line in lines if line.price == "s3_put" and "withdr" not in line.basis)
    return [Line("firehose", "custom_event", objects, "objects in the lake")]


# --- the state machine -----------------------------------------------------------------------------


def rounds(seconds: float) -> int:
    """How often the machine looks until a run of that length is seen to be over."""
    waited, round_ = 0, 0
    while waited < seconds:
        waited += wait_seconds(round_)
        round_ += 1
    return round_ + 1


def transitions(seconds: float, slices: int = SLICES) -> int:
    """State transitions of one run, by walking the machine's own definition."""
    states = json.loads((ROOT / "statemachines/campaign_run.asl.json").read_text())["States"]
    planned, looked, count, at = 0, 0, 1, "Begin"
    answers: dict[str, Callable[[], bool]] = {
        "IsPlanned": lambda: planned >= slices,
        "IsDone": lambda: looked >= rounds(seconds),
    }
    while states[at]["Type"] != "Succeed":
        planned, looked = planned + (at == "Plan"), looked + (at == "Check")
        state = states[at]
        if state["Type"] == "Choice":
            at = state["Choices"][0]["Next"] if answers[at]() else state["Default"]
        else:
            at = state["Next"]
        count += 1
    return count


def send_side(m: Measured) -> dict[str, float]:
    """Counts for a million people before and with the deliveries' rows: write units, SQS requests, invocations."""
    before = [*planning(m), *sending(m)]
    row = PEOPLE * m.phases["receipts"].usage.totals["write_units"] / sum_of(m.phases["receipts"])

    def counted(price: str) -> float:
        return sum(line.count for line in before if line.price == price)

    return {
        "write_units": round(counted("write_unit")),
        "write_units_with_rows": round(counted("write_unit") + row),
        "sqs_requests": round(counted("sqs_request")),
        "invocations": round(counted("lambda_request")),
        "transitions_55_minutes": transitions(55 * 60),
        "transitions_a_day": transitions(24 * 3600),
    }
