"""The links that a plan adds and removes, in a line for each route."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from fleet_repl.planning.change import Change, Resource
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.text.census import Census
from fleet_repl.reports.text.page import Page
from fleet_repl.reports.text.sections import add_rows
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted


@dataclass(slots=True)
class _Count:
    """The changing links of a route."""

    added: int = 0
    deleting: int = 0
    sources: set[Registry] = field(default_factory=set)
    destinations: set[Registry] = field(default_factory=set)

    def __str__(self) -> str:
        parts = [f"{counted(self.added, 'link')} to add"] if self.added else []
        if self.deleting:
            verb = "starts" if self.deleting == 1 else "start"
            parts.append(f"{counted(self.deleting, 'link')} {verb} to replicate deletions")
        sources = counted(len(self.sources), "source")
        return f"{', '.join(parts)}: {sources}, {counted(len(self.destinations), 'destination')}"


def add_route_totals(page: Page, plan: Plan, census: Census) -> None:
    """Adds a line for each route whose links change. A rollback adds none: no route asks for it."""
    if plan.rolls_back is not None:
        return
    counts: dict[str, _Count] = {}
    for route, source, destination, starts in _changes(plan):
        count = counts.setdefault(route, _Count())
        count.deleting += starts
        count.added += not starts
        count.sources.add(source)
        count.destinations.add(destination)
    place = {name: number for number, name in enumerate(census.routes)}
    ordered = sorted(counts, key=lambda name: (place.get(name, len(place)), name))
    rows = [(name, str(counts[name])) for name in ordered]
    removed = sum(len(change.links_removed) for _, change in plan.changes if _is_rules(change))
    if removed:
        rows.append(("no route", f"{counted(removed, 'link')} to remove or narrow"))
    if rows:
        page.heading("Routes")
        add_rows(page, rows)


def _changes(plan: Plan) -> Iterator[tuple[str, Registry, Registry, bool]]:
    """Yields route, source and destination of each new link, and whether only deletions are new."""
    for source, change in plan.changes:
        if _is_rules(change):
            for ends, starts in ((change.links_added, False), (change.deletes_started, True)):
                for end in ends:
                    for route in end.routes:
                        yield route, source, end.registry, starts


def _is_rules(change: Change) -> bool:
    return change.resource is Resource.REPLICATION_CONFIGURATION
