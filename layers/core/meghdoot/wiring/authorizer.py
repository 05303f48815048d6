"""The authorizer's composition: keys in the table `definitions`, and nothing else."""

from __future__ import annotations

import os

from aws_lambda_powertools import Logger

from meghdoot.adapters.dynamodb.access import DynamoAuditLog, dynamo_keys
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.areas.access.service import AccessService
from meghdoot.wiring import aws

logger = Logger(service="authorizer")


@aws.once
def access() -> AccessService:
    """Who holds which key."""
    table = aws.settings().table_definitions
    keys = dynamo_keys(aws.bound(DocumentItem, table))
    return AccessService(keys, DynamoAuditLog(aws.calls(), table), aws.clock(), aws.ids(), os.urandom)
