"""Losses: the writes of a plan that take links away, as objections name them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fleet_repl.planning.plan import Change, LinkEnd, RegistryPlan, Resource
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A write of rules that takes links away."""

    registry: Registry
    change: Change

    @property
    def links(self) -> tuple[LinkEnd, ...]:
        return self.change.links_removed

    def __str__(self) -> str:
        return f"{self.registry} → {self.links[0].registry}"


def losses_of(registries: Iterable[RegistryPlan]) -> Iterator[Loss]:
    """Yields the losses of every registry whose rules may be written."""
    for registry_plan in registries:
        for change in registry_plan.changes:
            if (
                change.resource is Resource.REPLICATION_CONFIGURATION
                and change.resource not in registry_plan.refused
                and change.links_removed
            ):
                yield Loss(registry=registry_plan.registry, change=change)


def others(count: int) -> str:
    """Returns the words that follow the first of `count` examples."""
    return " and others" if count > 1 else ""
