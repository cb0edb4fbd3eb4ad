"""Registries that a run leaves out, because objections are about them and about nobody else.

Pure. An objection to the whole fleet, such as a threshold, leaves nobody out: it refuses the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from fleet_repl.planning.excluded import spared
from fleet_repl.planning.objections import OF_REGISTRIES
from fleet_repl.planning.plan import Objection, RegistryPlan
from fleet_repl.values.errors import Fault, FaultKind

ObjectionsTo: TypeAlias = Callable[[RegistryPlan], tuple[Objection, ...]]
Excluded: TypeAlias = tuple[tuple[RegistryPlan, ...], tuple[Objection, ...]]


def without_objected(
    registries: Iterable[RegistryPlan],
    against: tuple[Objection, ...],
    objections_to: ObjectionsTo,
) -> Excluded:
    """The registries, those that are objected to without writes, and what refuses the rest.

    All writes stay, and all of `against` refuses them, where one objection is about the whole
    fleet or nothing but objected registries would be written.
    """
    named = tuple(replace(one, objections=objections_to(one)) for one in registries)
    faults = {one.registry: _fault(one.objections) for one in named if one.objections}
    rest = spared(named, faults)
    if any(one.kind not in OF_REGISTRIES for one in against) or not any(map(_writes, rest)):
        return named, against
    return rest, ()


def _writes(one: RegistryPlan) -> bool:
    return one.writes


def _fault(objections: tuple[Objection, ...]) -> Fault:
    reasons = "; ".join(f"{one.kind}: {one.message}" for one in objections)
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="watch",
        message=f"excluded, as its correction is objected to: {reasons}",
        hint="plan this registry by hand to see what would go; a watch corrects it again once "
        "nothing speaks against that",
    )
