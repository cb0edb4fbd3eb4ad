"""Blocks of text that plans and reports share: faults, held links, objections, warnings, waves.

A fact that many registries share is written once, with a few of the registries as examples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len

from fleet_repl.planning.change import HeldLink
from fleet_repl.planning.plan import Objection, Plan, Warning
from fleet_repl.reports.fault_groups import FailedRegistry, FaultGroup, group_faults
from fleet_repl.reports.held_groups import group_held
from fleet_repl.reports.text.labels import label, prefix_list
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.topology import REST
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import counted, visible

if TYPE_CHECKING:
    from fleet_repl.runs.outcomes import Report, WaveOutcome

GROUPS: Final = 20
"""The most groups of a block on a page that is not full."""
LONG: Final = 40
"""The fewest characters that warnings must have in common at their ends to write them once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLinkRow:
    """A held link with its source."""

    source: Registry
    name: str
    link: HeldLink


def add_faults(page: Page, title: str, failed: Sequence[FailedRegistry]) -> None:
    """Adds a block of registries that failed, with a paragraph for each way of failing."""
    if not failed:
        return
    page.heading(f"{title}: {counted(len(failed), 'registry')}")
    groups = group_faults(failed)
    shown = page.within(groups, GROUPS)
    for group in shown:
        _add_group(page, group)
    page.more(len(groups) - len(shown), indent=1)


def add_joining(page: Page, sentences: Iterable[str | None], noun: str) -> None:
    """Adds a block of accounts that are joining, a sentence for each. `sentences`: that of each
    `noun`, None where its account is not joining."""
    joining = [sentence for sentence in sentences if sentence is not None]
    if not joining:
        return
    page.heading(f"Joining, which is no failure yet: {counted(len(joining), noun)}")
    accounts = list(dict.fromkeys(joining))
    shown = page.within(accounts, GROUPS)
    for sentence in shown:
        page.add((sentence, Style.CHANGED), indent=1)
    page.more(len(accounts) - len(shown), indent=1)


def _add_group(page: Page, group: FaultGroup) -> None:
    where = counted(len(group.members), "registry")
    if group.accounts > 1:
        where += f" in {counted(group.accounts, 'account')}"
    page.add((f"{group.kind} at {group.operation}", Style.BAD), f": {where}", indent=1)
    answers = list(_by_answer(group.members).values())
    shown = page.examples(answers)
    for registries in shown:
        first, *others = registries
        fault = first.fault
        code = f" ({fault.code})" if fault.code else ""
        request = f" [request {fault.request_id}]" if fault.request_id else ""
        done = f"; {first.done}" if first.done else ""
        regions = ", ".join(other.registry.region for other in others)
        also = f", and in {regions}" if others else ""
        message = f"{also}: {fault.message}{code}{request}{done}"
        page.add(label(first.registry, first.name), message, indent=2)
    page.more(len(group.members) - sum(map(len, shown)), indent=2)
    if group.hint:
        add_remedy(page, group.hint)


def _by_answer(failed: Iterable[FailedRegistry]) -> dict[object, list[FailedRegistry]]:
    """Returns registries by the answer that they failed with: all regions of an account whose role
    is refused have the same, of one request."""
    answers: dict[object, list[FailedRegistry]] = {}
    for registry in failed:
        answer = registry.registry.account, registry.fault, registry.done
        answers.setdefault(answer, []).append(registry)
    return answers


def add_remedy(page: Page, remedy: str) -> None:
    """Adds what to do, and below it what to run or to paste."""
    first, *lines = remedy.splitlines()
    page.add(f"→ {first}", indent=2)
    for line in lines:
        page.add((line, Style.PASTED), indent=3)


def add_held(page: Page, held: Iterable[HeldLinkRow], names: Mapping[AccountId, str]) -> None:
    """Adds a block of held links, with a paragraph for each reason."""
    groups = group_held(held, lambda row: (row.link.because, row.link.destination))
    if not groups:
        return
    total = sum(len(links) for _, links in groups)
    page.heading(f"Held: {counted(total, 'link')} left out until the destination grants it")
    shown = page.within(groups, GROUPS)
    for because, links in shown:
        page.add((because, Style.CHANGED), f": {counted(len(links), 'link')}", indent=1)
        examples = page.examples(links)
        for row in examples:
            destination = row.link.destination
            end = label(destination, names.get(destination.account))
            prefixes = prefix_list(row.link.prefixes, full=page.full)
            page.add(f"{label(row.source, row.name)} → {end}: {prefixes}", indent=2)
        page.more(len(links) - len(examples), indent=2)
    page.more(len(groups) - len(shown), indent=1)


def add_objections(page: Page, objections: Sequence[Objection]) -> None:
    """Adds a block of objections."""
    if objections:
        page.heading("Objections")
        for objection in objections:
            page.add((objection.kind, Style.BAD), f": {objection.message}", indent=1)


def add_warnings(page: Page, warnings: Sequence[Warning], acknowledged: int = 0) -> None:
    """Adds a block of warnings by kind, and the number of warnings that are acknowledged."""
    if warnings:
        _add_kinds(page, warnings)
    if acknowledged:
        page.gap()
        page.add((f"{counted(acknowledged, 'warning')} acknowledged", Style.FAINT))


def _add_kinds(page: Page, warnings: Sequence[Warning]) -> None:
    page.heading("Warnings")
    kinds: dict[str, list[str]] = {}
    for warning in warnings:
        kinds.setdefault(warning.kind, []).append(warning.message)
    for kind, messages in kinds.items():
        distinct = list(dict.fromkeys(messages))
        if page.full or len(distinct) == 1:
            for message in distinct:
                page.add((kind, Style.CHANGED), f": {message}", indent=1)
        else:
            _add_alike(page, kind, distinct)


def _add_alike(page: Page, kind: str, messages: Sequence[str]) -> None:
    """Adds warnings of one kind: the beginning of each, then the ending that all have in common.

    For example, `a/ is served nowhere … b/ is served nowhere` as `a/ …`, `b/ …` and
    `… is served nowhere`.
    """
    ending = _ending(messages)
    page.add((kind, Style.CHANGED), f": {len(messages):,} times", indent=1)
    shown = page.examples(messages)
    for message in shown:
        page.add(f"{message.removesuffix(ending)} …" if ending else message, indent=2)
    page.more(len(messages) - len(shown), indent=2)
    if ending:
        page.add(f"…{ending}", indent=2)


def _ending(messages: Sequence[str]) -> str:
    """Returns the words that all messages end with; none where these are only a few."""
    from_the_end = zip(*(reversed(message) for message in messages), strict=False)
    alike = takewhile(lambda characters: len(set(characters)) == 1, from_the_end)
    shared = "".join(characters[0] for characters in alike)[::-1]
    ending = shared[shared.find(" ") :] if " " in shared else ""
    return ending if len(ending) >= LONG else ""


def add_rows(page: Page, rows: Sequence[tuple[str, str]]) -> None:
    """Adds rows of a name and a text, in two columns."""
    width = max(cell_len(visible(name)) for name, _ in rows)
    for name, text in rows:
        padding = " " * (width - cell_len(visible(name)))
        page.add(f"{name}{padding}  {text}", indent=1)


def add_cut(page: Page) -> None:
    """Adds where whole lists are to be had, if any list of the page was cut."""
    if page.cut:
        page.gap()
        page.add(("Lists are cut short: -v shows all, --report FILE.json keeps all.", Style.FAINT))


def in_order(waves: Iterable[str], known: Sequence[str]) -> list[str]:
    """Returns waves in the order of `known`; then other waves by name, and `REST` at the end."""
    place = {name: number for number, name in enumerate(known)}
    return sorted(set(waves), key=lambda name: (name == REST, place.get(name, len(place)), name))


def waves_of_plan(plan: Plan, known: Sequence[str]) -> list[str]:
    """Returns the waves that a plan writes in; empty for a fleet without waves."""
    return _several(
        in_order(
            (
                wave
                for planned in plan.registries
                for wave in (planned.wave, *(change.wave for change in planned.changes))
            ),
            known,
        )
    )


def add_planned_waves(page: Page, plan: Plan, known: Sequence[str]) -> None:
    """Adds the number of registries that each wave writes to."""
    waves = waves_of_plan(plan, known)
    if waves and plan.changes:
        writes = {
            wave: sum(
                any(change.wave == wave for change in planned.changes)
                for planned in plan.registries
            )
            for wave in waves
        }
        page.heading("Waves")
        rows = [(wave, f"{counted(writes[wave], 'registry')} to change") for wave in waves]
        add_rows(page, rows)


def add_waves(page: Page, report: Report, known: Sequence[str]) -> None:
    """Adds the outcomes of the writes of each wave; nothing for a fleet without waves."""
    outcomes = {wave.name: _outcomes(wave) for wave in report.waves}
    waves = _several(in_order(outcomes, known))
    if not waves:
        return
    page.heading("Waves")
    add_rows(page, [(wave, outcomes[wave]) for wave in waves])


def _outcomes(wave: WaveOutcome) -> str:
    if not wave.writes.total:
        return "nothing to write"
    parts = [f"{number:,} {outcome}" for outcome, number in wave.writes.counts.items() if number]
    amount = f"{counted(wave.writes.total, 'write')} to {counted(wave.registries, 'registry')}"
    because = f"; {wave.because}" if wave.because else ""
    return f"{amount}: {', '.join(parts)}{because}"


def _several(waves: list[str]) -> list[str]:
    return [] if set(waves) <= {REST} else waves
