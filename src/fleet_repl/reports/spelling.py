"""How every document spells itself: as JSON text, with its times and faults."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from fleet_repl.canonical import Json
from fleet_repl.errors import Fault
from fleet_repl.prefixes import EVERY_REPOSITORY, Prefixes


def json_text(document: Json) -> str:
    """Any document as text: indented, in ASCII, ending with a newline.

    In ASCII, so that no encoding and no terminal makes anything else of a name in it.
    """
    # DEL is the one control character that JSON leaves as it is.
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n"


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def prefixes_document(prefixes: Prefixes) -> Json:
    """A list of prefixes; null for every repository."""
    return None if prefixes == EVERY_REPOSITORY else list(prefixes)


def fault_document(fault: Fault | None) -> Json:
    """A failed call as an object; null for none."""
    if fault is None:
        return None
    return {
        "kind": fault.kind.value,
        "operation": fault.operation,
        "code": fault.code,
        "message": fault.message,
        "request_id": fault.request_id,
        "hint": fault.hint,
    }
