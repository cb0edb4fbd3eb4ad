"""The changes of the ownership record: the links and templates that a run may make ours, and then
has made ours.

A run claims before its first write what may become ours, and commits after its last what did: a run
that is killed in between leaves nothing behind that would count as foreign.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Replication
from fleet_repl.planning.change import Resource
from fleet_repl.planning.ownership import (
    Applied,
    Cells,
    Due,
    Record,
    both,
    cells_of,
    owned_of,
    together,
    without,
)
from fleet_repl.planning.plan import Plan, RegistryPlan, State
from fleet_repl.runs.outcomes import AS_PLANNED, Outcome, RegistryOutcome
from fleet_repl.values.names import Registry

_NOTHING = Applied()

Owed: TypeAlias = Mapping[Registry, Due]
"""The backfills that a plan's new links are owed, by source."""


def claim(record: Record, plan: Plan, owed: Owed) -> Record:
    """The record before the first write, with what the plan may make ours."""
    coming = {
        registry_plan.registry: together(
            record.get(registry_plan.registry, _NOTHING),
            replace(registry_plan.owned, due=owed.get(registry_plan.registry, {})),
        )
        for registry_plan in plan.registries
        if _may_gain(registry_plan)
    }
    return {**record, **coming} if coming else record


def commit(
    record: Record,
    before: Record,
    plan: Plan,
    outcomes: Iterable[RegistryOutcome],
    owed: Owed,
    *,
    latest: bool = True,
) -> Record:
    """The record after the plan was carried out: `record`, which others may have changed
    meanwhile, with what this run alone has to add and to take away.

    `before` is the record when this run had claimed nothing yet. Nothing leaves the record that
    came after the plan looked, and nothing at all unless `latest`: no other run has begun since.
    A registry of which nothing is ours any more leaves it.

    A plan from a file does not say what was on record when it was made, and a later run may have
    decided otherwise by now. Its run looks only at registries that it writes, so of the others
    their entries stay.
    """
    by_registry = {registry_plan.registry: registry_plan for registry_plan in plan.registries}
    seen = before if plan.basis is None else plan.basis.record
    updated = dict(record)
    for outcome in outcomes:
        registry_plan = by_registry[outcome.registry]
        if plan.basis is None and registry_plan.state is State.UNCHANGED:
            continue
        delta = _Delta.of(
            registry_plan,
            outcome,
            seen=seen.get(registry_plan.registry, _NOTHING),
            before=before.get(registry_plan.registry, _NOTHING),
        )
        current = record.get(registry_plan.registry, _NOTHING)
        applied = delta.applied_to(current, owed.get(registry_plan.registry, {}), forgets=latest)
        if applied == _NOTHING:
            updated.pop(registry_plan.registry, None)
        else:
            updated[registry_plan.registry] = applied
    return updated


def backfilled(record: Record, started: Mapping[Registry, Collection[Registry]]) -> Record:
    """The record without what is owed no more, because it is under way or done."""
    updated = dict(record)
    for source, ends in started.items():
        applied = record.get(source, _NOTHING)
        due = {end: since for end, since in applied.due.items() if end not in ends}
        if due != applied.due:
            updated[source] = replace(applied, due=due)
    return updated


@dataclass(frozen=True, slots=True, kw_only=True)
class _Delta:
    unread: bool = False
    """The registry could not be read, so nothing is known of it."""
    given_up: bool = False
    gained: Applied = _NOTHING
    lost: Applied = _NOTHING

    @classmethod
    def of(
        cls,
        registry_plan: RegistryPlan,
        outcome: RegistryOutcome,
        *,
        seen: Applied,
        before: Applied,
    ) -> _Delta:
        """`seen`: what the plan knew. `before`: what was on record before the announcement."""
        if registry_plan.state is State.UNREADABLE:
            return cls(unread=True, given_up=registry_plan.gone)
        coming = registry_plan.owned if _may_gain(registry_plan) else _NOTHING
        claimed_links = without(coming.links, before.links)
        claimed_templates = set(coming.templates).difference(before.templates)
        links, confirmed, left = _links(registry_plan, outcome)
        known = both(seen.links, claimed_links) if confirmed else claimed_links
        templates = set(registry_plan.owned.templates)
        gone = {*seen.templates, *claimed_templates} if _templates_as_planned(outcome) else set()
        return cls(
            gained=Applied(links=links, templates=tuple(templates)),
            lost=Applied(
                links=without(without(known, links), left), templates=tuple(gone - templates)
            ),
        )

    def applied_to(self, current: Applied, owed: Due, *, forgets: bool) -> Applied:
        """The record of the registry after it; only what was added, unless it `forgets`."""
        if self.unread:
            gives_up = self.given_up and current != _NOTHING
            return replace(current, given_up=True) if gives_up else current
        lost = self.lost if forgets else _NOTHING
        links = both(without(current.links, lost.links), self.gained.links)
        templates = {*current.templates}.difference(lost.templates).union(self.gained.templates)
        due = {end: since for end, since in {**current.due, **owed}.items() if end in links}
        return Applied(links=links, templates=tuple(sorted(templates)), due=due)


def _may_gain(registry_plan: RegistryPlan) -> bool:
    return any(change.resource is not Resource.REGISTRY_POLICY for change in registry_plan.changes)


def _links(registry_plan: RegistryPlan, outcome: RegistryOutcome) -> tuple[Cells, bool, Cells]:
    """Links that are surely or possibly ours by now, whether no others are that were, and what
    later writes were to change and may not have: it is whose it was.

    Example: the rules list `old/` and `last/`, both on record. The first wave takes `old/` away, a
    later wave fails to take `last/` away. Then `old/` leaves the record, and `last/` stays on it.
    """
    resource = Resource.REPLICATION_CONFIGURATION
    planned = [change for change in registry_plan.changes if change.resource is resource]
    written = [change for change in outcome.changes if change.resource is resource]
    if not planned or not written:
        return (
            ({}, False, {})
            if resource in registry_plan.refused
            else (registry_plan.owned.links, True, {})
        )
    links: Cells = {}
    last: int | None = None
    for turn, (change, ended) in enumerate(zip(planned, written, strict=False)):
        # A link may have been held after all.
        written_rules, planned_rules = (
            contents(write, Replication)[1] for write in (ended, change)
        )
        ours = owned_of(written_rules, planned_rules, registry_plan.owned.links)
        if ended.outcome in AS_PLANNED:
            links, last = ours, turn
        elif ended.in_doubt:
            links = both(links, ours)
    if last is None or any(ended.outcome is Outcome.FAILED for ended in written[:last]):
        return links, False, {}
    if last == len(written) - 1:
        return links, True, {}
    # Where nothing was written, what was found may be what a later write was to leave.
    _, left = contents(written[last], Replication)
    return links, written[last].outcome is Outcome.APPLIED, cells_of(left.rules)


def _templates_as_planned(outcome: RegistryOutcome) -> bool:
    """Taking an unwritten template for ours does no harm: its description tells whose it is."""
    return all(
        change.outcome in AS_PLANNED
        for change in outcome.changes
        if change.resource is Resource.CREATION_TEMPLATE
    )
