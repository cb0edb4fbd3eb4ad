"""A fleet that nobody may write to for now: its freeze as a document and back.

One that cannot be understood freezes the fleet too: it is an error, and never "not frozen".
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from fleet_repl.engine.ports import Store
from fleet_repl.runs.history import Freeze
from fleet_repl.state.parsing import first_problem, printable, read_document
from fleet_repl.values.canonical_json import Json, compact_json
from fleet_repl.values.errors import StateError

FREEZE_SCHEMA: Final = "fleet-repl/freeze/1"
FREEZE_NAME: Final = "freeze.json"
LONGEST_REASON: Final = 500
"""Characters of who and why."""

_Text = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON), AfterValidator(printable)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # "schema" would shadow a name of pydantic's own.
    format: Literal["fleet-repl/freeze/1"] = Field(alias="schema")
    fleet: str
    who: _Text
    why: _Text
    since: AwareDatetime


async def read_freeze(store: Store, fleet: str) -> Freeze | None:
    """The freeze of a fleet, or None. Raises StateError."""
    name = _name(fleet)
    content = await store.read(name)
    return None if content is None else _parse(content, fleet, where=f"{store}/{name}")


async def write_freeze(store: Store, fleet: str, freeze: Freeze) -> None:
    """Freeze a fleet, in place of an earlier freeze. Raises StateError, also for who or why
    that is empty, longer than 500 characters or holds control characters."""
    document: Json = {
        "schema": FREEZE_SCHEMA,
        "fleet": fleet,
        "who": freeze.who,
        "why": freeze.why,
        "since": freeze.since.isoformat(),
    }
    try:
        _Document.model_validate(document)
    except ValidationError as error:
        raise StateError(f"the fleet cannot be frozen: {first_problem(error)}") from None
    await store.replace(_name(fleet), f"{compact_json(document)}\n".encode())


async def lift_freeze(store: Store, fleet: str) -> Freeze | None:
    """Lift the freeze of a fleet; what it was, or None where there was none. Raises StateError."""
    freeze = await read_freeze(store, fleet)
    if freeze is not None:
        await store.remove(_name(fleet))
    return freeze


def frozen_refusal(freeze: Freeze) -> str:
    """What whoever wants to write is told."""
    return (
        f"the fleet is frozen since {freeze.since:%Y-%m-%dT%H:%M:%SZ} by {freeze.who}: "
        f"{freeze.why}\n    lift it with: fleet-repl unfreeze INVENTORY"
    )


def _name(fleet: str) -> str:
    return f"{fleet}/{FREEZE_NAME}"


def _parse(content: bytes, fleet: str, *, where: str) -> Freeze:
    try:
        document = read_document(_Document, content)
    except ValueError as error:
        reason = str(error)
    else:
        if document.fleet == fleet:
            return Freeze(who=document.who, why=document.why, since=document.since)
        reason = f"it is of fleet {document.fleet!r}"
    raise StateError(
        f"the fleet's freeze cannot be read: {where}: {reason}\n"
        "    nothing is written while it is there; remove it to lift the freeze"
    )
