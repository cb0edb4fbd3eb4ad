"""The reads of a plan: its scope, and the registries that decisions about the scope depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fleet_repl.engine.observe import ObserveContext, observe
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Effort
from fleet_repl.values.names import Registry


async def survey(
    scope: frozenset[Registry], desired: Desired, observe_context: ObserveContext
) -> tuple[dict[Registry, Observed | Unreadable], dict[Registry, Effort]]:
    """Reads the scope and the registries that its plan depends on.

    After an interruption some observations are missing.
    """
    observations, efforts = await observe(scope | _neighbours(scope, desired), observe_context)
    further = _grantees(scope, observations, desired) - observations.keys()
    if further and not observe_context.stop.interrupted:
        more, more_efforts = await observe(further, replace(observe_context, over=0.0))
        observations |= more
        efforts |= more_efforts
    return observations, efforts


def _neighbours(scope: frozenset[Registry], desired: Desired) -> frozenset[Registry]:
    """Returns the managed registries at the other ends of the scope's links."""
    if len(scope) == len(desired.registries):
        return frozenset()
    ends = {link.destination for source in scope for link in desired.outgoing.get(source, ())}
    ends |= {link.source for end in scope for link in desired.incoming.get(end, ())}
    return frozenset(ends) & frozenset(desired.registries)


def _grantees(
    scope: frozenset[Registry],
    observations: Mapping[Registry, Observed | Unreadable],
    desired: Desired,
) -> set[Registry]:
    """Returns the listed registries of accounts that the policies of the scope grant something."""
    accounts = {
        grant.source
        for registry in scope
        if isinstance(observed := observations.get(registry), Observed)
        and observed.policy is not None
        for grant in observed.policy.in_use
    }
    return {registry for account in accounts for registry in desired.by_account.get(account, ())}
