"""What goes on record: the links and templates that a run may make, and then has made, ours.

Before the first write the record says what may become ours, afterwards what did: a run that is
killed in between leaves nothing behind that would count as a stranger's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

from fleet_repl.names import Registry
from fleet_repl.outcomes import SETTLED, RegistryOutcome
from fleet_repl.ownership import Applied, Cells, Due, Record, both, owned_of, together
from fleet_repl.plan import Plan, RegistryPlan, Resource, State
from fleet_repl.rules import NO_RULES

_NOTHING = Applied()


Owed: TypeAlias = Mapping[Registry, Due]
"""What a plan's new links are owed, by source."""


def announced(record: Record, plan: Plan, owed: Owed) -> Record:
    """The record before the plan is carried out."""
    coming = {
        one.registry: together(
            record.get(one.registry, _NOTHING),
            replace(one.owned, due=owed.get(one.registry, {})),
        )
        for one in plan.registries
        if any(change.resource is not Resource.REGISTRY_POLICY for change in one.changes)
    }
    return {**record, **coming} if coming else record


def concluded(
    record: Record,
    before: Record,
    plan: Plan,
    outcomes: Iterable[RegistryOutcome],
    owed: Owed,
    *,
    latest: bool = True,
) -> Record:
    """The record after it. `before` is how it was when nothing was announced yet. A plan that is
    not the latest look at the fleet may not know what others made since: nothing is forgotten.

    A registry of which nothing is ours, and none of whose writes is in doubt, leaves it.
    """
    by_registry = {one.registry: one for one in plan.registries}
    found = dict(record)
    for outcome in outcomes:
        one = by_registry[outcome.registry]
        old = before.get(one.registry, _NOTHING)
        known = one if latest else replace(one, owned=together(old, one.owned))
        applied = _applied(known, outcome, old, owed.get(one.registry, {}))
        if applied == _NOTHING:
            found.pop(one.registry, None)
        else:
            found[one.registry] = applied
    return found


def backfilled(record: Record, started: Mapping[Registry, Collection[Registry]]) -> Record:
    """The record without what is owed no more, because it is under way or done."""
    found = dict(record)
    for source, ends in started.items():
        applied = record.get(source, _NOTHING)
        due = {end: since for end, since in applied.due.items() if end not in ends}
        if due != applied.due:
            found[source] = replace(applied, due=due)
    return found


def _applied(one: RegistryPlan, outcome: RegistryOutcome, old: Applied, owed: Due) -> Applied:
    if one.excuse is not None and old != _NOTHING:
        return replace(old, given_up=True)
    if one.state is State.UNREADABLE:
        return old
    links = _links(one, outcome, old.links)
    due = {end: since for end, since in {**old.due, **owed}.items() if end in links}
    return Applied(links=links, templates=_templates(one, outcome, old), due=due)


def _links(one: RegistryPlan, outcome: RegistryOutcome, old: Cells) -> Cells:
    resource = Resource.REPLICATION_CONFIGURATION
    planned = next((change for change in one.changes if change.resource is resource), None)
    written = next((change for change in outcome.changes if change.resource is resource), None)
    if planned is None or written is None:
        return old if resource in one.refused else one.owned.links
    if written.in_doubt:
        return both(old, one.owned.links)
    if written.outcome not in SETTLED:
        return old
    # A link may have been held after all.
    return owned_of(written.after or NO_RULES, planned.after or NO_RULES, one.owned.links)


def _templates(one: RegistryPlan, outcome: RegistryOutcome, old: Applied) -> tuple[str, ...]:
    """Taking an unwritten one for ours does no harm: its description tells whose it is."""
    resource = Resource.CREATION_TEMPLATE
    written = [change for change in outcome.changes if change.resource is resource]
    if all(change.outcome in SETTLED for change in written):
        return one.owned.templates
    return tuple(sorted({*old.templates, *one.owned.templates}))
