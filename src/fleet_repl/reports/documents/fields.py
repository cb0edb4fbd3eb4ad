"""How documents spell prefixes and faults. msgspec, which takes long to load, is loaded late."""

from __future__ import annotations

from fleet_repl.values.canonical_json import Json
from fleet_repl.values.errors import Fault
from fleet_repl.values.prefixes import EVERY_REPOSITORY, Prefixes


def prefix_list(prefixes: Prefixes) -> Prefixes | None:
    """A list of prefixes; None for every repository."""
    return None if prefixes == EVERY_REPOSITORY else prefixes


def prefixes_document(prefixes: Prefixes) -> Json:
    """The same as JSON has it."""
    return None if prefixes == EVERY_REPOSITORY else list(prefixes)


def acknowledged_document(number: int) -> dict[str, Json]:
    """How many warnings are known and not listed: no member where there are none, as documents
    from before there were any have to be read back as they are."""
    return {"acknowledged": number} if number else {}


def json_text(document: object) -> str:
    """Any document as text that people may open: indented, in ASCII, ending with a newline."""
    from fleet_repl.reports.documents import writer  # noqa: PLC0415 - msgspec takes long to load

    return writer.json_text(document)


def fault_document(fault: Fault | None) -> Json:
    """A failed call as an object; null for none."""
    from fleet_repl.reports.documents import shared  # noqa: PLC0415 - msgspec takes long to load

    return shared.fault_document(fault)
