"""Plans and reports as JUnit XML, so that a CI server shows a fleet as it shows tests. Pure.

A fleet is a suite of cases. Nothing that XML forbids gets into the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias
from xml.etree import ElementTree as ET

from fleet_repl.planning.explain import Explanation, Waited
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.junit_cases import counts_text, plan_cases, report_cases
from fleet_repl.reports.junit_checks import (
    backfill_cases,
    coverage_cases,
    delivery_cases,
    doctor_cases,
    reput_cases,
    wait_cases,
)
from fleet_repl.reports.junit_explained import explained_cases
from fleet_repl.reports.junit_verdicts import Case
from fleet_repl.runs.coverage import CoverageReport
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.doctor import DoctorReport
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.text import timestamp, visible

if TYPE_CHECKING:
    from fleet_repl.reports.documents.whole import Documented

_OfRun: TypeAlias = Report | DeliveryReport | CoverageReport | BackfillReport | DoctorReport


def to_junit(subject: Documented) -> str:
    """Returns a plan or a report as JUnit XML.

    Raises TypeError for what has none, which `formats.FORMATS` names.
    """
    started_at: datetime | None
    match subject:
        case Plan():
            cases, properties = plan_cases(subject), _plan_properties(subject)
            started_at, took = subject.created_at, timedelta()
        case Report() | DeliveryReport() | CoverageReport() | BackfillReport() | DoctorReport():
            started_at, took = subject.started_at, subject.finished_at - subject.started_at
            if isinstance(subject, Report):
                took = subject.took
            properties = _report_properties(subject)
            cases = _report_cases(subject)
        case Explanation(waited=Waited() as waited):
            started_at, took = waited.started_at, timedelta(seconds=waited.seconds)
            properties = {"what": str(subject.image), "status": subject.status}
            cases = wait_cases(subject, waited)
        case Explanation():
            started_at, took = None, timedelta()
            properties = {"what": str(subject.image), "status": subject.status}
            cases = explained_cases(subject)
        case _:
            raise TypeError(f"{type(subject).__name__} has no cases")
    return _suite(subject.fleet, started_at, took, properties, cases)


def _report_cases(report: _OfRun) -> list[Case]:
    match report:
        case Report():
            return report_cases(report)
        case DeliveryReport():
            return delivery_cases(report)
        case CoverageReport():
            return coverage_cases(report)
        case BackfillReport():
            return [*backfill_cases(report.backfills), *reput_cases(report.reputs)]
        case DoctorReport():
            return doctor_cases(report)


def _plan_properties(plan: Plan) -> dict[str, str]:
    return {
        "plan_digest": plan.digest,
        "inventory": plan.inventory.path,
        **_rolls_back(plan.rolls_back),
    }


def _report_properties(report: _OfRun) -> dict[str, str]:
    if isinstance(report, DoctorReport):
        return {"base_identity": report.base.arn}
    properties = {"run_id": report.run_id, "status": str(report.status)}
    if not isinstance(report, Report):
        return {**properties, "inventory": report.inventory.path}
    return {
        **properties,
        **_written_by_wave(report),
        "plan_digest": report.plan_digest or "",
        "inventory": report.inventory.path,
        **_rolls_back(report.rolls_back),
    }


def _written_by_wave(report: Report) -> dict[str, str]:
    """Returns the numbers of writes, and those of each wave if there are several waves."""
    waves = report.waves if len(report.waves) > 1 else ()
    by_wave = {f"wave {wave.name}": counts_text(wave.writes) for wave in waves}
    return {"writes": counts_text(report.writes), **by_wave}


def _rolls_back(run_id: str | None) -> dict[str, str]:
    return {"rolls_back": run_id} if run_id is not None else {}


def _suite(
    fleet: str,
    started_at: datetime | None,
    took: timedelta,
    properties: dict[str, str],
    cases: Sequence[Case],
) -> str:
    counts = {
        "tests": len(cases),
        "failures": _count(cases, "failure"),
        "errors": _count(cases, "error"),
        "skipped": _count(cases, "skipped"),
    }
    attributes = {
        "name": fleet,
        **{name: str(count) for name, count in counts.items()},
        "time": f"{took.total_seconds():.3f}",
    }
    root = _element("testsuites", attributes)
    began = {} if started_at is None else {"timestamp": timestamp(started_at)}
    suite = _element("testsuite", {**attributes, **began}, root)
    parent = _element("properties", {}, suite)
    for name, value in properties.items():
        _element("property", {"name": name, "value": value}, parent)
    for case in cases:
        _add_case(suite, fleet, case)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _count(cases: Iterable[Case], element: str) -> int:
    return sum(case.verdict is not None and case.verdict.element == element for case in cases)


def _add_case(suite: ET.Element, fleet: str, case: Case) -> None:
    attributes = {"classname": fleet, "name": case.name, "time": f"{case.seconds:.3f}"}
    element = _element("testcase", attributes, suite)
    if case.verdict is not None:
        verdict = case.verdict
        attributes = {"type": verdict.kind, "message": verdict.message}
        child = _element(verdict.element, attributes, element)
        child.text = "\n".join(visible(line) for line in (verdict.message, *verdict.lines))


def _element(tag: str, attributes: dict[str, str], parent: ET.Element | None = None) -> ET.Element:
    """Returns an element, whose attributes have no character that XML forbids."""
    plain = {name: visible(value) for name, value in attributes.items()}
    return ET.Element(tag, plain) if parent is None else ET.SubElement(parent, tag, plain)
