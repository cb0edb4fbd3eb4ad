"""Plans and reports as JSON documents, and back.

The law of this package: what is read back from a document has that document again, byte for
byte, so that a plan can be kept, carried out later and compared by its digest. Pure.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet_repl.reports.documents.plan import (
        PLAN_SCHEMA,
        PlanFormatError,
        is_unaltered,
        parse_plan,
        plan_content,
        plan_digest,
        plan_document,
    )
    from fleet_repl.reports.documents.report import (
        REPORT_SCHEMA,
        parse_report,
        report_content,
        report_document,
    )

__all__ = [
    "PLAN_SCHEMA",
    "REPORT_SCHEMA",
    "PlanFormatError",
    "is_unaltered",
    "parse_plan",
    "parse_report",
    "plan_content",
    "plan_digest",
    "plan_document",
    "report_content",
    "report_document",
]


def __getattr__(name: str) -> object:
    # Only when they are needed: msgspec takes long to load.
    if name in __all__:
        for place in ("plan", "report"):
            module = import_module(f"fleet_repl.reports.documents.{place}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
