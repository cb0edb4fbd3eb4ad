"""What PutReplicationConfiguration takes and what it does not, in ECR's codes and words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.support.registries import registry_of
from tests.support.served import Serve, Served

from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.settings import Limits
from fleet_repl.values.canonical_json import Json

HUB, SPOKE = "1" * 12, "2" * 12
HERE = {"region": "us-east-1", "registryId": HUB}
THERE = {"region": "eu-west-1", "registryId": SPOKE}
PATTERN = "(?:[a-z0-9]+(?:[._-][a-z0-9]*)*/)*[a-z0-9]*(?:[._-][a-z0-9]*)*"


def rule(*destinations: Any, **members: Json) -> dict[str, Any]:
    return {"destinations": list(destinations), **members}


def prefixes(*texts: str) -> list[dict[str, str]]:
    return [{"filter": text, "filterType": "PREFIX_MATCH"} for text in texts]


def spokes(count: int, start: int = 0) -> list[dict[str, str]]:
    return [
        {"region": "eu-west-1", "registryId": f"{number:012}"}
        for number in range(start, start + count)
    ]


async def put(aws: Served, *rules: Any) -> Any:
    return await aws.ecr(
        "PutReplicationConfiguration", {"replicationConfiguration": {"rules": list(rules)}}
    )


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [rule()],
        [rule(THERE), rule(THERE)],
        [rule(THERE)] * 25,
        [rule(*spokes(25))],
        [rule(*spokes(13)), rule(*spokes(13, start=12))],
        [rule(THERE, repositoryFilters=prefixes(*(f"p{number}" for number in range(100))))],
        [rule(THERE, repositoryFilters=prefixes("ab", "a" * 256, "a/b-c_d.e/", "..", "a--b"))],
        [rule({"region": "eu-west-1", "registryId": HUB})],
        [rule({"region": "us-east-1", "registryId": "8" * 12})],
        [rule(THERE, deleteReplication={"enabled": True})],
    ],
    ids=lambda rules: f"{len(rules)} rules",
)
async def test_what_is_taken(aws: Served, rules: list[Any]) -> None:
    """Everything up to the limits, accounts that do not exist included, and it is stored as put."""
    answer = await put(aws, *rules)
    assert answer.status == 200, answer.body
    assert answer.json == {"replicationConfiguration": {"rules": rules}}
    assert aws.world.replication(registry_of(HUB, "us-east-1")) == {"rules": rules}


AT = "replicationConfiguration"


@pytest.mark.parametrize(
    ("rules", "at", "constraint"),
    [
        (
            [rule(THERE, HERE)],
            AT,
            "Replication destination cannot be the same as the source registry",
        ),
        (
            [rule(THERE)] * 26,
            f"{AT}.rules",
            "Member must have length less than or equal to 25",
        ),
        (
            [rule(THERE, repositoryFilters=[])],
            f"{AT}.rules[0].repositoryFilters",
            "Member must have length greater than or equal to 1",
        ),
        (
            [rule(THERE, repositoryFilters=prefixes(*(f"p{number}" for number in range(101))))],
            f"{AT}.rules[0].repositoryFilters",
            "Member must have length less than or equal to 100",
        ),
        (
            [rule(*([THERE] * 101))],
            f"{AT}.rules[0].destinations",
            "Member must have length less than or equal to 100",
        ),
        (
            [{"repositoryFilters": prefixes("ab")}],
            f"{AT}.rules[0].destinations",
            "Member must not be null",
        ),
        (
            [rule(THERE), rule(THERE, repositoryFilters=prefixes("ok", "a"))],
            f"{AT}.rules[1].repositoryFilters[1].filter",
            "Member must have length greater than or equal to 2",
        ),
        (
            [rule(THERE, repositoryFilters=prefixes("a" * 257))],
            f"{AT}.rules[0].repositoryFilters[0].filter",
            "Member must have length less than or equal to 256",
        ),
        (
            [rule(THERE, repositoryFilters=prefixes("Bad*"))],
            f"{AT}.rules[0].repositoryFilters[0].filter",
            f"must satisfy regular expression '{PATTERN}'",
        ),
        (
            [rule(THERE, repositoryFilters=[{"filter": "ab", "filterType": "WILDCARD"}])],
            f"{AT}.rules[0].repositoryFilters[0].filterType",
            "Member must satisfy enum value set: [PREFIX_MATCH]",
        ),
        (
            [rule({"region": "Mars!", "registryId": SPOKE})],
            f"{AT}.rules[0].destinations[0].region",
            "must satisfy regular expression '[0-9a-z-]{2,25}'",
        ),
        (
            [rule({"region": "cn-north-1", "registryId": SPOKE})],
            f"{AT}.rules[0].destinations[0].region",
            "'cn-north-1' is not a region",
        ),
        (
            [rule({"region": "eu-west-1", "registryId": "12345678901"})],
            f"{AT}.rules[0].destinations[0].registryId",
            "must satisfy regular expression '[0-9]{12}'",
        ),
        (
            [rule(THERE, colour="red")],
            f"{AT}.rules[0].colour",
            "Member is not known",
        ),
    ],
)
async def test_what_breaks_the_model(
    aws: Served, rules: list[Any], at: str, constraint: str
) -> None:
    """An InvalidParameterException with the member's path; nothing is written."""
    answer = await put(aws, *rules)
    assert (answer.status, answer.error) == (
        400,
        (
            "InvalidParameterException",
            f"Invalid parameter at '{at}' failed to satisfy constraint: '{constraint}'",
        ),
    )
    assert aws.world.writes == []
    assert aws.world.replication(registry_of(HUB, "us-east-1")) == {"rules": []}


@pytest.mark.parametrize(
    "rules",
    [
        [rule(*spokes(26))],
        [rule(*spokes(13)), rule(*spokes(13, start=13))],
    ],
    ids=["in one rule", "over all rules"],
)
async def test_unique_destinations_are_a_quota(aws: Served, rules: list[Any]) -> None:
    """More than 25 over all rules is a ValidationException."""
    answer = await put(aws, *rules)
    assert (answer.status, answer.error) == (
        400,
        (
            "ValidationException",
            (
                "The replication configuration has 26 unique destinations across all rules; at "
                "most 25 are allowed"
            ),
        ),
    )


@pytest.mark.parametrize(
    ("configuration", "message"),
    [
        ([], "replicationConfiguration is not a structure"),
        ({"rules": {}}, "replicationConfiguration.rules is not a list"),
        ({"rules": "ab"}, "replicationConfiguration.rules is not a list"),
        ({"rules": ["ab"]}, "replicationConfiguration.rules[0] is not a structure"),
        (
            {"rules": [rule({"region": 1, "registryId": SPOKE})]},
            "replicationConfiguration.rules[0].destinations[0].region is not a string",
        ),
        (
            {"rules": [rule(deleteReplication={"enabled": "yes"})]},
            "replicationConfiguration.rules[0].deleteReplication.enabled is not a boolean",
        ),
    ],
)
async def test_wrong_types_cannot_be_read(aws: Served, configuration: Json, message: str) -> None:
    """A SerializationException, as AWS answers where JSON has another type than the model."""
    answer = await aws.ecr(
        "PutReplicationConfiguration", {"replicationConfiguration": configuration}
    )
    assert (answer.status, answer.error) == (400, ("SerializationException", message))


async def test_raised_limits_are_the_worlds_too(served: Serve, inventory: Inventory) -> None:
    """An inventory that knows of higher limits gets them; lower ones are its own business."""
    raised = Limits(rules=30, destinations=26, filters=2)
    async with served(of=replace(inventory, limits=raised)) as aws:
        assert (await put(aws, rule(*spokes(26)), *([rule()] * 29))).status == 200
        assert (await put(aws, rule(*spokes(27)))).status == 400
        assert (await put(aws, *([rule()] * 31))).status == 400
        three = rule(THERE, repositoryFilters=prefixes("aa", "bb", "cc"))
        assert (await put(aws, three)).status == 200
