"""A campaign on the local AWS emulator whose senders are killed with SIGKILL, and what the histories say at its end.

`python -m tests.kills.campaign PEOPLE KILLS`. The provider's history (what it accepted) and the ledger's (letters and rows)
are kept by different processes and compared person by person.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from receipts import app as receipts

from meghdoot.adapters.dynamodb.content import DynamoTemplateVersions
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.tenants import dynamo_tenants
from meghdoot.areas.consent.model import gate_code
from meghdoot.areas.content.model import Template
from meghdoot.areas.customers.model import Customer
from meghdoot.areas.messaging.model import ACCEPTED, CALLING, PARKED, PENDING, UNKNOWN, Chunk, Run
from meghdoot.areas.messaging.planner import PlannerService
from meghdoot.kernel.clock import iso
from meghdoot.wiring import aws, messaging, reconciling, restoring
from tests.bench.results_file import machine
from tests.bench.table import FOLDER
from tests.kills.processes import Pace, kill, providing, sending, started, sweeping
from tests.support.emulator import emulator, free_port
from tests.support.killing import CONTENT, PlainCustomers, PlainEngine
from tests.support.tables import create_tables
from tests.support.world import BUCKETS, KEYRING, QUEUES, REGION

TENANT, RUN = "acme", "0190a000-0000-7000-8000-000000000009"
WAVE = 25
SENDERS = 4


@dataclass(frozen=True)
class Plan:
    """How large, and how fast it dies."""

    people: int
    kills: int
    seed: int = 1
    rate: int = 120
    """Mails a second that the provider grants."""
    pace: Pace = field(default_factory=Pace)
    answer_seconds: float = 0.01

    def due(self, accepted: int) -> int:
        """How many must have died once so many people were written to: all die before four fifths were."""
        return min(self.kills, int(accepted * self.kills / (0.8 * self.people)))


@dataclass(frozen=True)
class Figures:
    """What was found. `twice` and `lost` must be 0, and nobody is unknown but by a kill: one wave each at most."""

    people: int
    kills: int
    twice: int
    """Mails that the provider accepted beyond the first of a person."""
    lost: int
    """People without an end: undecided or being called when nothing works any more, or in no history at all."""
    unknown: int
    """People parked by kills, before the provider's events came."""
    accepted: int
    """By the provider's history."""
    lifted: int
    """Of the unknown, those that the provider's events showed to be accepted."""
    disagreeing: int
    """People whose end in the ledger is not what the provider's history says, after all events."""
    contradictions: int
    root_verified: bool
    seconds: int

    @property
    def hold(self) -> bool:
        """Whether the promise held."""
        wrong = self.twice or self.lost or self.disagreeing or self.contradictions
        return not wrong and self.root_verified and self.unknown <= WAVE * self.kills

    def line(self) -> str:
        """The last line of the run."""
        return (
            f"kills: people={self.people} kills={self.kills} twice={self.twice} lost={self.lost} unknown={self.unknown}"
        )


@contextmanager
def deployment(plan: Plan) -> Iterator[None]:
    """The emulator with tables, buckets and queues, and this process's environment pointing at it."""
    before = dict(os.environ)
    with emulator() as url:
        os.environ.update(
            {
                "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": REGION,
                "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": url,
                "MEGHDOOT_KEYRING": KEYRING, "PUBLIC_URL": CONTENT.public_url, "EMAIL_PROVIDER": "local",
                "LOCAL_PROVIDER_URL": f"http://127.0.0.1:{free_port()}/send", "SENDER_RATE": str(plan.rate),
                "SES_CONFIGURATION_SET": "meghdoot", "POWERTOOLS_LOG_LEVEL": "ERROR", "MEGHDOOT_STATEMENTS": "partiql",
            }
        )  # fmt: skip
        os.environ.pop("AWS_SESSION_TOKEN", None)
        os.environ.update(_resources(url, plan.pace))
        aws.forget()
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            aws.forget()


def _resources(url: str, pace: Pace) -> dict[str, str]:
    def client(service: str) -> Any:
        return boto3.client(service, region_name=REGION, endpoint_url=url)

    env = {f"TABLE_{name.upper()}": table for name, table in create_tables(client("dynamodb"), "kills").items()}
    for variable, bucket in BUCKETS.items():
        client("s3").create_bucket(Bucket=bucket)
        env[variable] = bucket
    for variable, queue in QUEUES.items():
        attributes = {"VisibilityTimeout": str(pace.visibility)}
        env[variable] = client("sqs").create_queue(QueueName=queue, Attributes=attributes)["QueueUrl"]
    return env


def planned(people: int) -> list[str]:
    """Gates, template and run; the chunks wait in the queue. Answers the customers."""
    ids = [f"0190a000-0000-7000-9000-{n:012d}" for n in range(people)]
    restoring.seals().begin()
    _gates(ids)
    now = datetime.now(UTC).replace(microsecond=0)
    mail = Template(TENANT, "t1", 1, "News", "promotional", "Hello", "<p>Hi {{first_name}}</p>", "me", now, now)
    definitions = aws.bound(DocumentItem, aws.settings().table_definitions)
    DynamoTemplateVersions(definitions).add(mail)
    ends = now + timedelta(days=8)
    messaging.runs().add(
        Run(TENANT, RUN, None, "e1", "email", "marketing", "planning", (), CONTENT, now, now, now, ends, 7, daily_cap=3)
    )
    profiles = {c: Customer(TENANT, c, now, now, email=f"{c}@x.example", first_name="Rita") for c in ids}
    planner = PlannerService(
        messaging.runs(), messaging.live(), dynamo_tenants(definitions), PlainEngine(ids), PlainCustomers(profiles),
        messaging.gates(), messaging.audience(), messaging.chunks(), messaging.queue(),
        lambda _run: frozenset({"first_name"}), aws.clock(),
    )  # fmt: skip
    assert planner.plan_slice(TENANT, RUN, 0) is None
    return ids


def _gates(ids: Sequence[str]) -> None:
    table, client = aws.settings().table_people, aws.client("dynamodb")
    for start in range(0, len(ids), 25):
        puts = [
            {
                "PutRequest": {
                    "Item": {
                        "pk": {"S": f"{TENANT}#C#{customer}"}, "sk": {"S": "GATE"}, "v": {"N": "1"},
                        "c": {"SS": [gate_code("email", "marketing")]}, "z": {"S": "Asia/Dhaka"},
                    }
                }
            }
            for customer in ids[start : start + 25]
        ]  # fmt: skip
        client.batch_write_item(RequestItems={table: puts})


def run(plan: Plan, tell: Any = lambda _text: None) -> Figures:
    """The whole story; answers what was found."""
    began = time.monotonic()
    plan.pace.set()
    with TemporaryDirectory(prefix="meghdoot-kills-") as folder, deployment(plan):
        ids = planned(plan.people)
        tell(f"{plan.people} people planned after {time.monotonic() - began:.0f} s; {plan.rate} mails a second")
        journal, stop = Path(folder) / "accepted", Path(folder) / "stop"
        kills = _storm(plan, journal, stop, tell)
        accepted = history(journal)
        letters = _letters()
        unknown, lost = _count(letters, PARKED), _lost(ids, letters)
        tell(f"{kills} kills, {unknown} unknown; the provider speaks ...")
        _hear(accepted)
        lifted = unknown - _settled()
        return _judged(plan, kills, ids, accepted, unknown, lost, lifted, int(time.monotonic() - began))


def _storm(plan: Plan, journal: Path, stop: Path, tell: Any) -> int:
    """Send, kill, send, until nothing is left to do; answers how many were killed."""
    port = int(os.environ["LOCAL_PROVIDER_URL"].rpartition(":")[2].partition("/")[0])
    provider = started(providing, port, journal, plan.answer_seconds)
    _listening(port)
    ticker = started(sweeping, stop)
    senders = [started(sending, plan.pace, stop) for _ in range(SENDERS)]
    chance, kills = Random(plan.seed), 0
    try:
        while _work_left():
            time.sleep(0.1 + 0.8 * chance.random())
            if kills < plan.due(_accepted_so_far(journal)):
                victim = chance.randrange(SENDERS)
                kill(senders[victim])
                senders[victim] = started(sending, plan.pace, stop)
                kills += 1
                if kills % 10 == 0:
                    tell(f"{kills} kills, {_accepted_so_far(journal)} people written to")
    finally:
        stop.touch()
        for process in (*senders, ticker):
            process.join(plan.pace.work + 10)
        provider.terminate()
        provider.join()
    return kills


def _listening(port: int) -> None:
    for _ in range(100):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the provider does not listen")


def _chunks() -> list[Chunk]:
    run = messaging.runs().get(TENANT, RUN)
    assert run is not None
    return messaging.chunks().get_many(TENANT, RUN, run.chunk_numbers)


def _work_left() -> bool:
    return any(chunk.work_left for chunk in _chunks())


def history(journal: Path) -> list[dict[str, Any]]:
    """What the provider accepted, in order."""
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


def _accepted_so_far(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def _letters() -> dict[str, str]:
    """Customer to letter, by the ledger and the frozen audience."""
    found = {}
    for chunk in _chunks():
        for person in messaging.audience().read(chunk.ref):
            found[person.customer_id] = chunk.letters[person.index]
    return found


def _count(letters: dict[str, str], wanted: str) -> int:
    return sum(letter == wanted for letter in letters.values())


def _lost(ids: Sequence[str], letters: dict[str, str]) -> int:
    return sum(letters.get(customer, PENDING) in (PENDING, CALLING) for customer in ids)


def _hear(accepted: Sequence[dict[str, Any]]) -> None:
    """The provider's word about all that it accepted, through the function that listens."""
    receipts.logger.setLevel("ERROR")
    bodies = [_delivery(mail) for mail in accepted]
    for start in range(0, len(bodies), 100):
        records = [
            {"messageId": f"m{n}", "body": body, "eventSource": "aws:sqs", "eventSourceARN": "arn", "awsRegion": REGION}
            for n, body in enumerate(bodies[start : start + 100])
        ]
        answer = receipts.handler({"Records": records}, None)
        assert not answer["batchItemFailures"]


def _delivery(mail: dict[str, Any]) -> str:
    at = iso(datetime.fromtimestamp(mail["at"], UTC))
    told = {
        "eventType": "Delivery",
        "mail": {
            "timestamp": at, "messageId": f"p-{mail['tags']['key']}", "source": mail["from"],
            "destination": [mail["to"]], "tags": {name: [value] for name, value in mail["tags"].items()},
        },
        "delivery": {"timestamp": at, "recipients": [mail["to"]]},
    }  # fmt: skip
    return json.dumps({"Type": "Notification", "MessageId": mail["tags"]["key"], "Message": json.dumps(told)})


def _settled() -> int:
    """Let the window of the parked end, with later messages heard; answers how many stay unknown for good."""
    messaging.evidence().heard("local", datetime.now(UTC) + timedelta(seconds=1))
    stored = messaging.runs().get(TENANT, RUN)
    assert stored is not None
    replace(messaging.sweeper(), unknown_after=timedelta(0)).sweep(stored)
    return _count(_letters(), UNKNOWN)


@dataclass(frozen=True)
class _RowCounters:
    """Live sums as the reader of the stream would have them; nothing reads a stream here."""

    delivered: int

    def totals(self, _tenant: str, _run: str) -> dict[str, int]:
        return {"delivered": self.delivered}


def _judged(
    plan: Plan, kills: int, ids: Sequence[str], accepted: Sequence[dict[str, Any]], unknown: int, lost: int, lifted: int,
    seconds: int,
) -> Figures:  # fmt: skip
    times = Counter(mail["tags"]["customer"] for mail in accepted)
    letters = _letters()
    disagreeing = sum((letters[customer] == ACCEPTED) != (customer in times) for customer in ids)
    service = replace(reconciling.service(), counters=_RowCounters(len(times)))
    account = service.reconcile(reconciling.run(TENANT, RUN))
    assert sum(account.people.values()) == plan.people, account.people
    return Figures(
        people=plan.people, kills=kills, twice=sum(n - 1 for n in times.values()), lost=lost, unknown=unknown,
        accepted=len(times), lifted=lifted, disagreeing=disagreeing, contradictions=sum(account.found.values()),
        root_verified=account.root.verified is True, seconds=seconds,
    )  # fmt: skip


def keep(figures: Figures) -> None:
    """Write the figures where the documented run is committed."""
    measured = asdict(figures)
    del measured["seconds"]
    result = {"name": "kill9", "measured": measured, "reach": {}, "machine": machine()}
    (FOLDER / "kill9.json").write_text(json.dumps(result, indent=2) + "\n")


def main(people: int, kills: int) -> int:
    """Run it, keep the figures, and print the last line; 1 when the promise did not hold."""
    figures = run(Plan(people, kills), lambda text: print(text, flush=True))
    keep(figures)
    told = asdict(figures)
    print(
        " ".join(f"{name}={told[name]}" for name in ("accepted", "lifted", "disagreeing", "contradictions", "seconds"))
    )
    print(figures.line(), flush=True)
    return 0 if figures.hold and figures.kills == kills else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
