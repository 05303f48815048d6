"""What one person costs in requests and units of AWS, at 10,000, 100,000 and 1,000,000 people: always the same.

A run is planned slice by slice, sent chunk by chunk and reported as delivered, by the services as they are wired, over an
account in the process that counts (`aws_meter`). People are made when they are asked for and forgotten behind their chunk, so
that memory does not grow. What a run costs however small it is, the fixed part, is fitted and printed apart.
`UNITS_PEOPLE` (three sizes with commas between) makes it quicker to try; a result is kept only for the whole sizes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests.bench import sending_house as house
from tests.support.fake_dynamo import Item
from tests.support.tables import ROOT
from tests.support.world import QUEUES

SIZES, RATE = (10_000, 100_000, 1_000_000), 300
REACH = {"spread_percent": {"at_most": 2}}
HTML = '<p>Hi {{ first_name }}</p><p>{{ postal_address }} <a href="{{ unsubscribe_url }}">stop</a></p>'


class Everybody:
    """The segment's query: so many ids, in even slices."""

    def __init__(self, people: int) -> None:
        self._people = people

    def members(self, *_args: Any, slice_: int, slices: int, **_more: Any) -> Iterator[str]:
        """The ids of a slice, in order."""
        size = -(-self._people // slices)
        return (house.customer_id(n) for n in range(slice_ * size, min(self._people, (slice_ + 1) * size)))


class Accepting:
    """A provider that takes every mail, and tells what it took."""

    name = "ses"

    def __init__(self) -> None:
        self.mails: list[Any] = []

    def send(self, mail: Any) -> Any:
        """Taken."""
        from meghdoot.areas.messaging.model import Outcome

        self.mails.append(replace(mail, raw=None))
        return Outcome("accepted", provider_id=f"0100018f0c0e0e0e-{mail.message_id}-000000")


def made_people(profile: Item) -> Any:
    """Profiles and gates of everybody, from the profile that the services' own adapter wrote for the first."""
    first = house.customer_id(0)
    same = {name: value for name, value in profile.items() if first not in value.get("S", "")}
    own = {name: value["S"] for name, value in profile.items() if name not in same}

    def made(table: str, pk: str, sk: str) -> Item | None:
        if table != house.TABLES["people"] or "#C#" not in pk:
            return None
        if sk == "PROFILE":
            person = pk.rpartition("#")[2]
            return same | {name: {"S": text.replace(first, person)} for name, text in own.items()}
        return house.made(table, pk, sk)

    return made


@contextmanager
def account() -> Iterator[tuple[Any, Any, Accepting]]:
    """A metered account below all wiring, a clock that passes by the slots of the rate, and the provider."""
    from meghdoot.areas.messaging.flight import OneByOne
    from meghdoot.kernel.clock import ManualClock
    from meghdoot.wiring import aws, light, messaging, sender
    from tests.bench.aws_meter import AwsMeter, MeteredStore

    meter, clock, provider = AwsMeter(), ManualClock(datetime.now(UTC).replace(microsecond=0)), Accepting()
    store = MeteredStore(meter, house.BUCKET)
    with pytest.MonkeyPatch.context() as patch:
        queues = {name: f"https://sqs.us-east-1.amazonaws.com/1/{queue}" for name, queue in QUEUES.items()}
        more = {"MACHINE_CAMPAIGN_RUN_ARN": "arn:m", "MACHINE_SEGMENT_REFRESH_ARN": "arn:m"}
        for name, value in (queues | house.environment(None, RATE) | more).items():
            patch.setenv(name, value)
        meter.serve_botocore(patch)
        for wired in (aws, light):
            patch.setattr(wired, "clock", lambda: clock)
            patch.setattr(wired, "calls", lambda: meter.calls)
        patch.setattr(light, "wire", lambda _region=None: meter)
        patch.setattr(messaging, "S3Store", lambda _client, _bucket: store)
        patch.setattr(sender, "time", SimpleNamespace(sleep=lambda seconds: clock.advance(seconds=seconds)))
        patch.setattr(sender, "provider", lambda: provider)
        patch.setattr(sender, "ThreadRunway", lambda _at_once: OneByOne())
        yield meter, clock, provider


def planned(meter: Any, clock: Any, people: int) -> None:
    """Everybody planned, slice by slice as the state machine does."""
    from meghdoot.adapters.dynamodb.customers import DynamoCustomers
    from meghdoot.areas.customers.model import Customer
    from meghdoot.areas.messaging.service import PEOPLE_A_SLICE
    from meghdoot.wiring import campaign_run, lake, messaging

    now, first = clock.now(), house.customer_id(0)
    customer = Customer(
        house.TENANT, first, now, now, email=f"{first}@b.example", first_name="Rahima", zone="Asia/Dhaka", language="en"
    )
    DynamoCustomers(meter.calls, house.TABLES["people"]).create(customer, {})
    profile = meter.dynamo.find(house.TABLES["people"], f"{house.TENANT}#C#{first}", "PROFILE")
    meter.dynamo._made = made_people(profile)
    meter.dynamo.forget(house.TABLES["people"], f"{house.TENANT}#C#{first}")
    house.store(meter.calls, now, clock, HTML)
    slices = max(1, -(-people // PEOPLE_A_SLICE))
    stored = messaging.runs().get(house.TENANT, house.RUN)
    assert stored is not None
    begun = replace(stored, status="planning", slices=slices, planned_slices=0, version=stored.version + 1)
    messaging.runs().replace(begun, stored.version)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake, "engine", lambda: Everybody(people))
        steps, slice_ = campaign_run.steps(), 0
        meter.reset()
        while slice_ is not None:
            slice_ = steps.plan(house.TENANT, house.RUN, slice_)


def template_batch_size(queue: str) -> int:
    """How many messages of a queue come at once."""
    from tests.bench import test_wire as wired

    return len(wired.in_batches(queue, ["x"] * 10_000)[0]["Records"])


def sent_and_told(meter: Any, provider: Accepting) -> None:
    """Every chunk that was queued is sent, its deliveries are recorded, and its people forgotten."""
    from meghdoot.adapters.queues import parse_ref
    from meghdoot.wiring import aws, messaging, sender
    from tests.bench import test_wire as wired

    size = template_batch_size("Receipts")
    for body in meter.queued.pop(aws.settings().queue_chunks):
        ref = parse_ref(body)
        assert sender.sender().handle(ref, lambda: 300.0).result == "done"
        assert len(provider.mails) == 500
        for start in range(0, len(provider.mails), size):
            batch = messaging.receipt_batch()
            batch.together([wired.delivery(mail) for mail in provider.mails[start : start + size]])
            assert not batch.trouble, batch.trouble
        for mail in provider.mails:
            pk = f"{house.TENANT}#C#{mail.tags['customer']}"
            meter.dynamo.forget(house.TABLES["people"], pk)
            meter.dynamo.forget(house.TABLES["activity"], pk)
        provider.mails.clear()
        meter.objects.pop(f"/{house.BUCKET}/audience/{ref.tenant}/{ref.run_id}/{ref.number}.jsonl.gz", None)


def child(people: int) -> None:
    """One size: what everything together asked for."""
    with account() as (meter, clock, provider):
        planned(meter, clock, people)
        sent_and_told(meter, provider)
        from meghdoot.wiring import campaign_run

        steps = campaign_run.steps()
        assert steps.check(house.TENANT, house.RUN, 0).done
        steps.close(house.TENANT, house.RUN)
        usage = meter.reset()
    assert usage.writes[next(name for name in usage.writes if name.startswith("INSERT INTO activity"))] >= people
    print(json.dumps(usage.totals))


def measure(people: int) -> dict[str, float]:
    """A child's totals."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.bench.test_units", str(people)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def fitted(points: Mapping[int, float]) -> tuple[float, float]:
    """(fixed, for each person) of the line whose relative errors are the smallest."""
    # Least squares of (fixed + slope * n) / n against the units for each person.
    rows = [(1 / n, total / n) for n, total in points.items()]
    mean_x, mean_y = (sum(column) / len(rows) for column in zip(*rows, strict=True))
    below = sum((x - mean_x) ** 2 for x, _ in rows)
    fixed = sum((x - mean_x) * (y - mean_y) for x, y in rows) / below
    return fixed, mean_y - fixed * mean_x


def spread(points: Mapping[int, float], fixed: float, slope: float) -> float:
    """By how many percent a size is off the line."""
    return max(abs((total - fixed) / n / slope - 1) * 100 for n, total in points.items())


@pytest.mark.bench
def test_a_person_costs_the_same_whatever_the_size_of_the_run() -> None:
    from tests.bench.results_file import keep, missed

    sizes = tuple(map(int, os.environ["UNITS_PEOPLE"].split(","))) if "UNITS_PEOPLE" in os.environ else SIZES
    # Counts, not times: the sizes may run side by side.
    with ThreadPoolExecutor(len(sizes)) as pool:
        totals = dict(zip(sizes, pool.map(measure, sizes), strict=True))
    figures, worst = {}, 0.0
    for name in totals[sizes[0]]:
        points = {people: total[name] for people, total in totals.items()}
        fixed, slope = fitted(points)
        off = spread(points, fixed, slope)
        worst = max(worst, off)
        each = {str(people): round(total / people * 1000, 2) for people, total in points.items()}
        figures[name] = {
            "fixed": round(fixed, 1), "per_1000": round(slope * 1000, 2), "spread_percent": round(off, 2), "each_per_1000": each,
        }  # fmt: skip
    measured = {
        "sizes": list(sizes), "spread_percent": round(worst, 2), "figures": figures,
        "fixed_write_units": figures["write_units"]["fixed"], "write_units_per_1000": figures["write_units"]["per_1000"],
    }  # fmt: skip
    print(json.dumps(measured, indent=1))
    if sizes == SIZES:
        keep("units", measured, REACH)
    assert not missed(measured, REACH), measured


if __name__ == "__main__":
    child(int(sys.argv[1]))
