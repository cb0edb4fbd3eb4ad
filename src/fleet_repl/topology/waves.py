"""Waves: which links are written together, and in which order; and what may lose no link.

A registry belongs to the first wave that selects it, and a link to the first wave that selects
either of its ends; what is in no wave goes last. Retired accounts have their turn as well: what
the fleet made there is withdrawn in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fleet_repl.inventory import REST, Inventory
from fleet_repl.topology.index import Fleet
from fleet_repl.topology.links import Link, Notice
from fleet_repl.topology.near_misses import unmatched
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted, named

IDLE_WAVE: Final = "idle-wave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """The order of a fleet's registries and links."""

    names: tuple[str, ...] = (REST,)
    """In order; `REST` is the last."""
    by_registry: Mapping[Registry, int] = field(default_factory=dict)
    """Positions in `names`; a registry that is missing is in the last."""
    delayed: Mapping[tuple[Registry, Registry], int] = field(default_factory=dict)
    """Links that a plan writes in a later wave than their own: source, destination → position."""

    def position(self, registry: Registry) -> int:
        """The position of a registry's wave, from 0."""
        return self.by_registry.get(registry, len(self.names) - 1)

    def name(self, registry: Registry) -> str:
        return self.names[self.position(registry)]

    def of_link(self, source: Registry, destination: Registry) -> int:
        """The position of a link's wave: the first that selects either of its ends, or the later
        one to which the plan has delayed it."""
        if self.delayed and (source, destination) in self.delayed:
            return self.delayed[source, destination]
        return min(self.position(source), self.position(destination))


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The waves of a fleet, with their problems and notices."""

    waves: Waves
    problems: tuple[Problem, ...] = ()
    """With any, the waves are not to be used."""
    notices: tuple[Notice, ...] = ()


def place_waves(
    inventory: Inventory,
    fleet: Fleet,
    links: Sequence[Link] = (),
    with_templates: Collection[Registry] = (),
) -> Turns:
    """Resolves the selectors of all waves. `fleet` has the retired accounts too.

    `links` are all that routes ask for; registries `with_templates` have creation templates.
    """
    selected = [fleet.sources(wave.select) for wave in inventory.waves]
    by_registry: dict[Registry, int] = {}
    for number, registries in enumerate(selected):
        for registry in registries:
            by_registry.setdefault(registry, number)
    waves = Waves(names=(*(wave.name for wave in inventory.waves), REST), by_registry=by_registry)
    retired = (registry for registry in by_registry if fleet.accounts[registry.account].retired)
    return Turns(
        waves=waves,
        problems=tuple(
            unmatched(f"waves[{number}].select", inventory.waves[number].select, inventory, fleet)
            for number, registries in enumerate(selected)
            if not registries
        ),
        notices=tuple(_idle_waves(selected, waves, links, {*with_templates, *retired})),
    )


def _idle_waves(
    selected: Sequence[Sequence[Registry]],
    waves: Waves,
    links: Sequence[Link],
    written: Collection[Registry],
) -> Iterator[Notice]:
    """Yields a notice for each wave in which the inventory leaves nothing to write. The registries
    in `written` have something to be written in their own wave, whatever the links."""
    linked = {waves.of_link(link.source, link.destination) for link in links}
    for number, registries in enumerate(selected):
        own = [registry for registry in registries if waves.by_registry[registry] == number]
        if registries and not own:
            yield _too_late(number, registries, waves)
        elif (
            own
            and links
            and number not in linked
            and not any(registry in written for registry in own)
        ):
            yield _without_links(number, registries, waves, links)


def _too_late(number: int, registries: Sequence[Registry], waves: Waves) -> Notice:
    count = len(registries)
    takers = _named({waves.position(registry) for registry in registries}, waves)
    selected = "the 1 registry" if count == 1 else f"all {counted(count, 'registry')}"
    return _idle(
        waves.names[number],
        f"writes nothing, because {selected} that it selects "
        f"{'belongs' if count == 1 else 'belong'} to {takers} already; put it first, or take it "
        "out",
    )


def _without_links(
    number: int, registries: Sequence[Registry], waves: Waves, links: Sequence[Link]
) -> Notice:
    members = frozenset(registries)
    taking = {
        waves.of_link(link.source, link.destination)
        for link in links
        if link.source in members or link.destination in members
    }
    selected = f"the {counted(len(registries), 'registry')} that it selects"
    if taking:
        why = (
            f"every link of {selected} belongs to {_named(taking, waves)} already, by its other "
            "end; put it first, or take it out"
        )
    else:
        why = f"no route links {selected}; select others, or take it out"
    return _idle(waves.names[number], f"makes no link, because {why}")


def _named(positions: Collection[int], waves: Waves) -> str:
    return named("wave", [waves.names[position] for position in sorted(positions)])


def _idle(name: str, why: str) -> Notice:
    return Notice(kind=IDLE_WAVE, message=f"wave {name} {why}", about=(frozenset({name}),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """The registries that `protected` selects."""

    registries: frozenset[Registry] = frozenset()
    problems: tuple[Problem, ...] = ()
    """With any, some registries may be missing."""


def protect(inventory: Inventory, fleet: Fleet) -> Protection:
    """Resolves the selectors of `protected`. `fleet` has the retired accounts too."""
    protected: set[Registry] = set()
    problems: list[Problem] = []
    for number, selector in enumerate(inventory.safety.protected):
        selected = fleet.sources(selector)
        protected.update(selected)
        if not selected:
            problems.append(unmatched(f"safety.protected[{number}]", selector, inventory, fleet))
    return Protection(registries=frozenset(protected), problems=tuple(problems))
