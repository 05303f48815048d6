"""The template keeps the house's rules; each rule is also seen to fail on a template that breaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from meghdoot.adapters.email.delivery_files import ASIDE, FOLDER
from meghdoot_cli.openapi_gateway import public_route_keys
from tests.infra import rules
from tests.support.tables import ROOT, load_template
from tests.support.templates import Template, dotted, functions, of_type, target, template

READABLE = set(re.findall(r'(?:need|env\.get)\("([A-Z_]+)"', (ROOT / "layers/core/meghdoot/settings.py").read_text()))
URGENT = ["BOUNCE", "COMPLAINT", "REJECT"]
POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE"}


def unknown_variables(t: Template) -> list[str]:
    return rules.unknown_variables(t, READABLE | POWERTOOLS)


RULES: list[Callable[[Template], list[str]]] = [
    rules.wrong_queues, rules.unwatched, rules.wrong_streams, rules.unheard_messages, rules.wrong_roles, rules.wrong_placeholders,
    unknown_variables, rules.wrong_parameters, rules.unkept, rules.wrong_buckets,
]  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_131_132_the_template_keeps_the_rule(rule: Callable[[Template], list[str]]) -> None:
    assert rule(template()) == []


def properties(t: Template, name: str) -> dict[str, Any]:
    return t["Resources"][name]["Properties"]


def without_alarm(t: Template) -> None:
    del t["Resources"]["ChunksDeadAlarm"]


def with_a_wildcard(t: Template) -> None:
    properties(t, "ApiRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] = "dynamodb:*"


def on_everything(t: Template) -> None:
    properties(t, "ApiRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"] = "*"


def with_a_shared_role(t: Template) -> None:
    properties(t, "SenderFunction")["Role"] = properties(t, "ApiFunction")["Role"]


def with_a_foreign_policy(t: Template) -> None:
    properties(t, "SenderRole")["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/AdministratorAccess")


BREAKS: list[tuple[Callable[[Template], list[str]], Callable[[Template], Any]]] = [
    (rules.wrong_queues, lambda t: properties(t, "ChunksQueue").update(VisibilityTimeout=300)),
    (rules.wrong_queues, lambda t: properties(t, "ChunksQueue").pop("RedrivePolicy")),
    (rules.wrong_queues, lambda t: properties(t, "ChunksDeadQueue").update(MessageRetentionPeriod=345600)),
    (rules.wrong_queues, lambda t: properties(t, "IntakeQueue").pop("SqsManagedSseEnabled")),
    (rules.wrong_queues, lambda t: properties(t, "SenderFunction")["Events"]["Queue"]["Properties"].pop("FunctionResponseTypes")),
    (rules.unwatched, without_alarm),
    (rules.unwatched, lambda t: properties(t, "CountersLag").update(AlarmActions=[])),
    (rules.wrong_streams, lambda t: properties(t, "CountersFunction")["Events"]["Activity"]["Properties"].pop("TumblingWindowInSeconds")),
    (rules.wrong_streams, lambda t: properties(t, "ArchiveFunction")["Events"]["People"]["Properties"].pop("DestinationConfig")),
    (rules.wrong_streams, lambda t: properties(t, "ArchiveFunction")["Events"]["Activity"]["Properties"].pop("FunctionResponseTypes")),
    (rules.wrong_streams, lambda t: properties(t, "CountersFunction")["Events"]["Activity"]["Properties"].update(MaximumRetryAttempts=-1)),
    (rules.unheard_messages, lambda t: properties(t, "UnprovenRuns").update(FilterPattern='{ $.message = "sweept" }')),
    (rules.unheard_messages, lambda t: t["Resources"].pop("MismatchAlarm")),
    (rules.wrong_roles, with_a_wildcard),
    (rules.wrong_roles, on_everything),
    (rules.wrong_roles, with_a_shared_role),
    (rules.wrong_roles, with_a_foreign_policy),
    (rules.wrong_placeholders, lambda t: properties(t, "CampaignRunMachine")["DefinitionSubstitutions"].pop("Partition")),
    (unknown_variables, lambda t: properties(t, "SenderFunction")["Environment"]["Variables"].update(TABLE_PEPLE="x")),
    (rules.wrong_parameters, lambda t: t["Parameters"]["Stage"].pop("AllowedPattern")),
    (rules.wrong_parameters, lambda t: t["Parameters"]["AlarmEmail"].pop("Default")),
    (rules.unkept, lambda t: t["Resources"]["LakeBucket"].pop("DeletionPolicy")),
    (rules.unkept, lambda t: t["Resources"]["Tables"].update(UpdateReplacePolicy="Delete")),
    (rules.wrong_buckets, lambda t: properties(t, "LakeBucket")["PublicAccessBlockConfiguration"].update(BlockPublicAcls=False)),
    (rules.wrong_buckets, lambda t: t["Resources"].pop("WithdrawalsOnlyByTls")),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BREAKS)), ids=lambda n: f"{n}-{BREAKS[n][0].__name__}")
def test_each_rule_is_seen_to_fail(number: int) -> None:
    # Given a template that was broken in one place
    rule, break_it = BREAKS[number]
    broken = template()
    break_it(broken)
    # When the rule reads it, then it names what is wrong
    assert rule(broken)


def test_131_the_tables_outlive_their_stack_and_can_be_recovered() -> None:
    tables = of_type(load_template(ROOT / "infra/tables.yaml"), "AWS::DynamoDB::Table")
    assert len(tables) == 5
    assert rules.unkept(load_template(ROOT / "infra/tables.yaml")) == []
    recovered = {n for n, t in tables.items() if "PointInTimeRecoverySpecification" in t["Properties"]}
    assert recovered == set(tables) - {"Work"}
    assert all(t["Properties"]["SSESpecification"]["SSEEnabled"] for t in tables.values())
    assert tables["Value"]["Properties"]["DeletionProtectionEnabled"] is True


def test_131_a_stack_can_be_deployed_again_over_kept_data() -> None:
    # Given the resources that hold data
    t = template()
    kept = [name for name, r in t["Resources"].items() if r.get("DeletionPolicy") == "Retain"]
    # Then none of them is created when the streams of kept tables are named, or the keyring is
    for name in kept:
        assert t["Resources"][name].get("Condition") in {"CreatesData", "GeneratesKeyring", "ManagesApiLogsRole"}
    assert set(dotted(json.dumps(t["Outputs"]))) >= {"AWS::Region"}
    assert {"PeopleStream", "ActivityStream", "KeyringSecret"} <= set(t["Outputs"])


def test_the_tables_use_no_yaml_that_cloudformation_does_not_read() -> None:
    for name in ("template.yaml", "infra/tables.yaml"):
        assert re.findall(r"(?<!\w)[&*][a-z]\w*$", (ROOT / name).read_text(), flags=re.MULTILINE) == []


def test_every_handler_has_a_function_and_every_function_a_handler() -> None:
    wanted = {f"{path.parent.name}.app.handler" for path in (ROOT / "functions").glob("*/app.py")}
    wanted |= {f"tasks.{p.stem}.handler" for p in (ROOT / "functions/tasks").glob("*.py") if p.stem != "__init__"}
    assert {p["Handler"] for p in functions(template()).values()} == wanted


def test_runtime_and_architecture_are_pinned_to_what_the_layers_are_built_for() -> None:
    t = template()
    assert t["Globals"]["Function"]["Runtime"] == {"Ref": "PythonRuntime"}
    assert t["Parameters"]["PythonRuntime"]["AllowedValues"] == ["python3.11", "python3.12", "python3.13"]
    for makefile in ("layers/deps/Makefile", "layers/duckdb/Makefile", "make/infra.mk"):
        text = (ROOT / makefile).read_text()
        assert f"PYTHON_RUNTIME ?= {t['Parameters']['PythonRuntime']['Default']}\n" in text
        assert f"ARCHITECTURE ?= {t['Parameters']['Architecture']['Default']}\n" in text


def test_every_function_has_the_variables_that_its_wiring_asks_for_by_name() -> None:
    # PUBLIC_URL alone is not given to all: the public function is behind the very API that it names.
    given = {f for f in functions(template()) if "PUBLIC_URL" in properties(template(), f)["Environment"]["Variables"]}
    assert given == {"ApiFunction", "SenderFunction", "TickerFunction", "CampaignRunFunction"}


def test_chunks_come_one_at_a_time_and_only_so_many_at_once() -> None:
    (mapping,) = [p for _, queue, p in rules.queue_mappings(template()) if queue == "ChunksQueue"]
    assert mapping["BatchSize"] == 1
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": {"Ref": "SenderConcurrency"}}


def test_pixels_use_up_neither_the_throttle_of_the_main_api_nor_that_of_an_unsubscribe() -> None:
    t = template()
    assert properties(t, "MainApi")["MethodSettings"][0]["ThrottlingRateLimit"] == {"Ref": "ApiRate"}
    # Every route of the public API has a bucket of its own: what is only a default may be one bucket for all
    routes = properties(t, "PublicApi")["RouteSettings"]
    assert set(routes) == set(public_route_keys())
    rates = {route: limit["ThrottlingRateLimit"]["Ref"] for route, limit in routes.items()}
    assert {route for route, rate in rates.items() if rate == "UnsubscribeRate"} == {r for r in rates if " /u/" in r}
    assert set(rates.values()) == {"PublicRate", "UnsubscribeRate"}


@pytest.mark.parametrize(("api", "key"), [("MainApi", "AccessLogSetting"), ("PublicApi", "AccessLogSettings")])
def test_each_api_logs_routes_and_never_paths(api: str, key: str) -> None:
    assert "$context.path" not in properties(template(), api)[key]["Format"]


def test_no_metric_is_paid_for_by_the_method() -> None:
    t = template()
    assert properties(t, "MainApi")["MethodSettings"][0]["MetricsEnabled"] is False
    assert "DetailedMetricsEnabled" not in json.dumps(properties(t, "PublicApi"))


@pytest.mark.parametrize(
    ("api", "file"), [("MainApi", "infra/openapi.json"), ("PublicApi", "infra/openapi-public.json")]
)
def test_an_api_may_call_what_its_paths_name_and_nothing_else(api: str, file: str) -> None:
    t = template()
    assert file in json.dumps(properties(t, api)["DefinitionBody"])
    named = {name.split(".")[0] for name in dotted((ROOT / file).read_text()) if name.endswith("Function.Arn")}
    allowed = {
        properties(t, n)["FunctionName"]["Ref"].removesuffix(".Alias")
        for n in of_type(t, "AWS::Lambda::Permission")
        if api in json.dumps(properties(t, n)["SourceArn"])
    }
    assert named <= allowed


def test_what_providers_say_comes_by_topic_and_queue_with_its_envelope() -> None:
    t = template()
    subscription = properties(t, "ProviderEventsToReceipts")
    assert (target(subscription["TopicArn"]), target(subscription["Endpoint"])) == ("ProviderEvents", "ReceiptsQueue")
    assert subscription["RawMessageDelivery"] is False
    assert properties(t, "ProviderEvents")["SignatureVersion"] == "2"
    told = properties(t, "MailEvents")["EventDestination"]["MatchingEventTypes"]["Fn::If"]
    assert told == ["DeliveriesByFirehose", [*URGENT, "DELIVERY_DELAY"], [*URGENT, "DELIVERY", "DELIVERY_DELAY"]]


def test_deliveries_by_firehose_come_in_files_that_one_queue_names_and_one_function_reads() -> None:
    t = template()
    # Given the switch, off by default
    assert t["Parameters"]["DeliveryEvents"]["Default"] == "sns"
    destination = properties(t, "MailDeliveries")["EventDestination"]
    assert destination["MatchingEventTypes"] == ["DELIVERY"]
    assert target(destination["KinesisFirehoseDestination"]["DeliveryStreamARN"]) == "DeliveryStream"
    # Then files go where the rule looks, and the rule's queue is that of the function
    files = properties(t, "DeliveryStream")["ExtendedS3DestinationConfiguration"]
    pattern = properties(t, "NewDeliveryFiles")["EventPattern"]["detail"]
    assert files["Prefix"] == FOLDER == pattern["object"]["key"][0]["prefix"]
    assert files["BucketARN"]["Fn::Sub"].endswith(pattern["bucket"]["name"][0]["Fn::Sub"])
    assert files["BufferingHints"]["IntervalInSeconds"] <= 300
    (aimed,) = properties(t, "NewDeliveryFiles")["Targets"]
    assert (target(aimed["Arn"]), target(aimed["DeadLetterConfig"]["Arn"])) == (
        "DeliveriesQueue",
        "DeliveriesDeadQueue",
    )
    assert {(f, q) for f, q, _ in rules.queue_mappings(t) if q == "DeliveriesQueue"} == {
        ("DeliveriesFunction", "DeliveriesQueue")
    }
    # And what holds addresses is not kept for long
    kept = properties(t, "LakeBucket")["LifecycleConfiguration"]["Rules"]
    assert [r["ExpirationInDays"] for r in kept if FOLDER.startswith(r.get("Prefix", "-"))] == [14]
    assert all(name.startswith("deliveries") for name in (FOLDER, ASIDE, files["ErrorOutputPrefix"]))


def test_pixels_by_an_address_of_their_own_are_throttled_and_may_not_unsubscribe_anybody() -> None:
    t = template()
    assert t["Parameters"]["TrackingBy"]["Default"] == "api"
    function = properties(t, "TrackingFunction")
    assert function["ReservedConcurrentExecutions"] == {"Ref": "TrackingConcurrency"}
    assert function["Handler"] == properties(t, "PublicFunction")["Handler"]
    allowed = {
        action
        for s in properties(t, "TrackingRole")["Policies"][0]["PolicyDocument"]["Statement"]
        for action in s["Action"]
    }
    assert allowed == {"dynamodb:GetItem", "dynamodb:PutItem", "secretsmanager:GetSecretValue"}
    named = {n for n in t["Resources"] if n.startswith("Tracking")}
    assert {t["Resources"][name].get("Condition") for name in named} == {"TracksByUrl"}


def test_without_the_switch_nothing_of_it_is_created() -> None:
    t = template()
    named = {n for n, r in t["Resources"].items() if "Deliver" in n}
    assert len(named) >= 15
    assert {t["Resources"][name].get("Condition") for name in named} == {"DeliveriesByFirehose"}


def test_132_alarms_stand_before_the_lines_at_which_ses_reviews_an_account() -> None:
    t = template()
    assert properties(t, "BounceRateAlarm")["Threshold"] == 0.02
    assert properties(t, "ComplaintRateAlarm")["Threshold"] == 0.001
    unknown = properties(t, "UnknownOutcomes")
    assert unknown["LogGroupName"] == {"Ref": "TickerLogs"}
    assert unknown["MetricTransformations"][0]["MetricName"] == properties(t, "UnknownOutcomesAlarm")["MetricName"]
    assert properties(t, "SilentProviderAlarm")["Metrics"][0]["ReturnData"] is True


def test_withdrawals_cannot_be_deleted_before_their_time() -> None:
    bucket = properties(template(), "WithdrawalsBucket")
    retention = bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert bucket["ObjectLockEnabled"] is True
    assert retention == {"Mode": {"Ref": "WithdrawalsLockMode"}, "Days": {"Ref": "WithdrawalsLockDays"}}


def test_new_code_meets_a_tenth_of_the_traffic_first_and_an_alarm_takes_it_back() -> None:
    t = template()
    assert t["Globals"]["Function"]["AutoPublishAlias"] == "live"
    assert t["Globals"]["Function"]["DeploymentPreference"]["Type"].startswith("Canary10Percent")
    for name in functions(t):
        (alarm,) = properties(t, name)["DeploymentPreference"]["Alarms"]
        assert properties(t, str(target(alarm)))["MetricName"] == "Errors"


def test_no_secret_stands_in_a_template_or_a_machine() -> None:
    files = [ROOT / "template.yaml", ROOT / "samconfig.toml", *ROOT.glob("infra/*"), *ROOT.glob("statemachines/*")]
    assert [found for file in files for found in rules.inline_secrets(file.read_text())] == []
    assert rules.inline_secrets("password: 'correcthorsebattery'")
    assert rules.inline_secrets("AKIA" + "A" * 16)


def test_every_stage_is_deployed_without_questions_to_its_own_stack() -> None:
    import tomllib

    stages = {k: v for k, v in tomllib.loads((ROOT / "samconfig.toml").read_text()).items() if isinstance(v, dict)}
    assert set(stages) == {"dev", "staging", "prod"}
    for stage, part in stages.items():
        given = part["deploy"]["parameters"]
        assert given["stack_name"] == f"meghdoot-{stage}"
        overrides = dict(pair.split("=") for pair in given["parameter_overrides"].split())
        assert overrides["Stage"] == stage
        assert set(overrides) <= set(template()["Parameters"])
