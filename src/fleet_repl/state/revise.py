"""Changes documents that several processes may change at a time, without losing any change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fleet_repl.engine.stores import Store
from fleet_repl.values.canonical_json import short_hash
from fleet_repl.values.errors import StateError, UnreadableStateError

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
