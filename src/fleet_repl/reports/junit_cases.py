"""The test cases that a plan or a report is for a CI server. Pure.

A case is an `error` where a call failed, a `failure` where a registry or a link is not as the
inventory wants it, and `skipped` where nothing was tried. Each objection is a case of its own, so
that a refused run does not look green.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, assert_never

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.planning.plan import Change, HeldLink, Objection, Plan, RegistryPlan, fall_short
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    UnreadRegistry,
)
from fleet_repl.runs.doctor import DoctorReport, FleetProblem
from fleet_repl.runs.drift import sentence
from fleet_repl.runs.outcomes import (
    ChangeOutcome,
    Outcome,
    RegistryOutcome,
    Report,
    Writes,
)
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The reason why a test case is not passed."""

    element: Literal["failure", "error", "skipped"]
    kind: str
    message: str
    lines: tuple[str, ...] = ()
    """Further lines below the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    seconds: float = 0
    verdict: Verdict | None = None


def plan_cases(plan: Plan) -> list[Case]:
    """Returns a case for each registry and for each objection."""
    return [*map(_planned, plan.registries), *_objections(plan.objections)]


def report_cases(report: Report) -> list[Case]:
    """Returns a case for each registry, wave, backfill and objection that was not overridden."""
    return [
        *map(_finished, report.registries),
        *_waves(report),
        *backfill_cases(report.backfills),
        *_objections(() if report.forced else report.objections),
    ]


def delivery_cases(report: DeliveryReport) -> list[Case]:
    """Returns a case for each link and for each registry that could not be read."""
    return [*map(_delivered, report.links), *map(_unread, report.unreadable)]


def backfill_cases(outcomes: Iterable[BackfillOutcome]) -> list[Case]:
    """Returns a case for each source and destination."""
    return list(map(_backfilled, outcomes))


def doctor_cases(report: DoctorReport) -> list[Case]:
    """Returns a case for each registry, failed by every problem that it has, and one for each
    problem of the run itself."""
    of_registries: dict[Registry, list[FleetProblem]] = defaultdict(list)
    for problem in report.problems:
        for account, region in product(problem.accounts, problem.regions):
            of_registries[Registry(account, region)].append(problem)
    of_run = [problem for problem in report.problems if not problem.accounts]
    return [
        *(
            Case(
                name=_name(registry, report.names[registry.account]),
                verdict=_verdict_of(of_registries[registry]),
            )
            for registry in report.registries
        ),
        *(Case(name=f"run: {problem.kind}", verdict=_verdict_of([problem])) for problem in of_run),
    ]


def _verdict_of(problems: Sequence[FleetProblem]) -> Verdict | None:
    if not problems:
        return None
    lines = (line for problem in problems for line in problem.remedy.splitlines())
    return Verdict(
        element="failure",
        kind=problems[0].kind,
        message="; ".join(problem.message for problem in problems),
        lines=tuple(dict.fromkeys(lines)),
    )


def counts_text(writes: Writes) -> str:
    """Returns `3 applied, 0 unchanged, …`."""
    return ", ".join(f"{number} {outcome}" for outcome, number in writes.counts.items())


def _backfilled(outcome: BackfillOutcome) -> Case:
    """Returns a destination: failed where copies are missing, skipped where none were made yet."""
    source = _name(outcome.source, outcome.source_name)
    name = f"backfill {source} to {_name(outcome.destination, outcome.destination_name)}"
    verdict, last = None, outcome.backfill
    if outcome.error is not None:
        verdict = _fault(outcome.error)
    elif outcome.state in (BackfillState.QUEUED, BackfillState.NONE, BackfillState.NOT_STARTED):
        because = outcome.because or "ECR tells of no backfill"
        verdict = Verdict(element="skipped", kind=outcome.state.value, message=because)
    elif outcome.falls_short:
        codes = tuple(outcome.failures)
        failed = f"{outcome.state}; {last.failed} copies failed" if last else outcome.state.value
        message = outcome.because or failed
        verdict = Verdict(element="failure", kind=outcome.state.value, message=message, lines=codes)
    return Case(name=name, verdict=verdict)


def _delivered(link: LinkDelivery) -> Case:
    """Returns a link: failed where images did not arrive, skipped where no image was looked at."""
    source = _name(link.source, link.source_name)
    destination = _name(link.destination, link.destination_name)
    verdict = None
    if link.state.is_problem and link.images:
        problems = [delivery for delivery in link.images if delivery.state.is_problem]
        lines = (line for delivery in problems for line in _problem_lines(delivery))
        verdict = Verdict(
            element="failure",
            kind=link.state.value,
            message=f"{len(problems)} of {len(link.images)} images did not arrive",
            lines=tuple(dict.fromkeys(lines)),
        )
    elif link.state in (DeliveryState.UNKNOWN, DeliveryState.IDLE):
        because = "the source was not read" if link.state.is_problem else "no recent image"
        verdict = Verdict(element="skipped", kind=link.state.value, message=because)
    return Case(name=f"{source} to {destination}", verdict=verdict)


def _problem_lines(delivery: Delivery) -> Iterator[str]:
    why = " ".join(part for part in (delivery.code, delivery.because) if part)
    image = delivery.image
    yield f"{image.repository}@{image.digest} {delivery.state}: {why}"
    if delivery.hint:
        yield delivery.hint


def _unread(unread: UnreadRegistry) -> Case:
    return Case(name=_name(unread.registry, unread.name), verdict=_fault(unread.error))


def _planned(planned: RegistryPlan) -> Case:
    held = _held(planned.held) or _excused(planned.excuse)
    verdict = _fault(planned.error if planned.fails else None) or _drift(planned) or held
    return Case(name=_name(planned.registry, planned.name), verdict=_combined(verdict, held))


def _finished(outcome: RegistryOutcome) -> Case:
    held = _held(outcome.held)
    match outcome.outcome:
        case Outcome.APPLIED:
            verdict = held
        case Outcome.UNCHANGED:
            verdict = held or _excused(outcome.because)
        case Outcome.FAILED:
            verdict = _fault(outcome.error) or Verdict(
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
        name=_name(outcome.registry, outcome.name),
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


def _fault(fault: Fault | None) -> Verdict | None:
    if fault is None:
        return None
    lines = (fault.hint or "").splitlines()
    return Verdict(element="error", kind=fault.kind.value, message=str(fault), lines=tuple(lines))


def _drift(planned: RegistryPlan) -> Verdict | None:
    if not planned.changes:
        return None
    why = (sentence(planned.moved),) if planned.moved is not None else ()
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


def _name(registry: Registry, name: str) -> str:
    return f"{registry.account} {registry.region} ({name})"
