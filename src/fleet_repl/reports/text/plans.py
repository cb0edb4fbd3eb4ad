"""A plan as text: the changes of registries, the obstacles to them, then the totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from fleet_repl.planning.change import Action, Resource
from fleet_repl.planning.objections import NEVER_FORCED
from fleet_repl.planning.plan import Plan, State
from fleet_repl.reports.fault_groups import FailedRegistry
from fleet_repl.reports.text.census import Census, census_of
from fleet_repl.reports.text.change_groups import grouped
from fleet_repl.reports.text.changes import Block, Line, block_of
from fleet_repl.reports.text.labels import SYMBOLS
from fleet_repl.reports.text.page import EXAMPLES, Page, Style
from fleet_repl.reports.text.sections import (
    HeldLinkRow,
    add_cut,
    add_faults,
    add_held,
    add_joining,
    add_objections,
    add_planned_waves,
    add_warnings,
    waves_of_plan,
)
from fleet_repl.reports.text.totals import add_route_totals
from fleet_repl.values.names import Registry
from fleet_repl.values.text import counted

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory

BLOCKS: Final = 50
"""The most blocks of changes on a page that is not full, beside the dangerous ones."""
LINES: Final = 20
"""The most lines for a change, beside the dangerous ones."""


def plan_text(
    plan: Plan,
    *,
    full: bool = False,
    colour: bool = False,
    width: int | None = None,
    waves: Sequence[str] = (),
    inventory: Inventory | None = None,
) -> str:
    """Returns the plan for people. Dangerous changes come first and are never left out; equal
    changes of several registries are written once.

    `full`: each registry and each link is listed. `width`: the columns of the terminal; None wraps
    no line. `waves`: the names of the inventory's waves in their order. `inventory`: that of the
    plan, for its labels and routes.
    """
    page = Page(full=full)
    census = census_of(plan, inventory)
    heading = "Plan for" if plan.rolls_back is None else f"Rollback of run {plan.rolls_back} of"
    page.heading(f"{heading} {plan.fleet} ({plan.inventory.path})")
    _add_blocks(page, plan, census, in_waves=bool(waves_of_plan(plan, waves)))
    add_faults(page, "Not to be overwritten", _failing(plan, readable=True))
    add_faults(page, "Unreadable", _failing(plan, readable=False))
    add_faults(page, "Retired and not reached, which is no failure", _gone(plan))
    add_joining(page, [planned.joining for planned in plan.registries], "registry")
    add_held(page, _held(plan), census.names)
    add_route_totals(page, plan, census)
    add_planned_waves(page, plan, waves)
    add_objections(page, plan.objections)
    _add_vouched(page, plan)
    add_warnings(page, plan.warnings, plan.acknowledged)
    add_cut(page)
    page.gap()
    _add_totals(page, plan)
    return page.render(colour=colour, width=width)


def _failing(plan: Plan, *, readable: bool) -> list[FailedRegistry]:
    return [
        FailedRegistry(registry=planned.registry, name=planned.name, fault=planned.error)
        for planned in plan.registries
        if planned.error is not None
        and planned.excuse is None
        and (planned.state is not State.UNREADABLE) is readable
    ]


def _gone(plan: Plan) -> list[FailedRegistry]:
    return [
        FailedRegistry(registry=planned.registry, name=planned.name, fault=planned.error)
        for planned in plan.registries
        if planned.error is not None and planned.gone
    ]


def _held(plan: Plan) -> list[HeldLinkRow]:
    return [
        HeldLinkRow(source=planned.registry, name=planned.name, link=link)
        for planned in plan.registries
        for link in planned.held
    ]


def _add_blocks(page: Page, plan: Plan, census: Census, *, in_waves: bool) -> None:
    """Adds the changes: one block for all registries whose changes read the same."""
    back = plan.rolls_back is not None
    blocks: dict[Registry, Block] = {}
    known: dict[Block, Block] = {}
    for planned in plan.registries:
        if planned.changes:
            block = block_of(planned, census, in_waves=in_waves, rolls_back=back, full=page.full)
            # Equal blocks are one value: of a large fleet, most are equal.
            blocks[planned.registry] = known.setdefault(block, block)
    groups = grouped(blocks, each=page.full)
    dangerous = [group for group in groups if group[0].is_dangerous]
    others = groups[len(dangerous) :]
    shown = page.within(others, BLOCKS)
    for block, members in (*dangerous, *shown):
        _add_block(page, block, members, census)
    if len(shown) < len(others):
        page.gap()
        page.more(sum(len(members) for _, members in others[len(shown) :]))


def _add_block(page: Page, block: Block, members: Sequence[Registry], census: Census) -> None:
    page.heading(", ".join((_heading(page, block, members, census), *block.notes)))
    for why in block.moved:
        page.add((why, Style.FAINT), indent=1)
    for change in block.changes:
        page.add(change.symbol, change.title, indent=1)
        if change.resource is Resource.CREATION_TEMPLATE:
            continue
        if not change.lines and change.symbol != SYMBOLS[Action.DELETE]:
            page.add(("the same links, put right", Style.FAINT), indent=3)
        dangerous = [line for line in change.lines if line.is_dangerous]
        others = change.lines[len(dangerous) :]
        shown = page.within(others, LINES)
        for line in (*dangerous, *shown):
            _add_line(page, line, members, census)
        page.more(len(others) - len(shown), indent=3)


def _heading(page: Page, block: Block, members: Sequence[Registry], census: Census) -> str:
    if len(members) == 1:
        return census.label(members[0])
    named = census.members(page, members, whole=block.is_dangerous)
    count = census.count(members)
    return count if named is None else f"{count}: {named}"


def _add_line(page: Page, line: Line, members: Sequence[Registry], census: Census) -> None:
    """Adds a line for each end where there are few, otherwise one line for all ends."""
    if not line.ends:
        ends = [""]
    elif line.others and line.ends == frozenset(members):
        ends = [" the others"]
    elif len(line.ends) <= EXAMPLES and not line.others and not line.each:
        ends = [f" {census.label(end)}" for end in sorted(line.ends)]
    else:
        ends = [f" {_ends(page, line, census)}"]
    for end in ends:
        page.add(line.symbol, f"{line.before}{end}{line.after}", indent=3)


def _ends(page: Page, line: Line, census: Census) -> str:
    named = census.members(page, line.ends, whole=line.is_dangerous)
    count = census.count(line.ends, others=line.others)
    if line.each:
        return f"{line.each} ({count if named is None else f'{count}: {named}'})"
    return count if named is None else f"{count} ({'of ' if line.others else ''}{named})"


def _add_vouched(page: Page, plan: Plan) -> None:
    """Adds a line for each trusted Sid, so that whoever trusts a statement sees where it counts."""
    places: dict[str, list[str]] = {}
    for statement in plan.vouched:
        places.setdefault(statement.sid, []).append(f"{statement.registry}")
    if not places:
        return
    page.heading("Vouched for: statements that may keep images out, and are trusted not to")
    for sid, registries in places.items():
        shown = page.examples(registries)
        page.add((sid, Style.CHANGED), f" in {', '.join(shown)}", indent=1)
        page.more(len(registries) - len(shown), indent=2)


def _add_totals(page: Page, plan: Plan) -> None:
    total = plan.summary
    # Of collateral, the rules in place may be all that can be written, and carry too much.
    if not (plan.changes or total.unreadable or total.held or plan.objections):
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
    """Returns the flags that override the objections to a plan."""
    kinds = {objection.kind for objection in plan.objections}
    flags = ["--force"] if kinds - NEVER_FORCED else []
    flags += [f"--allow {kind}" for kind in sorted(kinds & NEVER_FORCED)]
    return " and ".join(flags)
