"""Plans and reports as JSON documents, and back.

The law of this package: a value that is read from a document has the same document again, byte for
byte, so that a plan can be kept, carried out later and compared by its digest. Pure.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fleet_repl.reports.documents.backfill import backfill_report_document
    from fleet_repl.reports.documents.delivery import DELIVERY_SCHEMA, delivery_document
    from fleet_repl.reports.documents.doctor import DOCTOR_SCHEMA, doctor_document
    from fleet_repl.reports.documents.graph import GRAPH_SCHEMA, graph_document
    from fleet_repl.reports.documents.plan import (
        PlanFormatError,
        is_unaltered,
        parse_plan,
        plan_content,
        plan_digest,
        plan_document,
    )
    from fleet_repl.reports.documents.report import parse_report, report_content, report_document
    from fleet_repl.reports.documents.runs import runs_document

__all__ = [
    "DELIVERY_SCHEMA",
    "DOCTOR_SCHEMA",
    "GRAPH_SCHEMA",
    "PlanFormatError",
    "backfill_report_document",
    "delivery_document",
    "doctor_document",
    "graph_document",
    "is_unaltered",
    "parse_plan",
    "parse_report",
    "plan_content",
    "plan_digest",
    "plan_document",
    "report_content",
    "report_document",
    "runs_document",
]

_MODULES: Final = ("plan", "report", "backfill", "delivery", "doctor", "graph", "runs")


def __getattr__(name: str) -> object:
    # Modules are imported on first use, because msgspec takes long to load.
    if name in __all__:
        for module in _MODULES:
            members = vars(import_module(f"{__name__}.{module}"))
            if name in members:
                return members[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
