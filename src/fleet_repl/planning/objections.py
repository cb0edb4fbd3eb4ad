"""Objections: reasons to refuse a plan as a whole until somebody insists.

Each tells what is too much, by which setting, and what to do about it. Pure; whether a plan is
carried out is for the caller to say, by `outstanding`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.rules import Replication, rule_words
from fleet_repl.inventory import Amount, Safety
from fleet_repl.planning.ownership import Applied, Record, cells_of
from fleet_repl.planning.plan import Change, LinkEnd, Objection, RegistryPlan, Resource, State
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import covers
from fleet_repl.values.text import counted, day_and_time

PROTECTED: Final = "protected"
"""The kind of objection that `--allow` clears, by the same word, and `--force` does not."""
OF_REGISTRIES: Final = frozenset({PROTECTED, "foreign-rules", "unknown-rule"})
"""The kinds of objection that are about single registries; any other is about the whole fleet."""
FEWEST: Final = 10
"""Shares say nothing about less than that: of three links in place, one is a third."""

_USUAL: Final = Safety()


def objections(
    registries: Sequence[RegistryPlan],
    record: Record,
    *,
    safety: Safety = _USUAL,
    protected: Collection[Registry] = frozenset(),
    allow: Collection[str] = (),
) -> tuple[Objection, ...]:
    """What speaks against carrying out the plan of these registries, all of them in scope.

    Links that `record` shows to be the fleet's own may go without a word, within the thresholds
    of `safety`. None of `protected` may lose a link unless "protected" is in `allow`.
    """
    losses = tuple(_losses(registries))
    possible = (
        _foreign_rules(losses, record),
        unknown_rules(registries),
        _max_removals(losses, registries, safety.max_removals),
        _max_changed(registries, safety.max_changed),
        _max_unreadable(registries, safety.max_unreadable),
        None if PROTECTED in allow else _protected(losses, protected),
    )
    return tuple(objection for objection in possible if objection is not None)


def objections_to(
    registry_plan: RegistryPlan,
    record: Record,
    *,
    protected: Collection[Registry] = frozenset(),
    allow: Collection[str] = (),
) -> tuple[Objection, ...]:
    """What speaks against the changes of one registry, whatever else the plan does."""
    losses = tuple(_losses([registry_plan]))
    possible = (
        _foreign_rules(losses, record),
        unknown_rules([registry_plan]),
        None if PROTECTED in allow else _protected(losses, protected),
    )
    return tuple(objection for objection in possible if objection is not None)


def unknown_rules(registries: Iterable[RegistryPlan]) -> Objection | None:
    """Against taking away rules of which nobody can tell what they mean."""
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
        f"{registry}, {rule_words(place, rule)}{_others(len(lost))}. Nobody can tell what ECR does "
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
    """What refuses a plan still: `force` clears all but `protected`, which `allow` clears."""
    return tuple(
        objection
        for objection in objections
        if not (objection.kind in allow if objection.kind == PROTECTED else force)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loss:
    """A write of rules that takes links away."""

    registry: Registry
    change: Change

    @property
    def links(self) -> tuple[LinkEnd, ...]:
        return self.change.links_removed

    def __str__(self) -> str:
        return f"{self.registry} → {self.links[0].registry}"


def _losses(registries: Iterable[RegistryPlan]) -> Iterator[_Loss]:
    for registry_plan in registries:
        for change in registry_plan.changes:
            if (
                change.resource is Resource.REPLICATION_CONFIGURATION
                and change.resource not in registry_plan.refused
                and change.links_removed
            ):
                yield _Loss(registry=registry_plan.registry, change=change)


def _foreign_rules(losses: Sequence[_Loss], record: Record) -> Objection | None:
    losing = [
        (loss.registry, end)
        for loss in losses
        for end in _strange(loss.change, record.get(loss.registry, Applied()))
    ]
    if not losing:
        return None
    first, end = losing[0]
    sources = len({registry for registry, _ in losing})
    where = f"{first}" if sources == 1 else f"{sources:,} registries"
    single = len(losing) == 1
    advice = _known_strangers(single=single) if record else _FIRST_RUN
    return Objection(
        kind="foreign-rules",
        message=f"{counted(len(losing), 'link')} out of {where} would be removed or narrowed, as "
        f"no route asks for {'it' if single else 'them'}: {first} → "
        f"{end}{'' if single else ' and others'}. {advice}",
    )


_FIRST_RUN: Final = (
    "Nothing is on record for this fleet yet, so whatever is in place may be somebody else's. "
    'By default (rules = "exclusive") the inventory is the whole truth about the rules of every '
    "registry that it lists, and what no route asks for goes. To take over what is in place, let "
    "`fleet-repl import INVENTORY` print routes for it. To leave it to others, write "
    'rules = "additive", in [ownership] or for one account. To let it go, go on with --force.'
)


def _known_strangers(*, single: bool) -> str:
    them, they = ("it", "it") if single else ("them", "they")
    return (
        f"Nothing records that fleet-repl made {them}, so {they} may be somebody else's. Add "
        'a route for what must stay, keep it with rules = "additive", or go on with --force.'
    )


def _strange(change: Change, applied: Applied) -> list[Registry]:
    """Destinations that lose a link of which nothing shows that the fleet made it."""
    before, after = contents(change, Replication)
    listed = cells_of(before.rules)
    return sorted(
        end
        for end, prefixes in listed.items()
        if any(
            prefix not in applied.links.get(end, ())
            and not covers(after.outgoing.get(end, ()), prefix)
            for prefix in prefixes
        )
    )


def _max_removals(
    losses: Sequence[_Loss], registries: Iterable[RegistryPlan], limit: Amount
) -> Objection | None:
    """What an unreadable registry has in place is not known, and makes no share smaller."""
    lost: Counter[Registry] = Counter()
    for loss in losses:
        lost[loss.registry] += len(loss.links)
    removed = sum(lost.values())
    # What goes was in place, also in a plan that does not say how much else was.
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
        f"{losses[0]}{_others(removed)}. Look whether a route, a label or an account has got lost. "
        "If they shall go, go on with --force, or raise max_removals in [safety].",
    )


def _max_changed(registries: Sequence[RegistryPlan], limit: Amount) -> Objection | None:
    changed = [
        registry_plan for registry_plan in registries if registry_plan.state is State.CHANGED
    ]
    if limit.allows(len(changed), len(registries)):
        return None
    # A share of fewer registries is as soon exceeded.
    fewer = "" if limit.count is None else "change fewer with --account, --label or --region, "
    return Objection(
        kind="max-changed",
        message=f"{len(changed):,} of {counted(len(registries), 'registry')} would be changed, and "
        f"max_changed allows {_allowance(limit, len(registries))}: {_named(changed)}. If that is "
        f"meant, {fewer}go on with --force, or raise max_changed in [safety].",
    )


def _max_unreadable(registries: Sequence[RegistryPlan], limit: Amount) -> Objection | None:
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


def _protected(losses: Iterable[_Loss], protected: Collection[Registry]) -> Objection | None:
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
        f"removed or narrowed: {losing[0]}{_others(links)}. Look whether a route, a label or an "
        f"account has got lost. --force is not enough to let {them} go: give --allow protected.",
    )


def _allowance(limit: Amount, whole: int) -> str:
    """`9 (30%)`, or a count by itself."""
    share = "" if limit.percent is None else f" ({limit})"
    return f"{limit.most(whole):,}{share}"


def _named(registries: Sequence[RegistryPlan]) -> str:
    """The first one, as an example."""
    first = registries[0]
    return f"{first.registry} ({first.name}){_others(len(registries))}"


def _others(count: int) -> str:
    return " and others" if count > 1 else ""
