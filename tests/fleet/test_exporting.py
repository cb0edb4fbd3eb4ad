"""Exporting over HTTP: what is in place becomes a Terraform module or CloudFormation templates."""

from __future__ import annotations

from typing import Any

import hcl2
import pytest
from tests.support.cloudformation import template_of
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Fleet, Interrupted, ReadStarted
from fleet_repl.sandbox import RegistryScenario, Scenario

TEMPLATE: dict[str, Any] = {"prefix": "base", "appliedFor": ["REPLICATION"]}


async def test_a_fleet_is_written_down_for_terraform() -> None:
    """Rules, policies and templates, whoever made them; nothing is written to AWS."""
    more = '[ownership]\ngrants = "managed"\n'
    async with simulate(fleet_text("1>2 base/", more=more)) as aws:
        await aws.applied()
        aws.world.set_template(aws.at(3), TEMPLATE)
        writes = len(aws.world.writes)
        async with aws.connected(purpose=None) as fleet:
            result = await fleet.export()
        assert len(aws.world.writes) == writes
    document: Any = hcl2.loads(result.text)
    types = sorted(type_.strip('"') for block in document["resource"] for type_ in block)
    assert types == [
        "aws_ecr_registry_policy",
        "aws_ecr_replication_configuration",
        "aws_ecr_repository_creation_template",
    ]
    assert list(result.files) == [
        "providers.tf",
        *(f"00000000000{number}-eu-west-1.tf" for number in (1, 2, 3)),
    ]
    assert (result.left_out, result.unreadable) == ((), ())


async def test_templates_put_back_what_is_there() -> None:
    """Each template's properties, spelled as ECR has them, are the documents in place."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        async with aws.connected(purpose=None) as fleet:
            result = await fleet.export("cloudformation")
        policy = aws.world.policy(aws.at(2))
    assert result.text.count("---\n") == 1
    receiver = template_of(result.files["000000000002-eu-west-1.yaml"])["Resources"]
    assert receiver["RegistryPolicy"]["Properties"]["PolicyText"] == policy
    source = template_of(result.files["000000000001-eu-west-1.yaml"])["Resources"]
    (rule,) = source["ReplicationConfiguration"]["Properties"]["ReplicationConfiguration"]["Rules"]
    assert rule["RepositoryFilters"] == [{"Filter": "base/", "FilterType": "PREFIX_MATCH"}]


async def test_what_cannot_be_read_or_said_is_named() -> None:
    """An account that denies, and rules with members that nobody knows."""
    registry = RegistryScenario(
        account="000000000001",
        region="eu-west-1",
        replication={
            "rules": [{"destinations": [{"region": "us-east-1", "registryId": "0" * 11 + "1"}]}]
        },
        unknown_fields={"priority": 1},
    )
    async with simulate(fleet_text(), Scenario(registries=(registry,))) as aws:
        aws.deny(2)
        # Which only fleets with templates of their own need: no failure.
        for number in (3, 4):
            aws.deny(number, "ecr:DescribeRepositoryCreationTemplates")
        async with aws.connected(purpose=None) as fleet:
            result = await fleet.export()
        assert result.unreadable == (aws.at(2),)
    unknown, templates = result.left_out
    assert unknown == (
        "000000000001/eu-west-1: its rules hold members that are not known: rules[0].priority"
    )
    assert templates.startswith(
        "the creation templates of 000000000003/eu-west-1, 000000000004/eu-west-1: "
    )
    assert "access-denied" in templates
    assert list(result.files) == ["providers.tf"]


async def test_an_interruption_gives_nothing() -> None:
    """A part of a fleet would read as if the rest were empty."""
    fleets: list[Fleet] = []

    def stop(event: object) -> None:
        if isinstance(event, ReadStarted):
            fleets[0].stop()

    async with (
        simulate(fleet_text("1>2 base/")) as aws,
        aws.connected(stop, purpose=None) as fleet,
    ):
        fleets.append(fleet)
        with pytest.raises(Interrupted):
            await fleet.export()
