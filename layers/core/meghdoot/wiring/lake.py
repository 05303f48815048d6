"""The lake of this deployment: shared by the wirings that archive, compact, count and plan."""

from __future__ import annotations

from pathlib import Path
from tempfile import gettempdir

from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.segments import dynamo_segments
from meghdoot.adapters.dynamodb.tenants import dynamo_tenants
from meghdoot.adapters.lake.archive import Archive
from meghdoot.adapters.lake.compactor import LakeCompactor
from meghdoot.adapters.lake.conversions import DuckDbConversions
from meghdoot.adapters.lake.duckdb_engine import DuckDbEngine, Lake
from meghdoot.adapters.lake.manifest import DynamoManifests
from meghdoot.adapters.objects.store import S3Store
from meghdoot.areas.segments.model import Locale
from meghdoot.areas.segments.service import SegmentService
from meghdoot.kernel.errors import NotFound
from meghdoot.wiring import aws


def store() -> S3Store:
    """The lake's bucket."""
    return S3Store(aws.client("s3"), aws.settings().bucket_lake)


@aws.once
def archive() -> Archive:
    """The writer of what changed."""
    return Archive(store())


def _manifests() -> DynamoManifests:
    return DynamoManifests(aws.calls(), aws.settings().table_definitions)


def _folder(name: str) -> Path:
    return Path(gettempdir()) / "meghdoot" / aws.settings().bucket_lake / name


@aws.once
def compactor() -> LakeCompactor:
    """The writer of snapshots."""
    return LakeCompactor(store(), _manifests(), aws.clock(), aws.ids(), _folder("compaction"))


@aws.once
def lake() -> Lake:
    """The reader of snapshots."""
    return Lake(store(), _manifests(), _folder("snapshots"))


def locale_of(tenant: str) -> Locale:
    """A tenant's zone and currency, read anew each time. Raises NotFound."""
    model = aws.bound(DocumentItem, aws.settings().table_definitions)
    found = dynamo_tenants(model).get(tenant, tenant)
    if found is None:
        raise NotFound(f"there is no tenant {tenant}")
    return Locale(found.zone, found.currency)


@aws.once
def engine() -> DuckDbEngine:
    """Criteria over the snapshot. DuckDB itself is imported by the first query."""
    return DuckDbEngine(lake(), lambda tenant: locale_of(tenant).currency)


@aws.once
def segments() -> SegmentService:
    """The use cases of segments."""
    model = aws.bound(DocumentItem, aws.settings().table_definitions)
    return SegmentService(dynamo_segments(model), engine(), locale_of, aws.clock(), aws.ids())


@aws.once
def conversions() -> DuckDbConversions:
    """Attribution over the snapshot."""
    return DuckDbConversions(lake())
