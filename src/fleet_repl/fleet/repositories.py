"""Routes by name of a connected fleet: their prefixes, as the repositories of their sources are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import anyio.to_thread

from fleet_repl.engine.observe import observe
from fleet_repl.fleet.event_sinks import ignored
from fleet_repl.fleet.kept_plan import PlanError
from fleet_repl.inventory import Inventory
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.plan import Plan, Warning
from fleet_repl.planning.repository_routes import (
    Kept,
    There,
    kept_after,
    linked_by_name,
    released,
    repositories_there,
    repository_warnings,
    resolve_routes,
)
from fleet_repl.planning.route_prefixes import RoutePrefixes
from fleet_repl.runs.applied_routes import applied_routes
from fleet_repl.runs.outcomes import Report
from fleet_repl.state import read_repositories, revise_repositories
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from fleet_repl.fleet.context import RunContext


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """The fleet's routes once the repositories of sources are known."""

    desired: Desired
    routes: tuple[RoutePrefixes, ...] = ()
    warnings: tuple[Warning, ...] = ()

    @property
    def registries(self) -> frozenset[Registry]:
        """The registries whose rules or grants follow from repositories."""
        sources = {item.source for item in self.routes}
        links = (link for source in sources for link in self.desired.outgoing.get(source, ()))
        return frozenset(sources).union(link.destination for link in links)


async def resolved_routes(context: RunContext, observation: Observation) -> Resolved:
    """Resolves the routes by name out of the sources whose repositories were read.

    Raises StateError where nobody can tell which repositories a route leaves.
    """
    inventory, desired = context.inventory, context.desired
    repositories = {
        source: seen.repositories
        for source, seen in observation.items()
        if isinstance(seen, Observed) and seen.repositories is not None
    }
    if not repositories:
        return Resolved(desired=desired)
    there = await known_there(context)
    # In a thread: many sources may have many repositories, and a lock has to be renewed.
    return await anyio.to_thread.run_sync(_resolved, inventory, desired, repositories, there)


def _resolved(
    inventory: Inventory,
    desired: Desired,
    repositories: Mapping[Registry, tuple[str, ...]],
    there: There,
) -> Resolved:
    routes = resolve_routes(inventory, desired, repositories, there)
    return Resolved(
        desired=linked_by_name(inventory, desired, routes),
        routes=routes,
        warnings=tuple(repository_warnings(inventory, routes, repositories)),
    )


async def known_there(context: RunContext) -> There:
    """Returns the repositories that count, of routes that leave new ones. Raises StateError."""
    inventory = context.inventory
    if all(route.new_repositories == "include" for route in inventory.routes):
        return {}
    kept = await read_repositories(context.store, _names(inventory))
    return repositories_there(kept, inventory)


async def live_desired(
    sources: Collection[Registry], context: RunContext
) -> tuple[Desired, Mapping[Registry, Fault]]:
    """Returns the desired state with the routes by name out of these sources resolved, and the
    sources whose repositories could not be read: their links have all that the routes may match.
    Raises StateError."""
    named = context.desired.by_name.intersection(sources)
    if not named:
        return context.desired, {}
    observation = await _observed(named, context)
    unread = {
        source: seen.error for source, seen in observation.items() if isinstance(seen, Unreadable)
    }
    return (await resolved_routes(context, observation)).desired, unread


async def checked_again(plan: Plan, context: RunContext, *, force: bool) -> Plan:
    """Returns a plan out of a file with what its routes by name come to now.

    Raises PlanError where they need other prefixes than when it was made, unless `force`. A source
    whose repositories cannot be read is passed over: its rules were planned from a good answer.
    """
    if plan.basis is not None or not plan.resolved:
        return plan
    sources = {item.source for item in plan.resolved}
    resolved = await resolved_routes(context, await _observed(sources, context))
    now = {(item.source, item.route): item for item in resolved.routes}
    again = [now.get((item.source, item.route), item) for item in plan.resolved]
    changed = [
        item
        for item, planned in zip(again, plan.resolved, strict=True)
        if item.prefixes != planned.prefixes
    ]
    if changed and not force:
        raise PlanError(
            f"the plan is stale: the repositories of {changed[0].source} have changed since it was "
            f"made, and route {changed[0].route} needs other prefixes there\n"
            "    plan again, and see what is different now"
        )
    return plan if changed else replace(plan, resolved=tuple(again))


async def claim_repositories(plan: Plan, context: RunContext) -> Kept:
    """Keeps, before the first write, the repositories that the routes which leave new ones are
    about to be applied for: a run that is killed loses nothing. Returns what was kept before.
    Raises StateError."""
    names = _names(context.inventory)
    before = await read_repositories(context.store, names)
    sources = {item.source for item in plan.resolved}
    await revise_repositories(
        context.store,
        names,
        lambda kept: kept_after(kept, context.inventory, plan.resolved, sources),
    )
    return before


async def keep_repositories(
    report: Report, plan: Plan, context: RunContext, before: Kept | None
) -> None:
    """Keeps the repositories that the routes which leave new ones were applied for. `before`: what
    was kept before the run claimed any; None for a run that claimed none. Raises StateError."""
    outcomes = {outcome.registry: outcome for outcome in report.registries}
    applied = applied_routes(plan.resolved, outcomes, context.desired)
    known = {(item.source, item.route) for item in applied}
    unapplied = [item for item in plan.resolved if (item.source, item.route) not in known]
    sources = {item.source for item in applied}

    def after(kept: Kept) -> Kept:
        unclaimed = kept if before is None else released(kept, before, unapplied)
        return kept_after(unclaimed, context.inventory, applied, sources)

    await revise_repositories(context.store, _names(context.inventory), after)


def _names(inventory: Inventory) -> tuple[str, ...]:
    """The fleet's name, and those that it had before."""
    return (inventory.name, *inventory.ownership.formerly)


async def _observed(sources: Collection[Registry], context: RunContext) -> Observation:
    """Reads the rules and the repositories of these sources."""
    how = replace(
        context.observing({}),
        owner=None,
        with_templates=(),
        with_repositories=sources,
        on_event=ignored,
    )
    observation, _ = await observe(sources, how)
    return observation
