"""Excluded registries: a plan shows their changes, and a run does not write them. Pure.

A registry is excluded for a fault that is given, or because an objection is about that registry
alone. An objection to the whole fleet, such as a threshold, excludes no registry: it refuses the
plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from fleet_repl.planning.change import operation_of
from fleet_repl.planning.objections import OF_REGISTRIES
from fleet_repl.planning.plan import Objection, RegistryPlan
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

ObjectionsTo: TypeAlias = Callable[[RegistryPlan], tuple[Objection, ...]]
"""Returns the objections to the changes of a registry."""


def exclude(
    registries: Iterable[RegistryPlan], faults: Mapping[Registry, Fault]
) -> tuple[RegistryPlan, ...]:
    """Returns the plans with every change of a registry in `faults` refused for that fault.

    Such a registry fails, and links that depend on it are held, as after any other failure.
    """
    return tuple(
        _excluded(planned, faults[planned.registry])
        if planned.registry in faults and planned.changes
        else planned
        for planned in registries
    )


def exclude_objected(
    registries: Iterable[RegistryPlan], against: tuple[Objection, ...], objections_to: ObjectionsTo
) -> tuple[tuple[RegistryPlan, ...], tuple[Objection, ...]]:
    """Returns the plans, with objected registries excluded, and the objections that remain.

    If one of the objections `against` the plan is about the whole fleet, or if only objected
    registries would be written, then none is excluded, and all objections remain.
    """
    plans = tuple(replace(planned, objections=objections_to(planned)) for planned in registries)
    faults = {
        planned.registry: _objected_fault(planned.objections)
        for planned in plans
        if planned.objections
    }
    rest = exclude(plans, faults)
    about_fleet = any(objection.kind not in OF_REGISTRIES for objection in against)
    if about_fleet or not any(planned.writes for planned in rest):
        return plans, against
    return rest, ()


def _excluded(planned: RegistryPlan, fault: Fault) -> RegistryPlan:
    faults = {
        change.resource: replace(fault, operation=operation_of(change.resource, change.action))
        for change in planned.changes
    }
    return replace(
        planned,
        # A change that was refused before keeps its own fault, which says more.
        refused={**faults, **planned.refused},
        error=planned.error or next(iter(faults.values())),
        spared=True,
    )


def _objected_fault(objections: tuple[Objection, ...]) -> Fault:
    reasons = "; ".join(f"{objection.kind}: {objection.message}" for objection in objections)
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="watch",
        message=f"excluded, as its correction is objected to: {reasons}",
        hint="plan this registry by hand to see what would go; a watch corrects it again once "
        "nothing speaks against that",
    )
