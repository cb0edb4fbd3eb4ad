"""The lock of a fleet as a document and back.

One that cannot be understood is never taken for a lock that is free.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from fleet_repl.runs.history import Holder, Purpose
from fleet_repl.state.lock_rules import LockDocument
from fleet_repl.state.parsing import printable, read_document
from fleet_repl.values.canonical_json import Json, compact_json
from fleet_repl.values.errors import StateError

LOCK_SCHEMA: Final = "fleet-repl/lock/1"


_Text = Annotated[str, Field(max_length=300), AfterValidator(printable)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    run_id: _Text
    purpose: Purpose
    user: _Text
    host: _Text
    pid: int = Field(ge=0)
    process: _Text


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # "schema" would shadow a name of pydantic's own.
    format: Literal["fleet-repl/lock/1"] = Field(alias="schema")
    fleet: str
    holder: _Entry | None
    taken_at: AwareDatetime
    renewed_at: AwareDatetime
    renewals: int = Field(ge=0)
    sharers: dict[_Text, _Text] | None = None


def lock_content(document: LockDocument) -> bytes:
    """The lock's document as text."""
    holder = document.holder
    entry: Json = None
    if holder is not None:
        entry = {
            "run_id": holder.run_id,
            "purpose": holder.purpose.value,
            "user": holder.user,
            "host": holder.host,
            "pid": holder.pid,
            "process": holder.process,
        }
    whole: Json = {
        "schema": LOCK_SCHEMA,
        "fleet": document.fleet,
        "holder": entry,
        "taken_at": document.taken_at.isoformat(),
        "renewed_at": document.renewed_at.isoformat(),
        "renewals": document.renewals,
        **({} if document.sharers is None else {"sharers": dict(document.sharers)}),
    }
    return f"{compact_json(whole)}\n".encode()


def parse_lock(content: bytes, fleet: str | None, *, where: str) -> LockDocument:
    """The lock in a document; `fleet`: whose it has to be, None for any fleet's.

    Raises StateError, naming it as `where`.
    """
    try:
        document = read_document(_Document, content)
    except ValueError as error:
        raise _unusable(where, str(error)) from None
    if fleet not in (None, document.fleet):
        raise _unusable(where, f"it is of fleet {document.fleet!r}")
    entry = document.holder
    return LockDocument(
        fleet=document.fleet,
        holder=Holder(**dict(entry)) if entry is not None else None,
        taken_at=document.taken_at,
        renewed_at=document.renewed_at,
        renewals=document.renewals,
        sharers=document.sharers,
    )


def _unusable(where: str, reason: str) -> StateError:
    return StateError(
        f"the fleet's lock cannot be used: {where}: {reason}\n"
        "    see that no other run of this fleet is under way, then remove it"
    )
