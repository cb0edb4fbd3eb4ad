"""Whatever has a document, as JSON text for people and for automation. Pure."""

from __future__ import annotations

from typing import TypeAlias

from fleet_repl.delivery import DeliveryReport
from fleet_repl.documents import plan_document, report_document
from fleet_repl.outcomes import BackfillReport, Report
from fleet_repl.plan import Plan
from fleet_repl.reports.backfills import backfill_report_document
from fleet_repl.reports.deliveries import delivery_document
from fleet_repl.reports.spelling import json_text

Document: TypeAlias = Plan | Report | DeliveryReport | BackfillReport
"""What has a document."""


def to_json(subject: Document) -> str:
    """The document as text: indented, in ASCII, ending with a newline.

    In ASCII, so that no encoding and no terminal makes anything else of a name in it.
    """
    match subject:
        case Plan():
            return json_text(plan_document(subject))
        case Report():
            return json_text(report_document(subject))
        case DeliveryReport():
            return json_text(delivery_document(subject))
        case BackfillReport():
            return json_text(backfill_report_document(subject))
