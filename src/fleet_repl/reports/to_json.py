"""Whatever has a document, as JSON text for people and for automation. Pure."""

from __future__ import annotations

from typing import TypeAlias

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.documents.delivery import delivery_document
from fleet_repl.reports.documents.fields import json_text
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.outcomes import BackfillReport, Report

Document: TypeAlias = Plan | Report | DeliveryReport | BackfillReport
"""What has a document."""


def to_json(subject: Document) -> str:
    """The document as text: indented, in ASCII, ending with a newline.

    In ASCII, so that no encoding and no terminal makes anything else of a name in it.
    """
    from fleet_repl.reports.documents import backfill, plan, report, writer  # noqa: PLC0415 - msgspec takes long to load

    match subject:
        case Plan():
            return writer.indented(plan.plan_content(subject))
        case Report():
            return writer.indented(report.report_content(subject))
        case DeliveryReport():
            return json_text(delivery_document(subject))
        case BackfillReport():
            return json_text(backfill.backfill_report_document(subject))
