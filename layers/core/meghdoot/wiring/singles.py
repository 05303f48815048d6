"""Adapters and services of single messages on AWS, shared by the API, the function that sends and the ticker."""

from __future__ import annotations

import time

from meghdoot.adapters.dynamodb.campaigns import DynamoLaunchTimers, single_timers
from meghdoot.adapters.dynamodb.models import DocumentItem
from meghdoot.adapters.dynamodb.records import DynamoRecords
from meghdoot.adapters.dynamodb.singles import DynamoSingleRows, DynamoSingles, dynamo_compositions
from meghdoot.adapters.queues import SqsUrgentQueue
from meghdoot.areas.messaging.address_keys import EmailKeys
from meghdoot.areas.messaging.singles.guarding import SingleGuard
from meghdoot.areas.messaging.singles.mails import SingleMails
from meghdoot.areas.messaging.singles.model import Composition
from meghdoot.areas.messaging.singles.rules import Windows
from meghdoot.areas.messaging.singles.sender import SingleSender
from meghdoot.areas.messaging.singles.sweeper import SingleSweeper
from meghdoot.wiring import aws, messaging


def messages() -> DynamoSingles:
    """The messages."""
    return DynamoSingles(aws.calls(), aws.settings().table_activity)


def rows() -> DynamoSingleRows:
    """Their rows. One row is one item: its conditional writes need no statements, and no right to run any."""
    return DynamoSingleRows(aws.calls(), aws.settings().table_activity, as_items=True)


def timers() -> DynamoLaunchTimers:
    """The sweeper's worklist."""
    return single_timers(aws.calls(), aws.settings().table_work)


def queue() -> SqsUrgentQueue:
    """The urgent queue."""
    return SqsUrgentQueue(aws.client("sqs"), aws.settings().queue_urgent)


def compositions() -> DynamoRecords[Composition]:
    """What messages are composed of."""
    return dynamo_compositions(aws.bound(DocumentItem, aws.settings().table_definitions))


def windows() -> Windows:
    """How long silence must last, by class."""
    s = aws.settings()
    return Windows(s.marketing_unknown_after, s.transactional_resend_after)


@aws.once
def sender() -> SingleSender:
    """The sender of single messages."""
    consent = messaging.consent()
    return SingleSender(
        singles=messages(),
        rows=rows(),
        compositions=compositions(),
        guard=SingleGuard(messaging.gates(), consent.suppressions, aws.keyring(), aws.clock()),
        holds=messaging.holds(),
        seal=messaging.seal(),
        queue=queue(),
        timers=timers(),
        evidence=messaging.evidence(),
        provider=messaging.provider(),
        pacer=messaging.pacer(),
        mails=SingleMails(messaging.composers(), aws.keyring()),
        suppression=consent,
        address_key=EmailKeys(aws.keyring()),
        clock=aws.clock(),
        ids=aws.ids(),
        pause=time.sleep,
        chance=messaging.chance,
        windows=windows(),
    )


@aws.once
def sweeper() -> SingleSweeper:
    """The sweeper of single messages."""
    return SingleSweeper(
        messages(),
        rows(),
        timers(),
        queue(),
        messaging.evidence(),
        aws.clock(),
        aws.settings().email_provider,
        windows(),
    )
