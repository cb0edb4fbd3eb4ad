"""A document as a page of Markdown."""

from __future__ import annotations

from itertools import groupby
from typing import assert_never

from fleet_repl.planning.attribution import Mover
from fleet_repl.planning.plan import State
from fleet_repl.reports.changed_links import LinkChange, changed_links
from fleet_repl.reports.documents.accounts import AccountsDocument
from fleet_repl.reports.documents.backfill import BackfillReportDocument
from fleet_repl.reports.documents.coverage import CoverageDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument
from fleet_repl.reports.documents.doctor import DoctorDocument
from fleet_repl.reports.documents.explanation import ExplanationDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.registry_plans import RegistryDocument
from fleet_repl.reports.documents.report import ReportDocument
from fleet_repl.reports.documents.shared import given
from fleet_repl.reports.documents.validation import ValidateDocument
from fleet_repl.reports.documents.whole import WholeDocument
from fleet_repl.reports.markdown.checks import (
    add_accounts,
    add_backfills,
    add_delivery,
    add_doctor,
    add_explanation,
    add_reputs,
    add_validation,
)
from fleet_repl.reports.markdown.coverage import add_coverage
from fleet_repl.reports.markdown.escape import prose
from fleet_repl.reports.markdown.flowchart import flowchart
from fleet_repl.reports.markdown.page import Page
from fleet_repl.reports.markdown.problems import (
    Failing,
    add_faults,
    add_held,
    add_notes,
    add_outside_changes,
)
from fleet_repl.reports.markdown.waves import add_waves
from fleet_repl.reports.sentences import sentence_of
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.values.text import counted

_FAULTS = ("Unreadable", "Not to be overwritten", "Joining, or retired and gone: no failure")


def markdown_text(document: WholeDocument) -> str:
    """Returns a document as Markdown of at most 65,536 characters, for a comment at GitHub."""
    page = Page()
    page.add(prose(sentence_of(document)))
    match document:
        case PlanDocument():
            _add_plan(page, document)
        case ReportDocument():
            _add_report(page, document)
        case DeliveryDocument():
            add_delivery(page, document)
        case BackfillReportDocument():
            add_backfills(page, document.backfills)
            add_reputs(page, given(document.reputs) or ())
        case DoctorDocument():
            add_doctor(page, document)
        case AccountsDocument():
            add_accounts(page, document)
        case ExplanationDocument():
            add_explanation(page, document)
        case CoverageDocument():
            add_coverage(page, document)
        case ValidateDocument():
            add_validation(page, document)
        case _:
            assert_never(document)
    return page.text()


def _add_plan(page: Page, plan: PlanDocument) -> None:
    summary = plan.summary
    page.add_counts(
        {
            "changed": summary.changed,
            "unchanged": summary.unchanged,
            "unreadable": summary.unreadable,
            "links added": summary.links_added,
            "links removed": summary.links_removed,
            "links held": summary.held,
        },
    )
    add_notes(page, "Objections", plan.objections)
    faults: dict[str, list[Failing]] = {title: [] for title in _FAULTS}
    for registry in plan.registries:
        if registry.error is not None:
            faults[_fault_title(registry)].append((registry, registry.error))
    for title, failing in faults.items():
        add_faults(page, title, failing)
    add_outside_changes(
        page,
        (
            (registry.registry, registry.moved)
            for registry in plan.registries
            if registry.moved is not None and registry.moved.by is Mover.FLEET
        ),
    )
    _add_links_and_waves(page, plan)


def _fault_title(registry: RegistryDocument) -> str:
    unreadable, protected, excused = _FAULTS
    if registry.is_excused:
        return excused
    return unreadable if registry.state is State.UNREADABLE else protected


def _add_report(page: Page, report: ReportDocument) -> None:
    counts = {outcome.value: getattr(report.summary, outcome.value) for outcome in Outcome}
    counts["partial"] = given(report.summary.partial) or 0
    page.add_counts(counts | {"links held": report.summary.held})
    title = "Objections, overridden" if report.forced else "Objections"
    add_notes(page, title, report.objections)
    failing = (
        (registry, registry.error) for registry in report.registries if registry.error is not None
    )
    add_faults(page, "Failed", failing)
    reasons = sorted(
        (registry.outcome.value, registry.because)
        for registry in report.registries
        if registry.because is not None
    )
    groups = [(reason, len(list(some))) for reason, some in groupby(reasons)]
    page.add_some(
        "### Not written\n",
        [
            f"- {prose(because)}: {counted(number, 'registry')} {outcome}"
            for (outcome, because), number in groups
        ],
        noun="reasons",
    )
    add_outside_changes(
        page,
        (
            (registry.registry, moved)
            for registry in report.registries
            if (moved := given(registry.moved)) is not None
        ),
    )
    _add_links_and_waves(page, report)
    short = [backfill for backfill in report.backfills if backfill.outcome().falls_short]
    if short:
        add_backfills(page, short)


def _add_links_and_waves(page: Page, document: PlanDocument | ReportDocument) -> None:
    held = [link for link in changed_links(document) if link.change is LinkChange.HELD]
    add_held(page, held)
    add_notes(page, "Warnings", document.warnings)
    acknowledged = given(document.acknowledged)
    if acknowledged:
        page.add(f"{counted(acknowledged, 'warning')} acknowledged")
    drawing = flowchart(document)
    if drawing is not None:
        page.add(f"### Links that change\n\n{drawing}")
    add_waves(page, document)
