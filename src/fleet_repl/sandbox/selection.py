"""What replication rules say of a repository: where it goes, and where its deletions follow.

AWS does not say what rules mean that overlap; here it is their union, for deletions too.
"""

from __future__ import annotations

from collections.abc import Iterable

from fleet_repl.canonical import JsonObject
from fleet_repl.names import AccountId, Region, Registry
from fleet_repl.sandbox.shapes import objects


def destinations(configuration: JsonObject, source: Registry, name: str) -> tuple[Registry, ...]:
    """Where the rules of `source` send the repository, each destination once, in their order."""
    return _elsewhere(_selecting(configuration, name), source)


def deleting(configuration: JsonObject, source: Registry, name: str) -> tuple[Registry, ...]:
    """Where the rules send the repository's deletions."""
    rules = _selecting(configuration, name)
    return _elsewhere([rule for rule in rules if _deletes(rule)], source)


def all_destinations(configuration: JsonObject) -> tuple[Registry, ...]:
    """Every registry that some rule names, each once."""
    return _destinations(objects(configuration.get("rules")))


def _selecting(configuration: JsonObject, name: str) -> list[JsonObject]:
    return [rule for rule in objects(configuration.get("rules")) if _selects(rule, name)]


def _selects(rule: JsonObject, name: str) -> bool:
    """PREFIX_MATCH: `prod` selects `production/x` too; no filters select every repository."""
    filters = rule.get("repositoryFilters")
    prefixes = [str(each.get("filter")) for each in objects(filters)]
    return filters is None or name.startswith(tuple(prefixes))


def _deletes(rule: JsonObject) -> bool:
    setting = rule.get("deleteReplication")
    return isinstance(setting, dict) and setting.get("enabled") is True


def _elsewhere(rules: Iterable[JsonObject], source: Registry) -> tuple[Registry, ...]:
    return tuple(registry for registry in _destinations(rules) if registry != source)


def _destinations(rules: Iterable[JsonObject]) -> tuple[Registry, ...]:
    return tuple(
        dict.fromkeys(
            Registry(AccountId(str(each.get("registryId"))), Region(str(each.get("region"))))
            for rule in rules
            for each in objects(rule.get("destinations"))
        )
    )
