"""Records of the stream of table `activity`, as Lambda hands them over, and what each means for the counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from meghdoot.adapters.dynamodb.names import PK, SK, Send, Touched
from meghdoot.areas.analytics.counting import fate_deltas, padded, row_deltas, touch_deltas
from meghdoot.areas.analytics.model import WHOLE_TENANT, Change
from meghdoot.kernel.errors import Malformed


@dataclass(frozen=True, slots=True)
class StreamBatch:
    """A batch of one shard: what it changes, and the sequence numbers of records that cannot be read."""

    stream: str
    shard: str
    changes: Sequence[Change]
    unreadable: Sequence[str]


def activity_batch(event: Mapping[str, Any]) -> StreamBatch:
    """Read a batch. Raises Malformed when the event does not name its shard: the mapping has no tumbling window then."""
    records = event.get("Records", [])
    shard = event.get("shardId")
    if not isinstance(shard, str) or not shard:
        raise Malformed("the event does not name its shard", hint="set TumblingWindowInSeconds on the mapping")
    arn = event.get("eventSourceARN") or (records[0].get("eventSourceARN", "") if records else "")
    changes: list[Change] = []
    unreadable: list[str] = []
    for record in records:
        try:
            found = _changes(record)
        except (KeyError, ValueError, TypeError, AttributeError):
            unreadable.append(str(record.get("dynamodb", {}).get("SequenceNumber", "")))
        else:
            changes += found
    return StreamBatch(arn.rpartition("/")[2], shard, changes, unreadable)


def _changes(record: Mapping[str, Any]) -> list[Change]:
    """What a record changes: in the sums of its run, and in those of its tenant when a message has met its fate."""
    change = _change(record)
    if change is None:
        return []
    body = record["dynamodb"]
    new, old = body["NewImage"], body.get("OldImage")
    if Send.state not in new:
        return [change]
    deltas = fate_deltas(_told(old) if old else None, _told(new))
    if not deltas:
        return [change]
    hour = _instant(body["ApproximateCreationDateTime"]).strftime("%Y%m%d%H")
    return [change, Change(change.tenant, WHOLE_TENANT, hour, change.sequence, deltas)]


def _told(image: Mapping[str, Any]) -> tuple[str, str | None]:
    return image[Send.state]["S"], image.get(Send.reason, {}).get("S")


def _change(record: Mapping[str, Any]) -> Change | None:
    """What a record changes: send rows that are born or climb, and touches. Rows that expire were counted long ago."""
    body = record["dynamodb"]
    kind = body["Keys"][SK]["S"].partition("#")[0]
    if record["eventName"] == "REMOVE" or kind not in ("SEND", "TOUCH"):
        return None
    new, old = body["NewImage"], body.get("OldImage")
    if kind == "SEND":
        deltas = row_deltas(old[Send.state]["S"] if old else None, new[Send.state]["S"])
    elif old:
        return None
    else:
        link = new.get(Touched.link)
        deltas = touch_deltas(new[Touched.touch]["S"], int(link["N"]) if link else None)
    return Change(
        tenant=body["Keys"][PK]["S"].partition("#")[0],
        run_id=new[Touched.run_id]["S"],
        day=_day(body["ApproximateCreationDateTime"]),
        sequence=padded(body["SequenceNumber"]),
        deltas=deltas,
    )


def _day(created: Any) -> str:
    return _instant(created).strftime("%Y%m%d")


def _instant(created: Any) -> datetime:
    at = created if isinstance(created, datetime) else datetime.fromtimestamp(float(created), UTC)
    return at.astimezone(UTC)
