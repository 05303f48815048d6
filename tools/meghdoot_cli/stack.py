"""The local stack: the emulator with the real template, our functions, a front door, a provider and an inbox."""

from __future__ import annotations

import io
import json
import os
import time
import uuid
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import yaml

from meghdoot_cli.emulator import CREDENTIALS, ROOT, emulator
from meghdoot_cli.frontdoor import FrontDoor
from meghdoot_cli.inbox import Inbox
from meghdoot_cli.local_environment import told
from meghdoot_cli.localise import Localised, load, localise
from meghdoot_cli.provider import LocalProvider
from meghdoot_cli.runtime import Runtime

_BUCKET = "meghdoot-local-code"
_STACK = "meghdoot-local"
_LOCAL_PARAMETERS = {
    "Stage": "local", "PythonRuntime": "python3.11", "Architecture": "x86_64", "EmailProvider": "local",
    "CanaryDeployments": "false", "SenderRate": "200",
}  # fmt: skip


@dataclass
class LocalStack:
    """A running stack. `url` serves the API, the public endpoints, the inbox and the report."""

    url: str
    runtime: Runtime
    provider: LocalProvider
    inbox: Inbox
    outputs: dict[str, str]
    environment: dict[str, str]

    def idle(self) -> bool:
        """Whether no function is at work and nobody has anything left to do."""
        quiet = self.provider.idle and not any(self.runtime.busy.values())
        return quiet and self._queues_empty() and not self._machines_run()

    def _machines_run(self) -> bool:
        machines = self.runtime.client("stepfunctions")
        arns = [v for k, v in self.environment.items() if k.startswith("MACHINE_")]
        return any(machines.list_executions(stateMachineArn=a, statusFilter="RUNNING")["executions"] for a in arns)

    def _queues_empty(self) -> bool:
        sqs = self.runtime.client("sqs")
        for name in ("QUEUE_CHUNKS_URL", "QUEUE_URGENT_URL", "QUEUE_INTAKE_URL", "QUEUE_RECEIPTS_URL"):
            url = self.environment.get(name)
            if url:
                counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
                if int(counts["ApproximateNumberOfMessages"]) + int(counts["ApproximateNumberOfMessagesNotVisible"]):
                    return False
        return True

    def settle(self, seconds: float = 60, calm: float = 1.0) -> bool:
        """Wait until nothing moved for `calm` seconds; False when that did not happen in time."""
        deadline, quiet_since = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < deadline:
            if not self.idle():
                quiet_since = time.monotonic()
            elif time.monotonic() - quiet_since >= calm:
                return True
            time.sleep(0.1)
        return False


@contextmanager
def local_stack(port: int = 0, tick_seconds: float = 5.0, wait_scale: float = 0.1) -> Iterator[LocalStack]:
    """Start everything, yield it, stop it. Sets this process's environment to that of the functions."""
    os.environ.update(CREDENTIALS)
    with emulator(wait_scale) as endpoint:
        runtime = Runtime({}, {}, endpoint)
        server, callback = runtime.serve_invocations()
        localised = localise(ROOT, callback, _BUCKET)
        runtime.handlers, runtime.timeouts = localised.handlers, localised.timeouts
        outputs, environment = _deploy(runtime, localised)
        provider = LocalProvider(_publisher(runtime, outputs["ProviderEventsTopic"]))
        inbox = Inbox(provider)
        door = FrontDoor(
            [ROOT / "infra" / "openapi.json", ROOT / "infra" / "openapi-public.json"], runtime.invoke, inbox, port
        )
        environment |= {
            "AWS_ENDPOINT_URL": endpoint, "PUBLIC_URL": door.url, "EMAIL_PROVIDER": "local",
            "LOCAL_PROVIDER_URL": f"{door.url}/provider/send", "MEGHDOOT_KEYRING": _keyring(), "POWERTOOLS_LOG_LEVEL": "ERROR",
            # The emulator's streams do not see PartiQL writes: the same statements run as conditional items there.
            "MEGHDOOT_STATEMENTS": "items",
            "POWERTOOLS_METRICS_DISABLED": "true", "AWS_XRAY_SDK_ENABLED": "false",
        }  # fmt: skip
        os.environ.update(environment)
        _forget()
        _seal()
        door.start()
        _poll(runtime, localised, outputs, tick_seconds)
        try:
            with told(environment):
                yield LocalStack(door.url, runtime, provider, inbox, outputs, environment)
        finally:
            runtime.stop()
            door.stop()
            server.shutdown()


def _keyring() -> str:
    return json.dumps({"current": "local", "keys": {"local": b64encode(os.urandom(32)).decode()}})


def _forget() -> None:
    from meghdoot.wiring import aws

    aws.forget()


def _seal() -> None:
    """What the ticker does on a new deployment within its first minute: until then no sender would run."""
    from meghdoot.wiring import messaging

    messaging.seal().renew()


def _deploy(runtime: Runtime, localised: Localised) -> tuple[dict[str, str], dict[str, str]]:
    """Create the stack by CloudFormation; answers its outputs and the functions' environment."""
    s3, cloudformation = runtime.client("s3"), runtime.client("cloudformation")
    s3.create_bucket(Bucket=_BUCKET)
    s3.put_object(Bucket=_BUCKET, Key="shim.zip", Body=_shim())
    s3.put_object(
        Bucket=_BUCKET, Key="infra/tables.yaml", Body=json.dumps(load(ROOT / "infra" / "tables.yaml")).encode()
    )
    parameters = [
        {"ParameterKey": key, "ParameterValue": value}
        for key, value in _LOCAL_PARAMETERS.items()
        if key in localised.template.get("Parameters", {})
    ]
    s3.put_object(Bucket=_BUCKET, Key="template.json", Body=json.dumps(localised.template).encode())
    change = f"c{uuid.UUID(bytes=os.urandom(16)).hex}"
    cloudformation.create_change_set(
        StackName=_STACK, ChangeSetName=change, ChangeSetType="CREATE", Parameters=parameters,
        TemplateURL=f"https://s3.amazonaws.com/{_BUCKET}/template.json",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )  # fmt: skip
    _await_change_set(cloudformation, change)
    cloudformation.execute_change_set(StackName=_STACK, ChangeSetName=change)
    stack = _await_stack(cloudformation)
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
    resources = cloudformation.describe_stack_resources(StackName=_STACK)["StackResources"]
    return outputs, _read_back(runtime, resources)


def _read_back(runtime: Runtime, resources: list[dict[str, Any]]) -> dict[str, str]:
    """The environment that the template gave the functions. Names mean the same everywhere, so one set serves all."""
    functions = runtime.client("lambda")
    environment: dict[str, str] = {}
    for resource in resources:
        if resource["ResourceType"] == "AWS::Lambda::Function":
            configuration = functions.get_function_configuration(FunctionName=resource["PhysicalResourceId"])
            environment |= configuration.get("Environment", {}).get("Variables", {})
    environment.pop("MINISTACK_LAMBDA_PROXY_URL", None)
    return environment


def _await_change_set(cloudformation: Any, change: str) -> None:
    for _ in range(200):
        found = cloudformation.describe_change_set(StackName=_STACK, ChangeSetName=change)
        if found["Status"] == "CREATE_COMPLETE":
            return
        if found["Status"] == "FAILED":
            raise RuntimeError(f"the template was refused: {found.get('StatusReason')}")
        time.sleep(0.1)
    raise RuntimeError("the template was not read in time")


def _await_stack(cloudformation: Any) -> dict[str, Any]:
    for _ in range(600):
        stack = dict(cloudformation.describe_stacks(StackName=_STACK)["Stacks"][0])
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return stack
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            events = cloudformation.describe_stack_events(StackName=_STACK)["StackEvents"]
            failed = [
                f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}"
                for e in events
                if "FAILED" in e["ResourceStatus"]
            ]
            raise RuntimeError("the stack was not created: " + "; ".join(failed or [stack["StackStatus"]]))
        time.sleep(0.1)
    raise RuntimeError("the stack was not created in time")


def _shim() -> bytes:
    """Code that never runs: the emulator forwards invocations to us."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as z:
        z.writestr("shim.py", "def handler(event, context):\n    return None\n")
    return raw.getvalue()


def _poll(runtime: Runtime, localised: Localised, outputs: dict[str, str], tick_seconds: float) -> None:
    for index, source in enumerate(localised.sources):
        arn = outputs.get(f"Source{index}", "")
        if source.kind == "SQS":
            runtime.start(runtime.poll_queue, source.function, arn, source.properties)
        elif source.kind == "DynamoDB":
            runtime.start(runtime.poll_stream, source.function, arn, source.properties)
        elif source.kind == "Schedule":
            runtime.start(runtime.tick, source.function, tick_seconds)


def _publisher(runtime: Runtime, topic: str) -> Any:
    """How the provider tells what happened: through the topic of the template, as SES does."""
    sns = runtime.client("sns")

    def publish(event: dict[str, Any]) -> None:
        sns.publish(TopicArn=topic, Message=json.dumps(event))

    return publish


def dump(template: dict[str, Any]) -> str:
    """A template as YAML, to look at."""
    return yaml.safe_dump(template, sort_keys=False)
