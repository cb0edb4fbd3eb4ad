"""Replication rules: ECR's demands beyond the shapes of their members, and the destinations that
they give a repository.

AWS does not document the meaning of overlapping rules; here it is their union, for deletions too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fleet_repl.inventory.settings import Limits
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.shapes import Structure, objects
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Partition, Region, Registry

_AT: Final = "replicationConfiguration"


def check_destinations(
    configuration: Structure, source: Registry, partition: Partition, limits: Limits
) -> None:
    """Raise AwsError for a destination in another partition, the source itself, or too many."""
    destinations = set()
    for i, rule in enumerate(configuration.inners("rules")):
        for k, destination in enumerate(rule.inners("destinations")):
            region, account = destination.text("region"), destination.text("registryId")
            if not partition.holds(region):
                at = f"{_AT}.rules[{i}].destinations[{k}].region"
                raise invalid_parameter(at, f"'{region}' is not a region")
            destinations.add(Registry(AccountId(account), Region(region)))
    if source in destinations:
        raise invalid_parameter(
            _AT, "Replication destination cannot be the same as the source registry"
        )
    if len(destinations) > limits.destinations:
        raise AwsError(
            "ValidationException",
            f"The replication configuration has {len(destinations)} unique destinations across "
            f"all rules; at most {limits.destinations} are allowed",
        )


def destinations(configuration: JsonObject, source: Registry, name: str) -> tuple[Registry, ...]:
    """Returns where the rules of `source` replicate a repository to, in the order of the rules."""
    return _elsewhere(_selecting(configuration, name), source)


def deletion_destinations(
    configuration: JsonObject, source: Registry, name: str
) -> tuple[Registry, ...]:
    """Returns where the rules replicate the deletions of a repository to."""
    rules = _selecting(configuration, name)
    return _elsewhere([rule for rule in rules if _deletes(rule)], source)


def all_destinations(configuration: JsonObject) -> tuple[Registry, ...]:
    """Returns every destination of the rules once."""
    return _destinations(objects(configuration.get("rules")))


def _selecting(configuration: JsonObject, name: str) -> list[JsonObject]:
    return [rule for rule in objects(configuration.get("rules")) if _selects(rule, name)]


def _selects(rule: JsonObject, name: str) -> bool:
    """PREFIX_MATCH: `prod` selects `production/x` too; no filters select every repository."""
    filters = rule.get("repositoryFilters")
    prefixes = [str(item.get("filter")) for item in objects(filters)]
    return filters is None or name.startswith(tuple(prefixes))


def _deletes(rule: JsonObject) -> bool:
    setting = rule.get("deleteReplication")
    return isinstance(setting, dict) and setting.get("enabled") is True


def _elsewhere(rules: Iterable[JsonObject], source: Registry) -> tuple[Registry, ...]:
    return tuple(registry for registry in _destinations(rules) if registry != source)


def _destinations(rules: Iterable[JsonObject]) -> tuple[Registry, ...]:
    return tuple(
        dict.fromkeys(
            Registry(AccountId(str(item.get("registryId"))), Region(str(item.get("region"))))
            for rule in rules
            for item in objects(rule.get("destinations"))
        )
    )
