"""Plans and reports as documents: JSON with its schemas, JUnit XML, files.

Text for people is in `fleet_repl.reports.text`, which alone needs rich.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from fleet_repl.reports.documents.delivery import DELIVERY_SCHEMA, delivery_document
from fleet_repl.reports.documents.fields import json_text
from fleet_repl.reports.documents.runs import RUNS_SCHEMA, RunList, runs_document
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
from fleet_repl.reports.to_json import Document, to_json

if TYPE_CHECKING:
    from fleet_repl.reports.documents.backfill import BACKFILL_SCHEMA, backfill_report_document
    from fleet_repl.reports.documents.plan import PLAN_SCHEMA, plan_digest, plan_document
    from fleet_repl.reports.documents.report import REPORT_SCHEMA, report_document

__all__ = [
    "BACKFILL_SCHEMA",
    "DELIVERY_SCHEMA",
    "ENDINGS",
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
    # Only when they are needed: msgspec takes long to load.
    if name in __all__:
        for place in ("plan", "report", "backfill"):
            module = import_module(f"fleet_repl.reports.documents.{place}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
