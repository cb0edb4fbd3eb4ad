"""Repositories that replication makes: by the destination's template, or with ECR's defaults."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support.served import Served

from fleet_repl.sandbox import World
from fleet_repl.sandbox.templates import template_for
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.names import AccountId, Region, Registry

HUB = "1" * 12
HERE = Registry(AccountId(HUB), Region("us-east-1"))
THERE = Registry(AccountId(HUB), Region("eu-west-1"))
RULES = {"rules": [{"destinations": [{"region": THERE.region, "registryId": HUB}]}]}
KMS = {"encryptionType": "KMS", "kmsKey": f"arn:aws:kms:eu-west-1:{HUB}:key/1"}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}],
}
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
            "action": {"type": "expire"},
        }
    ]
}


def template(prefix: str, *applied: str, **members: Json) -> dict[str, Any]:
    return {"prefix": prefix, "appliedFor": list(applied or ("REPLICATION",)), **members}


@pytest.fixture
async def fleet(aws: Served) -> Served:
    """A registry that replicates everything into another region."""
    aws.world.set_replication(HERE, RULES)
    return aws


async def shown(aws: Served, name: str) -> Any:
    asked = {"repositoryNames": [name]}
    return (await aws.done("DescribeRepositories", asked, region=THERE.region))["repositories"][0]


async def test_every_setting_is_the_templates(fleet: Served) -> None:
    """Mutability with exclusions, encryption, tags and both policies."""
    fleet.world.set_template(
        THERE,
        template(
            "prod",
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "dev*"}],
            encryptionConfiguration=KMS,
            resourceTags=[{"Key": "team", "Value": "core"}],
            repositoryPolicy=json.dumps(POLICY),
            lifecyclePolicy=json.dumps(LIFECYCLE),
            customRoleArn=f"arn:aws:iam::{HUB}:role/templates",
        ),
    )
    fleet.world.push(HERE, "prod/api", "1")
    repository = await shown(fleet, "prod/api")
    assert repository["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    assert repository["imageTagMutabilityExclusionFilters"] == [
        {"filterType": "WILDCARD", "filter": "dev*"}
    ]
    assert repository["encryptionConfiguration"] == KMS
    name = {"repositoryName": "prod/api"}
    policy = await fleet.done("GetRepositoryPolicy", name, region=THERE.region)
    lifecycle = await fleet.done("GetLifecyclePolicy", name, region=THERE.region)
    arn = {"resourceArn": repository["repositoryArn"]}
    tags = await fleet.done("ListTagsForResource", arn, region=THERE.region)
    assert json.loads(policy["policyText"]) == POLICY
    assert json.loads(lifecycle["lifecyclePolicyText"]) == LIFECYCLE
    assert tags == {"tags": [{"Key": "team", "Value": "core"}]}


async def test_without_a_template_there_are_defaults(fleet: Served) -> None:
    """Mutable, AES256, no policies, no tags."""
    fleet.world.push(HERE, "prod/api", "1")
    repository = await shown(fleet, "prod/api")
    assert repository["imageTagMutability"] == "MUTABLE"
    assert repository["encryptionConfiguration"] == {"encryptionType": "AES256"}
    name = {"repositoryName": "prod/api"}
    assert await fleet.refused("GetRepositoryPolicy", name, region=THERE.region) == (
        "RepositoryPolicyNotFoundException",
        (
            "Repository policy does not exist for the repository with name 'prod/api' in the "
            f"registry with id '{HUB}'"
        ),
    )
    assert await fleet.refused("GetLifecyclePolicy", name, region=THERE.region) == (
        "LifecyclePolicyNotFoundException",
        (
            "Lifecycle policy does not exist for the repository with name 'prod/api' in the "
            f"registry with id '{HUB}'"
        ),
    )
    arn = {"resourceArn": repository["repositoryArn"]}
    assert await fleet.done("ListTagsForResource", arn, region=THERE.region) == {"tags": []}
    elsewhere = await fleet.refused("ListTagsForResource", arn)
    assert elsewhere[0] == "InvalidParameterException"


def test_a_repository_that_is_there_stays_as_it_is(world: World) -> None:
    """Templates make repositories; they do not change any."""
    world.set_replication(HERE, RULES)
    world.push(HERE, "prod/api", "1")
    world.set_template(THERE, template("prod", imageTagMutability="IMMUTABLE"))
    world.push(HERE, "prod/api", "1")
    world.push(HERE, "prod/web", "1")
    kept, made = world.repository(THERE, "prod/api"), world.repository(THERE, "prod/web")
    assert kept is not None
    assert made is not None
    assert (kept.mutability, made.mutability) == ("MUTABLE", "IMMUTABLE")
    assert len(kept.images) == 2


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("prod/api", "prod"),
        ("prod/team/api", "prod/team/"),
        ("prod/teams/api", "prod"),
        ("production/api", "ROOT"),
        ("prod", "ROOT"),
        ("cache/api", "ROOT"),
    ],
)
def test_the_most_specific_one_is_followed(name: str, chosen: str) -> None:
    """Of those applied for replication; a prefix ends where a slash stands."""
    known = {
        "ROOT": template("ROOT"),
        "prod": template("prod"),
        "prod/team": template("prod/team/"),
        "cache": template("cache", "PULL_THROUGH_CACHE"),
    }
    followed = template_for(known, name)
    assert followed is not None
    assert followed["prefix"] == chosen
    assert template_for({"cache": known["cache"]}, "cache/api") is None


def test_excluded_tags_move_although_others_do_not(world: World) -> None:
    """And the other way round."""
    filters = [{"filterType": "WILDCARD", "filter": "dev*"}]
    for prefix, mutability in (("fixed", "IMMUTABLE"), ("free", "MUTABLE")):
        world.set_template(
            THERE,
            template(
                prefix,
                imageTagMutability=f"{mutability}_WITH_EXCLUSION",
                imageTagMutabilityExclusionFilters=filters,
            ),
        )
    world.set_replication(HERE, RULES)
    for name, tag, moves in (
        ("fixed/a", "dev-1", True),
        ("fixed/a", "1.0", False),
        ("free/a", "dev-1", False),
        ("free/a", "1.0", True),
    ):
        first = world.push(HERE, name, tag)
        second = world.push(HERE, name, tag)
        target = world.repository(THERE, name)
        assert target is not None
        holder = target.tagged(tag)
        assert holder is not None
        assert holder.digest == (second if moves else first).digest


PARTS = st.lists(st.sampled_from(("a", "b", "ab")), min_size=1, max_size=3).map("/".join)


@given(st.sets(PARTS, max_size=6), PARTS)
def test_the_choice_is_the_longest_path_above(prefixes: set[str], name: str) -> None:
    """A law, told by walking up the path."""
    known = {prefix: template(prefix) for prefix in prefixes}
    parts = name.split("/")
    above = ["/".join(parts[:length]) for length in range(len(parts) - 1, 0, -1)]
    expected = next((item for item in above if item in prefixes), None)
    followed = template_for(known, name)
    assert (None if followed is None else followed["prefix"]) == expected
