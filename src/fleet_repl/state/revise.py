"""Changes documents that several processes may change at a time, without losing any change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from fleet_repl.engine.stores import Store
from fleet_repl.values.canonical_json import short_hash
from fleet_repl.values.errors import StateError, UnreadableStateError

T = TypeVar("T")

_ATTEMPTS: Final = 32
"""The most attempts. Each fails only because another process has changed the document."""


async def revise(
    store: Store, name: str, change: Callable[[bytes | None], bytes | None]
) -> bytes | None:
    """Changes a document, and returns its content afterwards; None if there is none.

    `change`: returns the new content for the present one, which is None if there is no document;
    None leaves the document as it is. It is called again where another process was faster. Raises
    StateError, and what `change` raises.
    """
    for _ in range(_ATTEMPTS):
        stored = await store.find(name)
        before, version = (stored.content, stored.version) if stored is not None else (None, None)
        after = change(before)
        if after is None or after == before:
            return before
        if await store.swap(name, after, version) is not None:
            return after
    raise StateError(
        f"the fleet's state cannot be written: {store}/{name}: it is changed all the time\n"
        "    see who else writes there, and try again"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetDocument(Generic[T]):
    """A document that each fleet has, and that several processes may change at a time."""

    file: str
    parse: Callable[[bytes, str], T]
    """Is called with the document and its place. Raises UnreadableStateError."""
    content: Callable[[T], bytes]
    empty: T
    """The value of a fleet without a document."""

    async def read(self, store: Store, fleet: str) -> T:
        """Returns what a fleet's document says.

        Raises StateError, and UnreadableStateError for a document that cannot be read.
        """
        name = f"{fleet}/{self.file}"
        return self._value(await store.read(name), f"{store}/{name}")

    async def revise(self, store: Store, fleet: str, change: Callable[[T], T]) -> None:
        """Changes what a fleet's document says now. An unreadable document is kept under another
        name, and replaced by a new one. Raises StateError."""
        name = f"{fleet}/{self.file}"

        def revised(content: bytes | None) -> bytes | None:
            before = self._value(content, f"{store}/{name}")
            after = change(before)
            return None if after == before else self.content(after)

        await revise_readable(store, name, revised, empty=self.content(self.empty))

    def _value(self, content: bytes | None, where: str) -> T:
        return self.empty if content is None else self.parse(content, where)


async def revise_readable(
    store: Store, name: str, change: Callable[[bytes | None], bytes | None], *, empty: bytes
) -> None:
    """Changes a document in the same way. If `change` raises UnreadableStateError, the document is
    kept under another name, and replaced with `empty` before the change."""
    try:
        await revise(store, name, change)
    except UnreadableStateError:
        stored = await store.find(name)
        if stored is not None:
            await store.replace(f"{name}.unreadable-{short_hash(stored.version)}", stored.content)
            await store.swap(name, empty, stored.version)
        await revise(store, name, change)
