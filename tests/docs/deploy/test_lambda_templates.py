"""The CloudFormation templates are valid, and their patterns let in what the handler handles."""

from __future__ import annotations

import json
import re
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.runs.test_replication_events import event as replication
from tests.support.cloudformation import template_of

from fleet_repl.runs.cloudtrail import WRITES
from fleet_repl.runs.replication_events import replication_event
from fleet_repl.runs.session_names import session_name
from fleet_repl.watch.aws_lambda import handler
from fleet_repl.watch.eventbridge import (
    ACCOUNT_EVENTS,
    AccountChange,
    Ignored,
    target_of,
)
from fleet_repl.watch.lambda_settings import FIX, INVENTORY, METRICS, NOTIFY, STATE

FLEET = "prod"
RUN = "20261123T081500Z-3f9c1a"
SAMPLES = Path(__file__).parents[2] / "watch/functions/events"

Event: TypeAlias = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def templates(deploy: Path) -> dict[str, dict[str, Any]]:
    return {
        path.name: template_of(path.read_text(encoding="utf-8"))
        for path in sorted((deploy / "lambda").glob("*.yaml"))
    }


@pytest.fixture(params=["template.yaml", "forward.yaml"])
def pattern(request: pytest.FixtureRequest, templates: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What events each of the two rules lets through, for the fleet `prod`."""
    text = json.dumps(templates[request.param]["Resources"]["Writes"]["Properties"]["EventPattern"])
    text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text).replace("${FleetName}", FLEET)
    parsed: dict[str, Any] = json.loads(text)
    return parsed


@pytest.fixture
def event() -> Event:
    """A write to a registry as CloudTrail tells it, with some of it changed."""

    def make(session: str = "alice", **detail: dict[str, str]) -> dict[str, Any]:
        role = "arn:aws:sts::111111111111:assumed-role/fleet-replication"
        return {
            "version": "0",
            "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
            "detail-type": "AWS API Call via CloudTrail",
            "source": "aws.ecr",
            "account": "111111111111",
            "region": "eu-west-1",
            "detail": {
                "eventSource": "ecr.amazonaws.com",
                "eventName": "PutReplicationConfiguration",
                "awsRegion": "eu-west-1",
                "recipientAccountId": "111111111111",
                "userIdentity": {"type": "AssumedRole", "arn": f"{role}/{session}"},
                **detail,
            },
        }

    return make


def matches(pattern: Any, event: Any) -> bool:
    """EventBridge's own rules, for the operators that the templates use."""
    return all(
        matches(wanted, event.get(key, {}))
        if isinstance(wanted, dict)
        else any(_one(rule, event, key) for rule in wanted)
        for key, wanted in pattern.items()
    )


def _one(rule: Any, event: Any, key: str) -> bool:
    match rule:
        case str():
            return bool(event.get(key) == rule)
        case {"exists": bool(wanted)}:
            return (key in event) is wanted
        case {"anything-but": {"wildcard": str(wildcard)}}:
            like = ".*".join(re.escape(part) for part in wildcard.split("*"))
            return key in event and re.fullmatch(like, event[key]) is None
        case _:
            raise AssertionError(f"{rule} is not known here")


@pytest.mark.parametrize("name", sorted(WRITES))
def test_writes_of_others_come_through(name: str, pattern: dict[str, Any], event: Event) -> None:
    """By people, by users without a session, and by other fleets."""
    identities = [
        {"type": "IAMUser", "arn": "arn:aws:iam::111111111111:user/bob"},
        {"type": "AWSAccount", "accountId": "999999999999"},
    ]
    others = [
        event(eventName=name),
        event(session_name("prod-eu", RUN), eventName=name),
        *(event(eventName=name, userIdentity=identity) for identity in identities),
    ]
    for other in others:
        assert matches(pattern, other)
        assert not isinstance(target_of(other), Ignored)


def test_writes_of_the_fleet_do_not(pattern: dict[str, Any], event: Event) -> None:
    """Or each correction would have itself checked."""
    assert not matches(pattern, event(session_name(FLEET, RUN)))


@pytest.mark.parametrize(
    "detail",
    [
        {"eventName": "CreateRepository"},
        {"eventSource": "s3.amazonaws.com"},
        {"errorCode": "AccessDenied"},
    ],
)
def test_what_the_handler_would_ignore_is_not_sent(
    detail: dict[str, str], pattern: dict[str, Any], event: Event
) -> None:
    """An invocation for nothing is paid for as well."""
    assert isinstance(target_of(event(**detail)), Ignored)
    assert not matches(pattern, event(**detail))


@pytest.mark.parametrize("rule", ["Writes", "Accounts", "Deliveries"])
def test_both_rules_are_the_same(rule: str, templates: dict[str, dict[str, Any]]) -> None:
    """What an account sends, the function gets."""
    first, second = (
        template["Resources"][rule]["Properties"]["EventPattern"]
        for template in templates.values()
        if template["Resources"].get(rule, {}).get("Type") == "AWS::Events::Rule"
    )
    assert first == second


def test_what_happens_to_accounts_comes_through(templates: dict[str, dict[str, Any]]) -> None:
    """Each kind of event that the handler takes, and no failed call."""
    rule = templates["organization.yaml"]["Resources"]["Accounts"]["Properties"]
    pattern = rule["EventPattern"]
    assert {*pattern["detail"]["eventName"]} == {*ACCOUNT_EVENTS}
    for name in ACCOUNT_EVENTS:
        event = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
        assert matches(pattern, event)
        assert isinstance(target_of(event), AccountChange)
        event["detail"]["errorCode"] = "AccessDenied"
        assert not matches(pattern, event)


def test_templates_are_valid(deploy: Path) -> None:
    """By CloudFormation's own schemas of resources; W3002: the code is a folder for `package`."""
    linted = subprocess.run(
        [
            *(f"{sysconfig.get_path('scripts')}/cfn-lint", "--ignore-checks", "W3002", "--"),
            *(str(path) for path in (deploy / "lambda").glob("*.yaml")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (linted.returncode, linted.stdout) == (0, "")


def test_the_function_is_the_handler(templates: dict[str, dict[str, Any]]) -> None:
    """By its name, with time for a round, never twice at a time, its settings spelt rightly."""
    function = templates["template.yaml"]["Resources"]["Function"]["Properties"]
    assert function["Handler"] == f"{handler.__module__}.{handler.__name__}"
    assert function["Timeout"] == 900
    assert function["ReservedConcurrentExecutions"] == 1
    variables = set(function["Environment"]["Variables"])
    assert variables == {INVENTORY, STATE, FIX, NOTIFY, METRICS, "FLEET_EXTERNAL_ID"}


def test_the_functions_role_may_do_what_a_run_needs(templates: dict[str, dict[str, Any]]) -> None:
    """Assume the role in each account, keep the state, write its log; nothing in ECR itself."""
    role = templates["template.yaml"]["Resources"]["Role"]["Properties"]
    (policy,) = role["Policies"]
    allowed: set[str] = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
        assert statement["Resource"] != "*"
        # A condition on s3:prefix would turn a read of what is not there into a refusal.
        assert "s3:ListBucket" not in actions or "Condition" not in statement
    assert allowed == {
        "sts:AssumeRole",
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sqs:SendMessage",
    }


def test_alarms_look_for_what_is_logged(templates: dict[str, dict[str, Any]]) -> None:
    """The filter's fields are those of the line that every round leaves."""
    resources = templates["template.yaml"]["Resources"]
    assert resources["Short"]["Properties"]["FilterPattern"] == (
        '{ $.event = "round-finished" && $.exit_code != 0 }'
    )
    (metric,) = resources["Short"]["Properties"]["MetricTransformations"]
    alarm = resources["Lasting"]["Properties"]
    assert alarm["MetricName"] == metric["MetricName"]
    assert alarm["Namespace"] == metric["MetricNamespace"]


def test_only_the_organisation_may_put_events(templates: dict[str, dict[str, Any]]) -> None:
    """The bus is open to its accounts and to nobody else."""
    policy = templates["template.yaml"]["Resources"]["BusTakesFromTheOrganisation"]["Properties"]
    statement = policy["Statement"]
    assert statement["Action"] == "events:PutEvents"
    assert statement["Condition"] == {
        "StringEquals": {"aws:PrincipalOrgID": {"Ref": "OrganizationId"}}
    }


@pytest.mark.parametrize("result", ["SUCCESS", "FAILED"])
def test_deliveries_come_through(result: str, templates: dict[str, dict[str, Any]]) -> None:
    """What has arrived and what has failed, and no push."""
    rule = templates["deliveries.yaml"]["Resources"]["Deliveries"]["Properties"]
    delivery = replication(result=result)
    assert matches(rule["EventPattern"], delivery)
    assert replication_event(delivery) is not None
    assert not matches(rule["EventPattern"], {**delivery, "detail-type": "ECR Image Action"})
    assert not matches(rule["EventPattern"], replication(result="PENDING"))


def test_only_the_rule_of_the_bus_may_send(templates: dict[str, dict[str, Any]]) -> None:
    """The queue takes from nobody else, is encrypted, and has one for what could not be counted."""
    resources = templates["deliveries.yaml"]["Resources"]
    allowed, denied = resources["QueueTakesFromTheBus"]["Properties"]["PolicyDocument"]["Statement"]
    assert (allowed["Effect"], allowed["Action"]) == ("Allow", "sqs:SendMessage")
    source = {"aws:SourceArn": {"Fn::GetAtt": ["Deliveries", "Arn"]}}
    assert allowed["Condition"] == {"ArnEquals": source}
    assert denied["Effect"] == "Deny"
    for name in ("Queue", "GivenUp"):
        assert resources[name]["Properties"]["SqsManagedSseEnabled"] is True
    redrive = resources["Queue"]["Properties"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["GivenUp", "Arn"]}


def test_the_function_of_deliveries_reports_what_failed(
    templates: dict[str, dict[str, Any]],
) -> None:
    """Single messages come again; its role may read that one queue; the queue hides a message for
    six times as long as the function may take."""
    resources = templates["template.yaml"]["Resources"]
    mapping = resources["DeliveriesOfTheQueue"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    function = resources["Deliveries"]["Properties"]
    assert function["Handler"] == f"{handler.__module__}.{handler.__name__}"
    assert {*function["Environment"]["Variables"]} == {
        *(INVENTORY, STATE, NOTIFY, METRICS, "FLEET_EXTERNAL_ID")
    }
    (statement,) = resources["DeliveriesMayBeRead"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"] == {"Ref": "DeliveriesQueueArn"}
    hidden = templates["deliveries.yaml"]["Resources"]["Queue"]["Properties"]["VisibilityTimeout"]
    assert hidden == 6 * function["Timeout"]
