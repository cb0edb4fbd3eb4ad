"""Waves in plans and reports: their order, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.text.page import Page
from fleet_repl.reports.text.sections import add_rows
from fleet_repl.runs.outcomes import Report, WaveOutcome
from fleet_repl.topology import REST
from fleet_repl.values.text import counted


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
