"""A run of any number of people whose chunks, gates, profiles and audience files are made when they are asked for.

Shared by the benches of the send path, of the sender's memory and of AWS units. Nothing grows with the number of people.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from meghdoot.adapters.dynamodb import keys, send_statements
from meghdoot.adapters.dynamodb.calls import Calls
from meghdoot.adapters.dynamodb.light_records import LightRecords, LightTemplateVersions
from meghdoot.adapters.dynamodb.seal import DynamoSeal
from meghdoot.areas.consent.model import gate_code
from meghdoot.areas.content.model import Footer, Link, Template, Variable
from meghdoot.areas.messaging.model import CHUNK_SIZE, PENDING, Chunk, Run, RunContent
from meghdoot.kernel.clock import Clock
from tests.support.fake_dynamo import Item

TENANT, RUN = "0190a000-0000-7000-8000-0000000000aa", "0190a000-0000-7000-8000-000000000003"
VARIABLES = ("v1", "v2", "v3", "v4", "v5", "v6", "v7")
"""Beside first_name, unsubscribe_url and postal_address: ten in all."""
SUBJECT = "{{ first_name }}, news for you"
TABLES = {name: f"b-{name}" for name in ("definitions", "people", "activity", "value", "work")}
BUCKET = "lake"
NAMES = ("Rahim", "Asha", "O'Neil & Sons", "Karim", "Mina", "Jo", "Lila", "Tanvir", "Sumi", "রহিমা বেগম")
_FILLER = "Twelve farms sent us their first harvest of the season, picked by hand and packed the same morning. " * 7


def newsletter() -> str:
    """13 kB of HTML with 10 variables and 12 links."""
    rows = "".join(
        f'<tr><td style="padding:14px 32px;font-family:Arial,sans-serif;font-size:16px;color:#1d2b27"><p>{_FILLER}'
        f"{'{{ ' + VARIABLES[n] + ' }}' if n < len(VARIABLES) else ''}</p>"
        f'<a style="color:#0f6b50;font-weight:bold" href="https://shop.example.com/offer/{n}">Offer {n + 1}</a></td></tr>\n'
        for n in range(12)
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><title>News</title></head><body style="margin:0;background:#eef3f1">'
        f'<h1>Hello {{{{ first_name }}}}</h1><table width="600">{rows}</table><p>{{{{ postal_address }}}} '
        '<a href="{{ unsubscribe_url }}">Unsubscribe</a></p>\n</body></html>'
    )  # fmt: skip


def template(now: datetime, html: str) -> Template:
    """The pinned version."""
    return Template(
        TENANT, "t1", 1, "News", "newsletter", SUBJECT, html, "ann", now, now, variables=tuple(map(Variable, VARIABLES))
    )


def run(now: datetime) -> Run:
    """A marketing run with a cap, under way."""
    content = RunContent(
        "t1", 1, SUBJECT, None, "Acme", "news@acme.example", None, ("en",), "en", Footer("Acme", "12 Lake Road, Dhaka", None),
        "https://m.example.com", links=tuple(Link(n + 1, f"https://shop.example.com/offer/{n}") for n in range(12)),
    )  # fmt: skip
    ends = now + timedelta(days=8)
    planned = Run(TENANT, RUN, None, "e1", "email", "marketing", "sending", (), content, now, now, now, ends, 7)
    return replace(planned, daily_cap=3, slices=1, planned_slices=1)


def store(calls: Calls, now: datetime, clock: Clock, html: str | None = None) -> None:
    """What a sender reads of definitions, and the seals of the tables."""
    definitions = TABLES["definitions"]
    LightTemplateVersions(calls, definitions).add(template(now, newsletter() if html is None else html))
    LightRecords(calls, definitions, Run, "run", lambda stored: stored.status).add(run(now))
    DynamoSeal(calls, (definitions, TABLES["people"], TABLES["activity"]), clock).renew()


def customer_id(n: int) -> str:
    """Ids as long as the real ones, in order."""
    return f"0190a000-0000-7000-9000-{n:012d}"


def fields(n: int) -> dict[str, Any]:
    """What the template reads of a person; every tenth is written in Bangla."""
    return {"first_name": NAMES[n % 10]} | {name: f"value {n:012d} of {name}" for name in VARIABLES}


def line(index: int, n: int) -> dict[str, Any]:
    """A person's line in an audience file."""
    person = customer_id(n)
    return {"s": 1, "i": index, "c": person, "a": f"p{n:012d}@b.example", "l": "en", "z": "Asia/Dhaka", "f": fields(n)}


@lru_cache(maxsize=4)
def audience(chunk: int) -> bytes:
    """The file of a chunk: all of its people are its own."""
    return gzip.compress(_lines().replace("000000000", f"{chunk:09d}").encode(), 1)


@lru_cache(maxsize=1)
def _lines() -> str:
    """The people of a chunk, with nine zeros for its number; the last three digits are a person's place in it."""
    return "\n".join(json.dumps(line(index, index)) for index in range(CHUNK_SIZE))


def audience_path(bucket: str, path: str) -> int | None:
    """The chunk whose file a path names; None for anything else."""
    start = f"/{bucket}/audience/{TENANT}/{RUN}/"
    return int(path.removeprefix(start).partition(".")[0]) if path.startswith(start) else None


def made(table: str, pk: str, sk: str) -> Item | None:
    """Gates and chunks that nobody has written to yet."""
    if sk == "GATE":
        granted = {"SS": [gate_code("email", "marketing"), gate_code("sms", "marketing")]}
        return {"pk": {"S": pk}, "sk": {"S": sk}, "v": {"N": "1"}, "c": granted, "z": {"S": "Asia/Dhaka"}}
    if sk == "CHUNK" and table == TABLES["activity"]:
        number = int(pk.rpartition("#")[2])
        return dict(send_statements.chunk_item(Chunk(TENANT, RUN, number, PENDING * CHUNK_SIZE)))
    return None


def environment(url: str | None, rate: int) -> dict[str, str]:
    """What the sender reads."""
    env = {f"TABLE_{name.upper()}": table for name, table in TABLES.items()} | {
        "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "BUCKET_LAKE": BUCKET,
        "BUCKET_WITHDRAWALS": "withdrawals", "QUEUE_CHUNKS_URL": "https://sqs.us-east-1.amazonaws.com/1/chunks",
        "SES_CONFIGURATION_SET": "meghdoot", "EMAIL_PROVIDER": "ses", "SENDER_RATE": str(rate),
        "PUBLIC_URL": "https://m.example.com",
        "MEGHDOOT_KEYRING": '{"current":"k1","keys":{"k1":"MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="}}',
    }  # fmt: skip
    return env if url is None else env | {"AWS_ENDPOINT_URL": url}


class Context:
    """As much of Lambda's context as the handler reads."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def event(chunk: int) -> dict[str, Any]:
    """One message of the queue."""
    from meghdoot.adapters.queues import ref_body
    from meghdoot.areas.messaging.model import ChunkRef

    return {"Records": [{"messageId": f"m{chunk}", "body": ref_body(ChunkRef(TENANT, RUN, chunk))}]}


def chunk_pk(number: int) -> str:
    """Where a chunk is kept."""
    return keys.chunk_pk(TENANT, RUN, number)
