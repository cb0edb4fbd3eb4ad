"""How documents spell themselves, for whatever in this package spells something of its own."""

from __future__ import annotations

from fleet_repl.reports.documents.fields import prefixes_document, timestamp
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.errors import Fault

__all__ = ["acknowledged_words", "fault_document", "json_text", "prefixes_document", "timestamp"]


def json_text(document: object) -> str:
    """Any document as text that people may open: indented, in ASCII, ending with a newline."""
    from fleet_repl.reports.documents import writer  # noqa: PLC0415 - msgspec takes long to load

    return writer.json_text(document)


def fault_document(fault: Fault | None) -> Json:
    """A failed call as an object; null for none."""
    from fleet_repl.reports.documents import shared  # noqa: PLC0415 - msgspec takes long to load

    return shared.fault_document(fault)


def acknowledged_words(number: int) -> str:
    """`1 warning acknowledged`, `12 warnings acknowledged`."""
    return f"{number:,} {'warning' if number == 1 else 'warnings'} acknowledged"
