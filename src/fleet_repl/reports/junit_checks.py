"""The test cases of reports that are about images and accounts: deliveries, backfills, doctor.

A link without a recent image and a backfill that has copied nothing yet are `skipped`. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Final

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.planning.explain import Explanation, Reason, Waited
from fleet_repl.reports.coverage_words import (
    gap_words,
    link_words,
    lost_words,
    place_words,
    route_words,
    use_words,
)
from fleet_repl.reports.junit_verdicts import Case, Verdict, case_name, fault_verdict, regions_cases
from fleet_repl.runs.coverage import (
    CoverageReport,
    CoverageState,
    InUse,
    LinkCoverage,
    RouteCoverage,
)
from fleet_repl.runs.delivery import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    UnreadRegistry,
)
from fleet_repl.runs.doctor import DoctorReport, FleetProblem
from fleet_repl.runs.reput import Reput, ReputState
from fleet_repl.values.names import Registry

_NOT_BEGUN: Final = (BackfillState.QUEUED, BackfillState.NONE, BackfillState.NOT_STARTED)


def delivery_cases(report: DeliveryReport) -> list[Case]:
    """Returns a case for each link and for each registry that could not be read, and one for
    accounts that did not say their regions."""
    return [
        *map(_delivered, report.links),
        *map(_unread, report.unreadable),
        *regions_cases(report.warnings),
    ]


def coverage_cases(report: CoverageReport) -> list[Case]:
    """Returns a case for each route with an objective, for each link, for each region that images
    run from, and for each place and registry that could not be read. Gaps without an objective are
    `skipped`, as they fail no run."""
    return [
        *(_objective(route) for route in report.routes if route.objective is not None),
        *map(_covered, report.links),
        *_in_use(report.in_use),
        *map(_unread, report.unreadable),
        *regions_cases(report.warnings),
    ]


def backfill_cases(outcomes: Iterable[BackfillOutcome]) -> list[Case]:
    """Returns a case for each source and destination."""
    return list(map(_backfilled, outcomes))


def reput_cases(reputs: Iterable[Reput]) -> list[Case]:
    """Returns a case for each image that was to be put again."""
    return [
        Case(
            name=f"{reput.image} in {case_name(reput.source, reput.source_name)}",
            verdict=_reput_verdict(reput),
        )
        for reput in reputs
    ]


def _reput_verdict(reput: Reput) -> Verdict | None:
    if reput.error is not None:
        return fault_verdict(reput.error)
    if reput.state is ReputState.GONE:
        message = "it cannot be pulled from its source"
        return Verdict(element="failure", kind=reput.state.value, message=message)
    if reput.state in (ReputState.SKIPPED, ReputState.LACKING):
        return Verdict(element="skipped", kind=reput.state.value, message="it was not put again")
    return None


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
                name=case_name(registry, report.names[registry.account]),
                verdict=_verdict_of(of_registries[registry]),
            )
            for registry in report.registries
        ),
        *(Case(name=f"run: {problem.kind}", verdict=_verdict_of([problem])) for problem in of_run),
    ]


def wait_cases(explanation: Explanation, waited: Waited) -> list[Case]:
    """Returns a case for each registry that an image was awaited in; for none, one that failed."""
    what = str(explanation.image)
    lines = tuple((explanation.remedy or "").splitlines())
    failures = {
        image.destination: Verdict(
            element="failure",
            kind=image.state.value,
            message=image.because or image.state.value.replace("-", " "),
            lines=lines,
        )
        for image in waited.lacking
    }
    if not waited.images:
        message = "no link carries it"
        verdict = Verdict(element="failure", kind=Reason.NO_ROUTE, message=message, lines=lines)
        return [Case(name=what, verdict=verdict)]
    names = explanation.names
    return [
        Case(
            name=f"{what} in {case_name(image.destination, names[image.destination.account])}",
            seconds=image.seconds or 0,
            verdict=failures.get(image.destination),
        )
        for image in waited.images
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


def _backfilled(outcome: BackfillOutcome) -> Case:
    """Returns a destination: failed where copies are missing, skipped where none were made yet."""
    source = case_name(outcome.source, outcome.source_name)
    name = f"backfill {source} to {case_name(outcome.destination, outcome.destination_name)}"
    verdict, last = None, outcome.backfill
    if outcome.error is not None:
        verdict = fault_verdict(outcome.error)
    elif outcome.joining or outcome.state in _NOT_BEGUN:
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
    source = case_name(link.source, link.source_name)
    destination = case_name(link.destination, link.destination_name)
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
        unknown = link.joining or "the source was not read"
        because = unknown if link.state.is_problem else "no recent image"
        verdict = Verdict(element="skipped", kind=link.state.value, message=because)
    return Case(name=f"{source} to {destination}", verdict=verdict)


def _problem_lines(delivery: Delivery) -> Iterator[str]:
    why = " ".join(part for part in (delivery.code, delivery.because) if part)
    image = delivery.image
    yield f"{image.repository}@{image.digest} {delivery.state}: {why}"
    if delivery.hint:
        yield delivery.hint


def _objective(route: RouteCoverage) -> Case:
    verdict = None
    if not route.is_met:
        verdict = Verdict(
            element="skipped" if route.is_met is None else "failure",
            kind="objective",
            message=route_words(route),
            lines=tuple((route.remedy or "").splitlines()),
        )
    return Case(name=f"route {route.name}", verdict=verdict)


def _in_use(in_use: InUse | None) -> Iterator[Case]:
    if in_use is None:
        return
    for region, images in in_use.by_region().items():
        lost = [image for image in images if not image.copies]
        verdict = Verdict(
            element="skipped",
            kind="in-use",
            message=lost_words(images, "are nowhere else"),
            lines=tuple(f"{use_words(image)}: {place_words(image)}" for image in lost),
        )
        yield Case(name=f"running images of {region}", verdict=verdict if lost else None)
    for unasked in in_use.unasked:
        verdict_of_fault = fault_verdict(unasked.error)
        if verdict_of_fault is not None and not unasked.fails:
            verdict_of_fault = replace(verdict_of_fault, element="skipped")
        yield Case(name=f"{unasked.runtime} in {unasked.place}", verdict=verdict_of_fault)


def _covered(link: LinkCoverage) -> Case:
    source = case_name(link.source, link.source_name)
    destination = case_name(link.destination, link.destination_name)
    verdict = None
    if link.gaps:
        lines = tuple(map(gap_words, link.gaps))
        verdict = Verdict(element="skipped", kind="missing", message=link_words(link), lines=lines)
    elif link.state is not CoverageState.COMPLETE:
        because = link.joining or "an end was not read"
        if link.state is CoverageState.EXTERNAL:
            because = "the destination is external: nobody here can look into it"
        verdict = Verdict(element="skipped", kind=link.state.value, message=because)
    return Case(name=f"{source} to {destination}", verdict=verdict)


def _unread(unread: UnreadRegistry) -> Case:
    return Case(name=case_name(unread.registry, unread.name), verdict=fault_verdict(unread.error))
