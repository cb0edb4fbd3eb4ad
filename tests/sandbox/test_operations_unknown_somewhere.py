"""Operations that ECR does not have everywhere yet."""

from __future__ import annotations

import pytest
from tests.support.served import Serve

from fleet_repl.inventory.model import Inventory
from fleet_repl.sandbox import RegionScenario, RegistryScenario, Scenario, world_of
from fleet_repl.values.errors import ScenarioError

HUB, SPOKE = "1" * 12, "2" * 12
LIST = "ListReplicationBackfills"


async def test_a_region_behind_the_others(served: Serve) -> None:
    """Nobody can call the operation there; elsewhere everybody can."""
    behind = Scenario(regions=(RegionScenario(name="eu-west-1", unknown_operations=(LIST,)),))
    async with served(behind) as aws:
        for account in (HUB, SPOKE):
            await aws.done(LIST, account=account)
            answer = await aws.ecr(LIST, account=account, region="eu-west-1")
            assert (answer.status, answer.body) == (400, b'{"__type":"UnknownOperationException"}')
        await aws.done("DescribeRegistry", region="eu-west-1")


async def test_a_registry_behind_the_others(served: Serve) -> None:
    """As where a feature is rolled out account by account."""
    behind = RegistryScenario(account=HUB, region="us-east-1", unknown_operations=(LIST,))
    async with served(Scenario(registries=(behind,))) as aws:
        assert (await aws.ecr(LIST)).json == {"__type": "UnknownOperationException"}
        await aws.done(LIST, region="eu-west-1")
        await aws.done(LIST, account=SPOKE)


def test_regions_are_the_partitions(inventory: Inventory) -> None:
    """A region of nowhere is a slip."""
    with pytest.raises(ScenarioError) as caught:
        world_of(inventory, scenario=Scenario(regions=(RegionScenario(name="mars-1"),)))
    assert str(caught.value) == "scenario: regions[0]: 'mars-1' is not a region of partition aws"
