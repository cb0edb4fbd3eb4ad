"""Waves: which registries are written together, and in which order.

A registry belongs to the first wave that selects it; those in no wave go last. Retired ones have
their turn as well: what the fleet made there is withdrawn in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.errors import Problem
from fleet_repl.inventory import REST, Inventory
from fleet_repl.names import Registry
from fleet_repl.topology.fleet import Fleet
from fleet_repl.topology.near_misses import counted
from fleet_repl.topology.notices import Notice
from fleet_repl.topology.unmatched import unmatched

IDLE_WAVE: Final = "idle-wave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """The order of a fleet's registries."""

    names: tuple[str, ...] = (REST,)
    """In order; `REST` is the last."""
    by_registry: Mapping[Registry, int] = field(default_factory=dict)
    """Positions in `names`; a registry that is missing is in the last."""

    def position(self, registry: Registry) -> int:
        """When a registry's turn is, counted from 0."""
        return self.by_registry.get(registry, len(self.names) - 1)

    def name(self, registry: Registry) -> str:
        """The wave of a registry."""
        return self.names[self.position(registry)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The waves of a fleet, and what the reader should know about them."""

    waves: Waves
    problems: tuple[Problem, ...] = ()
    """With any, the waves are not to be used."""
    notices: tuple[Notice, ...] = ()


def place_waves(inventory: Inventory, fleet: Fleet) -> Turns:
    """Resolve the selectors of all waves; `fleet` has the retired accounts too."""
    by_registry: dict[Registry, int] = {}
    problems: list[Problem] = []
    notices: list[Notice] = []
    for number, wave in enumerate(inventory.waves):
        selected = fleet.sources(wave.select)
        before = len(by_registry)
        for registry in selected:
            by_registry.setdefault(registry, number)
        if not selected:
            problems.append(unmatched(f"waves[{number}].select", wave.select, inventory, fleet))
        elif len(by_registry) == before:
            earlier = dict.fromkeys(by_registry[registry] for registry in selected)
            takers = [inventory.waves[one].name for one in sorted(earlier)]
            notices.append(_idle(wave.name, len(selected), takers))
    return Turns(
        waves=Waves(
            names=(*(wave.name for wave in inventory.waves), REST), by_registry=by_registry
        ),
        problems=tuple(problems),
        notices=tuple(notices),
    )


def _idle(name: str, count: int, takers: list[str]) -> Notice:
    by = f"wave {takers[0]}" if len(takers) == 1 else f"waves {', '.join(takers)}"
    those = "the 1 registry" if count == 1 else f"all {counted(count, 'registry')}"
    return Notice(
        kind=IDLE_WAVE,
        message=f"wave {name} writes nothing, because {those} that it selects "
        f"{'belongs' if count == 1 else 'belong'} to {by} already; put it first, or take it out",
        about=(frozenset({name}),),
    )
