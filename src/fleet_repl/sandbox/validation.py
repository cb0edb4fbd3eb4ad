"""What ECR takes for a replication configuration and for a registry policy, and what not.

Broken shapes are InvalidParameterException, the quota on unique destinations ValidationException
(ECR's word for rules that are well-formed but not to be had). A policy's ARNs are not looked at
beyond its principals: ECR takes resources that can never match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fleet_repl import limits
from fleet_repl.canonical import Json, JsonObject
from fleet_repl.inventory.model import Limits
from fleet_repl.names import Partition, Registry
from fleet_repl.sandbox.policy import principals_of, statements_of, texts
from fleet_repl.sandbox.refusals import Refusal, invalid_parameter
from fleet_repl.sandbox.registries import Policy
from fleet_repl.sandbox.shapes import Structure, Text

_REGION: Final = Text(pattern=re.compile(r"[0-9a-z-]{2,25}"))
_REGISTRY_ID: Final = Text(pattern=re.compile(r"[0-9]{12}"))
_FILTER: Final = Text(
    pattern=limits.FILTER_PATTERN,
    shortest=limits.FILTER_LENGTH[0],
    longest=limits.FILTER_LENGTH[1],
)
_FILTER_TYPE: Final = Text(values=("PREFIX_MATCH",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a world holds documents against."""

    partition: Partition
    limits: Limits
    exists: Callable[[str], bool]
    """Whether an account does."""


def checked_replication(value: Json, registry: Registry, terms: Terms) -> JsonObject:
    """The replication configuration as it will be shown, or Refusal."""
    at = "replicationConfiguration"
    document = Structure.read(value, frozenset({"rules"}), at)
    rules = [
        _rule(Structure.read(rule, _RULE, path), terms)
        for path, rule in document.items("rules", 0, terms.limits.rules)
    ]
    destinations = {one for _, found in rules for one in found}
    if (registry.account, registry.region) in destinations:
        raise invalid_parameter(
            at, "Replication destination cannot be the same as the source registry"
        )
    if len(destinations) > terms.limits.destinations:
        raise Refusal(
            "ValidationException",
            f"The replication configuration has {len(destinations)} unique destinations across "
            f"all rules; at most {terms.limits.destinations} are allowed",
        )
    return {"rules": [rule for rule, _ in rules]}


_RULE: Final = frozenset({"destinations", "repositoryFilters", "deleteReplication"})


def _rule(rule: Structure, terms: Terms) -> tuple[JsonObject, set[tuple[str, str]]]:
    found: list[tuple[str, str]] = []
    for path, value in rule.items("destinations", 0, limits.DESTINATIONS_PER_RULE):
        one = Structure.read(value, frozenset({"region", "registryId"}), path)
        region, registry_id = one.text("region", _REGION), one.text("registryId", _REGISTRY_ID)
        if not terms.partition.holds(region):
            raise invalid_parameter(one.path("region"), f"'{region}' is not a region")
        found.append((registry_id, region))
    shown: dict[str, Json] = {
        "destinations": [{"region": region, "registryId": one} for one, region in found]
    }
    filters = rule.optional_items("repositoryFilters", 1, terms.limits.filters)
    if filters is not None:
        shown["repositoryFilters"] = [_filter(value, path) for path, value in filters]
    deletes = rule.optional_inner("deleteReplication", frozenset({"enabled"}))
    if deletes is not None:
        shown["deleteReplication"] = {"enabled": deletes.flag("enabled", default=False)}
    return shown, set(found)


def _filter(value: Json, path: str) -> JsonObject:
    one = Structure.read(value, frozenset({"filter", "filterType"}), path)
    return {
        "filter": one.text("filter", _FILTER),
        "filterType": one.text("filterType", _FILTER_TYPE),
    }
