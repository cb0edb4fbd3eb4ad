"""Crowding: registries that routes send to more destinations than ECR takes.

Decided from sizes, so that a careless `to = {}` is a problem and not a full memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fleet_repl.inventory import Inventory
from fleet_repl.inventory.findings import nearest_line
from fleet_repl.topology.index import Fleet
from fleet_repl.topology.near_misses import counted
from fleet_repl.topology.reach import Reach
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Registry

Departures: TypeAlias = Mapping[Registry, Sequence[Reach]]
"""The routes that ask for links out of each source, in the inventory's order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowding:
    """The sources over the limit, and what to say about them."""

    sources: frozenset[Registry]
    problems: tuple[Problem, ...]


def find_crowding(departures: Departures, inventory: Inventory, fleet: Fleet) -> Crowding:
    """Check every source; those that the same routes bring over the limit are one problem."""
    limit = inventory.limits.destinations
    crowded: dict[tuple[int, ...], list[Registry]] = defaultdict(list)
    for source, reaches in departures.items():
        if _is_crowded(source, reaches, limit):
            crowded[tuple(one.number for one in reaches)].append(source)
    return Crowding(
        sources=frozenset(source for sources in crowded.values() for source in sources),
        problems=tuple(
            _problem(sources, departures[sources[0]], inventory, fleet)
            for _, sources in sorted(crowded.items())
        ),
    )


def _is_crowded(source: Registry, reaches: Sequence[Reach], limit: int) -> bool:
    counts = [one.count(source) for one in reaches]
    if sum(counts) <= limit:
        return False
    # Only counting out tells how far routes overlap; here each is known to be short.
    return max(counts) > limit or len(_destinations(source, reaches)) > limit


def _destinations(source: Registry, reaches: Sequence[Reach]) -> set[Registry]:
    return {end for one in reaches for end in one.candidates(source)} - {source}


def _problem(
    sources: Sequence[Registry], reaches: Sequence[Reach], inventory: Inventory, fleet: Fleet
) -> Problem:
    example = sources[0]
    name = fleet.accounts[example.account].name
    count = len(_destinations(example, reaches))
    routes = ", ".join(one.name for one in reaches)
    others = f"; so would {counted(len(sources) - 1, 'other registry')}" if sources[1:] else ""
    key = f"routes[{reaches[0].number}].to"
    return Problem(
        file=inventory.path,
        line=nearest_line(inventory.lines, key),
        key=key,
        message=f"{example} ({name}) would replicate to {count:,} registries, and ECR takes "
        f"{inventory.limits.destinations:,} unique destinations, because of "
        f"{'route' if len(reaches) == 1 else 'routes'} {routes}{others}",
        remedy="narrow `to`; or push to several source registries, each with its share of the "
        "destinations; or replicate to one hub in each region and let the others pull through it",
    )
