"""What happened, in one sentence for each kind of document. Pure.

The sentence is plain text; a format escapes it.
"""

from __future__ import annotations

from typing import assert_never

from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.planning.explain import Awaited
from fleet_repl.reports.documents.accounts import AccountsDocument
from fleet_repl.reports.documents.backfill import BackfillReportDocument
from fleet_repl.reports.documents.coverage import CoverageDocument
from fleet_repl.reports.documents.delivery import DeliveryDocument
from fleet_repl.reports.documents.doctor import DoctorDocument
from fleet_repl.reports.documents.explanation import ExplanationDocument
from fleet_repl.reports.documents.plan import PlanDocument
from fleet_repl.reports.documents.report import ReportDocument, WritesDocument
from fleet_repl.reports.documents.shared import given
from fleet_repl.reports.documents.validation import ValidateDocument
from fleet_repl.reports.documents.whole import WholeDocument
from fleet_repl.runs.delivery import DeliveryState
from fleet_repl.runs.outcomes import Status
from fleet_repl.runs.reput import ReputState
from fleet_repl.values.text import counted, elapsed, named


def sentence_of(document: WholeDocument) -> str:
    """Returns what happened, in one sentence."""
    match document:
        case PlanDocument():
            sentence = _of_plan(document)
        case ReportDocument():
            sentence = _of_report(document)
        case DeliveryDocument():
            sentence = _of_delivery(document)
        case BackfillReportDocument():
            sentence = _of_backfills(document)
        case DoctorDocument():
            sentence = _of_doctor(document)
        case AccountsDocument():
            registries = sum(len(account.regions) for account in document.accounts)
            accounts = counted(len(document.accounts), "account")
            sentence = f"Fleet {document.fleet} has {accounts} and {_registries(registries)}."
        case ExplanationDocument():
            sentence = _of_explanation(document)
        case CoverageDocument():
            sentence = _of_coverage(document)
        case ValidateDocument():
            sentence = _of_validate(document)
        case _:
            assert_never(document)
    return sentence


def _of_plan(plan: PlanDocument) -> str:
    summary = plan.summary
    what = "Plan for" if plan.rolls_back is None else f"Rollback of run {plan.rolls_back} of"
    parts = ["nothing changes"]
    if summary.changed:
        registries = _registries(summary.registries)
        verb = "changes" if summary.changed == 1 else "change"
        parts = [f"{summary.changed:,} of {registries} {verb}"]
    links = {"added": summary.links_added, "removed": summary.links_removed}
    parts += [f"{counted(number, 'link')} {word}" for word, number in links.items() if number]
    parts += _obstacles(summary.unreadable, summary.held)
    if plan.objections:
        parts.append(f"refused by {counted(len(plan.objections), 'objection')}")
    return f"{what} {plan.fleet}: {', '.join(parts)}."


def _of_report(report: ReportDocument) -> str:
    summary = report.summary
    writes = given(summary.writes) or WritesDocument.of(report.registries)
    parts = ["nothing to write"]
    if writes.total:
        parts = [f"applied {writes.applied:,} of {counted(writes.total, 'write')}"]
    unfinished = {
        "failed": summary.failed,
        "written in part": given(summary.partial) or 0,
        "skipped": summary.skipped,
        "cancelled": summary.cancelled,
    }
    parts += [f"{_registries(number)} {word}" for word, number in unfinished.items() if number]
    parts += _obstacles(0, summary.held)
    short = sum(backfill.outcome().fails for backfill in report.backfills)
    parts += [f"{counted(short, 'backfill')} failed"] if short else []
    what = "" if report.rolls_back is None else f", a rollback of {report.rolls_back},"
    refused = " It was refused." if report.status is Status.REFUSED else ""
    return (
        f"Run {report.run_id} of {report.fleet}{what} ended as {report.status}: "
        f"{', '.join(parts)}.{refused}"
    )


def _of_delivery(report: DeliveryDocument) -> str:
    problems = sum(
        number for state, number in report.summary.links.items() if DeliveryState(state).is_problem
    )
    parts = [f"images have not arrived on {problems:,}" if problems else "no problem"]
    if report.unreadable:
        parts += _obstacles(len(report.unreadable), 0)
    links = counted(len(report.links), "link")
    images = counted(report.summary.sampled, "image")
    return f"Looked for {images} on {links} of {report.fleet}: {', '.join(parts)}."


def _of_coverage(report: CoverageDocument) -> str:
    unrouted = sum(len(source.repositories) for source in report.unrouted)
    missing = sum(bool(link.gaps) for link in report.links)
    missed = [route.name for route in report.routes if route.met is False]
    parts = [f"{counted(missing, 'link')} with gaps", f"{unrouted:,} in no route"]
    if missed:
        parts.append(f"the objective is missed by {named('route', missed)}")
    parts += _obstacles(len(report.unreadable), 0)
    links = counted(len(report.links), "link")
    return f"Compared {report.compared} on {links} of {report.fleet}: {', '.join(parts)}."


def _of_backfills(report: BackfillReportDocument) -> str:
    if reputs := given(report.reputs):
        put = sum(reput.state is ReputState.PUT for reput in reputs)
        images = counted(len(reputs), "image")
        return f"{put:,} of {images} of {report.fleet} put again, ended as {report.status}."
    states = [
        f"{report.summary[state]:,} {state}" for state in BackfillState if report.summary[state]
    ]
    number = counted(len(report.backfills), "backfill")
    return f"{number} of {report.fleet} ended as {report.status}: {', '.join(states or ['none'])}."


def _of_doctor(report: DoctorDocument) -> str:
    registries = _registries(len(report.registries))
    problems = counted(len(report.problems), "problem") if report.problems else "no problem"
    return f"Examined {registries} of {report.fleet}: {problems}."


def _of_explanation(document: ExplanationDocument) -> str:
    waited = given(document.waited)
    if waited is not None:
        there = sum(image.state is Awaited.THERE for image in waited.images)
        asked = counted(len(waited.images), "registry")
        found = f"there in {there:,} of {asked} after {elapsed(waited.seconds)}"
    else:
        links = counted(len(document.carried), "link")
        verb = "carries" if len(document.carried) == 1 else "carry"
        others = _registries(len(document.not_carried))
        found = f"{links} {verb} it, and it does not get to {others}"
    return f"{document.what} in {document.fleet}: {found}."


def _of_validate(document: ValidateDocument) -> str:
    if not document.valid:
        return f"The inventory has {counted(len(document.problems), 'problem')}."
    registries, links = _registries(document.registries or 0), document.links or 0
    return f"The inventory of {document.fleet} is valid: {registries}, {counted(links, 'link')}."


def _obstacles(unreadable: int, held: int) -> list[str]:
    parts = [f"{_registries(unreadable)} could not be read"] if unreadable else []
    return parts + ([f"{counted(held, 'link')} held"] if held else [])


def _registries(number: int) -> str:
    return counted(number, "registry")
