"""Decides whether a plan may be applied, from what speaks against it and what overrides that.

Pure. Whoever applies a plan gathers the objections that have come up since it was made, and asks
here once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from fleet_repl.planning.objections import outstanding
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan
from fleet_repl.planning.plan_warnings import UNKNOWN_FIELDS
from fleet_repl.values.errors import FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """A plan that may be applied, and what had to be overridden for that."""

    plan: Plan
    """With the writes that are allowed by now, although it was made without them."""
    objections: tuple[Objection, ...]
    """All of them are overridden."""
    forced: bool
    """`force` has overridden something."""
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A plan that must not be applied."""

    plan: Plan
    objections: tuple[Objection, ...]
    because: str


def authorize(
    plan: Plan,
    *,
    force: bool,
    allow: Collection[str],
    objections: Iterable[Objection],
    digest: Callable[[Plan], str],
) -> Authorized | Refused:
    """Decide whether a plan may be applied against its own objections and further `objections`.

    `force` overrides every kind but "collateral" and "protected", which `allow` does; `allow` may
    hold "unknown-fields" too. `digest` names the plan that results.
    """
    kinds = {objection.kind for objection in plan.objections}
    further = (objection for objection in objections if objection.kind not in kinds)
    against = (*plan.objections, *further)
    allowed = with_allowed_writes(plan, allow)
    if allowed is not plan:
        # It is another plan: with the digest of the first it could not be read again.
        allowed = replace(allowed, digest=digest(allowed))
    left = outstanding(against, force=force, allow=allow)
    if left:
        kinds_left = ", ".join(dict.fromkeys(objection.kind for objection in left))
        because = f"the plan was refused: {kinds_left}"
        return Refused(plan=allowed, objections=against, because=because)
    return Authorized(
        plan=allowed,
        objections=against,
        forced=force and bool(against),
        allowed=tuple(sorted(set(allow))),
    )


def with_allowed_writes(plan: Plan, allow: Collection[str]) -> Plan:
    """A plan that no longer refuses the writes that are in `allow`; its digest is the old one."""
    if UNKNOWN_FIELDS not in allow:
        return plan
    registries = tuple(map(_overwriting_unknown_fields, plan.registries))
    return plan if registries == plan.registries else replace(plan, registries=registries)


def _overwriting_unknown_fields(registry: RegistryPlan) -> RegistryPlan:
    refused = {
        resource: fault
        for resource, fault in registry.refused.items()
        if fault.kind is not FaultKind.UNKNOWN_FIELDS
    }
    if len(refused) == len(registry.refused):
        return registry
    error = None if registry.error in registry.refused.values() else registry.error
    return replace(registry, refused=refused, error=next(iter(refused.values()), error))
