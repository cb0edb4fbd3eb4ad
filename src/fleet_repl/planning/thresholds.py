"""Thresholds: objections to removing, changing or failing to read more than allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fleet_repl.inventory import Amount
from fleet_repl.planning.change import Change, LinkEnd, Resource
from fleet_repl.planning.plan import Objection, RegistryPlan, State
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted


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


FEWEST: Final = 10
"""With fewer links, no share is looked at: one of three links in place is a third already."""


def max_removals(
    losses: Sequence[Loss], registries: Iterable[RegistryPlan], limit: Amount
) -> Objection | None:
    """Against removing more links than `limit`. Nobody knows what an unreadable registry has in
    place, so it makes no share smaller."""
    lost: Counter[Registry] = Counter()
    for loss in losses:
        lost[loss.registry] += len(loss.links)
    removed = sum(lost.values())
    # Links that go were in place, even where the plan does not say how many others were.
    in_place = sum(
        max(registry_plan.in_place, lost[registry_plan.registry])
        for registry_plan in registries
        if registry_plan.state is not State.UNREADABLE
    )
    few = limit.percent is not None and in_place < FEWEST
    if few or limit.allows(removed, in_place):
        return None
    return Objection(
        kind="max-removals",
        message=f"{removed:,} of {counted(in_place, 'link')} in place would be removed or "
        f"narrowed, and max_removals allows {_allowance(limit, in_place)}: "
        f"{losses[0]}{others(removed)}. Look whether a route, a label or an account has got lost. "
        "If they shall go, go on with --force, or raise max_removals in [safety].",
    )


def max_changed(registries: Sequence[RegistryPlan], limit: Amount) -> Objection | None:
    """Against changing more registries than `limit`."""
    changed = [
        registry_plan for registry_plan in registries if registry_plan.state is State.CHANGED
    ]
    if limit.allows(len(changed), len(registries)):
        return None
    # Where the limit is a share, a plan of fewer registries exceeds it just as soon.
    fewer = "" if limit.count is None else "change fewer with --account, --label or --region, "
    return Objection(
        kind="max-changed",
        message=f"{len(changed):,} of {counted(len(registries), 'registry')} would be changed, and "
        f"max_changed allows {_allowance(limit, len(registries))}: {_named(changed)}. If that is "
        f"meant, {fewer}go on with --force, or raise max_changed in [safety].",
    )


def max_unreadable(registries: Sequence[RegistryPlan], limit: Amount) -> Objection | None:
    """Against writing while more registries than `limit` could not be read without an excuse."""
    unreadable = [
        registry_plan
        for registry_plan in registries
        if registry_plan.state is State.UNREADABLE and registry_plan.excuse is None
    ]
    few = limit.percent is not None and len(unreadable) < FEWEST
    if few or limit.allows(len(unreadable), len(registries)):
        return None
    return Objection(
        kind="max-unreadable",
        message=f"{len(unreadable):,} of {counted(len(registries), 'registry')} could not be read, "
        f"and max_unreadable allows {_allowance(limit, len(registries))}: {_named(unreadable)}. "
        "The plan has their errors. If the rest shall be written all the same, go on with "
        "--force, or raise max_unreadable in [safety].",
    )


def _allowance(limit: Amount, whole: int) -> str:
    """`9 (30%)`, or a count by itself."""
    share = "" if limit.percent is None else f" ({limit})"
    return f"{limit.most(whole):,}{share}"


def _named(registries: Sequence[RegistryPlan]) -> str:
    """The first registry, as an example."""
    first = registries[0]
    return f"{first.registry} ({first.name}){others(len(registries))}"
