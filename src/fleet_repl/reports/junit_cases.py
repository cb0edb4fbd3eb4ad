"""The test cases that a plan or a report is for a CI server. Pure.

A case is an `error` where a call failed, a `failure` where a registry or a link is not as the
inventory wants it, and `skipped` where nothing was tried. Each objection is a case of its own, so
that a refused run does not look green.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from fleet_repl.planning.change import Change, HeldLink, fall_short
from fleet_repl.planning.plan import Objection, Plan, RegistryPlan
from fleet_repl.reports.junit_checks import backfill_cases
from fleet_repl.reports.junit_verdicts import Case, Verdict, case_name, fault_verdict, regions_cases
from fleet_repl.runs.drift import call_sentences, sentence
from fleet_repl.runs.outcomes import (
    ChangeOutcome,
    Outcome,
    RegistryOutcome,
    Report,
    Writes,
)
from fleet_repl.topology import REST


def plan_cases(plan: Plan) -> list[Case]:
    """Returns a case for each registry and for each objection, and one for accounts that did not
    say their regions."""
    return [
        *map(_planned, plan.registries),
        *_objections(plan.objections),
        *regions_cases(plan.warnings),
    ]


def report_cases(report: Report) -> list[Case]:
    """Returns a case for each registry, wave, backfill and objection that was not overridden, and
    one for accounts that did not say their regions."""
    return [
        *map(_finished, report.registries),
        *_waves(report),
        *backfill_cases(report.backfills),
        *_objections(() if report.forced else report.objections),
        *regions_cases(report.warnings),
    ]


def counts_text(writes: Writes) -> str:
    """Returns `3 applied, 0 unchanged, …`."""
    return ", ".join(f"{number} {outcome}" for outcome, number in writes.counts.items())


def _planned(planned: RegistryPlan) -> Case:
    held = _held(planned.held) or _excused(planned.excuse)
    verdict = fault_verdict(planned.error if planned.fails else None) or _drift(planned) or held
    return Case(name=case_name(planned.registry, planned.name), verdict=_combined(verdict, held))


def _finished(outcome: RegistryOutcome) -> Case:
    held = _held(outcome.held)
    match outcome.outcome:
        case Outcome.APPLIED:
            verdict = held
        case Outcome.UNCHANGED:
            verdict = held or _excused(outcome.because)
        case Outcome.FAILED:
            verdict = fault_verdict(outcome.error) or Verdict(
                element="error", kind="failed", message=outcome.because or "it failed"
            )
        case Outcome.PARTIAL | Outcome.SKIPPED | Outcome.CANCELLED:
            because = outcome.because or outcome.outcome.value
            lines = (
                tuple(map(_change_outcome, outcome.changes))
                if outcome.outcome is Outcome.PARTIAL
                else ()
            )
            verdict = Verdict(
                element="skipped", kind=outcome.outcome.value, message=because, lines=lines
            )
        case _:
            assert_never(outcome.outcome)
    return Case(
        name=case_name(outcome.registry, outcome.name),
        seconds=outcome.duration_ms / 1000,
        verdict=_combined(verdict, held),
    )


def _change_outcome(change: ChangeOutcome) -> str:
    return f"{_written(change)}: {change.outcome}"


def _waves(report: Report) -> Iterator[Case]:
    """Yields a case for each wave with a write, if there are several waves."""
    for wave in report.waves if len(report.waves) > 1 else ():
        if not wave.writes.total:
            continue
        verdict, counts = None, wave.writes
        if counts.failed:
            verdict = Verdict(element="failure", kind="failed", message=counts_text(counts))
        elif counts.skipped or counts.cancelled:
            kind = "skipped" if counts.skipped else "cancelled"
            lines = () if wave.because is None else (wave.because,)
            verdict = Verdict(
                element="skipped", kind=kind, message=counts_text(counts), lines=lines
            )
        yield Case(name=f"wave {wave.name}", verdict=verdict)


def _combined(verdict: Verdict | None, held: Verdict | None) -> Verdict | None:
    """Returns the verdict of a case with two: held links become lines of the worse one."""
    if verdict is None or held is None or verdict is held:
        return verdict
    return replace(verdict, lines=(*verdict.lines, held.message, *held.lines))


def _drift(planned: RegistryPlan) -> Verdict | None:
    if not planned.changes:
        return None
    moved = planned.moved
    why = () if moved is None else (sentence(moved), *call_sentences(moved.attribution))
    return Verdict(
        element="failure",
        kind="drift",
        message="it differs from the inventory",
        lines=(*why, *map(_written, planned.changes)),
    )


def _written(change: Change | ChangeOutcome) -> str:
    when = f" (wave {change.wave})" if change.wave != REST else ""
    return f"{change.action} {change.resource}{when}"


def _held(links: Sequence[HeldLink]) -> Verdict | None:
    if not links:
        return None
    noun = "link is" if len(links) == 1 else "links are"
    return Verdict(
        element="failure" if fall_short(links) else "skipped",
        kind="held",
        message=f"{len(links)} {noun} held",
        lines=tuple(
            f"{link.destination} {', '.join(link.prefixes) or 'every repository'}: {link.because}"
            for link in links
        ),
    )


def _excused(because: str | None) -> Verdict | None:
    """Returns a registry that could not be read, which is no failure."""
    if because is None:
        return None
    return Verdict(element="skipped", kind="unreadable", message=because)


def _objections(objections: Iterable[Objection]) -> Iterator[Case]:
    for objection in objections:
        verdict = Verdict(element="failure", kind=objection.kind, message=objection.message)
        yield Case(name=f"objection: {objection.kind}", verdict=verdict)
