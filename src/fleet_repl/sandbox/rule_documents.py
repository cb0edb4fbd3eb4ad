"""What ECR takes for a replication configuration.

Broken shapes are InvalidParameterException; the quota on unique destinations is
ValidationException, ECR's word for rules that are well-formed but not to be had.
"""

from __future__ import annotations

import re
from typing import Final

from fleet_repl import limits
from fleet_repl.canonical import Json, JsonObject
from fleet_repl.inventory.model import Limits
from fleet_repl.names import AccountId, Partition, Region, Registry
from fleet_repl.sandbox.aws_errors import AwsError, invalid_parameter
from fleet_repl.sandbox.shapes import Structure, Text

REGION: Final = Text(pattern=re.compile(r"[0-9a-z-]{2,25}"))
REGISTRY_ID: Final = Text(pattern=re.compile(r"[0-9]{12}"))
_FILTER: Final = Text(
    pattern=limits.FILTER_PATTERN,
    shortest=limits.FILTER_LENGTH[0],
    longest=limits.FILTER_LENGTH[1],
)
MEMBERS: Final = frozenset({"destinations", "repositoryFilters", "deleteReplication"})
"""What a rule may have."""
_FILTER_TYPE: Final = Text(values=("PREFIX_MATCH",))


def checked_replication(
    value: Json, *, registry: Registry, partition: Partition, most: Limits
) -> JsonObject:
    """The replication configuration of `registry` as it will be shown. Raises AwsError."""
    asked = Structure.read(value, frozenset({"rules"}), "replicationConfiguration")
    rules, destinations = [], set()
    for path, item in asked.items("rules", 0, most.rules):
        rule = Structure.read(item, MEMBERS, path)
        found = _destinations(rule, partition)
        destinations.update(found)
        rules.append(_shown(rule, found, most))
    if registry in destinations:
        raise invalid_parameter(
            asked.at, "Replication destination cannot be the same as the source registry"
        )
    if len(destinations) > most.destinations:
        raise AwsError(
            "ValidationException",
            f"The replication configuration has {len(destinations)} unique destinations across "
            f"all rules; at most {most.destinations} are allowed",
        )
    return {"rules": rules}


def _destinations(rule: Structure, partition: Partition) -> list[Registry]:
    found = []
    for path, value in rule.items("destinations", 0, limits.DESTINATIONS_PER_RULE):
        one = Structure.read(value, frozenset({"region", "registryId"}), path)
        region, registry_id = one.text("region", REGION), one.text("registryId", REGISTRY_ID)
        if not partition.holds(region):
            raise invalid_parameter(one.path("region"), f"'{region}' is not a region")
        found.append(Registry(AccountId(registry_id), Region(region)))
    return found


def _shown(rule: Structure, destinations: list[Registry], most: Limits) -> JsonObject:
    shown: dict[str, Json] = {
        "destinations": [{"region": one.region, "registryId": one.account} for one in destinations]
    }
    filters = rule.optional_items("repositoryFilters", 1, most.filters)
    if filters is not None:
        shown["repositoryFilters"] = [_filter(value, path) for path, value in filters]
    deletes = rule.optional_inner("deleteReplication", frozenset({"enabled"}))
    if deletes is not None:
        shown["deleteReplication"] = {"enabled": deletes.required_flag("enabled")}
    return shown


def _filter(value: Json, path: str) -> JsonObject:
    one = Structure.read(value, frozenset({"filter", "filterType"}), path)
    return {
        "filter": one.text("filter", _FILTER),
        "filterType": one.text("filterType", _FILTER_TYPE),
    }
