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
    """The record of a fleet in its store, read at each call and written only where it changes."""

    def __init__(self, store: Store, inventory: Inventory) -> None:
        self._store = store
        self._fleet = inventory.name
        self._formerly = inventory.ownership.formerly
        self._known: dict[str, tuple[bytes, Remembered]] = {}
        """The text and the record that were read last, so that no text is parsed twice."""

    async def recall(self) -> Record:
        """Returns the record, with what is on record under former names. Raises StateError."""
        own = self._parsed(self._fleet, await self._store.read(_name(self._fleet)))
        return (await self._with_former(own)).record

    async def revise(self, change: Callable[[Record], Record]) -> None:
        """Changes the record as it is now, even if others change it at the same time.

        Raises StateError.
        """
        own = self._parsed(self._fleet, await self._store.read(_name(self._fleet)))
        known_names = own.formerly if own is not None else ()
        former = await self._with_former(Remembered(record={}, formerly=known_names))

        def revised(content: bytes | None) -> bytes | None:
            before = self._parsed(self._fleet, content)
            now = _joined(before, former)
            after = replace(now, record=change(now.record))
            if after == before or (before is None and not after.record):
                return None
            text = record_document(self._fleet, after)
            self._known[self._fleet] = (text, after)
            return text

        await revise(self._store, _name(self._fleet), revised)

    async def _with_former(self, own: Remembered | None) -> Remembered:
        """Returns a record merged with those of former names. Each is merged once: after that its
        document does not count any more."""
        now = own or Remembered(record={})
        new_names = [name for name in self._formerly if name not in now.formerly]
        if not new_names:
            return now
        former = [self._parsed(name, await self._store.read(_name(name))) for name in new_names]
        records = (remembered.record for remembered in former if remembered is not None)
        merged = merge_records([now.record, *records])
        return Remembered(record=merged, formerly=(*now.formerly, *new_names))

    def _parsed(self, fleet: str, content: bytes | None) -> Remembered | None:
        if content is None:
            return None
        known = self._known.get(fleet)
        if known is None or known[0] != content:
            where = f"{self._store}/{_name(fleet)}"
            known = self._known[fleet] = (content, parse_record(content, fleet, where=where))
        return known[1]


def _joined(own: Remembered | None, former: Remembered) -> Remembered:
    """Returns a record merged with that of its former names."""
    if own is None:
        return former
    if not former.record:
        return replace(own, formerly=former.formerly)
    record = merge_records([own.record, former.record])
    return Remembered(record=record, formerly=former.formerly)


def _name(fleet: str) -> str:
    return f"{fleet}/{NAME}"
