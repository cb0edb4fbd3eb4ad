"""Excluded registries: a plan shows their changes, and a run does not write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from fleet_repl.planning.plan import RegistryPlan, operation_of
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


def spared(
    registries: Iterable[RegistryPlan], faults: Mapping[Registry, Fault]
) -> tuple[RegistryPlan, ...]:
    """Returns the plans with every change of a registry in `faults` refused for that fault.

    Such a registry fails, and links that depend on it are held, as after any other failure.
    """
    return tuple(
        _spared(planned, faults[planned.registry])
        if planned.registry in faults and planned.changes
        else planned
        for planned in registries
    )


def _spared(planned: RegistryPlan, fault: Fault) -> RegistryPlan:
    faults = {
        change.resource: replace(fault, operation=operation_of(change.resource, change.action))
        for change in planned.changes
    }
    return replace(
        planned,
        # What a change was refused for already says more.
        refused={**faults, **planned.refused},
        error=planned.error or next(iter(faults.values())),
        spared=True,
    )
