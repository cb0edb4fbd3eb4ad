"""Two things that repositories and templates have alike: resource tags, and how image tags move."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from fleet_repl.canonical import Json, JsonObject
from fleet_repl.sandbox.aws_errors import invalid_parameter
from fleet_repl.sandbox.shapes import Structure, Text

MUTABILITY: Final = Text(
    values=("MUTABLE", "IMMUTABLE", "IMMUTABLE_WITH_EXCLUSION", "MUTABLE_WITH_EXCLUSION")
)
FILTERS: Final = "imageTagMutabilityExclusionFilters"
_FILTER: Final = Text(pattern=re.compile(r"[0-9a-zA-Z._*-]{1,128}"), shortest=1, longest=128)
_FILTER_TYPE: Final = Text(values=("WILDCARD",))
_KEY: Final = Text(shortest=1, longest=128)
_VALUE: Final = Text(longest=256)
_MOST_TAGS: Final = 50


def checked_tags(asked: Structure, name: str) -> tuple[JsonObject, ...] | None:
    """The resource tags of a member, or None where it is absent. Raises AwsError."""
    items = asked.optional_items(name, 0, _MOST_TAGS)
    if items is None:
        return None
    found: list[JsonObject] = []
    for at, value in items:
        one = Structure.read(value, frozenset({"Key", "Value"}), at)
        found.append({"Key": one.text("Key", _KEY), "Value": one.text("Value", _VALUE)})
    if len({one["Key"] for one in found}) < len(found):
        raise invalid_parameter(asked.path(name), "Tag keys must be unique")
    return tuple(found)


def mutability_of(asked: Structure) -> dict[str, Json]:
    """`imageTagMutability` and its exclusions, as far as they are asked for. Raises AwsError."""
    wanted = asked.optional_text("imageTagMutability", MUTABILITY)
    filters = asked.optional_items(FILTERS, 1, 5)
    found: dict[str, Json] = {} if wanted is None else {"imageTagMutability": wanted}
    if filters is not None:
        found[FILTERS] = [_filter(at, value) for at, value in filters]
    return found


def check_exclusions(settings: Mapping[str, Json]) -> None:
    """Exclusions go with the two settings that have them in their names; raises AwsError."""
    wanted = str(settings.get("imageTagMutability")).endswith("_WITH_EXCLUSION")
    if wanted is not bool(settings.get(FILTERS)):
        raise invalid_parameter(
            FILTERS,
            "goes with an imageTagMutability of IMMUTABLE_WITH_EXCLUSION or "
            "MUTABLE_WITH_EXCLUSION, and only with those",
        )


def _filter(at: str, value: Json) -> JsonObject:
    one = Structure.read(value, frozenset({"filterType", "filter"}), at)
    return {
        "filterType": one.text("filterType", _FILTER_TYPE),
        "filter": one.text("filter", _FILTER),
    }
