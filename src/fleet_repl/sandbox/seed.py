"""The world that an inventory and a scenario describe together.

Everything that the scenario names is checked against the inventory, and every document against
ECR's own rules, so that a slip in a scenario file is an error and not a wrong simulation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fleet_repl.inventory.model import Inventory
from fleet_repl.sandbox.aws_errors import AwsError
from fleet_repl.sandbox.directory import POLICY_SCOPE, Directory
from fleet_repl.sandbox.policy_documents import checked_policy
from fleet_repl.sandbox.rules import check_destinations
from fleet_repl.sandbox.scenario import QUIET, Scenario
from fleet_repl.sandbox.scenario_contents import Placed, RegistryScenario
from fleet_repl.sandbox.shapes import SHAPES, objects, read
from fleet_repl.sandbox.world import World
from fleet_repl.values.canonical_json import JsonObject, compact_json
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.values.errors import ScenarioError
from fleet_repl.values.names import Registry


def world_of(inventory: Inventory, *, scenario: Scenario = QUIET, clock: Clock = SYSTEM) -> World:
    """Returns a world with the inventory's accounts and roles, changed as the scenario says.

    The base identity is a user in account 999999999999, or in the account whose role is "none".
    Raises ScenarioError, one line per problem, where the scenario does not fit the inventory or
    holds documents that ECR would not take.
    """
    world = World(inventory, scenario, clock)
    problems = [*_unknown_names(scenario, world.directory)]
    for index, seed in enumerate(scenario.registries):
        problems.extend(_seed(world, seed, f"registries[{index}]"))
    for index, seed in enumerate(scenario.registries):
        problems.extend(_push(world, seed.place, seed.pushes, f"registries[{index}].pushes"))
    if problems:
        raise ScenarioError("\n".join(f"{scenario.file}: {problem}" for problem in problems))
    return world


def _unknown_names(scenario: Scenario, directory: Directory) -> Iterator[str]:
    """Yields a problem for each account and region of the scenario that the inventory lacks."""
    for index, rule in enumerate(scenario.faults):
        yield from _unknown(f"faults[{index}]", rule.accounts, rule.regions, directory)
    for index, account in enumerate(scenario.accounts):
        accounts = filter(None, (account.id, account.answers_as))
        yield from _unknown(f"accounts[{index}]", accounts, account.disabled_regions, directory)
    for index, region in enumerate(scenario.regions):
        yield from _unknown(f"regions[{index}]", (), [region.name], directory)
    placed: dict[str, Sequence[Placed]] = {
        "registries": scenario.registries,
        "services": scenario.services,
        "functions": scenario.functions,
        "queues": scenario.queues,
    }
    for kind, parts in placed.items():
        for index, part in enumerate(parts):
            yield from _unknown(f"{kind}[{index}]", [part.account], [part.region], directory)


def _unknown(
    at: str, accounts: Iterable[str], regions: Iterable[str], directory: Directory
) -> Iterator[str]:
    for account in accounts:
        if not directory.lists(account):
            yield (
                f"{at}: no account {account} in the inventory; name it there or in other_accounts"
            )
    for region in regions:
        if not directory.partition.holds(region):
            yield f"{at}: '{region}' is not a region of partition {directory.partition}"


def _seed(world: World, seed: RegistryScenario, at: str) -> Iterator[str]:
    """Fill a registry: images first, so that no rule replicates them."""
    registry = seed.place
    yield from _push(world, registry, seed.repositories, f"{at}.repositories")
    if seed.policy_scope is not None:
        world.set_setting(registry, POLICY_SCOPE, seed.policy_scope)
    try:
        for template in seed.templates:
            world.set_template(registry, template)
        if seed.replication is not None:
            world.set_replication(registry, _replication(world, seed))
        if seed.policy is not None:
            world.set_policy(registry, _policy(world, seed))
    except AwsError as error:
        yield f"{at}: {error.message}"
    if seed.unknown_fields and not (seed.replication or {}).get("rules"):
        yield f"{at}.unknown_fields: needs rules in replication to show up in"
    for name in sorted(seed.unknown_fields.keys() & SHAPES["ReplicationRule"].members):
        yield f"{at}.unknown_fields: {name} is known"


def _push(
    world: World, registry: Registry, images: Mapping[str, tuple[str, ...]], at: str
) -> Iterator[str]:
    for name, tags in images.items():
        yield from _objections(at, "RepositoryName", [name])
        yield from _objections(f"{at}.{name}", "PushedImageTag", tags)
        world.have_repository(registry, name)
        for tag in tags:
            world.push(registry, name, tag)


def _objections(at: str, shape: str, texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if (objection := SHAPES[shape].objection(text)) is not None:
            yield f"{at}: '{text}': {objection}"


def _replication(world: World, seed: RegistryScenario) -> JsonObject:
    configuration = read(
        seed.replication,
        "ReplicationConfiguration",
        "replicationConfiguration",
        limits=world.longest,
    )
    check_destinations(configuration, seed.place, world.directory.partition, world.limits)
    rules = objects(configuration.members["rules"])
    return {"rules": [{**rule, **seed.unknown_fields} for rule in rules]}


def _policy(world: World, seed: RegistryScenario) -> JsonObject:
    policy = checked_policy(
        compact_json(seed.policy),
        longest=world.limits.policy_bytes,
        partition=world.directory.partition,
        # A policy that is in place may name accounts that have been closed since.
        exists=lambda _: True,
    )
    return policy.document
