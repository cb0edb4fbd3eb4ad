"""Objections: reasons to refuse a plan as a whole until somebody insists."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_repl.names import Registry
from fleet_repl.ownership import Applied, Record, cells_of
from fleet_repl.plan import Change, Objection, RegistryPlan, Resource
from fleet_repl.prefixes import covers
from fleet_repl.rules import NO_RULES, parse_document


def objections(registries: Iterable[RegistryPlan], record: Record) -> tuple[Objection, ...]:
    """What speaks against carrying out the plan of these registries without `--force`.

    Links that `record` shows to be the fleet's own may go without a word.
    """
    losing = [
        (one.registry, end)
        for one in registries
        for change in one.changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
        and change.resource not in one.refused
        for end in _strange(change, record.get(one.registry, Applied()))
    ]
    return (_foreign_rules(losing),) if losing else ()


def _strange(change: Change, applied: Applied) -> list[Registry]:
    """Destinations that lose a link of which nothing shows that the fleet made it."""
    if not change.links_removed:
        return []
    after = parse_document(change.after or NO_RULES).outgoing
    found = cells_of(parse_document(change.before or NO_RULES).rules)
    return sorted(
        end
        for end, prefixes in found.items()
        if any(
            prefix not in applied.links.get(end, ()) and not covers(after.get(end, ()), prefix)
            for prefix in prefixes
        )
    )


def _foreign_rules(losing: list[tuple[Registry, Registry]]) -> Objection:
    first, end = losing[0]
    sources = len({registry for registry, _ in losing})
    links = "1 link" if len(losing) == 1 else f"{len(losing)} links"
    where = f"{first}" if sources == 1 else f"{sources} registries"
    them, they = ("it", "it") if len(losing) == 1 else ("them", "they")
    return Objection(
        kind="foreign-rules",
        message=f"{links} out of {where} would be removed or narrowed, as no route asks for "
        f"{them}: {first} → {end}{' and others' if losing[1:] else ''}. "
        f"Nothing records that fleet-repl made {them}, so {they} may be somebody else's. Add "
        'a route for what must stay, keep it with rules = "additive", or go on with --force.',
    )
