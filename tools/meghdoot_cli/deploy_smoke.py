"""`make deploy-smoke`: build and deploy the template with SAM to the emulator, then run a campaign through what was deployed.

What the emulator cannot do is given by parameters of the template, never cut out of it: no alarms by metric math
(`Substrate=emulator`) and no CodeDeploy. Its SAM transform knows parameters by their defaults alone, so that the one
parameter that the transform itself reads, `CanaryDeployments`, has its default changed in the built copy.
Its stream mappings know no window, so that events do not name their shard: this script delivers the streams instead, to
the deployed functions. A number from a parameter stays a text there, and stops its queue mappings: it is set once more as
a number. It runs functions with its own Python, so that the layers are built for that one and this processor.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3

from meghdoot_cli.client import Api
from meghdoot_cli.emulator import CREDENTIALS, PYTHON, ROOT, emulator
from meghdoot_cli.localise import load
from meghdoot_cli.runtime import InvocationFailedError, Runtime

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILD = ROOT / ".local" / "smoke"
STAGE, STACK = "smoke", "meghdoot-smoke"
SENDER = "news@shop.example.com"
PEOPLE = 5
WITHOUT_CONSENT = 1


def run() -> int:
    """Build, deploy, use; answers the exit code."""
    started = time.monotonic()
    parameters = _parameters()
    with emulator(wait_scale=0.1) as endpoint:
        env = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": endpoint, "SAM_CLI_TELEMETRY": "0"}
        env |= {"PYTHON_RUNTIME": parameters["PythonRuntime"], "ARCHITECTURE": parameters["Architecture"]}
        _build(parameters, env)
        say(f"built after {time.monotonic() - started:.0f} s")
        _deploy(parameters, env)
        outputs = _outputs(endpoint)
        say(f"deployed after {time.monotonic() - started:.0f} s: {outputs['ApiUrl']}")
        failures = _tried(endpoint, outputs)
    for failure in failures:
        say(f"FAILED: {failure}")
    say(f"{'failed' if failures else 'the deployed stack works'} after {time.monotonic() - started:.0f} s")
    return int(bool(failures))


def say(text: str) -> None:
    """One line."""
    print(text, flush=True)


def _parameters() -> dict[str, str]:
    version = subprocess.run(
        [str(PYTHON), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {
        "Stage": STAGE, "PythonRuntime": f"python{version.stdout.strip()}", "SenderRate": "200",
        "Architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64",
        "CanaryDeployments": "false", "Substrate": "emulator",
    }  # fmt: skip


def _sam(arguments: list[str], parameters: dict[str, str], env: dict[str, str]) -> None:
    overrides = [f"{key}={value}" for key, value in parameters.items()]
    done = subprocess.run(
        [str(SAM), *arguments, "--parameter-overrides", " ".join(overrides)],
        env=env, cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        lines = [x for x in (done.stdout + done.stderr).splitlines() if "Uploading" not in x and x.strip()]
        raise RuntimeError(f"sam {arguments[0]} failed:\n" + "\n".join(lines[-40:]))


def _build(parameters: dict[str, str], env: dict[str, str]) -> None:
    _sam(["build", "-t", "template.yaml", "-b", str(BUILD)], parameters, env)
    built = load(BUILD / "template.yaml")
    built["Parameters"]["CanaryDeployments"]["Default"] = parameters["CanaryDeployments"]
    (BUILD / "emulator.json").write_text(json.dumps(built))


def _deploy(parameters: dict[str, str], env: dict[str, str]) -> None:
    options = ["--resolve-s3", "--no-confirm-changeset", "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    _sam(["deploy", "-t", str(BUILD / "emulator.json"), "--stack-name", STACK, *options], parameters, env)


def _client(service: str, endpoint: str) -> Any:
    return boto3.client(
        service, region_name=CREDENTIALS["AWS_REGION"], endpoint_url=endpoint,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


def _outputs(endpoint: str) -> dict[str, str]:
    stack = _client("cloudformation", endpoint).describe_stacks(StackName=STACK)["Stacks"][0]
    if stack["StackStatus"] != "CREATE_COMPLETE":
        raise RuntimeError(f"the stack is {stack['StackStatus']}")
    return {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}


def _tried(endpoint: str, outputs: dict[str, str]) -> list[str]:
    try:
        return _use(endpoint, outputs)
    except (RuntimeError, OSError) as e:
        for line in _explanations(endpoint, outputs):
            say(f"  {line}")
        return [str(e)]


def _explanations(endpoint: str, outputs: dict[str, str]) -> Iterator[str]:
    """What the deployed parts say of themselves: failed executions, errors in logs, what lies in the lake."""
    machines = _client("stepfunctions", endpoint)
    for machine in machines.list_state_machines()["stateMachines"]:
        for found in machines.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"][:3]:
            ended = machines.describe_execution(executionArn=found["executionArn"])
            yield f"{machine['name']}: {ended['status']} {ended.get('error', '')} {ended.get('cause', '')}"[:600]
    logs = _client("logs", endpoint)
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/meghdoot-{STAGE}")["logGroups"]:
        events = logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        errors = [e["message"] for e in events if re.search(r"error|Traceback", e["message"], re.IGNORECASE)]
        yield f"{group['logGroupName']}: {len(events)} lines" + (
            f", the last error: {errors[-1][:800]}" if errors else ""
        )
    sqs = _client("sqs", endpoint)
    for url in sqs.list_queues()["QueueUrls"]:
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        waiting, taken = counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]
        yield f"{url.rsplit('/', 1)[-1]}: {waiting} waiting, {taken} taken"
    objects = _client("s3", endpoint).list_objects_v2(Bucket=outputs["LakeBucketName"]).get("Contents", [])
    yield f"the lake holds {[o['Key'] for o in objects][:10]}"


def _use(endpoint: str, outputs: dict[str, str]) -> list[str]:
    """A campaign through the deployed API; answers what is not as it should be."""
    api = Api(f"{endpoint}/restapis/{outputs['MainApiId']}/{STAGE}/_user_request_/api/v1/marketing", _key(endpoint))
    say(f"the API answers: {api.get('/tenant')['name']}")
    streams = WindowedStreams({}, {}, endpoint)
    streams.deliver(outputs)
    try:
        _shop(api)
        email = _campaign(api, _segment(api))
        api.post(f"/email-campaigns/{email}/launch")
        report = _until(lambda: _sent(api, email), 120, "the campaign")
    finally:
        streams.stop()
    say(f"sent: {json.dumps(report['accounting'])}")
    return _verdict(report["accounting"], _mails(endpoint))


class WindowedStreams(Runtime):
    """Delivers streams to deployed functions, as mappings with a window do."""

    def deliver(self, outputs: dict[str, str]) -> None:
        """Take the place of the emulator's own mappings."""
        functions = self.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            if ":dynamodb:" in mapping["EventSourceArn"]:
                functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
            else:
                limit = {"MaximumConcurrency": int(mapping["ScalingConfig"]["MaximumConcurrency"])}
                functions.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig=limit)
        for function, stream in (("archive", "People"), ("archive", "Activity"), ("counters", "Activity")):
            self.start(self.poll_stream, function, outputs[f"{stream}Stream"], {"TumblingWindowInSeconds": 30})

    def invoke(self, function: str, event: Any) -> Any:
        """Call a deployed function. Raises InvocationFailedError for whatever it raises."""
        name = f"meghdoot-{STAGE}-{function}:live"
        answer = self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise InvocationFailedError(f"{function}: {payload}")
        return payload


def _key(endpoint: str) -> str:
    """A tenant and its first key, made as ops do: by the command line with the deployment's own environment."""
    function = _client("lambda", endpoint).get_function_configuration(FunctionName=f"meghdoot-{STAGE}-api")
    os.environ.update(CREDENTIALS | function["Environment"]["Variables"] | {"AWS_ENDPOINT_URL": endpoint})
    from meghdoot_cli.admin import create_tenant

    return create_tenant("smoke", "Smoke test", "12 Lake Road, Dhaka 1207", "Asia/Dhaka", "BDT")


def _shop(api: Api) -> None:
    api.post("/senders", {"sender_email": SENDER, "display_name": "Shop"})
    api.post(f"/senders/{SENDER}/verify")
    people = [
        {"external_id": f"c{n}", "email": f"c{n}@customers.example.com", "first_name": f"C{n}", "city": "Dhaka"}
        for n in range(PEOPLE)
    ]
    acts = [
        {
            "external_id": person["external_id"], "channel": "email", "purpose": "marketing", "state": "granted",
            "text_version": "signup-1", "basis": "consent", "source": "checkout",
        }
        for person in people[WITHOUT_CONSENT:]
    ]  # fmt: skip
    api.post("/customers/batch", {"customers": people})
    api.post("/consent/batch", {"acts": acts})


def _segment(api: Api) -> str:
    criteria = {"conditions": [{"field": "city", "operator": "equals", "value": "Dhaka"}], "logic": "AND"}
    made = api.post("/segments", {"segment_name": "Dhaka", "segment_type": "geographic", "criteria": criteria})

    def counted() -> bool:
        # The stream brings people to the lake within seconds: refresh until the snapshot has them.
        api.post(f"/segments/{made['id']}/refresh")
        time.sleep(3)
        return bool(api.get(f"/segments/{made['id']}")["customer_count"] == PEOPLE)

    _until(counted, 120, "the segment")
    return str(made["id"])


def _campaign(api: Api, segment: str) -> str:
    template = api.post(
        "/templates",
        {
            "template_name": "Hello", "template_category": "promotional", "subject_line": "Hello {{ first_name }}",
            "html_content": '<p>Hello {{ first_name }}</p><p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>',
            "text_content": "Hello {{ first_name }} {{ unsubscribe_url }} {{ postal_address }}", "variables": [{"name": "first_name"}],
        },
    )  # fmt: skip
    campaign = api.post(
        "/campaigns",
        {
            "campaign_name": "Smoke", "campaign_type": "awareness", "campaign_objective": "engagement",
            "channels": ["email"], "target_audience": {"segments": [segment]},
        },
    )  # fmt: skip
    email = api.post(
        "/email-campaigns",
        {
            "marketing_campaign_id": campaign["id"], "campaign_name": "Smoke", "template_id": template["id"],
            "subject_line": "Hello {{ first_name }}", "sender_name": "Shop", "sender_email": SENDER,
            "send_type": "immediate", "target_segments": [segment],
        },
    )  # fmt: skip
    findings = api.post(f"/email-campaigns/{email['id']}/check")["findings"]
    for finding in findings:
        say(f"  {finding['level']}: {finding['message']}")
    api.post(f"/campaigns/{campaign['id']}/approve")
    return str(email["id"])


def _sent(api: Api, email: str) -> dict[str, Any] | None:
    report = api.get(f"/email-campaigns/{email}/performance")
    accounting = report["accounting"]
    open_ = sum(accounting["people"].get(state, 0) for state in ("pending", "calling"))
    return dict(report) if accounting["audience"] == PEOPLE and not open_ else None


def _verdict(accounting: dict[str, Any], mails: list[str]) -> list[str]:
    wanted = PEOPLE - WITHOUT_CONSENT
    reached = sum(accounting["people"].get(state, 0) for state in ("accepted", "delivered"))
    failures = [] if reached == wanted else [f"{reached} of {wanted} people were accepted"]
    if sorted(mails) != sorted(set(mails)) or len(mails) != wanted:
        failures.append(f"the provider has {len(mails)} mails for {wanted} people")
    return failures


def _mails(endpoint: str) -> list[str]:
    """Addresses that the emulator's SES holds a mail for."""
    with urllib.request.urlopen(f"{endpoint}/_ministack/ses/messages", timeout=10) as answer:
        messages = json.loads(answer.read())["messages"]
    return [address for mails in messages.values() for mail in mails for address in mail["To"]]


def _until(ask: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(1)
    raise RuntimeError(f"{what} was not there after {seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(run())
