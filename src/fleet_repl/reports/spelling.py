"""How documents spell themselves, for whatever in this package spells something of its own."""

from __future__ import annotations

from fleet_repl.reports.documents.shared import fault_document, prefixes_document
from fleet_repl.reports.documents.writer import indented, json_text, timestamp

__all__ = [
    "acknowledged_words",
    "fault_document",
    "indented",
    "json_text",
    "prefixes_document",
    "timestamp",
]


def acknowledged_words(number: int) -> str:
    """`1 warning acknowledged`, `12 warnings acknowledged`."""
    return f"{number:,} {'warning' if number == 1 else 'warnings'} acknowledged"
