"""What must hold of the deployment, each rule a function that names what breaks it: tests run it on the real template,
and once on a template that was broken on purpose."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.support.tables import ROOT
from tests.support.templates import Template, environment, functions, many, of_type, statements, target

DEAD_SECONDS = 14 * 86_400

# Actions that know no resource smaller than all, with the reason they are needed.
WITHOUT_RESOURCE = {
    "xray:PutTraceSegments": "traces",
    "xray:PutTelemetryRecords": "traces",
    "xray:GetSamplingRules": "traces of state machines",
    "xray:GetSamplingTargets": "traces of state machines",
    "dynamodb:ListStreams": "asked for by stream mappings",
    "ses:GetAccount": "the account's own grant; SES knows no resource for it",
    "logs:CreateLogDelivery": "logs of state machines",
    "logs:GetLogDelivery": "logs of state machines",
    "logs:UpdateLogDelivery": "logs of state machines",
    "logs:DeleteLogDelivery": "logs of state machines",
    "logs:ListLogDeliveries": "logs of state machines",
    "logs:PutResourcePolicy": "logs of state machines",
    "logs:DescribeResourcePolicies": "logs of state machines",
    "logs:DescribeLogGroups": "logs of state machines",
}


def queue_mappings(t: Template) -> list[tuple[str, str, dict[str, Any]]]:
    """(function, queue, properties of the mapping)."""
    return [
        (name, target(event["Properties"]["Queue"]) or "", event["Properties"])
        for name, function in functions(t).items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]


def stream_mappings(t: Template) -> list[tuple[str, dict[str, Any]]]:
    """(function, properties of the mapping)."""
    return [
        (name, event["Properties"])
        for name, function in functions(t).items()
        for event in function.get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    ]


def wrong_queues(t: Template) -> list[str]:
    """Visibility of six timeouts, partial failures, a dead-letter queue of 14 days, encryption."""
    queues, wrong = of_type(t, "AWS::SQS::Queue"), []
    for name, queue, mapping in queue_mappings(t):
        properties = queues[queue]["Properties"]
        if properties["VisibilityTimeout"] < 6 * functions(t)[name]["Timeout"]:
            wrong.append(f"{queue}: visible again too early")
        if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
            wrong.append(f"{name}: one failure repeats the whole batch")
        if "RedrivePolicy" not in properties:
            wrong.append(f"{queue}: no dead-letter queue")
        elif _dead(t, properties)["MessageRetentionPeriod"] != DEAD_SECONDS:
            wrong.append(f"{queue}: given up messages are kept too short")
    return wrong + [f"{q}: not encrypted" for q, r in queues.items() if not r["Properties"].get("SqsManagedSseEnabled")]


def _dead(t: Template, properties: dict[str, Any]) -> dict[str, Any]:
    queue = target(properties["RedrivePolicy"]["deadLetterTargetArn"])
    return dict(t["Resources"][queue]["Properties"])


def unwatched(t: Template) -> list[str]:
    """Queues, functions, streams and machines without the alarm they need."""
    watched = set()
    for alarm in of_type(t, "AWS::CloudWatch::Alarm").values():
        p = alarm["Properties"]
        if {"Ref": "AlarmTopic"} not in p.get("AlarmActions", []):
            return ["an alarm tells nobody"]
        watched |= {(p.get("MetricName"), json.dumps(d["Value"])) for d in p.get("Dimensions", [])}
    return [f"{what}: no alarm on {metric}" for what, metric, value in _to_watch(t) if (metric, value) not in watched]


def _to_watch(t: Template) -> list[tuple[str, str, str]]:
    wanted = []
    served = {queue for _, queue, _ in queue_mappings(t)}
    for queue in of_type(t, "AWS::SQS::Queue"):
        metric = "ApproximateAgeOfOldestMessage" if queue in served else "ApproximateNumberOfMessagesVisible"
        wanted.append((queue, metric, json.dumps({"Fn::GetAtt": f"{queue}.QueueName"})))
    for name, function in functions(t).items():
        wanted.append((name, "Errors", json.dumps(function["FunctionName"])))
    for name, _ in stream_mappings(t):
        wanted.append((name, "IteratorAge", json.dumps(functions(t)[name]["FunctionName"])))
    for machine in of_type(t, "AWS::Serverless::StateMachine"):
        wanted.append((machine, "ExecutionsFailed", json.dumps({"Ref": machine})))
    return wanted


def unheard_messages(t: Template, root: Path = ROOT) -> list[str]:
    """Metrics made from log lines that nobody writes, or that no alarm reads."""
    wrong = []
    read = {json.dumps(a["Properties"].get("MetricName")) for a in of_type(t, "AWS::CloudWatch::Alarm").values()}
    for name, found in of_type(t, "AWS::Logs::MetricFilter").items():
        p = found["Properties"]
        function = p["LogGroupName"]["Ref"].removesuffix("Logs")
        told = re.findall(r'\$\.message = "([^"]+)"', p["FilterPattern"])
        source = (root / "functions" / function.lower() / "app.py").read_text()
        wired = root / "layers/core/meghdoot/wiring" / f"{function.lower()}.py"
        source += wired.read_text() if wired.exists() else ""
        wrong += [f"{name}: {function} never says {line!r}" for line in told if f'"{line}"' not in source]
        wrong += [
            f"{name}: no alarm reads it" for m in p["MetricTransformations"] if json.dumps(m["MetricName"]) not in read
        ]
    return wrong


def wrong_streams(t: Template) -> list[str]:
    """A window names the shard, one batch at a time keeps the order, and nothing is dropped without a trace."""
    wrong = []
    for name, p in stream_mappings(t):
        if not p.get("TumblingWindowInSeconds") or p.get("ParallelizationFactor") != 1:
            wrong.append(f"{name}: the event would not name its shard, or two batches of it would run at once")
        if not p.get("BisectBatchOnFunctionError") or "DestinationConfig" not in p:
            wrong.append(f"{name}: a poison record would stop or vanish")
        if (
            "ReportBatchItemFailures" not in p.get("FunctionResponseTypes", [])
            or not 0 < p["MaximumRetryAttempts"] <= 100
        ):
            wrong.append(f"{name}: a poison record would bring its whole batch back, or stop its shard for ever")
    return wrong


def wrong_roles(t: Template) -> list[str]:
    """One role a function, no wildcard action, a resource everywhere."""
    wrong, roles = [], [target(p.get("Role")) for p in functions(t).values()]
    wrong += [
        f"{name}: no role of its own" for name, p in functions(t).items() if roles.count(target(p.get("Role"))) != 1
    ]
    for name, statement in statements(t):
        for action in many(statement["Action"]):
            if "*" in action:
                wrong.append(f"{name}: may {action}")
            if "*" in many(statement["Resource"]) and action not in WITHOUT_RESOURCE:
                wrong.append(f"{name}: may {action} on everything")
    for name, role in of_type(t, "AWS::IAM::Role").items():
        for arn in role["Properties"].get("ManagedPolicyArns", []):
            if target(arn) not in t["Resources"] and "AmazonAPIGatewayPushToCloudWatchLogs" not in str(arn):
                wrong.append(f"{name}: a policy that is not written here")
    return wrong


def wrong_placeholders(t: Template, root: Path = ROOT) -> list[str]:
    """A placeholder without a value is deployed as it stands; nothing else looks into these files."""
    wrong = []
    for name, machine in of_type(t, "AWS::Serverless::StateMachine").items():
        text = (root / machine["Properties"]["DefinitionUri"]).read_text()
        given = set(machine["Properties"]["DefinitionSubstitutions"])
        if set(re.findall(r"\$\{(\w+)\}", text)) != given:
            wrong.append(f"{name}: placeholders and substitutions differ")
    return wrong


def unknown_variables(t: Template, readable: set[str]) -> list[str]:
    """Variables that nobody reads: a name mistyped here would be found missing only by the first message."""
    return [f"{f}: {v}" for f in functions(t) for v in environment(t, f) if v not in readable]


def wrong_parameters(t: Template) -> list[str]:
    """A default, a description, and a limit on what may be given."""
    limits = ("AllowedPattern", "AllowedValues", "MinValue")
    return [
        name
        for name, p in t["Parameters"].items()
        if "Default" not in p or len(p.get("Description", "")) < 10 or not any(limit in p for limit in limits)
    ]


def unkept(t: Template) -> list[str]:
    """What holds data must outlive its stack."""
    kinds = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret", "AWS::Serverless::Application")
    return [
        name
        for name, resource in t["Resources"].items()
        if resource["Type"] in kinds
        and not resource.get("DeletionPolicy") == resource.get("UpdateReplacePolicy") == "Retain"
    ]


def wrong_buckets(t: Template) -> list[str]:
    """Encrypted, closed to the public, reached by TLS only."""
    wrong = []
    by_tls = {
        target(p["Properties"]["Bucket"]) for p in of_type(t, "AWS::S3::BucketPolicy").values() if _denies_plain(p)
    }
    for name, bucket in of_type(t, "AWS::S3::Bucket").items():
        p = bucket["Properties"]
        if "BucketEncryption" not in p or set(p["PublicAccessBlockConfiguration"].values()) != {True}:
            wrong.append(f"{name}: open")
        if name not in by_tls:
            wrong.append(f"{name}: may be read without TLS")
    return wrong


def _denies_plain(policy: dict[str, Any]) -> bool:
    return any(
        s["Effect"] == "Deny" and s.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for s in policy["Properties"]["PolicyDocument"]["Statement"]
    )


def inline_secrets(text: str) -> list[str]:
    """Texts that look like a key or a password."""
    pattern = r"AKIA[0-9A-Z]{16}|-----BEGIN|(?i:password|api_?key|token)\s*[:=]\s*['\"]?[A-Za-z0-9/+=]{12,}"
    return re.findall(pattern, text)
