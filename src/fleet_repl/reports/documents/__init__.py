"""Plans and reports as JSON documents, and back.

The law of this package: what is read back from a document has that document again, byte for
byte, so that a plan can be kept, carried out later and compared by its digest. Pure.
"""

from __future__ import annotations

from fleet_repl.reports.documents.plan import (
    PLAN_SCHEMA,
    is_unaltered,
    plan_content,
    plan_digest,
    plan_document,
)
from fleet_repl.reports.documents.plan_reader import PlanFormatError, parse_plan
from fleet_repl.reports.documents.report import (
    REPORT_SCHEMA,
    backfill_document,
    report_content,
    report_document,
)
from fleet_repl.reports.documents.report_reader import parse_report

__all__ = [
    "PLAN_SCHEMA",
    "REPORT_SCHEMA",
    "PlanFormatError",
    "backfill_document",
    "is_unaltered",
    "parse_plan",
    "parse_report",
    "plan_content",
    "plan_digest",
    "plan_document",
    "report_content",
    "report_document",
]
