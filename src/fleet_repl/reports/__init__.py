"""Plans and reports as documents: JSON with its schemas, JUnit XML, files.

Text for people is in `fleet_repl.reports.text`, which alone needs rich.
"""

from typing import TYPE_CHECKING

from fleet_repl.reports import documents
from fleet_repl.reports.documents.schemas import SCHEMAS, schema
from fleet_repl.reports.exit_codes import (
    ExitCode,
    backfill_exit,
    delivery_exit,
    exit_code,
    plan_exit,
    report_exit,
)
from fleet_repl.reports.files import (
    ENDINGS,
    ReportError,
    check_apart,
    check_ending,
    check_place,
    keep_plan,
    write_report,
)
from fleet_repl.reports.junit import to_junit
from fleet_repl.reports.to_json import Document, json_text, to_json
from fleet_repl.runs.history import RunList

if TYPE_CHECKING:
    from fleet_repl.reports.documents import (
        BACKFILL_SCHEMA,
        DELIVERY_SCHEMA,
        GRAPH_SCHEMA,
        PLAN_SCHEMA,
        REPORT_SCHEMA,
        RUNS_SCHEMA,
        backfill_report_document,
        delivery_document,
        graph_document,
        plan_digest,
        plan_document,
        report_document,
        runs_document,
    )

__all__ = [
    "BACKFILL_SCHEMA",
    "DELIVERY_SCHEMA",
    "ENDINGS",
    "GRAPH_SCHEMA",
    "PLAN_SCHEMA",
    "REPORT_SCHEMA",
    "RUNS_SCHEMA",
    "SCHEMAS",
    "Document",
    "ExitCode",
    "ReportError",
    "RunList",
    "backfill_exit",
    "backfill_report_document",
    "check_apart",
    "check_ending",
    "check_place",
    "delivery_document",
    "delivery_exit",
    "exit_code",
    "graph_document",
    "json_text",
    "keep_plan",
    "plan_digest",
    "plan_document",
    "plan_exit",
    "report_document",
    "report_exit",
    "runs_document",
    "schema",
    "to_json",
    "to_junit",
    "write_report",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(documents, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
