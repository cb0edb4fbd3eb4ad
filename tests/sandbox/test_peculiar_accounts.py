"""Accounts that a scenario makes difficult: denied, half-blind, misled."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.served import Serve

from fleet_repl.sandbox import AccountScenario, Scenario

HUB, SPOKE = "1" * 12, "2" * 12
SESSION = f"arn:aws:sts::{HUB}:assumed-role/fleet-replication/fleet-run1"


def only(**peculiarity: Any) -> Scenario:
    return Scenario(accounts=(AccountScenario(id=HUB, **peculiarity),))


async def test_a_denied_account(served: Serve) -> None:
    """Its role cannot be assumed, as if the trust policy were wrong; others can."""
    async with served(only(denied=True)) as aws:
        answer = await aws.assume(HUB)
        assert (answer.status, answer.error) == (
            403,
            (
                "AccessDenied",
                (
                    "User: arn:aws:iam::999999999999:user/sandbox is not authorized to perform: "
                    f"sts:AssumeRole on resource: arn:aws:iam::{HUB}:role/ops/fleet-replication"
                ),
            ),
        )
        assert (await aws.assume(SPOKE)).status == 200


async def test_an_action_the_role_lacks(served: Serve) -> None:
    """The call is refused in IAM's words, before its parameters are looked at."""
    async with served(only(denied_actions=("ecr:PutRegistryPolicy",))) as aws:
        answer = await aws.ecr("PutRegistryPolicy")
        assert (answer.status, answer.error) == (
            400,
            (
                "AccessDeniedException",
                (
                    f"User: {SESSION} is not authorized to perform: ecr:PutRegistryPolicy on "
                    "resource: * because no identity-based policy allows the "
                    "ecr:PutRegistryPolicy action"
                ),
            ),
        )
        assert (await aws.ecr("DescribeRegistry")).status == 200
        policy = {"policyText": json.dumps({})}
        other = await aws.ecr("PutRegistryPolicy", policy, account=SPOKE)
        assert other.error[0] == "InvalidParameterException"


async def test_denied_actions_take_wildcards(served: Serve) -> None:
    """As IAM policies do; a refusal names the repository where there is one."""
    async with served(only(denied_actions=("ECR:describe*",))) as aws:
        for operation in ("DescribeRegistry", "DescribeRepositories"):
            assert (await aws.ecr(operation)).error[0] == "AccessDeniedException"
        _, message = (await aws.ecr("DescribeImages", {"repositoryName": "a/b"})).error
        assert f"on resource: arn:aws:ecr:us-east-1:{HUB}:repository/a/b because" in message
        assert (await aws.ecr("GetRegistryPolicy")).error[0] == "RegistryPolicyNotFoundException"


@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1", "nowhere"])
async def test_a_region_that_is_not_enabled(served: Serve, region: str) -> None:
    """ECR does not know the token there; STS says that it is not activated."""
    async with served(only(disabled_regions=("eu-west-1",))) as aws:
        answer = await aws.ecr("DescribeRegistry", region=region)
        assert (answer.status, answer.error) == (
            400,
            (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
        )
        identity = {"Action": "GetCallerIdentity"}
        by_sts = await aws.sts(identity, key=await aws.session(HUB), region=region)
        assert (by_sts.status, by_sts.error[0]) == (403, "RegionDisabledException")
        assert (await aws.ecr("DescribeRegistry")).status == 200


async def test_a_role_that_leads_into_another_account(served: Serve) -> None:
    """Its sessions are the other account's, in every answer."""
    async with served(only(answers_as=SPOKE)) as aws:
        session = await aws.session(HUB)
        assert (await aws.ecr("DescribeRegistry", key=session)).json["registryId"] == SPOKE
        identity = await aws.sts({"Action": "GetCallerIdentity"}, key=session)
        assert f"<Account>{SPOKE}</Account>" in identity.body.decode()
        assert f"arn:aws:sts::{SPOKE}:assumed-role/fleet-replication" in identity.body.decode()
