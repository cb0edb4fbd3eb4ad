"""What a plan may be carried out as: with what somebody has allowed, and what has come up since
it was made."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from fleet_repl.fleet.apply import Execution
from fleet_repl.fleet.plan import rolled_back
from fleet_repl.fleet.recover import recover
from fleet_repl.planning.plan import Plan, RegistryPlan
from fleet_repl.planning.plan_warnings import UNKNOWN_FIELDS
from fleet_repl.reports import plan_digest
from fleet_repl.values.errors import FaultKind


async def with_leave(
    execution: Execution, *, force: bool, allow: frozenset[str], until: str | None
) -> Execution:
    """The same plan as whoever applies it wants it, told of what it does not know yet."""
    plan, means = execution.plan, execution.means
    objections, warnings = execution.objections, execution.warnings
    if plan.rolls_back is None:
        kinds = {one.kind for one in objections}
        since = await rolled_back(plan.registries, means)
        objections = (*objections, *(one for one in since if one.kind not in kinds))
    if plan.changes:
        found = await recover(means)
        warnings = (*warnings, *(one for one in found if one not in warnings))
    allowed = without_refusals(plan, allow)
    return replace(
        execution,
        plan=allowed,
        digests=frozenset({plan.digest, allowed.digest}),
        objections=objections,
        warnings=warnings,
        forced=force and bool(objections),
        allowed=tuple(sorted(allow)),
        until=until,
    )


def without_refusals(plan: Plan, allow: Collection[str]) -> Plan:
    """A plan with the writes that are allowed by now, although it was made without that."""
    if UNKNOWN_FIELDS not in allow:
        return plan
    registries = tuple(map(_overwriting, plan.registries))
    if registries == plan.registries:
        return plan
    # It is another plan: with the digest of the first it could not be read again.
    allowed = replace(plan, registries=registries)
    return replace(allowed, digest=plan_digest(allowed))


def _overwriting(one: RegistryPlan) -> RegistryPlan:
    refused = {
        resource: fault
        for resource, fault in one.refused.items()
        if fault.kind is not FaultKind.UNKNOWN_FIELDS
    }
    if len(refused) == len(one.refused):
        return one
    error = None if one.error in one.refused.values() else one.error
    return replace(one, refused=refused, error=next(iter(refused.values()), error))
