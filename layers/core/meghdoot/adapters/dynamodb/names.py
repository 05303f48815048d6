"""Attribute names of stored items for functions that must start fast: importing the models costs pynamodb and boto3.

Each class stands for a model in `models`, each name for its attribute there; a test holds them equal.
"""

from __future__ import annotations

PK, SK, GSI1PK, GSI1SK, SHAPE, TTL = "pk", "sk", "gsi1pk", "gsi1sk", "s", "ttl"
GSI1 = "gsi1"
GATE_SK = "GATE"


class Document:
    """DocumentItem."""

    tenant = "t"
    kind = "kd"
    version = "n"
    data = "doc"


class Gate:
    """GateItem."""

    version = "v"
    granted = "c"
    suppressed = "x"
    zone = "z"
    counted = "k"


class Touched:
    """TouchItem."""

    run_id = "run"
    touch = "tk"
    at = "at"
    link = "ln"
    reason = "why"


class Link:
    """LinkItem."""

    url = "url"


class Send:
    """SendItem."""

    state = "st"
    run_id = "run"
    at = "at"
    reason = "why"


class Worked:
    """WorkItem."""

    body = "body"


class Held:
    """HoldItem."""

    scope = "sc"


class Soft:
    """SoftItem."""

    entries = "sb"


class Sealed:
    """SealItem."""

    table_id = "tid"


class Counting:
    """CounterItem."""

    last_sequence = "last_seq"
    sums = "sums"
