"""Plans and reports as documents and back, text, JUnit XML, graphs, log lines and exit codes.

The law of this room: it reads values and never AWS. Text for people is in `reports.text`, which
alone needs rich; what `bootstrap` prints is in `reports.bootstrap`.
"""

from fleet_repl.reports.documents.schemas import SCHEMAS, schema
from fleet_repl.reports.exit_codes import (
    backfill_exit,
    delivery_exit,
    doctor_exit,
    exit_code,
    plan_exit,
    report_exit,
)
from fleet_repl.reports.files import (
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
from fleet_repl.values.exit_code import ExitCode

__all__ = [
    "SCHEMAS",
    "Document",
    "ExitCode",
    "ReportError",
    "RunList",
    "backfill_exit",
    "check_apart",
    "check_ending",
    "check_place",
    "delivery_exit",
    "doctor_exit",
    "exit_code",
    "json_text",
    "keep_plan",
    "plan_exit",
    "report_exit",
    "schema",
    "to_json",
    "to_junit",
    "write_report",
]
