"""State machines on Step Functions."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from meghdoot.kernel.errors import Throttled, Unavailable

_BUSY = ("ThrottlingException", "ExecutionLimitExceeded")


class StepFunctionsRunMachine:
    """Starts `campaign_run`, one execution a run: its name is the run's id, so a second start finds the first."""

    def __init__(self, client: Any, machine_arn: str) -> None:
        self._client = client
        self._machine = machine_arn

    def start(self, tenant: str, run_id: str) -> None:
        """Raises Throttled or Unavailable; an execution that exists already is fine."""
        body = json.dumps({"tenant": tenant, "run_id": run_id}, sort_keys=True)
        try:
            self._client.start_execution(stateMachineArn=self._machine, name=run_id, input=body)
        except ClientError as e:
            code = e.response.get("Error", {}).get("Code", "")
            if code == "ExecutionAlreadyExists":
                return
            if code in _BUSY:
                raise Throttled("the state machines are busy", retry_after=1) from e
            raise Unavailable("the state machine could not be started") from e
        except BotoCoreError as e:
            raise Unavailable("the state machines do not answer") from e


class StepFunctionsRefreshMachine:
    """Starts `segment_refresh`. Every start is an execution of its own: compacting and counting may be repeated."""

    def __init__(self, client: Any, machine_arn: str) -> None:
        self._client = client
        self._machine = machine_arn

    def start(self, tenant: str, segment_id: str | None) -> None:
        """Raises Throttled or Unavailable."""
        body = {"tenant": tenant} if segment_id is None else {"tenant": tenant, "segment_id": segment_id}
        try:
            self._client.start_execution(stateMachineArn=self._machine, input=json.dumps(body, sort_keys=True))
        except ClientError as e:
            if e.response.get("Error", {}).get("Code", "") in _BUSY:
                raise Throttled("the state machines are busy", retry_after=1) from e
            raise Unavailable("the state machine could not be started") from e
        except BotoCoreError as e:
            raise Unavailable("the state machines do not answer") from e
