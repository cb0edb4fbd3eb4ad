"""What a scenario names is held against the inventory, and what it seeds against ECR's rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.served import Serve

from fleet_repl.inventory.model import Inventory
from fleet_repl.sandbox import (
    AccountScenario,
    FaultRule,
    Mishap,
    RegistryScenario,
    Scenario,
    load_scenario,
    world_of,
)
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import ScenarioError
from fleet_repl.values.names import AccountId, Region, Registry

HUB, SPOKE, STRANGER = "1" * 12, "2" * 12, "7" * 12
EAST, WEST = Region("us-east-1"), Region("eu-west-1")
HERE = Registry(AccountId(HUB), EAST)
RULES = {"rules": [{"destinations": [{"region": WEST, "registryId": HUB}]}]}
POLICY: JsonObject = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{STRANGER}:root"},
            "Action": "ecr:ReplicateImage",
            "Resource": "*",
        }
    ],
}


def seeded(**members: Json) -> RegistryScenario:
    return RegistryScenario(account=HUB, region=EAST, **members)


def test_registries_begin_with_what_is_seeded(inventory: Inventory) -> None:
    """Rules, policy and images; the images were there before the rules."""
    seed = seeded(
        replication=RULES, policy=POLICY, repositories={"base/python": ("3.12", "3.13"), "xx": ()}
    )
    world = world_of(inventory, scenario=Scenario(registries=(seed,)))
    assert world.replication(HERE) == RULES
    assert world.policy(HERE) == POLICY
    assert world.repositories(HERE) == ("base/python", "xx")
    assert [image.tags for image in world.images(HERE, "base/python")] == [("3.12",), ("3.13",)]
    assert world.repositories(Registry(HERE.account, WEST)) == ()
    assert world.writes == []


async def test_unknown_fields_are_shown_until_rules_are_written(served: Serve) -> None:
    """They are in the answer's rules, and gone once somebody overwrites them."""
    seed = seeded(replication=RULES, unknown_fields={"colour": "red"})
    async with served(Scenario(registries=(seed,))) as aws:
        shown = (await aws.ecr("DescribeRegistry")).json["replicationConfiguration"]
        assert shown == {"rules": [{**RULES["rules"][0], "colour": "red"}]}
        await aws.ecr("PutReplicationConfiguration", {"replicationConfiguration": RULES})
        shown = (await aws.ecr("DescribeRegistry")).json["replicationConfiguration"]
        assert shown == RULES


@pytest.mark.parametrize(
    ("scenario", "problem"),
    [
        (
            Scenario(faults=(FaultRule(kind=Mishap.DROPPED, rate=1, accounts=(STRANGER,)),)),
            (
                f"faults[0]: no account {STRANGER} in the inventory; name it there or in "
                "other_accounts"
            ),
        ),
        (
            Scenario(faults=(FaultRule(kind=Mishap.DROPPED, rate=1, regions=("mars-1",)),)),
            "faults[0]: 'mars-1' is not a region of partition aws",
        ),
        (
            Scenario(accounts=(AccountScenario(id=STRANGER),)),
            (
                f"accounts[0]: no account {STRANGER} in the inventory; name it there or in "
                "other_accounts"
            ),
        ),
        (
            Scenario(accounts=(AccountScenario(id=HUB, answers_as=STRANGER),)),
            (
                f"accounts[0]: no account {STRANGER} in the inventory; name it there or in "
                "other_accounts"
            ),
        ),
        (
            Scenario(accounts=(AccountScenario(id=HUB, disabled_regions=("cn-north-1",)),)),
            "accounts[0]: 'cn-north-1' is not a region of partition aws",
        ),
        (
            Scenario(registries=(RegistryScenario(account=STRANGER, region=EAST),)),
            (
                f"registries[0]: no account {STRANGER} in the inventory; name it there or in "
                "other_accounts"
            ),
        ),
        (
            Scenario(registries=(seeded(replication={"rules": [{}]}),)),
            (
                "registries[0]: Invalid parameter at "
                "'replicationConfiguration.rules[0].destinations' failed to satisfy "
                "constraint: 'Member must not be null'"
            ),
        ),
        (
            Scenario(registries=(seeded(policy={"Version": "2012-10-17"}),)),
            (
                "registries[0]: Invalid parameter at 'PolicyText' failed to satisfy constraint: "
                "'Invalid registry policy provided'"
            ),
        ),
        (
            Scenario(registries=(seeded(repositories={"Base": ()}),)),
            (
                "registries[0].repositories: 'Base': must satisfy regular expression "
                r"'[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*'"
            ),
        ),
        (
            Scenario(registries=(seeded(repositories={"base/python": ("3", "a b")}),)),
            (
                "registries[0].repositories.base/python: 'a b': must satisfy regular expression "
                "'[a-zA-Z0-9_][a-zA-Z0-9._-]*'"
            ),
        ),
        (
            Scenario(
                registries=(seeded(replication=RULES, unknown_fields={"deleteReplication": {}}),)
            ),
            "registries[0].unknown_fields: deleteReplication is known",
        ),
        (
            Scenario(registries=(seeded(templates=({"prefix": "prod"},)),)),
            (
                "registries[0]: Invalid parameter at 'appliedFor' failed to satisfy constraint: "
                "'Member must not be null'"
            ),
        ),
        (
            Scenario(registries=(seeded(pushes={"base/python": ("a b",)}),)),
            (
                "registries[0].pushes.base/python: 'a b': must satisfy regular expression "
                "'[a-zA-Z0-9_][a-zA-Z0-9._-]*'"
            ),
        ),
        (
            Scenario(registries=(seeded(unknown_fields={"colour": "red"}),)),
            "registries[0].unknown_fields: needs rules in replication to show up in",
        ),
    ],
)
def test_what_does_not_fit(inventory: Inventory, scenario: Scenario, problem: str) -> None:
    """Strangers, regions of nowhere, and documents that ECR would not take."""
    with pytest.raises(ScenarioError) as caught:
        world_of(inventory, scenario=scenario)
    assert str(caught.value) == f"scenario: {problem}"


def test_problems_name_the_file(inventory: Inventory, tmp_path: Path) -> None:
    """All of them, one a line."""
    path = tmp_path / "storm.toml"
    path.write_text(f'[[accounts]]\nid = "{STRANGER}"\ndisabled_regions = ["x"]\n')
    with pytest.raises(ScenarioError) as caught:
        world_of(inventory, scenario=load_scenario(path))
    assert str(caught.value) == (
        f"{path}: accounts[0]: no account {STRANGER} in the inventory; name it there or in "
        f"other_accounts\n{path}: accounts[0]: 'x' is not a region of partition aws"
    )


def test_other_accounts_may_be_peculiar_too(inventory: Inventory) -> None:
    """An account that the scenario adds can be named by it like one of the inventory."""
    scenario = Scenario(
        other_accounts=(STRANGER,),
        registries=(RegistryScenario(account=STRANGER, region=EAST, policy=POLICY),),
    )
    world = world_of(inventory, scenario=scenario)
    assert world.policy(Registry(AccountId(STRANGER), EAST)) == POLICY
