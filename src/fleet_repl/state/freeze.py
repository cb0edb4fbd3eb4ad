"""The freeze of a fleet, during which no run may write to it, as a document and back.

A document that cannot be read raises an error, and never counts as "not frozen".
"""

from __future__ import annotations

from typing import Final

from fleet_repl.engine.stores import Store
from fleet_repl.reports.documents.reader import Document, MalformedError, read
from fleet_repl.reports.documents.shared import expect_fleet, plain, zoned
from fleet_repl.reports.documents.writer import line_in_utf8
from fleet_repl.runs.history import Freeze
from fleet_repl.values.errors import StateError
from fleet_repl.values.text import timestamp

FREEZE_SCHEMA: Final = "fleet-repl/freeze/1"
FREEZE_NAME: Final = "freeze.json"
LONGEST_REASON: Final = 500
"""The most characters of `who` and of `why`."""


class _Freeze(Document, frozen=True, tag_field="schema", tag=FREEZE_SCHEMA):
    fleet: str
    who: str
    why: str
    since: str

    def freeze(self) -> Freeze:
        return Freeze(
            who=plain(self.who, "who", least=1, most=LONGEST_REASON),
            why=plain(self.why, "why", least=1, most=LONGEST_REASON),
            since=zoned(self.since, "since"),
        )


async def read_freeze(store: Store, fleet: str) -> Freeze | None:
    """Returns the freeze of a fleet; None if it is not frozen. Raises StateError."""
    name = _name(fleet)
    content = await store.read(name)
    return None if content is None else _parse(content, fleet, where=f"{store}/{name}")


async def write_freeze(store: Store, fleet: str, freeze: Freeze) -> None:
    """Freezes a fleet, and replaces an earlier freeze.

    Raises StateError, also if `who` or `why` is empty, longer than 500 characters, or has control
    characters.
    """
    document = _Freeze(fleet, freeze.who, freeze.why, freeze.since.isoformat())
    try:
        document.freeze()
    except MalformedError as malformed:
        raise StateError(f"the fleet cannot be frozen: {malformed}") from None
    await store.replace(_name(fleet), line_in_utf8(document))


async def lift_freeze(store: Store, fleet: str) -> Freeze | None:
    """Lifts the freeze of a fleet and returns it; None if there was none. Raises StateError."""
    freeze = await read_freeze(store, fleet)
    if freeze is not None:
        await store.remove(_name(fleet))
    return freeze


def frozen_refusal(freeze: Freeze) -> str:
    """Returns the refusal of a run at a frozen fleet."""
    return (
        f"the fleet is frozen since {timestamp(freeze.since)} by {freeze.who}: "
        f"{freeze.why}\n    lift it with: fleet-repl unfreeze INVENTORY"
    )


def _name(fleet: str) -> str:
    return f"{fleet}/{FREEZE_NAME}"


def _parse(content: bytes, fleet: str, *, where: str) -> Freeze:
    try:
        document = read(content, _Freeze)
        expect_fleet(fleet, document.fleet)
        return document.freeze()
    except MalformedError as malformed:
        raise StateError(
            f"the fleet's freeze cannot be read: {where}: {malformed}\n"
            "    nothing is written while it is there; remove it to lift the freeze"
        ) from None
