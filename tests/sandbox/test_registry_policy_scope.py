"""Account settings, and what a registry policy governs under either scope."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.served import Serve, Served

from fleet_repl.sandbox import AccountScenario, RegistryScenario, Scenario
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.names import AccountId, Region, Registry

EAST, WEST = Region("us-east-1"), Region("eu-west-1")
HUB = Registry(AccountId("1" * 12), EAST)
SPOKE = Registry(AccountId("2" * 12), EAST)
SCOPE = "REGISTRY_POLICY_SCOPE"
SESSION = f"arn:aws:sts::{HUB.account}:assumed-role/fleet-replication/fleet-run1"
IMAGES = {"repositoryName": "base/python"}
THEIRS = {**IMAGES, "registryId": SPOKE.account}


def policy(effect: str, action: str, principal: Json = None) -> dict[str, Any]:
    statement = {
        "Effect": effect,
        "Principal": principal or {"AWS": f"arn:aws:iam::{HUB.account}:root"},
        "Action": action,
        "Resource": f"arn:aws:ecr:us-east-1:{SPOKE.account}:repository/base/*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


async def scope(aws: Served, **where: Any) -> str:
    value: str = (await aws.done("GetAccountSetting", {"name": SCOPE}, **where))["value"]
    return value


async def test_settings_are_put_and_read(aws: Served) -> None:
    """Each account's and region's own."""
    mounting = {"name": "BLOB_MOUNTING"}
    put = await aws.done("PutAccountSetting", {**mounting, "value": "ENABLED"})
    assert put == {**mounting, "value": "ENABLED"}
    assert (await aws.done("GetAccountSetting", mounting))["value"] == "ENABLED"
    elsewhere = await aws.done("GetAccountSetting", mounting, region=WEST)
    assert elsewhere["value"] == "DISABLED"


async def test_nobody_goes_back_to_the_first_scope(served: Serve) -> None:
    """V1 is what an account may still have; V2 is all that it can choose."""
    first = Scenario(accounts=(AccountScenario(id=HUB.account, policy_scope="V1"),))
    async with served(first) as aws:
        assert await scope(aws) == "V1"
        await aws.done("PutAccountSetting", {"name": SCOPE, "value": "V2"})
        assert await scope(aws) == "V2"
        assert await scope(aws, region=WEST) == "V1"
        assert await aws.refused("PutAccountSetting", {"name": SCOPE, "value": "V1"}) == (
            "InvalidParameterException",
            (
                "Invalid parameter at 'value' failed to satisfy constraint: 'Member must satisfy "
                "enum value set: [V2]'"
            ),
        )


async def test_a_registry_may_differ_from_its_account(served: Serve) -> None:
    """The scenario's word on the registry comes first."""
    scenario = Scenario(
        accounts=(AccountScenario(id=HUB.account, policy_scope="V1"),),
        registries=(RegistryScenario(account=HUB.account, region=WEST, policy_scope="V2"),),
    )
    async with served(scenario) as aws:
        assert (await scope(aws), await scope(aws, region=WEST)) == ("V1", "V2")
        assert await scope(aws, account=SPOKE.account) == "V2"


async def test_another_accounts_images_are_open_where_its_policy_says_so(aws: Served) -> None:
    """Under V2 only: under V1 the statement has no effect."""
    aws.world.push(SPOKE, "base/python", "1")
    aws.world.set_policy(SPOKE, policy("Allow", "ecr:Describe*"))
    assert len((await aws.done("DescribeImages", THEIRS))["imageDetails"]) == 1
    assert (await aws.refused("BatchGetImage", THEIRS))[0] == "AccessDeniedException"
    aws.world.set_setting(SPOKE, SCOPE, "V1")
    assert (await aws.refused("DescribeImages", THEIRS))[0] == "AccessDeniedException"


@pytest.mark.parametrize(
    "principal", ["*", {"AWS": SPOKE.account}, {"AWS": SESSION.replace("1" * 12, "2" * 12)}]
)
async def test_a_deny_is_everyones(aws: Served, principal: Json) -> None:
    """Under V2 the account's own roles are told off too; under V1 they are not."""
    aws.world.push(SPOKE, "base/python", "1")
    aws.world.set_policy(SPOKE, policy("Deny", "ecr:DescribeImages", principal))
    assert await aws.refused("DescribeImages", IMAGES, account=SPOKE.account) == (
        "AccessDeniedException",
        (
            f"User: {SESSION.replace('1' * 12, '2' * 12)} is not authorized to perform: "
            f"ecr:DescribeImages on resource: arn:aws:ecr:us-east-1:{SPOKE.account}:repository/"
            "base/python with an explicit deny in a resource-based policy"
        ),
    )
    await aws.done("DescribeRepositories", account=SPOKE.account)
    aws.world.set_setting(SPOKE, SCOPE, "V1")
    await aws.done("DescribeImages", IMAGES, account=SPOKE.account)


@pytest.mark.parametrize("value", ["V1", "V2"])
async def test_replication_is_granted_under_either(aws: Served, value: str) -> None:
    """Copies and the repositories they need are what both scopes are about."""
    aws.world.set_setting(SPOKE, SCOPE, value)
    there = {"region": EAST, "registryId": SPOKE.account}
    aws.world.set_replication(HUB, {"rules": [{"destinations": [there]}]})
    aws.world.push(HUB, "base/python", "1")
    assert aws.world.repositories(SPOKE) == ()
    aws.world.set_policy(SPOKE, policy("Allow", "ecr:*"))
    aws.world.push(HUB, "base/python", "2")
    assert len(aws.world.images(SPOKE, "base/python")) == 1


async def test_making_repositories_is_governed_under_either(aws: Served) -> None:
    """One of the three actions that V1 knows."""
    aws.world.set_policy(SPOKE, policy("Deny", "ecr:CreateRepository", "*"))
    for value in ("V1", "V2"):
        aws.world.set_setting(SPOKE, SCOPE, value)
        refused = await aws.refused("CreateRepository", IMAGES, account=SPOKE.account)
        assert refused[0] == "AccessDeniedException"
