"""Objections: reasons to refuse a plan as a whole until the operator overrides them.

Each says what is too much, which setting says so, and what to do about it. The caller decides by
`outstanding` whether the plan is carried out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Replication, rule_words
from fleet_repl.inventory import Safety
from fleet_repl.planning.ownership import Applied, Record, taken_out, without
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan
from fleet_repl.planning.route_prefixes import RoutePrefixes
from fleet_repl.planning.thresholds import (
    Loss,
    losses_of,
    max_changed,
    max_removals,
    max_unreadable,
    others,
)
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted, day_and_time, listed

PROTECTED: Final = "protected"
COLLATERAL: Final = "collateral"
NEVER_FORCED: Final = frozenset({COLLATERAL, PROTECTED})
"""The kinds of objection that `--allow` clears, by the same words, and `--force` does not."""
OF_REGISTRIES: Final = frozenset({*NEVER_FORCED, "foreign-rules", "unknown-rule"})
"""The kinds of objection that are about single registries; any other is about the whole fleet."""
_USUAL: Final = Safety()


def objections(
    registries: Sequence[RegistryPlan],
    record: Record,
    *,
    safety: Safety = _USUAL,
    protected: Collection[Registry] = frozenset(),
    resolved: Iterable[RoutePrefixes] = (),
    allow: Collection[str] = (),
) -> tuple[Objection, ...]:
    """Returns the objections to a plan of these registries, which are all that are in scope.

    Within the thresholds of `safety`, links on record as the fleet's own may go without an
    objection. None of `protected` may lose a link unless "protected" is in `allow`, and `resolved`
    may have no collateral unless "collateral" is.
    """
    losses = tuple(losses_of(registries))
    possible = (
        _foreign_rules(losses, record),
        unknown_rules(registries),
        max_removals(losses, registries, safety.max_removals),
        max_changed(registries, safety.max_changed),
        max_unreadable(registries, safety.max_unreadable),
        None if PROTECTED in allow else _protected(losses, protected),
        None if COLLATERAL in allow else collateral_objection(resolved, registries),
    )
    return tuple(objection for objection in possible if objection is not None)


def objections_to(
    registry_plan: RegistryPlan,
    record: Record,
    *,
    protected: Collection[Registry] = frozenset(),
    resolved: Iterable[RoutePrefixes] = (),
    allow: Collection[str] = (),
) -> tuple[Objection, ...]:
    """Returns the objections to the changes of one registry, whatever else the plan does."""
    losses = tuple(losses_of([registry_plan]))
    possible = (
        _foreign_rules(losses, record),
        unknown_rules([registry_plan]),
        None if PROTECTED in allow else _protected(losses, protected),
        None if COLLATERAL in allow else collateral_objection(resolved, [registry_plan]),
    )
    return tuple(objection for objection in possible if objection is not None)


def collateral_objection(
    resolved: Iterable[RoutePrefixes], registries: Iterable[RegistryPlan]
) -> Objection | None:
    """Against carrying repositories out of these registries that a route does not ask for, because
    ECR cannot tell them from those that it does ask for."""
    planned = {registry_plan.registry for registry_plan in registries}
    every = [
        (item, pair) for item in resolved for pair in item.collateral if item.source in planned
    ]
    if not every:
        return None
    item, pair = every[0]
    more = f" (and {counted(len(every) - 1, 'other case')})" if every[1:] else ""
    return Objection(
        kind="collateral",
        message=f"route {item.route} cannot carry {pair.wanted} out of {item.source} without "
        f"{listed(pair.unwanted, 3)}{more}: ECR's filters are prefixes, and every prefix of "
        f"{pair.wanted} matches both. Rename a repository, or let the route ask for both or for "
        "neither. To let this run carry both, give --allow collateral; --force is not enough.",
    )


def differs(plan: Plan) -> bool:
    """Returns whether the fleet differs from the inventory: it has to change, or it carries
    repositories that a route does not ask for and that no change can keep out."""
    return bool(plan.changes) or any(item.kind == COLLATERAL for item in plan.objections)


def unknown_rules(registries: Iterable[RegistryPlan]) -> Objection | None:
    """Against removing rules of unknown meaning."""
    lost = [
        (registry_plan.registry, *rule)
        for registry_plan in registries
        for rule in registry_plan.lost_rules
    ]
    if not lost:
        return None
    registry, place, rule = lost[0]
    them = "it" if len(lost) == 1 else "them"
    return Objection(
        kind="unknown-rule",
        message=f"{counted(len(lost), 'rule')} whose meaning is not known would be removed: "
        f"{registry}, {rule_words(place, rule)}{others(len(lost))}. Nobody can tell what ECR does "
        f"without {them}. To keep {them}, plan again without --force; else go on with --force.",
    )


def rolled_back_objection(run_id: str, by: str, at: datetime) -> Objection:
    """Against an inventory that was applied by the run `run_id`, which the run `by` took back."""
    return Objection(
        kind="rolled-back",
        message=f"run {by} rolled back run {run_id}, which had applied this version of the "
        f"inventory, on {day_and_time(at)}. To apply it again would undo that. Change the "
        "inventory, or go on with --force.",
    )


def unreadable_marks_objection(reason: str) -> Objection:
    """Against any inventory while nobody can tell which versions of it were rolled back."""
    return Objection(
        kind="rolled-back",
        message=f"{reason}. So nobody can tell whether this version of the inventory was rolled "
        "back, and to apply it again would undo that. Mend the document, or go on with --force, "
        "which begins it anew and keeps the old one beside it.",
    )


def outstanding(
    objections: Iterable[Objection], *, force: bool, allow: Collection[str] = ()
) -> tuple[Objection, ...]:
    """The objections that still refuse a plan: `force` clears all but `NEVER_FORCED`."""
    return tuple(
        objection
        for objection in objections
        if not (objection.kind in allow if objection.kind in NEVER_FORCED else force)
    )


def _foreign_rules(losses: Sequence[Loss], record: Record) -> Objection | None:
    losing = []
    for loss in losses:
        gone = taken_out(*contents(loss.change, Replication), covered=False)
        recorded = record.get(loss.registry, Applied()).links
        losing += [(loss.registry, end) for end in sorted(without(gone, recorded))]
    if not losing:
        return None
    first, end = losing[0]
    sources = len({registry for registry, _ in losing})
    where = f"{first}" if sources == 1 else f"{sources:,} registries"
    them, they = ("it", "it") if len(losing) == 1 else ("them", "they")
    advice = (
        f"Nothing records that fleet-repl made {them}, so {they} may be somebody else's. Add "
        'a route for what must stay, keep it with rules = "additive", or go on with --force.'
    )
    return Objection(
        kind="foreign-rules",
        message=f"{counted(len(losing), 'link')} out of {where} would be removed or narrowed, as "
        f"no route asks for {them}: {first} → "
        f"{end}{others(len(losing))}. {advice if record else _FIRST_RUN}",
    )


_FIRST_RUN: Final = (
    "Nothing is on record for this fleet yet, so whatever is in place may be somebody else's. "
    'By default (rules = "exclusive") the inventory is the whole truth about the rules of every '
    "registry that it lists, and what no route asks for goes. To take over what is in place, let "
    "`fleet-repl import INVENTORY` print routes for it. To leave it to others, write "
    'rules = "additive", in [ownership] or for one account. To let it go, go on with --force.'
)


def _protected(losses: Iterable[Loss], protected: Collection[Registry]) -> Objection | None:
    losing = [loss for loss in losses if loss.registry in protected]
    if not losing:
        return None
    links = sum(len(loss.links) for loss in losing)
    them = "it" if links == 1 else "them"
    sources = dict.fromkeys(loss.registry for loss in losing)
    where = f"{losing[0].registry}" if len(sources) == 1 else f"{len(sources):,} registries"
    verb = "is" if len(sources) == 1 else "are"
    return Objection(
        kind="protected",
        message=f"{counted(links, 'link')} out of {where}, which {verb} protected, would be "
        f"removed or narrowed: {losing[0]}{others(links)}. Look whether a route, a label or an "
        f"account has got lost. --force is not enough to let {them} go: give --allow protected.",
    )
