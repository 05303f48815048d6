"""Segments as records in the table `definitions`."""

from __future__ import annotations

from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.areas.segments.model import Segment


def dynamo_segments(model: type[DocumentItem]) -> DynamoRecords[Segment]:
    """The segments. `model` is bound to the table `definitions`."""
    return DynamoRecords(model, Segment, "segment")
