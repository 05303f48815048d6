"""Runs the real state machines on moto, in process: each task is a Python function, each wait and back-off takes no time."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.awslambda.models import LambdaFunction
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from tests.support.world import REGION

Handler = Callable[[Any, Any], Any]
Start = Callable[[dict[str, Handler]], AbstractContextManager["Machines"]]
FOLDER = Path(__file__).resolve().parents[2] / "statemachines"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@dataclass(frozen=True, slots=True)
class Execution:
    """How an execution ended."""

    status: str
    output: Any
    error: str | None
    states: tuple[str, ...]
    """Names of the states in the order they were entered."""


@dataclass
class Context:
    """What a handler may ask of its context."""

    function_name: str
    memory_limit_in_mb: int = 512
    aws_request_id: str = "00000000-0000-7000-8000-000000000000"
    invoked_function_arn: str = ""

    def get_remaining_time_in_millis(self) -> int:
        """Enough."""
        return 300_000


@dataclass
class Machines:
    """The machines of this process. `tasks` maps a task's name (`campaign_run`) to its handler."""

    tasks: Mapping[str, Handler]
    waits: list[int] = field(default_factory=list)
    """Seconds that Wait states asked for."""
    pauses: list[float] = field(default_factory=list)
    """Seconds that retries asked for."""

    def create(self, name: str) -> str:
        """Create the machine of `statemachines/<name>.asl.json`; answers its ARN."""
        text = (FOLDER / f"{name}.asl.json").read_text()
        for placeholder in sorted(set(re.findall(r"\$\{(\w+)\}", text))):
            text = text.replace("${" + placeholder + "}", self._value(placeholder))
        client = boto3.client("stepfunctions", region_name=REGION)
        role = "arn:aws:iam::123456789012:role/machine"
        return str(client.create_state_machine(name=name, definition=text, roleArn=role)["stateMachineArn"])

    def run(self, arn: str, given: Mapping[str, Any], seconds: float = 20) -> Execution:
        """Start an execution and wait for its end. Raises TimeoutError when it takes longer than `seconds`."""
        client = boto3.client("stepfunctions", region_name=REGION)
        execution = client.start_execution(stateMachineArn=arn, input=json.dumps(given))["executionArn"]
        return self.result(execution, seconds)

    def result(self, execution: str, seconds: float = 20) -> Execution:
        """Wait for the end of an execution that was started elsewhere."""
        client = boto3.client("stepfunctions", region_name=REGION)
        for _ in range(int(seconds / 0.02)):
            now = client.describe_execution(executionArn=execution)
            if now["status"] != "RUNNING":
                events = client.get_execution_history(executionArn=execution)["events"]
                entered = [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
                return Execution(
                    now["status"], json.loads(now.get("output") or "null"), now.get("error"), tuple(entered)
                )
            REAL_SLEEP(0.02)
        raise TimeoutError(f"{execution} still runs after {seconds} s")

    def _value(self, placeholder: str) -> str:
        if placeholder == "Partition":
            return "aws"
        task = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", placeholder.removesuffix("FunctionArn")).lower()
        return _function(task)


REAL_SLEEP = time.sleep


@contextmanager
def machines(
    monkeypatch: pytest.MonkeyPatch, tasks: Mapping[str, Handler], on_wait: Callable[[], object] = lambda: None
) -> Iterator[Machines]:
    """Inside `mock_aws` that executes state machines (`tests.support.world.world` does): tasks call `tasks`.

    `on_wait` is what happens in the world while a machine waits.
    """
    running = Machines(tasks)

    def wait(self: WaitFunction, env: object, wait_seconds: int) -> None:
        running.waits.append(wait_seconds)
        on_wait()

    def invoke(self: LambdaFunction, event: str | None = None) -> tuple[str, bool, str]:
        handler = tasks[self.function_name]
        try:
            given = json.loads(event) if isinstance(event, str) else (event or {})
            return json.dumps(handler(given, Context(self.function_name))), False, ""
        except Exception as e:
            return json.dumps({"errorMessage": str(e), "errorType": type(e).__name__}), True, ""

    class Clock:
        sleep = staticmethod(running.pauses.append)

    monkeypatch.setattr(LambdaFunction, "_invoke_lambda", invoke)
    monkeypatch.setattr(WaitFunction, "_wait_interval", wait)
    monkeypatch.setattr(retrier_decl, "time", Clock)
    yield running


def _function(name: str) -> str:
    """Create the function once; answers its ARN. Its code is never run: the patch calls the task instead."""
    client: Any = boto3.client("lambda", region_name=REGION)
    try:
        return str(client.get_function(FunctionName=name)["Configuration"]["FunctionArn"])
    except client.exceptions.ResourceNotFoundException:
        pass
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", "")
    created = client.create_function(
        FunctionName=name, Runtime="python3.13", Role=_role(), Handler="app.handler", Code={"ZipFile": code.getvalue()}
    )
    return str(created["FunctionArn"])


def _role() -> str:
    client: Any = boto3.client("iam", region_name=REGION)
    try:
        return str(client.get_role(RoleName="task")["Role"]["Arn"])
    except client.exceptions.NoSuchEntityException:
        return str(client.create_role(RoleName="task", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"])
