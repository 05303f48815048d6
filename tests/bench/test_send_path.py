"""CPU of a sender for one mail, whole path: gates, decision, writing, claim, marks, the provider's call.

Ours is the function's own handler over chunks of 500. The other gives the same guarantees as a good engineer would at first:
for each mail one conditional put (the row), two conditional updates (the gate with consent and caps, the outcome), an
`EmailMessage`, and SES, all by boto3. Both talk HTTP to a second process that plays AWS; what counts is the processor time
of the sending process alone, warm, in turns.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest

from tests.bench import sending_house as house
from tests.bench.results_file import keep
from tests.support.tables import ROOT

ROUNDS, CHUNKS, THEIR_MAILS, RATE = 5, 3, 250, 300
REACH = {"ratio": {"at_least": 10}}


# --- the sending processes ----------------------------------------------------------------------------


def ours(first: int) -> tuple[float, int]:
    """Processor seconds of sending some chunks, and how many mails that were. One chunk before warms the process."""
    from sender.app import handler

    from meghdoot.wiring import light

    for number in range(first, first + CHUNKS + 1):
        if number == first + 1:
            started = time.process_time()
        answer = handler(house.event(number), house.Context())
        assert answer == {"batchItemFailures": []}
    spent = time.process_time() - started
    chunk = light.calls()(
        "GetItem",
        {
            "TableName": house.TABLES["activity"],
            "Key": {"pk": {"S": house.chunk_pk(first + CHUNKS)}, "sk": {"S": "CHUNK"}},
        },
    )["Item"]
    assert chunk["r"]["S"] == "a" * 500
    return spent, CHUNKS * 500


def theirs(first: int) -> tuple[float, int]:
    """The same for the usual loop."""
    send = usual_loop()
    for n in range(first * 500, first * 500 + 20):
        send(n)
    started = time.process_time()
    for n in range(first * 500 + 20, first * 500 + 20 + THEIR_MAILS):
        send(n)
    return time.process_time() - started, THEIR_MAILS


def usual_loop() -> Callable[[int], None]:
    """Clients and templates made once; the function sends one mail."""
    import boto3
    from botocore.config import Config

    from tests.bench.test_render import baseline, text_part

    once = Config(retries={"total_max_attempts": 1})
    dynamodb, ses = boto3.client("dynamodb"), boto3.client("sesv2", config=once)
    write = baseline(text_part())

    def send(n: int) -> None:
        person, now = house.customer_id(n), datetime.now(UTC).isoformat()
        row = {"pk": {"S": f"{house.TENANT}#C#{person}"}, "sk": {"S": f"SEND#{house.RUN}"}}
        counted = {"S": f"{house.RUN[:12]}:{now[:16]}:0"}
        dynamodb.put_item(
            TableName=house.TABLES["activity"],
            Item={**row, "st": {"S": "calling"}, "at": {"S": now}},
            ConditionExpression="attribute_not_exists(pk)",
        )
        dynamodb.update_item(
            TableName=house.TABLES["people"],
            Key={"pk": row["pk"], "sk": {"S": "GATE"}},
            UpdateExpression="SET #k = :k, #v = #v + :one",
            ConditionExpression="contains(#c, :code)",
            ExpressionAttributeNames={"#k": "k", "#v": "v", "#c": "c"},
            ExpressionAttributeValues={":k": counted, ":one": {"N": "1"}, ":code": {"S": "em:m"}},
        )
        answer = ses.send_email(
            FromEmailAddress="news@acme.example",
            Destination={"ToAddresses": [f"p{n}@b.example"]},
            Content={"Raw": {"Data": write(n, house.fields(n))}},
            ConfigurationSetName="meghdoot",
            EmailTags=[{"Name": "tenant", "Value": house.TENANT}, {"Name": "customer", "Value": person}],
        )
        dynamodb.update_item(
            TableName=house.TABLES["activity"], Key=row, UpdateExpression="SET #st = :st, #pid = :pid",
            ConditionExpression="#st = :calling", ExpressionAttributeNames={"#st": "st", "#pid": "pid"},
            ExpressionAttributeValues={
                ":st": {"S": "accepted"}, ":pid": {"S": answer["MessageId"]}, ":calling": {"S": "calling"},
            },
        )  # fmt: skip

    return send


# --- the bench ------------------------------------------------------------------------------------------


@contextmanager
def canned() -> Iterator[str]:
    """The URL of the process that plays AWS, with the run stored in it."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.canned_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env=env, cwd=ROOT,
    )  # fmt: skip
    assert server.stdin
    assert server.stdout
    try:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
    finally:
        server.stdin.close()
        server.wait(10)
        server.stdout.close()


def sent(url: str, which: str, first: int) -> tuple[float, int]:
    """Microseconds of processor time a mail, in a fresh process, and the mails."""
    env = {**os.environ, **house.environment(url, RATE), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", "tests.bench.test_send_path", which, str(first)]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    spent, mails = json.loads(done.stdout.splitlines()[-1])
    return spent / mails * 1e6, mails


def child(which: str, first: int) -> None:
    """One sending process."""
    if which == "store":
        from meghdoot.kernel.clock import SystemClock
        from meghdoot.wiring import light

        house.store(light.calls(), datetime.now(UTC).replace(microsecond=0), SystemClock())
        print("[0, 1]")
        return
    print(json.dumps({"ours": ours, "theirs": theirs}[which](first)))


@pytest.mark.bench
def test_a_mail_costs_the_sender_a_tenth_of_the_same_guarantees_by_boto3() -> None:
    rounds, mails = [], 0
    with canned() as url:
        sent(url, "store", 0)
        for number in range(ROUNDS):
            our, count = sent(url, "ours", number * 10)
            their, _ = sent(url, "theirs", 10_000 + number * 10)
            rounds.append((our, their))
            mails += count + 500
        with urlopen(f"{url}/told") as answer:
            told = json.load(answer)
    # Everybody got one mail, by both.
    assert told["mails"] == told["keys"] == mails + ROUNDS * (THEIR_MAILS + 20)
    ratios = [their / our for our, their in rounds]
    keep("send_path", {
        "ratio": round(statistics.median(ratios), 1), "ratio_worst_round": round(min(ratios), 1), "rounds": ROUNDS,
        "ours_us": round(statistics.median(our for our, _ in rounds)),
        "baseline_us": round(statistics.median(their for _, their in rounds)), "mails": mails, "mails_a_second": RATE,
        "baseline": "boto3: conditional put, two conditional updates and SES a mail; jinja2 and EmailMessage",
    }, REACH)  # fmt: skip


if __name__ == "__main__":
    child(sys.argv[1], int(sys.argv[2]))
