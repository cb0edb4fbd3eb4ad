"""Counts what was compared, one repository after the other, and makes links and routes of it.

Only gaps are kept one by one: of a repository that is complete, the numbers alone.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from types import MappingProxyType
from typing import Final, TypeAlias, TypeVar

from fleet_repl.inventory import Inventory, Route
from fleet_repl.inventory.advice import command_of
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.repository_routes import There
from fleet_repl.runs.coverage.model import (
    Comparison,
    CoverageState,
    Gap,
    LinkCoverage,
    RouteCoverage,
    Tally,
    Unrouted,
)
from fleet_repl.topology import Link
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import selects
from fleet_repl.values.repositories import lists

K = TypeVar("K")

Repositories: TypeAlias = Mapping[Registry, Set[str]]
"""The names of the repositories of every registry that was read."""
_Pair: TypeAlias = tuple[Tally, Tally]
"""Repositories and images."""
NOTHING_KNOWN: Final[There] = MappingProxyType({})
_NONE: _Pair = (Tally(), Tally())


class CoverageTallies:
    """The numbers of a coverage so far."""

    def __init__(
        self,
        desired: Desired,
        routes: Iterable[Route],
        *,
        with_images: bool,
        there: There = NOTHING_KNOWN,
    ) -> None:
        """`there`: the repositories that count, of routes that leave new ones."""
        self._desired = desired
        self._there = there
        self._routes = {route.name: route for route in routes}
        self._with_images = with_images
        self._of_links: dict[Link, _Pair] = {}
        self._of_routes: dict[tuple[str, Link], _Pair] = {}
        self._gaps: dict[Link, list[Gap]] = defaultdict(list)

    def wants(self, link: Link, repository: str) -> bool:
        """Returns whether a route of the link asks for the repository."""
        return any(self._asks(name, link, repository) for name in link.routes)

    def _asks(self, name: str, link: Link, repository: str) -> bool:
        """Returns whether a route asks for the repository on a link and does not leave it new."""
        there = self._there.get(link.source, {}).get(name)
        return self._routes[name].wants(repository) and (there is None or repository in there)

    def add(
        self,
        link: Link,
        repository: str,
        comparison: Comparison | None,
        *,
        exists: bool,
        has_rule: bool,
    ) -> None:
        """Count a repository that the link has to carry. `comparison`: of its images; None where
        the destination has the repository, and only names of repositories are compared.

        An empty repository is never replicated, so its absence is no gap. Where all missing images
        are on their way, so is the repository.
        """
        if comparison is not None and not comparison.wanted and not exists:
            return
        missing = 0 if comparison is None else comparison.missing
        images = Tally()
        if comparison is not None and self._with_images:
            present = comparison.wanted - comparison.missing - comparison.pending
            images = Tally(comparison.wanted, present, comparison.pending)
        counted = Tally(1, int(exists), int(not exists and not missing)), images
        _count(self._of_links, link, counted)
        for name in link.routes:
            if self._asks(name, link, repository):
                _count(self._of_routes, (name, link), counted)
        if comparison is not None and missing:
            gap = Gap(
                repository=repository,
                exists=exists,
                has_rule=has_rule,
                missing=missing if self._with_images else None,
                newest=comparison.newest if self._with_images else (),
            )
            self._gaps[link].append(gap)

    def link(self, link: Link, *, unknown: bool, joining: str | None = None) -> LinkCoverage:
        """Returns the coverage of a link. `unknown`: one of its ends could not be read."""
        names, gaps = self._desired.names, self._gaps.get(link, [])
        repositories, images = self._of_links.get(link, _NONE)
        state = CoverageState.MISSING if gaps else CoverageState.COMPLETE
        if unknown:
            state = CoverageState.UNKNOWN
        elif link.destination.account not in self._desired.by_account:
            state = CoverageState.EXTERNAL
        return LinkCoverage(
            source=link.source,
            source_name=names[link.source.account],
            destination=link.destination,
            destination_name=names[link.destination.account],
            prefixes=link.prefixes,
            routes=link.routes,
            state=state,
            repositories=repositories,
            images=images if self._with_images else None,
            gaps=tuple(sorted(gaps, key=lambda gap: gap.repository)),
            joining=joining,
        )

    def routes(
        self, links: Mapping[Link, LinkCoverage], repositories: Repositories, inventory: Inventory
    ) -> Iterator[RouteCoverage]:
        """Yields the coverage of each route of these links, in the inventory's order."""
        of_routes: dict[str, list[Link]] = defaultdict(list)
        for link in links:
            for name in link.routes:
                of_routes[name].append(link)
        sources = self._sources()
        for name, route in self._routes.items():
            if name not in of_routes:
                continue
            own = of_routes[name]
            pairs = [self._of_routes.get((name, link), _NONE) for link in own]
            counted = [pair[self._with_images] for pair in pairs]
            shares = [tally.share for tally in counted if tally.share is not None]
            states = [links[link].state for link in own]
            yield RouteCoverage(
                name=name,
                unmatched=tuple(_unmatched(route, sources[name], repositories)),
                sources=len({link.source for link in own}),
                repositories=Tally.total(pair[0] for pair in pairs),
                images=Tally.total(pair[1] for pair in pairs) if self._with_images else None,
                least=min(shares, default=None),
                unknown=states.count(CoverageState.UNKNOWN),
                objective=route.complete,
                external=set(states) == {CoverageState.EXTERNAL},
                remedy=_remedy(route, [links[link] for link in own], inventory),
            )

    def _sources(self) -> Mapping[str, Set[Registry]]:
        sources: dict[str, set[Registry]] = defaultdict(set)
        for source, links in self._desired.outgoing.items():
            for link in links:
                for name in link.routes:
                    sources[name].add(source)
        return sources


def unrouted(
    sources: Iterable[Registry],
    repositories: Repositories,
    desired: Desired,
    routes: Iterable[Route],
) -> Iterator[Unrouted]:
    """Yields the sources with repositories that no route carries.

    Two kinds are left out: what a route leaves out by name, which is on purpose, and what the
    source itself gets by replication, which came from a registry whose routes carry it.
    """
    by_name = {route.name: route for route in routes}
    for source in sources:
        links = (*desired.outgoing.get(source, ()), *desired.incoming.get(source, ()))
        own = [
            by_name[name] for name in dict.fromkeys(name for link in links for name in link.routes)
        ]
        names = tuple(
            name
            for name in sorted(repositories.get(source, ()))
            if not any(
                route.wants(name) or (selects(route.prefixes, name) and lists(route.exclude, name))
                for route in own
            )
        )
        if names:
            yield Unrouted(registry=source, name=desired.names[source.account], repositories=names)


def _count(tallies: dict[K, _Pair], key: K, counted: _Pair) -> None:
    repositories, images = tallies.get(key, _NONE)
    tallies[key] = repositories.plus(counted[0]), images.plus(counted[1])


def _unmatched(route: Route, sources: Set[Registry], repositories: Repositories) -> Iterator[str]:
    """Yields the prefixes and the entries of `only` that match no repository."""
    if not sources <= repositories.keys():
        return
    for text in route.only or route.prefixes:
        names = (name for source in sources for name in repositories[source])
        if not any(lists((text,), name) if route.only else name.startswith(text) for name in names):
            yield text


def _remedy(route: Route, links: Sequence[LinkCoverage], inventory: Inventory) -> str | None:
    """Returns what to do about the gaps of a route, and the commands on lines of their own."""
    gaps = [gap for link in links for gap in link.gaps if route.wants(gap.repository)]
    if not gaps:
        return None
    backfill = f"{command_of(inventory, 'backfill')} --route {shlex.quote(route.name)}"
    if all(gap.has_rule for gap in gaps):
        return f"images that were pushed before the rule need a backfill:\n{backfill}"
    return (
        "its rules are not in place yet; this makes them, and copies what is there already:\n"
        f"{command_of(inventory, 'apply')}\n{backfill}"
    )
