"""Plans and reports as JSON documents, and back.

The law of this package: what is read back from a document has that document again, byte for
byte, so that a plan can be kept, carried out later and compared by its digest. Pure.
"""

from __future__ import annotations

from fleet_repl.documents.plans import (
    PLAN_SCHEMA,
    is_unaltered,
    plan_content,
    plan_digest,
    plan_document,
)
from fleet_repl.documents.reading_plans import PlanFormatError, parse_plan
from fleet_repl.documents.reading_reports import parse_report
from fleet_repl.documents.reports import (
    REPORT_SCHEMA,
    backfill_document,
    report_content,
    report_document,
)

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
