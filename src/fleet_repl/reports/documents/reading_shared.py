"""What plans and reports have in common, read back."""

from __future__ import annotations

from typing import Final, TypeVar

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.plan import HeldLink, Objection, Warning
from fleet_repl.reports.documents import reader as members
from fleet_repl.reports.documents.reader import MalformedError, as_object
from fleet_repl.runs.outcomes import Outcome, Writes
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import FleetError

_HELD: Final = frozenset({"account", "region", "prefixes", "because"})
_NOTE: Final = frozenset({"kind", "message"})
_WRITES: Final = frozenset(Writes().counts)
_INVENTORY: Final = frozenset({"path", "digest"})

_Error = TypeVar("_Error", bound=FleetError)


def expect_schema(found: JsonObject, schema: str) -> None:
    """Raises MalformedError for a document of another kind, or of another version."""
    told = found.get("schema")
    if told == schema:
        return
    kind = schema.rpartition("/")[0]
    if isinstance(told, str) and told.rpartition("/")[0] == kind:
        version = schema.rpartition("/")[2]
        raise MalformedError("schema", f"this version reads {kind} of version {version} only")
    raise MalformedError("schema", f"it is no {schema}")


def unusable(error: type[_Error], what: str, where: str, malformed: MalformedError) -> _Error:
    """Why a document cannot be used, for whoever named it."""
    return error(f"the {what} cannot be read: {where}: {malformed}")


def inventory_reference(found: JsonObject) -> InventoryRef:
    """Which inventory a document is of."""
    as_object(found, keys=_INVENTORY)
    return InventoryRef(path=members.text(found, "path"), digest=members.text(found, "digest"))


def objection(item: Json) -> Objection:
    """A reason to refuse."""
    found = as_object(item, keys=_NOTE)
    return Objection(kind=members.text(found, "kind"), message=members.text(found, "message"))


def warning(item: Json) -> Warning:
    """Something that stops nothing."""
    found = as_object(item, keys=_NOTE)
    return Warning(kind=members.text(found, "kind"), message=members.text(found, "message"))


def write_outcome(found: JsonObject) -> Outcome:
    """What became of one write, which is never partial."""
    outcome = members.choice(found, "outcome", Outcome)
    if outcome is Outcome.PARTIAL:
        raise MalformedError("outcome", f"one of {', '.join(Writes().counts)} is needed")
    return outcome


def writes(found: JsonObject) -> Writes:
    """How many writes had which outcome."""
    as_object(found, keys=_WRITES)
    return Writes(**{outcome: members.number(found, outcome) for outcome in _WRITES})


def acknowledged(found: JsonObject) -> int:
    """How many warnings are known and not listed."""
    return members.number(found, "acknowledged") if "acknowledged" in found else 0


def held_link(item: Json) -> HeldLink:
    """A link that was left out."""
    found = as_object(item, keys=_HELD)
    return HeldLink(
        destination=members.registry_of(found),
        prefixes=members.prefixes(found, "prefixes"),
        because=members.text(found, "because"),
    )
