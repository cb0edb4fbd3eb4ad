"""CloudTrail and CloudFormation, as an AWS SDK sees them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.served import EAST, HUB, SPOKE, Serve, Served

from fleet_repl.sandbox import AccountScenario, RegistryScenario, Scenario
from fleet_repl.sandbox.scenario_contents import StackScenario

NO_RULES: dict[str, Any] = {"replicationConfiguration": {"rules": []}}


async def records(aws: Served, account: str = HUB, region: str = EAST, **asked: Any) -> list[Any]:
    """The records that a lookup finds, newest first."""
    key = await aws.session(account)
    async with aws.client("cloudtrail", region=region, key=key) as client:
        answer = await client.lookup_events(**asked)
    return [json.loads(event["CloudTrailEvent"]) for event in answer["Events"]]


def named(name: str) -> dict[str, Any]:
    """A lookup by the name of the call."""
    return {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}]}


async def test_a_write_is_recorded_with_whoever_made_it(aws: Served) -> None:
    """The session, the role behind it and the user agent; reads are not kept."""
    key = await aws.session(HUB, RoleSessionName="jenkins-42", SourceIdentity="alice")
    assert (await aws.ecr("PutReplicationConfiguration", NO_RULES, key=key)).status == 200
    assert (await aws.ecr("DescribeRegistry", {}, key=key)).status == 200
    (record,) = await records(aws)
    caller = record["userIdentity"]
    assert caller["arn"].endswith(":assumed-role/fleet-replication/jenkins-42")
    assert caller["sessionContext"]["sessionIssuer"]["arn"].endswith(":role/ops/fleet-replication")
    assert caller["sessionContext"]["sourceIdentity"] == "alice"
    assert (record["eventSource"], record["eventName"]) == (
        "ecr.amazonaws.com",
        "PutReplicationConfiguration",
    )
    assert (record["recipientAccountId"], record["awsRegion"]) == (HUB, EAST)
    assert record["userAgent"]
    assert "errorCode" not in record


async def test_a_refused_write_is_recorded_as_such(aws: Served) -> None:
    """With the code that its caller got."""
    document = {"policyText": "no JSON"}
    assert (await aws.ecr("PutRegistryPolicy", document)).status == 400
    (record,) = await records(aws)
    assert record["errorCode"] == "InvalidParameterException"


async def test_each_account_and_region_has_a_history_of_its_own(aws: Served) -> None:
    """Newest first, by name and since a time."""
    await aws.ecr("PutReplicationConfiguration", NO_RULES)
    aws.clock.seconds += 60
    await aws.ecr("PutReplicationConfiguration", NO_RULES)
    await aws.ecr("PutRegistryPolicy", {"policyText": "{}"})
    both = await records(aws, **named("PutReplicationConfiguration"))
    assert len(both) == 2
    assert both[0]["eventTime"] > both[1]["eventTime"]
    since = aws.clock.now() - timedelta(seconds=30)
    aws.clock.seconds += 1
    assert len(await records(aws, **named("PutReplicationConfiguration"), StartTime=since)) == 1
    assert await records(aws, SPOKE) == []
    assert await records(aws, region="eu-west-1") == []


async def test_records_show_up_later(served: Serve) -> None:
    """After `trail_ms`."""
    async with served(Scenario(trail_ms=60_000)) as aws:
        await aws.ecr("PutReplicationConfiguration", NO_RULES)
        assert await records(aws) == []
        aws.clock.seconds += 60
        assert len(await records(aws)) == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (
            {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "x"}] * 2},
            "InvalidLookupAttributesException",
        ),
        ({"StartTime": 2, "EndTime": 1}, "InvalidTimeRangeException"),
        ({"EventCategory": "nothing"}, "ValidationException"),
    ],
)
async def test_a_lookup_that_makes_no_sense(aws: Served, asked: dict[str, Any], code: str) -> None:
    """As AWS refuses it."""
    with pytest.raises(ClientError) as caught:
        await records(aws, **asked)
    assert caught.value.response["Error"]["Code"] == code


async def test_two_lookups_a_second(aws: Served) -> None:
    """The third one is throttled, until a while has passed."""
    for _ in range(2):
        await records(aws)
    with pytest.raises(ClientError) as caught:
        await records(aws)
    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    aws.clock.seconds += 1
    await records(aws)


async def test_without_the_permission(served: Serve) -> None:
    """For CloudTrail and CloudFormation alike."""
    actions = ("cloudtrail:LookupEvents", "cloudformation:DescribeStackResources")
    scenario = Scenario(accounts=(AccountScenario(id=HUB, denied_actions=actions),))
    async with served(scenario) as aws:
        with pytest.raises(ClientError, match="AccessDenied"):
            await records(aws)
        with pytest.raises(ClientError, match="AccessDenied"):
            await stack_resources(aws, PhysicalResourceId=HUB)


async def stack_resources(aws: Served, **asked: str) -> list[Any]:
    """What DescribeStackResources lists."""
    key = await aws.session(HUB)
    async with aws.client("cloudformation", region=EAST, key=key) as client:
        answer = await client.describe_stack_resources(**asked)
    return list(answer["StackResources"])


async def test_the_stack_of_a_registry(served: Serve) -> None:
    """All of its resources, by the physical id of one; of no other registry."""
    stack = StackScenario(
        name="ecr",
        resources={
            "Rules": "AWS::ECR::ReplicationConfiguration",
            "Base": "AWS::ECR::RepositoryCreationTemplate base",
        },
    )
    registry = RegistryScenario(account=HUB, region=EAST, stacks=(stack,))
    async with served(Scenario(registries=(registry,))) as aws:
        resources = await stack_resources(aws, PhysicalResourceId=HUB)
        with pytest.raises(ClientError, match="Stack for 7 does not exist"):
            await stack_resources(aws, PhysicalResourceId="7")
    assert [
        (item["StackName"], item["LogicalResourceId"], item["PhysicalResourceId"])
        for item in resources
    ] == [("ecr", "Rules", HUB), ("ecr", "Base", "base")]
