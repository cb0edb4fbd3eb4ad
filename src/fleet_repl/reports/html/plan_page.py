"""A plan as a page. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from fleet_repl.planning.change import Change, LinkEnd, Resource
from fleet_repl.planning.plan import Plan, RegistryPlan, State
from fleet_repl.reports.html.drawing import drawing_of
from fleet_repl.reports.html.labels import Labels, labels_of
from fleet_repl.reports.html.links import plan_links, prefix_words
from fleet_repl.reports.html.marks import LINK_MARKS, Mark, Tone
from fleet_repl.reports.html.matrix import link_matrix
from fleet_repl.reports.html.model import Block, Fact, Page, Problem, Row, Tile
from fleet_repl.reports.html.problems import (
    fault_problems,
    held_problems,
    objection_problems,
    place_words,
    reason_problems,
    warning_problems,
)
from fleet_repl.reports.html.registry_row import (
    WITH_HELD,
    change_block,
    moved_block,
    registry_row,
    trouble_blocks,
)
from fleet_repl.reports.html.run_head import tile
from fleet_repl.reports.html.table import table_of
from fleet_repl.reports.html.timeline import plan_timeline
from fleet_repl.values.names import AccountId
from fleet_repl.values.text import counted, joined, named, timestamp

_MARKS: Final = {
    State.CHANGED: Mark(word="to change", symbol="~", tone=Tone.CHANGED),
    State.UNCHANGED: Mark(word="as wanted", symbol="●", tone=Tone.GOOD),
    State.UNREADABLE: Mark(word="unreadable", symbol="✕", tone=Tone.BAD),
}
_REFUSED: Final = Mark(word="not writable", symbol="✕", tone=Tone.BAD)
_EXCUSED: Final = Mark(word="unreadable", symbol="○", tone=Tone.IDLE)


def plan_page(plan: Plan) -> Page:
    """Returns the page of a plan."""
    names = {planned.registry.account: planned.name for planned in plan.registries}
    names |= {account.id: account.name for account in plan.accounts}
    labels, links = labels_of(plan), plan_links(plan)
    tones = {planned.registry: _mark(planned).tone for planned in plan.registries}
    return Page(
        kind="Plan" if plan.rolls_back is None else "Rollback plan",
        fleet=plan.fleet,
        status=_status(plan),
        sentence=_sentence(plan),
        facts=tuple(_facts(plan)),
        tiles=_tiles(plan),
        timeline=plan_timeline(plan),
        problems=tuple(_problems(plan, names)),
        matrix=link_matrix(links, LINK_MARKS, names, labels, _matrix_notes(plan)),
        drawing=drawing_of(links, LINK_MARKS, names, tones),
        table=table_of(
            "registry",
            plan.registries,
            lambda planned: _mark(planned).tone if not planned.held else Tone.HELD,
            lambda planned: _row(planned, names, labels),
        ),
    )


def _mark(planned: RegistryPlan) -> Mark:
    if planned.excuse is not None:
        return _EXCUSED
    return _REFUSED if planned.refused else _MARKS[planned.state]


def _status(plan: Plan) -> Mark:
    if plan.objections:
        return Mark(word="refused", symbol="✕", tone=Tone.BAD)
    if any(planned.falls_short for planned in plan.registries):
        return Mark(word="partial", symbol="!", tone=Tone.HELD)
    if plan.changes:
        return Mark(word="changes pending", symbol="~", tone=Tone.CHANGED)
    return Mark(word="no drift", symbol="✓", tone=Tone.GOOD)


def _sentence(plan: Plan) -> str:
    summary = plan.summary
    registries = counted(summary.registries, "registry")
    if not summary.changed:
        what = f"Nothing to change in {registries}"
    else:
        what = f"{summary.changed:,} of {registries} would change"
        links = [
            f"{counted(number, 'link')} {verb}"
            for number, verb in ((summary.links_added, "added"), (summary.links_removed, "removed"))
            if number
        ]
        what += f": {joined(links)}" if links else ""
    short = [
        words
        for number, words in (
            (summary.held, f"{counted(summary.held, 'link')} held"),
            (summary.unreadable, f"{counted(summary.unreadable, 'registry')} unreadable"),
            (len(plan.objections), counted(len(plan.objections), "objection")),
        )
        if number
    ]
    return f"{what}; {joined(short)}." if short else f"{what}."


def _facts(plan: Plan) -> Iterator[Fact]:
    yield Fact(term="Made at", value=timestamp(plan.created_at))
    yield Fact(term="Inventory", value=plan.inventory.path)
    if plan.rolls_back is not None:
        yield Fact(term="Rolls back", value=plan.rolls_back)
    if plan.world is not None:
        yield Fact(term="Not AWS but", value=plan.world)
    yield Fact(term="Plan digest", value=plan.digest)
    yield Fact(term="Inventory digest", value=plan.inventory.digest)


def _tiles(plan: Plan) -> tuple[Tile, ...]:
    summary = plan.summary
    others = sum(planned.changed_outside is not None for planned in plan.registries)
    changed, unreadable = _MARKS[State.CHANGED].word, _MARKS[State.UNREADABLE].word
    by_others = f"registries, {others:,} changed by others" if others else "registries"
    return (
        tile(summary.changed, "drifted", Tone.CHANGED, by_others, changed),
        tile(summary.links_added, "to add", Tone.ADDED, "links"),
        tile(summary.links_removed, "to remove", Tone.REMOVED, "links"),
        tile(summary.held, "held", Tone.HELD, "links", WITH_HELD),
        tile(summary.unreadable, "unreadable", Tone.BAD, "registries", unreadable),
        tile(summary.unchanged, "as wanted", Tone.GOOD, "registries", "as wanted"),
    )


def _problems(plan: Plan, names: Mapping[AccountId, str]) -> Iterator[Problem]:
    yield from objection_problems(plan.objections)
    failed = [planned for planned in plan.registries if planned.excuse is None]
    yield from fault_problems(failed)
    yield from held_problems(plan.registries, names)
    excused = ((planned, planned.excuse) for planned in plan.registries)
    yield from reason_problems("no failure", Tone.IDLE, excused)
    yield from warning_problems(plan.warnings, plan.acknowledged)


def _matrix_notes(plan: Plan) -> tuple[str, ...]:
    if any(planned.state is State.UNREADABLE for planned in plan.registries):
        return ("Links of registries that could not be read are missing.",)
    return ()


def _row(planned: RegistryPlan, names: Mapping[AccountId, str], labels: Labels) -> Row:
    error = planned.error
    reason = "" if error is None else planned.excuse or f"{error.kind} at {error.operation}"
    return registry_row(
        planned,
        _mark(planned),
        labels,
        changes=(f"{change.action} {_SHORT[change.phase]}" for change in planned.changes),
        reasons=filter(None, [reason]),
        blocks=_blocks(planned, names),
    )


_SHORT: Final = {
    "templates": "template",
    "grants": "policy",
    "rules": "rules",
    "withdrawals": "policy",
}


def _blocks(planned: RegistryPlan, names: Mapping[AccountId, str]) -> Iterator[Block]:
    yield from trouble_blocks(planned, names)
    if planned.moved is not None:
        yield moved_block(planned.moved)
    for change in planned.changes:
        refused = planned.refused.get(change.resource)
        yield change_block(
            change,
            Tone.CHANGED if refused is None else Tone.BAD,
            _change_facts(change, refused=refused is not None),
            _links(change, names),
        )


def _change_facts(change: Change, *, refused: bool) -> Iterator[Fact]:
    yield Fact(term="Wave", value=change.wave)
    yield Fact(term="Phase", value=change.phase.value)
    if change.needs:
        yield Fact(term="After the rules of", value=", ".join(sorted(map(str, change.needs))))
    if refused:
        yield Fact(term="Refused", value="it must not be written; the error above says why")


def _links(change: Change, names: Mapping[AccountId, str]) -> Iterator[str]:
    way = "from" if change.resource is Resource.REGISTRY_POLICY else "to"
    for sign, ends in (
        (f"+ {way}", change.links_added),
        (f"\N{MINUS SIGN} {way}", change.links_removed),
        ("deletions travel from now on to", change.deletes_started),
        ("deletions travel no more to", change.deletes_stopped),
    ):
        ordered = sorted(ends, key=lambda end: (end.registry, end.prefixes, end.routes))
        yield from (f"{sign} {_end(end, names)}" for end in ordered)


def _end(end: LinkEnd, names: Mapping[AccountId, str]) -> str:
    routes = f"; {named('route', end.routes)}" if end.routes else ""
    place = place_words(end.registry, names.get(end.registry.account))
    return f"{place}: {prefix_words(end.prefixes)}{routes}"
