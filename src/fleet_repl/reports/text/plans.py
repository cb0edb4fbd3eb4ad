"""A plan as text: each registry that changes, what stands in the way, then the totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fleet_repl.drifting import sentence
from fleet_repl.names import AccountId
from fleet_repl.plan import Change, LinkEnd, Mover, Phase, Plan, RegistryPlan, Resource, State
from fleet_repl.reports.grouping import Failing
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.sections import (
    Holding,
    add_cut,
    add_faults,
    add_held,
    add_objections,
    add_warnings,
)
from fleet_repl.reports.text.waves import add_planned_waves, waves_of_plan
from fleet_repl.reports.text.wording import (
    SYMBOLS,
    change_name,
    counted,
    label,
    prefix_list,
    route_list,
)
from fleet_repl.rules import rule_words, strange_rules_lost
from fleet_repl.safety import PROTECTED

REGISTRIES: Final = 50
"""Registries that are listed on a page that is not full."""
LINKS: Final = 20
"""Links that are listed for each change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wording:
    """What links of a plan are called."""

    names: Mapping[AccountId, str]
    rolls_back: bool
    """Then routes are not why, and none is named where none asks for a link."""


def plan_text(
    plan: Plan, *, full: bool = False, colour: bool = False, waves: Sequence[str] = ()
) -> str:
    """The plan for people. `full` lists everything, however long; `waves` are in their order."""
    page = Page(full=full)
    names = {one.registry.account: one.name for one in plan.registries}
    what = "Plan for" if plan.rolls_back is None else f"Rollback of run {plan.rolls_back} of"
    page.heading(f"{what} {plan.fleet} ({plan.inventory.path})")
    changed = [one for one in plan.registries if one.changes]
    shown = page.within(changed, REGISTRIES)
    wording = _Wording(names=names, rolls_back=plan.rolls_back is not None)
    in_waves = bool(waves_of_plan(plan, waves))
    for one in shown:
        _add_registry(page, one, wording, in_waves=in_waves)
    if len(shown) < len(changed):
        page.gap()
        page.more(len(changed) - len(shown))
    add_faults(page, "Not to be overwritten", _failing(plan, readable=True))
    add_faults(page, "Unreadable", _failing(plan, readable=False))
    add_faults(page, "Retired and not reached, which is no failure", _excused(plan))
    add_held(page, _held(plan), names)
    add_planned_waves(page, plan, waves)
    add_objections(page, plan.objections)
    _add_vouched(page, plan)
    add_warnings(page, plan.warnings)
    add_cut(page)
    page.gap()
    _add_totals(page, plan)
    return page.render(colour=colour)


def _failing(plan: Plan, *, readable: bool) -> list[Failing]:
    return [
        Failing(registry=one.registry, name=one.name, fault=one.error)
        for one in plan.registries
        if one.error is not None
        and one.excuse is None
        and (one.state is not State.UNREADABLE) is readable
    ]


def _excused(plan: Plan) -> list[Failing]:
    return [
        Failing(registry=one.registry, name=one.name, fault=one.error)
        for one in plan.registries
        if one.error is not None and one.excuse is not None
    ]


def _held(plan: Plan) -> list[Holding]:
    return [
        Holding(source=one.registry, name=one.name, link=link)
        for one in plan.registries
        for link in one.held
    ]


def _add_registry(page: Page, one: RegistryPlan, wording: _Wording, *, in_waves: bool) -> None:
    wave = f", wave {one.wave}" if in_waves else ""
    page.heading(f"{label(one.registry, one.name)}{wave}")
    if one.moved is not None and one.moved.by is not Mover.UNKNOWN:
        page.add((sentence(one.moved), Style.FAINT), indent=1)
    for change in one.changes:
        notes = [] if change.wave == one.wave else [f"wave {change.wave}"]
        if change.phase is Phase.WITHDRAWALS:
            notes.append("once the rules are written")
        if change.resource in one.refused:
            notes.append("not to be written, see below")
        note = f" ({', '.join(notes)})" if notes else ""
        what = change_name(change.resource, change.before, change.after)
        page.add(SYMBOLS[change.action], f"{what}{note}", indent=1)
        if change.resource is not Resource.CREATION_TEMPLATE:
            _add_links(page, change, wording)


def _add_vouched(page: Page, plan: Plan) -> None:
    """Who trusts should see each time what is trusted: one line for each Sid."""
    places: dict[str, list[str]] = {}
    for one in plan.vouched:
        places.setdefault(one.sid, []).append(f"{one.registry}")
    if not places:
        return
    page.heading("Vouched for: statements that may keep images out, and are trusted not to")
    for sid, registries in places.items():
        shown = page.examples(registries)
        page.add((sid, Style.CHANGED), f" in {', '.join(shown)}", indent=1)
        page.more(len(registries) - len(shown), indent=2)


def _add_deletes(page: Page, change: Change, wording: _Wording) -> None:
    ends = [
        *(
            (("! ", Style.BAD), "deletions travel from now on, to", end)
            for end in change.deletes_started
        ),
        *(
            (("! ", Style.CHANGED), "deletions travel no more, to", end)
            for end in change.deletes_stopped
        ),
    ]
    shown = page.within(ends, LINKS)
    for symbol, words, end in shown:
        page.add(symbol, f"{words} {_end(page, end, wording, '')}", indent=3)
    page.more(len(ends) - len(shown), indent=3)


def _add_links(page: Page, change: Change, wording: _Wording) -> None:
    links = [
        *((("+ ", Style.ADDED), end, "") for end in change.links_added),
        *((("- ", Style.REMOVED), end, "narrowed, ") for end in change.links_removed),
    ]
    word = "to" if change.resource is Resource.REPLICATION_CONFIGURATION else "from"
    shown = page.within(links, LINKS)
    for symbol, end, lessened in shown:
        page.add(symbol, f"{word} {_end(page, end, wording, lessened)}", indent=3)
    page.more(len(links) - len(shown), indent=3)
    _add_deletes(page, change, wording)
    strange = _strange_rules(change)
    for symbol, rule in strange:
        page.add(symbol, rule, indent=3)
    if not (links or strange or change.deletes_started or change.deletes_stopped):
        page.add(("the same links, put right", Style.FAINT), indent=3)


def _strange_rules(change: Change) -> list[tuple[tuple[str, Style], str]]:
    """The rules of unknown meaning that come back or go."""
    if change.resource is not Resource.REPLICATION_CONFIGURATION:
        return []
    before, after = change.before, change.after
    return [
        *((("+ ", Style.ADDED), rule_words(*one)) for one in strange_rules_lost(after, before)),
        *((("- ", Style.REMOVED), rule_words(*one)) for one in strange_rules_lost(before, after)),
    ]


def _end(page: Page, end: LinkEnd, wording: _Wording, lessened: str) -> str:
    """`lessened`: what a link that is taken away is called where routes keep a part of it."""
    where = label(end.registry, wording.names.get(end.registry.account))
    what = prefix_list(end.prefixes, full=page.full)
    if wording.rolls_back and not end.routes:
        return f"{where}: {what}"
    kept = lessened if end.routes else ""
    return f"{where}: {what} ({kept}{route_list(end.routes)})"


def _add_totals(page: Page, plan: Plan) -> None:
    total = plan.summary
    if not plan.changes and not total.unreadable and not total.held:
        registries = counted(total.registries, "registry")
        verb, they = ("is", "it was") if total.registries == 1 else ("are", "they were")
        before = f"as {they} before that run"
        how = "as the inventory wants" if plan.rolls_back is None else before
        page.add(("No changes.", Style.HEADING), f" {registries} {verb} {how}.")
        return
    head = "Plan: " if plan.changes else "No changes: "
    page.add(
        (head, Style.HEADING),
        f"{counted(total.registries, 'registry')}, {total.changed:,} to change, "
        f"{total.unchanged:,} unchanged, {total.unreadable:,} unreadable; "
        f"{counted(total.links_added, 'link')} to add, {total.links_removed:,} to remove, "
        f"{total.held:,} held.",
    )
    if plan.objections:
        command = "apply" if plan.rolls_back is None else "rollback"
        page.add(f"{command} refuses this plan unless it is given {_cleared_by(plan)}.")


def _cleared_by(plan: Plan) -> str:
    """The flags that clear the plan's objections."""
    kinds = {one.kind for one in plan.objections}
    flags = ["--force"] if kinds - {PROTECTED} else []
    if PROTECTED in kinds:
        flags.append(f"--allow {PROTECTED}")
    return " and ".join(flags)
