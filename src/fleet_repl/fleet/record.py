"""A fleet's record of what it last applied, kept in its store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from fleet_repl.engine.stores import Store
from fleet_repl.inventory import Inventory
from fleet_repl.planning.ownership import Record
from fleet_repl.state import Remembered, merge_records, parse_record, record_document, revise

NAME: Final = "applied.json"


class Memory:
    """Looks at the store whenever it is asked, and writes to it only what has changed."""

    def __init__(self, store: Store, inventory: Inventory) -> None:
        self._store = store
        self._fleet = inventory.name
        self._formerly = inventory.ownership.formerly
        self._known: dict[str, tuple[bytes, Remembered]] = {}
        """What was read last: reading the same text again takes no time."""

    async def recall(self) -> Record:
        """What was last applied, under former names as well. Raises StateError."""
        own = self._parsed(self._fleet, await self._store.read(_name(self._fleet)))
        return (await self._with_former(own)).record

    async def revise(self, change: Callable[[Record], Record]) -> None:
        """Change the record as it is now, whoever else is changing it. Raises StateError."""
        found = self._parsed(self._fleet, await self._store.read(_name(self._fleet)))
        former = await self._with_former(Remembered(record={}, formerly=_names(found)))

        def revised(content: bytes | None) -> bytes | None:
            own = self._parsed(self._fleet, content)
            now = _joined(own, former)
            after = replace(now, record=change(now.record))
            if after == own or (own is None and not after.record):
                return None
            text = record_document(self._fleet, after)
            self._known[self._fleet] = (text, after)
            return text

        await revise(self._store, _name(self._fleet), revised)

    async def _with_former(self, own: Remembered | None) -> Remembered:
        """A record with those of former names in it, each of which is taken in once: after that
        it says nothing any more."""
        now = own or Remembered(record={})
        late = [one for one in self._formerly if one not in now.formerly]
        if not late:
            return now
        found = [self._parsed(one, await self._store.read(_name(one))) for one in late]
        merged = merge_records([now.record, *(one.record for one in found if one is not None)])
        return Remembered(record=merged, formerly=(*now.formerly, *late))

    def _parsed(self, fleet: str, content: bytes | None) -> Remembered | None:
        if content is None:
            return None
        known = self._known.get(fleet)
        if known is None or known[0] != content:
            where = f"{self._store}/{_name(fleet)}"
            known = self._known[fleet] = (content, parse_record(content, fleet, where=where))
        return known[1]


def _joined(own: Remembered | None, former: Remembered) -> Remembered:
    """A record with what former names have to add to it."""
    if own is None:
        return former
    if not former.record:
        return replace(own, formerly=former.formerly)
    record = merge_records([own.record, former.record])
    return Remembered(record=record, formerly=former.formerly)


def _names(one: Remembered | None) -> tuple[str, ...]:
    return () if one is None else one.formerly


def _name(fleet: str) -> str:
    return f"{fleet}/{NAME}"
