"""Plans, reports and lists as JSON text, for people and for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from fleet_repl.planning.plan import Plan
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.doctor import DoctorReport
from fleet_repl.runs.history import RunList
from fleet_repl.runs.outcomes import BackfillReport, Report

if TYPE_CHECKING:
    from fleet_repl.reports.graph import Graph

Document: TypeAlias = Plan | Report | DeliveryReport | BackfillReport | DoctorReport
"""The values that have a document that can be written to a file."""


def to_json(subject: Document | RunList | Graph) -> str:
    """Returns the document of `subject` as text: indented, in ASCII, ending with a newline.

    In ASCII, so that neither an encoding nor a terminal can change a name in it.
    """
    return "".join(json_pieces(subject))


def json_pieces(subject: Document | RunList | Graph) -> Iterable[str]:
    """Returns `to_json` in pieces: that of a large fleet has hundreds of megabytes."""
    from fleet_repl.reports.documents import (  # noqa: PLC0415 - msgspec takes long to load
        backfill,
        delivery,
        doctor,
        graph,
        plan,
        report,
        runs,
        writer,
    )

    match subject:
        case Plan():
            return plan.indented_plan(subject)
        case Report():
            return report.indented_report(subject)
        case DeliveryReport():
            document: object = delivery.DeliveryDocument.of(subject)
        case BackfillReport():
            document = backfill.BackfillReportDocument.of(subject)
        case DoctorReport():
            document = doctor.DoctorDocument.of(subject)
        case RunList():
            document = runs.RunListDocument.of(subject)
        case _:
            document = graph.GraphDocument.of(subject)
    return (writer.json_text(document),)
