"""A fleet's record of what it last applied, kept in its store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from fleet_repl.inventory import Inventory
from fleet_repl.ownership import Record
from fleet_repl.ports import Store
from fleet_repl.store import Remembered, merge_records, parse_record, record_document

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
        return (await self._recall())[1].record

    async def revise(self, change: Callable[[Record], Record]) -> None:
        """Change the record as it is now. Raises StateError."""
        own, remembered = await self._recall()
        after = replace(remembered, record=change(remembered.record))
        if after == own or (own is None and not after.record):
            return
        content = record_document(self._fleet, after)
        await self._store.replace(_name(self._fleet), content)
        self._known[self._fleet] = (content, after)

    async def _recall(self) -> tuple[Remembered | None, Remembered]:
        """The fleet's own record, and that with the records of former names in it, each of
        which is taken in once: after that it says nothing any more."""
        own = await self._read(self._fleet)
        now = own or Remembered(record={})
        late = [one for one in self._formerly if one not in now.formerly]
        if not late:
            return own, now
        former = [found.record for one in late if (found := await self._read(one)) is not None]
        merged = merge_records([now.record, *former])
        return own, Remembered(record=merged, formerly=(*now.formerly, *late))

    async def _read(self, fleet: str) -> Remembered | None:
        name = _name(fleet)
        content = await self._store.read(name)
        if content is None:
            return None
        known = self._known.get(fleet)
        if known is None or known[0] != content:
            remembered = parse_record(content, fleet, where=f"{self._store}/{name}")
            known = self._known[fleet] = (content, remembered)
        return known[1]


def _name(fleet: str) -> str:
    return f"{fleet}/{NAME}"
