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
    from fleet_repl.reports.documents.whole import Documented
    from fleet_repl.reports.graph import Graph

Document: TypeAlias = Plan | Report | DeliveryReport | BackfillReport | DoctorReport
"""The results of runs that have a document."""


def to_json(subject: Documented | RunList | Graph) -> str:
    """Returns the document of `subject` as text: indented, in ASCII, ending with a newline.

    In ASCII, so that neither an encoding nor a terminal can change a name in it.
    """
    return "".join(json_pieces(subject))


def json_pieces(subject: Documented | RunList | Graph) -> Iterable[str]:
    """Returns `to_json` in pieces: that of a large fleet has hundreds of megabytes."""
    # msgspec takes long to load.
    from fleet_repl.reports.documents import graph, plan, report, runs, whole, writer  # noqa: PLC0415
    from fleet_repl.reports.graph import Graph  # noqa: PLC0415

    match subject:
        case Plan():
            return plan.indented_plan(subject)
        case Report():
            return report.indented_report(subject)
        case RunList():
            document: object = runs.RunListDocument.of(subject)
        case Graph():
            document = graph.GraphDocument.of(subject)
        case _:
            document = whole.document_of(subject)
    return (writer.json_text(document),)
