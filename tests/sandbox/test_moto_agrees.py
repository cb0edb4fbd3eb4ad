"""A second opinion: where moto's server implements a call, both answer alike."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError
from tests.support.moto import moto_server
from tests.support.served import Serve

from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.model import Inventory
from fleet_repl.values.names import AccountId, Region

ACCOUNT = AccountId("123456789012")
"""Whose moto takes every key to be."""
RULE = {
    "destinations": [{"region": "eu-west-1", "registryId": ACCOUNT}],
    "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
}
HERE = {"destinations": [{"region": "us-east-1", "registryId": ACCOUNT}]}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "One",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
            "Resource": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*",
        }
    ],
}
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "x", "size": 1, "digest": "sha256:" + "0" * 64},
        "layers": [],
    }
)
Calls = Callable[[Any], Awaitable[list[Any]]]


moto = pytest.fixture(scope="module")(moto_server)


@pytest.fixture
async def both(moto: str, served: Serve, sdk: AioSession) -> AsyncIterator[tuple[Any, Any]]:
    """A client of the sandbox and one of moto, in the same account."""
    own = Account(id=ACCOUNT, name="own", regions=(Region("us-east-1"),), role=None)
    inventory = Inventory(path="x", digest="x", name="x", accounts=(own,))
    second = sdk.create_client(
        "ecr",
        region_name="us-east-1",
        endpoint_url=moto,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
        config=AioConfig(retries={"total_max_attempts": 1}),
    )
    async with served(of=inventory) as aws, aws.client("ecr") as ours, second as motos:
        yield ours, motos


async def answer_of(call: Awaitable[dict[str, Any]]) -> Any:
    """An answer, or an error, without what differs from call to call."""
    try:
        answer = await call
    except ClientError as error:
        response: Any = error.response
        code = response["ResponseMetadata"]["HTTPStatusCode"]
        return code, response["Error"]["Code"], response["Error"]["Message"]
    status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
    if "policyText" in answer:
        answer["policyText"] = json.loads(answer["policyText"])
    return status, answer


async def put(ecr: Any, *rules: Any) -> Any:
    return await answer_of(
        ecr.put_replication_configuration(replicationConfiguration={"rules": rules})
    )


async def replication(ecr: Any) -> list[Any]:
    return [
        await answer_of(ecr.describe_registry()),
        await put(ecr, RULE),
        await answer_of(ecr.describe_registry()),
        await put(ecr, HERE),
        await answer_of(ecr.describe_registry()),
        await put(ecr),
        await answer_of(ecr.describe_registry()),
    ]


async def policies(ecr: Any) -> list[Any]:
    return [
        await answer_of(ecr.get_registry_policy()),
        await answer_of(ecr.delete_registry_policy()),
        await answer_of(ecr.put_registry_policy(policyText=json.dumps(POLICY))),
        await answer_of(ecr.get_registry_policy()),
        await answer_of(ecr.put_registry_policy(policyText="nonsense")),
        await answer_of(ecr.put_registry_policy(policyText=json.dumps({"Version": "2012-10-17"}))),
        await answer_of(ecr.delete_registry_policy()),
        await answer_of(ecr.get_registry_policy()),
    ]


async def images(ecr: Any) -> list[Any]:
    name = {"repositoryName": "base/python"}
    await ecr.create_repository(**name)
    return [
        await answer_of(ecr.create_repository(**name)),
        await answer_of(ecr.put_image(**name, imageManifest=MANIFEST, imageTag="3")),
        await answer_of(ecr.put_image(**name, imageManifest=MANIFEST, imageTag="3")),
        await answer_of(ecr.describe_images(**name, imageIds=[{"imageTag": "4"}])),
        await answer_of(ecr.describe_images(repositoryName="no/such")),
    ]


async def deletions(ecr: Any) -> list[Any]:
    name = {"repositoryName": "base/perl"}
    await ecr.create_repository(**name)
    await ecr.put_image(**name, imageManifest=MANIFEST, imageTag="5")
    ids = [{"imageTag": "6"}, {"imageDigest": "nonsense"}, {}]
    return [
        await answer_of(ecr.batch_delete_image(**name, imageIds=ids)),
        await answer_of(ecr.batch_delete_image(**name, imageIds=[{"imageTag": "5"}])),
        await answer_of(ecr.describe_images(**name)),
        await answer_of(ecr.batch_delete_image(repositoryName="no/such", imageIds=ids)),
    ]


async def settings(ecr: Any) -> list[Any]:
    name = {"repositoryName": "base/ruby"}
    tags = [{"Key": "team", "Value": "core"}]
    made = await ecr.create_repository(**name, tags=tags)
    return [
        await answer_of(
            ecr.list_tags_for_resource(resourceArn=made["repository"]["repositoryArn"])
        ),
        await answer_of(ecr.get_repository_policy(**name)),
        await answer_of(ecr.get_lifecycle_policy(**name)),
        await answer_of(ecr.get_lifecycle_policy(repositoryName="no/such")),
    ]


async def refusals(ecr: Any) -> list[Any]:
    """Moto has older patterns and other words for what is allowed: only what is refused counts."""
    answers = [
        await answer_of(ecr.create_repository(repositoryName="Base")),
        await answer_of(ecr.create_repository(repositoryName="ab", imageTagMutability="SOMETIMES")),
        await answer_of(ecr.list_tags_for_resource(resourceArn="nonsense")),
    ]
    return [(*answer[:2], answer[2].partition(" failed to satisfy")[0]) for answer in answers]


@pytest.mark.parametrize(
    "calls",
    [replication, policies, images, deletions, settings, refusals],
    ids=lambda item: item.__name__,
)
async def test_both_answer_alike(both: tuple[Any, Any], calls: Calls) -> None:
    """Statuses, members, error codes and messages of a whole sequence of calls."""
    ours, motos = both
    assert undigested(await calls(ours)) == undigested(await calls(motos))


def undigested(answers: list[Any]) -> str:
    """Answers without digests: moto makes its own up."""
    return re.sub(r"sha256:[0-9a-f]{64}", "sha256:", json.dumps(answers, indent=1))
