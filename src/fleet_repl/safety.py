"""Objections: reasons to refuse a plan as a whole until somebody insists."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_repl.plan import Objection, RegistryPlan, Resource


def objections(registries: Iterable[RegistryPlan]) -> tuple[Objection, ...]:
    """What speaks against carrying out the plan of these registries without `--force`."""
    losing = [
        (one, end)
        for one in registries
        for change in one.changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
        and change.resource not in one.refused
        for end in change.links_removed
    ]
    if not losing:
        return ()
    first, end = losing[0]
    sources = len({one.registry for one, _ in losing})
    links = "1 link" if len(losing) == 1 else f"{len(losing)} links"
    where = f"{first.registry}" if sources == 1 else f"{sources} registries"
    them, they = ("it", "it") if len(losing) == 1 else ("them", "they")
    return (
        Objection(
            kind="foreign-rules",
            message=f"{links} out of {where} would be removed or narrowed, as no route asks for "
            f"{them}: {first.registry} → {end.registry}{' and others' if losing[1:] else ''}. "
            f"Nothing records that fleet-repl made {them}, so {they} may be somebody else's. Add "
            "a route for what must stay, or go on with --force.",
        ),
    )
