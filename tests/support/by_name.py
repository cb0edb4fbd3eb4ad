"""Fleets whose routes have `exclude` or `only`, and what their hub replicates."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.registries import registry_of
from tests.support.simulated import Simulated

from fleet_repl import Registry
from fleet_repl.sandbox import AccountScenario

HUB, SPOKE, THIRD = map(registry_of, "123")
ACCOUNTS = """version = 1
name = "named"
[aws]
role = "replication"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
name = "hub"
[[accounts]]
id = "222222222222"
[[accounts]]
id = "333333333333"
"""
PRIVATE = 'prefixes = ["base/"]\nexclude = ["base/private/"]'


def fleet(*routes: str) -> str:
    """An inventory whose routes lead from the hub to account 2: their other lines."""
    tables = [
        f'[[routes]]\nname = "r{number}"\nfrom = {{ accounts = "hub" }}\n'
        f'to = {{ accounts = "222222222222" }}\n{lines}\n'
        for number, lines in enumerate(routes, 1)
    ]
    return ACCOUNTS + "".join(tables)


def born(aws: Simulated, *names: str, registry: Registry = HUB) -> None:
    """Push to repositories, which thereby exist."""
    for name in names:
        aws.world.push(registry, name, "1")


def arrived(aws: Simulated, names: Iterable[str], registry: Registry = SPOKE) -> set[str]:
    """The repositories of which a push arrives now."""
    asked = list(names)
    for name in asked:
        aws.world.push(HUB, name, "now")
    return {name for name in asked if "now" in tags(aws, registry, name)}


def tags(aws: Simulated, registry: Registry, name: str) -> set[str]:
    """The tags of a repository's images."""
    return {tag for image in aws.world.images(registry, name) for tag in image.tags}


def links(aws: Simulated) -> set[str]:
    """What the rules of the hub ask for, such as `2 base/`."""
    return {
        f"{end['registryId'][0]} {item['filter']}"
        for rule in aws.rules(HUB)
        for end in rule["destinations"]
        for item in rule["repositoryFilters"]
    }


def unlistable(aws: Simulated) -> None:
    """Take the listing of repositories from the hub's role."""
    deny(aws, "ecr:DescribeRepositories")


def deny(aws: Simulated, action: str) -> None:
    """Take an IAM action from the hub's role."""
    aws.world.directory._peculiar[HUB.account] = AccountScenario(
        id=HUB.account, denied_actions=(action,)
    )


def from_third() -> str:
    return (
        '[[routes]]\nname = "third"\nfrom = { accounts = "333333333333" }\n'
        'to = { accounts = "222222222222" }\nexclude = ["base/private/"]\n'
    )
