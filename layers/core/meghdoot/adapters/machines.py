"""State machines on Step Functions."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from meghdoot.kernel.errors import Throttled, Unavailable


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
            if code in ("ThrottlingException", "ExecutionLimitExceeded"):
                raise Throttled("the state machines are busy", retry_after=1) from e
            raise Unavailable("the state machine could not be started") from e
        except BotoCoreError as e:
            raise Unavailable("the state machines do not answer") from e
