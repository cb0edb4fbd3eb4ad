"""How documents spell themselves, for whatever in this package spells something of its own."""

from __future__ import annotations

from fleet_repl.documents.spelling import (
    fault_document,
    json_text,
    prefixes_document,
    timestamp,
)

__all__ = ["fault_document", "json_text", "prefixes_document", "timestamp"]
