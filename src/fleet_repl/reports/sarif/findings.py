"""The findings of a document: what a reader has to know of, with its rule and its level."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, product
from typing import assert_never

from fleet_repl.planning.attribution import Mover
from fleet_repl.reports.documents.accounts import AccountsDocument
from fleet_repl.reports.documents.backfill import BackfillDocument, BackfillReportDocument
from fleet_repl.reports.documents.coverage import CoverageDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument, LinkDocument
from fleet_repl.reports.documents.doctor import DoctorDocument
from fleet_repl.reports.documents.explanation import ExplanationDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.registry_plans import RegistryDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.documents.shared import (
    HeldDocument,
    NamedPlaceDocument,
    given,
)
from fleet_repl.reports.documents.validation import ProblemDocument, ValidateDocument
from fleet_repl.reports.documents.whole import WholeDocument
from fleet_repl.reports.sarif.finding import (
    Finding,
    Level,
    failed,
    lasting,
    named_place,
    notes,
)
from fleet_repl.reports.sarif.image_findings import of_coverage, of_explanation
from fleet_repl.reports.sarif.rules import DRIFT, HELD, IMAGES, INVALID, SHORT


def findings(document: WholeDocument) -> Iterator[Finding]:
    """Returns the findings of a document, those of the fleet as a whole first."""
    match document:
        case PlanDocument():
            items = _of_plan(document)
        case ReportDocument():
            items = _of_report(document)
        case DeliveryDocument():
            items = _of_delivery(document)
        case BackfillReportDocument():
            items = _short(document.backfills)
        case DoctorDocument():
            items = _problems(document)
        case AccountsDocument():
            items = notes(document.warnings, Level.WARNING)
        case ValidateDocument():
            warnings = notes(given(document.warnings) or (), Level.WARNING)
            items = chain(map(_mistake, document.problems), warnings)
        case CoverageDocument():
            items = of_coverage(document)
        case ExplanationDocument():
            items = of_explanation(document)
        case _:
            assert_never(document)
    return items


def _of_plan(plan: PlanDocument) -> Iterator[Finding]:
    yield from notes(plan.objections, Level.ERROR)
    yield from notes(plan.warnings, Level.WARNING)
    for registry in plan.registries:
        yield from _of_planned(registry)


def _of_report(report: ReportDocument) -> Iterator[Finding]:
    yield from notes(report.objections, Level.WARNING if report.forced else Level.ERROR)
    yield from notes(report.warnings, Level.WARNING)
    for registry in report.registries:
        if registry.error is not None:
            yield failed(registry, registry.error, Level.ERROR)
        yield from _held(registry, registry.held)
    yield from _short(report.backfills)


def _of_delivery(report: DeliveryDocument) -> Iterator[Finding]:
    for unread in report.unreadable:
        yield failed(unread, unread.error, Level.ERROR)
    yield from notes(given(report.warnings) or (), Level.WARNING)
    for link in report.links:
        if link.state.is_problem and link.images:
            yield _late(link)


def _of_planned(registry: RegistryDocument) -> Iterator[Finding]:
    if registry.error is not None:
        level = Level.NOTE if registry.is_excused else Level.ERROR
        yield failed(registry, registry.error, level)
    yield from _held(registry, registry.held)
    if registry.moved is not None:
        by_others = registry.moved.by is Mover.FLEET
        yield Finding(
            rule=DRIFT,
            level=Level.WARNING if by_others else Level.NOTE,
            message=f"{named_place(registry)} differs: {registry.moved.message}",
            subject=str(registry.registry),
        )


def _held(place: NamedPlaceDocument, held: Iterable[HeldDocument]) -> Iterator[Finding]:
    for link in held:
        yield Finding(
            rule=HELD,
            level=Level.NOTE if link.joining is True else Level.WARNING,
            message=f"the link from {named_place(place)} to {link.registry} is held: "
            f"{link.because}",
            subject=str(place.registry),
            same=str(link.registry),
        )


def _short(backfills: Iterable[BackfillDocument]) -> Iterator[Finding]:
    for backfill in backfills:
        if not backfill.outcome().falls_short:
            continue
        error = backfill.error
        why = backfill.because or backfill.failure_code or f"{backfill.failed or 0:,} copies failed"
        if error is not None:
            why = f"{error.operation}: {error.message}"
        yield Finding(
            rule=SHORT,
            level=Level.ERROR,
            message=f"the backfill from {named_place(backfill.source)} to "
            f"{named_place(backfill.destination)} is {backfill.state}: {why}",
            remedy=None if error is None else error.hint,
            subject=str(backfill.source.registry),
            same=str(backfill.destination.registry),
        )


def _late(link: LinkDocument) -> Finding:
    problems = [image for image in link.images if image.state.is_problem]
    because = "; ".join(dict.fromkeys(image.because for image in problems if image.because))
    ends = f"{named_place(link.source)} at {named_place(link.destination)}"
    return Finding(
        rule=f"{IMAGES}{link.state}",
        level=Level.ERROR,
        message=f"{len(problems)} of {len(link.images)} images have not arrived from {ends}"
        f"{f': {because}' if because else ''}",
        remedy=next((image.hint for image in problems if image.hint), None),
        subject=str(link.source.registry),
        same=str(link.destination.registry),
    )


def _problems(document: DoctorDocument) -> Iterator[Finding]:
    for problem in document.problems:
        places = [f"{place[0]}/{place[1]}" for place in product(problem.accounts, problem.regions)]
        for place in places or [""]:
            yield Finding(
                rule=problem.kind.value,
                level=Level.ERROR,
                message=f"{place}: {problem.message}" if place else problem.message,
                remedy=problem.remedy,
                subject=place or None,
                same="" if place else lasting(problem.message),
            )


def _mistake(problem: ProblemDocument) -> Finding:
    value = "" if problem.value is None else f" (found {problem.value})"
    return Finding(
        rule=INVALID,
        level=Level.ERROR,
        message=f"{problem.key}: {problem.message}{value}",
        remedy=problem.remedy,
        same=f"{re.sub(r'[0-9]+', 'N', problem.key)} {lasting(problem.message)} {problem.value}",
        file=problem.file,
        line=problem.line,
    )
