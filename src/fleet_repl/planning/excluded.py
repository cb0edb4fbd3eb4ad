"""Sparing: registries whose changes a plan shows, and which nothing writes to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from fleet_repl.planning.plan import RegistryPlan, operation_of
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


def spared(
    registries: Iterable[RegistryPlan], faults: Mapping[Registry, Fault]
) -> tuple[RegistryPlan, ...]:
    """The registries, those in `faults` without writes; each of theirs fails with that fault, and
    what hangs on it is held as after any other failure."""
    return tuple(
        _spared(one, faults[one.registry]) if one.registry in faults and one.changes else one
        for one in registries
    )


def _spared(one: RegistryPlan, fault: Fault) -> RegistryPlan:
    faults = {
        change.resource: replace(fault, operation=operation_of(change.resource, change.action))
        for change in one.changes
    }
    return replace(
        one,
        # What a change was refused for already says more.
        refused={**faults, **one.refused},
        error=one.error or next(iter(faults.values())),
        spared=True,
    )
