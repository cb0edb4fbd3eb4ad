"""Blocks that plans and reports have in common: faults, held links, objections, warnings, waves.

What many registries share is told once, with a few of them as examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from rich.cells import cell_len

from fleet_repl.planning.plan import HeldLink, Objection, Plan, Warning
from fleet_repl.reports.grouping import Failing, FaultGroup, group_faults
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.wording import label, prefix_list
from fleet_repl.runs.outcomes import Report, WaveOutcome
from fleet_repl.topology import REST
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import counted, visible

GROUPS: Final = 20
"""Reasons told."""
LONG: Final = 40
"""Characters that several warnings have to share at their ends to have them told once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A source and one link that it is written without."""

    source: Registry
    name: str
    link: HeldLink


def add_faults(page: Page, title: str, failing: Sequence[Failing]) -> None:
    """A block of registries that failed, one paragraph for each way of failing."""
    if not failing:
        return
    page.heading(f"{title}: {counted(len(failing), 'registry')}")
    groups = group_faults(failing)
    shown = page.within(groups, GROUPS)
    for group in shown:
        _add_group(page, group)
    page.more(len(groups) - len(shown), indent=1)


def _add_group(page: Page, group: FaultGroup) -> None:
    where = counted(len(group.members), "registry")
    if group.accounts > 1:
        where += f" in {counted(group.accounts, 'account')}"
    page.add((f"{group.kind} at {group.operation}", Style.BAD), f": {where}", indent=1)
    shown = page.examples(group.members)
    for one in shown:
        code = f" ({one.fault.code})" if one.fault.code else ""
        request = f" [request {one.fault.request_id}]" if one.fault.request_id else ""
        done = f"; {one.done}" if one.done else ""
        message = f": {one.fault.message}{code}{request}{done}"
        page.add(label(one.registry, one.name), message, indent=2)
    page.more(len(group.members) - len(shown), indent=2)
    if group.hint:
        page.add(f"→ {group.hint}", indent=2)


def add_held(page: Page, held: Iterable[Holding], names: Mapping[AccountId, str]) -> None:
    """A block of links that are left out, one paragraph for each reason."""
    reasons: dict[str, list[Holding]] = {}
    for one in held:
        reasons.setdefault(one.link.because, []).append(one)
    if not reasons:
        return
    total = sum(len(links) for links in reasons.values())
    page.heading(f"Held: {counted(total, 'link')} left out until the destination grants it")
    groups = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
    shown = page.within(groups, GROUPS)
    for because, links in shown:
        page.add((because, Style.CHANGED), f": {counted(len(links), 'link')}", indent=1)
        examples = page.examples(links)
        for one in examples:
            end = label(one.link.destination, names.get(one.link.destination.account))
            what = prefix_list(one.link.prefixes, full=page.full)
            page.add(f"{label(one.source, one.name)} → {end}: {what}", indent=2)
        page.more(len(links) - len(examples), indent=2)
    page.more(len(groups) - len(shown), indent=1)


def add_objections(page: Page, objections: Sequence[Objection]) -> None:
    """A block of reasons to refuse."""
    if objections:
        page.heading("Objections")
        for one in objections:
            page.add((one.kind, Style.BAD), f": {one.message}", indent=1)


def add_warnings(page: Page, warnings: Sequence[Warning], acknowledged: int = 0) -> None:
    """A block of things to know: of each kind a few, and what they all say once; then how many
    more are known already."""
    if warnings:
        _add_kinds(page, warnings)
    if acknowledged:
        page.gap()
        page.add((f"{counted(acknowledged, 'warning')} acknowledged", Style.FAINT))


def _add_kinds(page: Page, warnings: Sequence[Warning]) -> None:
    page.heading("Warnings")
    kinds: dict[str, list[str]] = {}
    for one in warnings:
        kinds.setdefault(one.kind, []).append(one.message)
    for kind, messages in kinds.items():
        distinct = list(dict.fromkeys(messages))
        if page.full or len(distinct) == 1:
            for message in distinct:
                page.add((kind, Style.CHANGED), f": {message}", indent=1)
        else:
            _add_alike(page, kind, distinct)


def _add_alike(page: Page, kind: str, messages: Sequence[str]) -> None:
    """A paragraph of warnings of one kind: what differs of each, then how all of them end."""
    ending = _ending(messages)
    page.add((kind, Style.CHANGED), f": {len(messages):,} times", indent=1)
    shown = page.examples(messages)
    for one in shown:
        page.add(f"{one.removesuffix(ending)} …" if ending else one, indent=2)
    page.more(len(messages) - len(shown), indent=2)
    if ending:
        page.add(f"…{ending}", indent=2)


def _ending(messages: Sequence[str]) -> str:
    """The words that all messages end with; none where that is hardly worth it."""
    from_the_end = zip(*(reversed(one) for one in messages), strict=False)
    alike = takewhile(lambda characters: len(set(characters)) == 1, from_the_end)
    shared = "".join(characters[0] for characters in alike)[::-1]
    ending = shared[shared.find(" ") :] if " " in shared else ""
    return ending if len(ending) >= LONG else ""


def add_rows(page: Page, rows: Sequence[tuple[str, str]]) -> None:
    """Names and what is to be said of each, in two columns."""
    width = max(cell_len(visible(name)) for name, _ in rows)
    for name, said in rows:
        padding = " " * (width - cell_len(visible(name)))
        page.add(f"{name}{padding}  {said}", indent=1)


def add_cut(page: Page) -> None:
    """Where the rest of the lists is to be had."""
    if page.cut:
        page.gap()
        page.add(("Lists are cut short: -v shows all, --report FILE.json keeps all.", Style.FAINT))


def in_order(found: Iterable[str], known: Sequence[str]) -> list[str]:
    """The waves of `found` as `known` has them; others by their names, `REST` at the end."""
    place = {name: number for number, name in enumerate(known)}
    return sorted(set(found), key=lambda name: (name == REST, place.get(name, len(place)), name))


def waves_of_plan(plan: Plan, known: Sequence[str]) -> list[str]:
    """The waves that a plan is about; empty for a fleet without any."""
    return _several(
        in_order(
            (
                wave
                for one in plan.registries
                for wave in (one.wave, *(change.wave for change in one.changes))
            ),
            known,
        )
    )


def add_planned_waves(page: Page, plan: Plan, known: Sequence[str]) -> None:
    """A block with the registries that each wave writes to."""
    waves = waves_of_plan(plan, known)
    if waves and plan.changes:
        writes = {
            wave: sum(any(change.wave == wave for change in one.changes) for one in plan.registries)
            for wave in waves
        }
        page.heading("Waves")
        add_rows(page, [(one, f"{counted(writes[one], 'registry')} to change") for one in waves])


def add_waves(page: Page, report: Report, known: Sequence[str]) -> None:
    """A block with what became of each wave's writes; none for a fleet without waves."""
    found = {one.name: one for one in report.waves}
    waves = _several(in_order(found, known))
    if not waves:
        return
    page.heading("Waves")
    add_rows(page, [(one, _outcomes(found[one])) for one in waves])


def _outcomes(wave: WaveOutcome) -> str:
    if not wave.writes.total:
        return "nothing to write"
    parts = [f"{number:,} {outcome}" for outcome, number in wave.writes.counts.items() if number]
    amount = f"{counted(wave.writes.total, 'write')} to {counted(wave.registries, 'registry')}"
    because = f"; {wave.because}" if wave.because else ""
    return f"{amount}: {', '.join(parts)}{because}"


def _several(waves: list[str]) -> list[str]:
    return [] if set(waves) <= {REST} else waves
