"""What replication rules say of one repository: where it goes, and where deletions follow.

AWS does not say what rules mean that overlap; here it is their union, for deletions too.
"""

from __future__ import annotations

from collections.abc import Iterator

from fleet_repl.canonical import JsonObject
from fleet_repl.names import AccountId, Region, Registry
from fleet_repl.sandbox.shapes import objects


def destinations(configuration: JsonObject, source: Registry, name: str) -> tuple[Registry, ...]:
    """Where the rules of `source` send the repository, each destination once, in their order."""
    return _destinations(_selecting(configuration, name), source)


def deleting(configuration: JsonObject, source: Registry, name: str) -> tuple[Registry, ...]:
    """Where they send its deletions."""
    rules = [one for one in _selecting(configuration, name) if _deletes(one)]
    return _destinations(rules, source)


def all_destinations(configuration: JsonObject) -> frozenset[Registry]:
    """Every registry that some rule names."""
    return frozenset(
        one for rule in objects(configuration.get("rules")) for one in _registries(rule)
    )


def _selecting(configuration: JsonObject, name: str) -> list[JsonObject]:
    return [one for one in objects(configuration.get("rules")) if _selects(one, name)]


def _destinations(rules: list[JsonObject], source: Registry) -> tuple[Registry, ...]:
    found = (one for rule in rules for one in _registries(rule))
    return tuple(dict.fromkeys(one for one in found if one != source))


def _selects(rule: JsonObject, name: str) -> bool:
    """PREFIX_MATCH: `prod` selects `production/x` too; no filters select every repository."""
    filters = rule.get("repositoryFilters")
    return filters is None or any(
        name.startswith(str(one.get("filter"))) for one in objects(filters)
    )


def _deletes(rule: JsonObject) -> bool:
    setting = rule.get("deleteReplication")
    return isinstance(setting, dict) and setting.get("enabled") is True


def _registries(rule: JsonObject) -> Iterator[Registry]:
    for one in objects(rule.get("destinations")):
        yield Registry(AccountId(str(one.get("registryId"))), Region(str(one.get("region"))))
