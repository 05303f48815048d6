"""The only schema of stored items. Hot statements take their attribute names from these classes (tested).

`v` is the version of an item's shape where it is not the gate's own counter; readers take the previous shape too.
"""

from __future__ import annotations

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model


class Gsi1(GlobalSecondaryIndex):
    """Lists."""

    class Meta:
        index_name = "gsi1"
        projection = AllProjection()

    gsi1pk = UnicodeAttribute(hash_key=True)
    gsi1sk = UnicodeAttribute(range_key=True)


class Item(Model):
    """Key attributes that every item of every table has."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi1 = Gsi1()
    shape = NumberAttribute(default=1, attr_name="s")
    ttl = NumberAttribute(null=True)


class DocumentItem(Item):
    """A record, version or line whose body is JSON: definitions, profiles, consent entries, events, audit."""

    tenant = UnicodeAttribute(attr_name="t")
    kind = UnicodeAttribute(attr_name="kd")
    version = NumberAttribute(default=1, attr_name="n")
    data = JSONAttribute(attr_name="doc")


class IdentityItem(Item):
    """people: who holds an identity."""

    customer_id = UnicodeAttribute(attr_name="cid")


class GateItem(Item):
    """people, sk GATE: `v` version, `c` granted, `x` suppressed (absent when none), `z` zone, `k` counted keys."""

    version = NumberAttribute(attr_name="v")
    granted = UnicodeSetAttribute(null=True, attr_name="c")
    suppressed = UnicodeSetAttribute(null=True, attr_name="x")
    zone = UnicodeAttribute(null=True, attr_name="z")
    counted = UnicodeAttribute(null=True, attr_name="k")


class ChunkItem(Item):
    """activity, sk CHUNK: letters, owner, lease, `d` = 1 once no work is left, and until when a message is on its way."""

    letters = UnicodeAttribute(attr_name="r")
    token = UnicodeAttribute(attr_name="tok")
    lease_until = NumberAttribute(attr_name="lease")
    done = NumberAttribute(attr_name="d")
    parked_at = NumberAttribute(attr_name="pa")
    queued_until = NumberAttribute(attr_name="q")


class SendItem(Item):
    """activity, sk SEND#...: born from the provider's first word; `rk` only climbs."""

    state = UnicodeAttribute(attr_name="st")
    rank = NumberAttribute(attr_name="rk")
    run_id = UnicodeAttribute(attr_name="run")
    chunk = NumberAttribute(null=True, attr_name="ch")
    index = NumberAttribute(null=True, attr_name="i")
    at = UnicodeAttribute(attr_name="at")
    provider = UnicodeAttribute(attr_name="pv")
    provider_id = UnicodeAttribute(null=True, attr_name="pid")
    reason = UnicodeAttribute(null=True, attr_name="why")
    mail_hash = UnicodeAttribute(null=True, attr_name="mh")
    mailed_at = NumberAttribute(null=True, attr_name="md")
    key_id = UnicodeAttribute(null=True, attr_name="kid")
    message_id = UnicodeAttribute(null=True, attr_name="msg")
    heard_attempt = NumberAttribute(null=True, attr_name="ha")


class SingleRowItem(SendItem):
    """activity, sk SEND#... of a single message: what its sender writes before the provider speaks; `d` 1 once it is over."""

    token = UnicodeAttribute(attr_name="tok")
    attempt = NumberAttribute(attr_name="att")
    doubts = NumberAttribute(attr_name="dbt")
    lease_until = NumberAttribute(attr_name="lease")
    parked_at = NumberAttribute(attr_name="pa")
    not_before = NumberAttribute(attr_name="nb")
    settled = NumberAttribute(attr_name="d")


class TouchItem(Item):
    """activity, sk TOUCH#...: the first open, click or unsubscribe of a message."""

    run_id = UnicodeAttribute(attr_name="run")
    touch = UnicodeAttribute(attr_name="tk")
    at = UnicodeAttribute(attr_name="at")
    link = NumberAttribute(null=True, attr_name="ln")
    reason = UnicodeAttribute(null=True, attr_name="why")


class LinkItem(Item):
    """definitions, sk LINK#...: where a numbered link of a run leads."""

    url = UnicodeAttribute(attr_name="url")


class HoldItem(Item):
    """definitions, sk HOLD: `sc` is what a wider hold is compared with; the rest is the document."""

    scope = UnicodeAttribute(attr_name="sc")
    data = JSONAttribute(attr_name="doc")


class SoftItem(Item):
    """people, sk SOFT beside a suppression: messages that came back for now, `<instant>#<send key>`."""

    entries = UnicodeSetAttribute(attr_name="sb")


class SealItem(Item):
    """definitions, people, activity, sk SEAL: the id of the table that it was written to."""

    table_id = UnicodeAttribute(attr_name="tid")


class CounterItem(Item):
    """work: sums of one run, day, stream and shard; written only where `last_seq` is still what was read."""

    last_sequence = UnicodeAttribute(attr_name="last_seq")
    sums = JSONAttribute(attr_name="sums")


class RateItem(Item):
    """work: `tk` combs of a frame that are taken; `w` words of those who asked, or of tenants that wait."""

    taken = UnicodeSetAttribute(null=True, attr_name="tk")
    words = UnicodeSetAttribute(null=True, attr_name="w")


class WorkItem(Item):
    """work: timers, leases, references, watermarks, idempotency keys; each uses what it needs of these."""

    owner = UnicodeAttribute(null=True, attr_name="own")
    until = NumberAttribute(null=True, attr_name="until")
    amount = NumberAttribute(null=True, attr_name="amt")
    body = UnicodeAttribute(null=True, attr_name="body")


def bind(model: type[Item], table: str, region: str, host: str | None) -> type[Item]:
    """A subclass of an item's model that lives in the named table: pynamodb reads `Meta` when a class is made."""
    meta = type("Meta", (), {"table_name": table, "region": region, "host": host, "max_retry_attempts": 3})
    return type(model.__name__, (model,), {"Meta": meta})
