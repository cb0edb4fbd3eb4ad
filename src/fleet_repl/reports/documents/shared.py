"""What plans and reports have in common: held links, notes, and the inventory they are of."""

from __future__ import annotations

from collections.abc import Iterable

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.plan import HeldLink, Objection, Warning
from fleet_repl.reports.documents.writer import prefixes_document
from fleet_repl.values.canonical_json import Json, JsonObject


def held_document(links: Iterable[HeldLink]) -> list[Json]:
    """Links that are left out, in order of their destinations."""
    return [
        {
            "account": link.destination.account,
            "region": link.destination.region,
            "prefixes": prefixes_document(link.prefixes),
            "because": link.because,
        }
        for link in sorted(links, key=lambda link: (link.destination, link.prefixes, link.because))
    ]


def inventory_document(reference: InventoryRef) -> JsonObject:
    """Which inventory it is of."""
    return {"path": reference.path, "digest": reference.digest}


def notes_document(notes: Iterable[Objection | Warning]) -> list[Json]:
    """Objections or warnings, in their order."""
    return [{"kind": note.kind, "message": note.message} for note in notes]


def acknowledged_document(number: int) -> dict[str, Json]:
    """How many warnings are known and not listed: no member where there are none, as documents
    from before there were any have to be read back as they are."""
    return {"acknowledged": number} if number else {}
