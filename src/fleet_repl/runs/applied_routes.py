"""Applied routes: the routes by name that a run has applied to their sources. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Replication
from fleet_repl.planning.change import Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.route_prefixes import RoutePrefixes
from fleet_repl.runs.outcomes import AS_PLANNED, RegistryOutcome
from fleet_repl.values.names import Registry


def applied_routes(
    resolved: Iterable[RoutePrefixes],
    outcomes: Mapping[Registry, RegistryOutcome],
    desired: Desired,
) -> tuple[RoutePrefixes, ...]:
    """Returns the routes whose source is as planned, or has rules for them that the run surely or
    possibly wrote. `desired` has all links that the routes may come to.

    Example: out of one source, route `golden` leads to the first wave and `team` to the second. A
    run that ends with the first wave has applied `golden`, and not `team`.
    """
    return tuple(
        item
        for item in resolved
        if item.source in outcomes and _is_applied(item, outcomes[item.source], desired)
    )


def _is_applied(item: RoutePrefixes, source: RegistryOutcome, desired: Desired) -> bool:
    if source.outcome in AS_PLANNED:
        return True
    links = desired.outgoing.get(item.source, ())
    ends = {link.destination for link in links if item.route in link.routes}
    return any(
        not ends.isdisjoint(contents(change, Replication)[1].outgoing)
        for change in source.changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
        and (change.outcome in AS_PLANNED or change.in_doubt)
    )
