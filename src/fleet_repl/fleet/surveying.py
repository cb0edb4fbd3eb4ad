"""Which registries have to be read so that a scope can be planned, and reading them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from fleet_repl.engine.observe import Observing, observe
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Effort
from fleet_repl.values.names import Registry


async def survey(
    scope: frozenset[Registry], desired: Desired, how: Observing
) -> tuple[dict[Registry, Observed | Unreadable], dict[Registry, Effort]]:
    """Read the scope and whatever its plan depends on. After an interruption some are missing."""
    found, efforts = await observe(scope | _neighbours(scope, desired), how)
    further = _grantees(scope, found, desired) - found.keys()
    if further and not how.stop.interrupted:
        more, more_efforts = await observe(further, replace(how, over=0.0))
        found |= more
        efforts |= more_efforts
    return found, efforts


def _neighbours(scope: frozenset[Registry], desired: Desired) -> frozenset[Registry]:
    """Managed registries at the other end of a link into or out of the scope."""
    if len(scope) == len(desired.registries):
        return frozenset()
    ends = {link.destination for one in scope for link in desired.outgoing.get(one, ())}
    ends |= {link.source for one in scope for link in desired.incoming.get(one, ())}
    return frozenset(ends) & frozenset(desired.registries)


def _grantees(
    scope: frozenset[Registry],
    found: Mapping[Registry, Observed | Unreadable],
    desired: Desired,
) -> set[Registry]:
    """Listed registries of accounts that the scope grants anything today."""
    accounts = {
        grant.source
        for one in scope
        if isinstance(seen := found.get(one), Observed) and seen.policy is not None
        for grant in seen.policy.in_use
    }
    return {one for account in accounts for one in desired.by_account.get(account, ())}
