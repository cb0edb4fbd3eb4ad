"""ECR's JSON 1.1 protocol as a real client and as the raw wire see it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.served import Served

HUB, SPOKE = "1" * 12, "2" * 12
RULES = {
    "rules": [
        {
            "destinations": [{"region": "eu-west-1", "registryId": SPOKE}],
            "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
        },
        {"destinations": [{"region": "eu-west-1", "registryId": HUB}]},
    ]
}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "second-key-first",
            "Effect": "Allow",
            "Principal": {"AWS": [f"arn:aws:iam::{SPOKE}:root", f"arn:aws:iam::{HUB}:root"]},
            "Action": "ecr:ReplicateImage",
            "Resource": "*",
        }
    ],
}


async def test_rules_are_put_and_described(aws: Served) -> None:
    """A registry starts empty; what was put is given back in its order, region by region."""
    async with aws.client("ecr", await aws.session(HUB)) as ecr:
        empty = await ecr.describe_registry()
        put = await ecr.put_replication_configuration(replicationConfiguration=RULES)
        shown = await ecr.describe_registry()
    async with aws.client("ecr", await aws.session(HUB), "eu-west-1") as ecr:
        elsewhere = await ecr.describe_registry()
    assert (empty["registryId"], empty["replicationConfiguration"]) == (HUB, {"rules": []})
    assert put["replicationConfiguration"] == RULES
    assert (shown["registryId"], shown["replicationConfiguration"]) == (HUB, RULES)
    assert elsewhere["replicationConfiguration"] == {"rules": []}


async def test_a_policy_is_put_read_and_deleted(aws: Served) -> None:
    """The text comes back in ECR's layout, with the same meaning and order; then it is gone."""
    async with aws.client("ecr", await aws.session(HUB)) as ecr:
        put = await ecr.put_registry_policy(policyText=json.dumps(POLICY))
        read = await ecr.get_registry_policy()
        deleted = await ecr.delete_registry_policy()
        with pytest.raises(ClientError) as gone:
            await ecr.get_registry_policy()
        with pytest.raises(ClientError) as again:
            await ecr.delete_registry_policy()
    assert put["registryId"] == read["registryId"] == deleted["registryId"] == HUB
    assert put["policyText"] == read["policyText"] == deleted["policyText"]
    assert read["policyText"] != json.dumps(POLICY)
    assert json.dumps(json.loads(read["policyText"])) == json.dumps(POLICY)
    for error in (gone.value, again.value):
        assert error.response["Error"] == {
            "Code": "RegistryPolicyNotFoundException",
            "Message": f"Registry policy does not exist in the registry with id '{HUB}'",
        }
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400


async def test_an_answer_on_the_wire(aws: Served) -> None:
    """Status, content type, request id and body of an answer."""
    answer = await aws.ecr("DescribeRegistry")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id(answer))
    assert answer.body == (b'{"registryId":"111111111111","replicationConfiguration":{"rules":[]}}')
    assert request_id(answer) != request_id(await aws.ecr("DescribeRegistry"))


async def test_an_error_on_the_wire(aws: Served) -> None:
    """An error is `__type` and `message` under a status, with a request id too."""
    answer = await aws.ecr("DescribeImages", {"repositoryName": "no/such"})
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert request_id(answer)
    assert answer.body == (
        b'{"__type":"RepositoryNotFoundException","message":"The repository with name '
        b"'no/such' does not exist in the registry with id '111111111111'\"}"
    )


async def test_timestamps_are_dates_to_a_client(aws: Served) -> None:
    """Times are told in epoch seconds, by the world's clock."""
    async with aws.client("ecr", await aws.session(HUB)) as ecr:
        created = await ecr.create_repository(repositoryName="base/python")
        await ecr.put_image(repositoryName="base/python", imageManifest="{}", imageTag="3")
        images = await ecr.describe_images(repositoryName="base/python")
    eight = datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert created["repository"]["createdAt"] == eight
    assert images["imageDetails"][0]["imagePushedAt"] == eight


@pytest.mark.parametrize(
    ("name", "value"),
    [("REGISTRY_POLICY_SCOPE", "V2"), ("BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE")],
)
async def test_account_settings(aws: Served, name: str, value: str) -> None:
    """An account's settings are those of one that never changed them."""
    answer = await aws.ecr("GetAccountSetting", {"name": name})
    assert answer.json == {"name": name, "value": value}


async def test_an_operation_that_is_not_spoken(aws: Served) -> None:
    """The answer says what is."""
    answer = await aws.ecr("GetAuthorizationToken")
    assert answer.status == 400
    code, message = answer.error
    assert code == "UnknownOperationException"
    assert message.startswith("The sandbox speaks BatchDeleteImage, BatchGetImage, ")
    assert message.endswith(", not 'GetAuthorizationToken'")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"[" * 100_000])
async def test_a_body_that_is_no_json_object(aws: Served, body: bytes) -> None:
    """It cannot be read: a SerializationException, however it is broken."""
    headers = {"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry"}
    key = await aws.session(HUB)
    answer = await aws.send(body, aws.signed("ecr", body, headers, key, "us-east-1"))
    assert (answer.status, answer.error[0]) == (400, "SerializationException")


async def test_calls_are_counted_and_writes_remembered(aws: Served) -> None:
    """`calls` counts every call, `writes` lists what changed a registry, in order."""
    await aws.ecr("PutRegistryPolicy", {"policyText": json.dumps(POLICY)}, account=SPOKE)
    await aws.ecr("PutReplicationConfiguration", {"replicationConfiguration": RULES})
    await aws.ecr("PutReplicationConfiguration", {"replicationConfiguration": {}})
    await aws.ecr("DescribeRegistry")
    await aws.ecr("DeleteRegistryPolicy", account=SPOKE)
    assert aws.world.calls == {
        "AssumeRole": 2,
        "PutRegistryPolicy": 1,
        "PutReplicationConfiguration": 2,
        "DescribeRegistry": 1,
        "DeleteRegistryPolicy": 1,
    }
    assert aws.world.writes == [
        ((SPOKE, "us-east-1"), "PutRegistryPolicy"),
        ((HUB, "us-east-1"), "PutReplicationConfiguration"),
        ((SPOKE, "us-east-1"), "DeleteRegistryPolicy"),
    ]


def request_id(answer: Any) -> str:
    header: str = answer.headers["x-amzn-RequestId"]
    return header
