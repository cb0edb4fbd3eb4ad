"""Documents that several may change: each change is made to what is there, and none is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fleet_repl.engine.stores import Store
from fleet_repl.values.canonical_json import short_hash
from fleet_repl.values.errors import StateError, UnreadableStateError

_ATTEMPTS: Final = 32
"""Each that fails is somebody else's that went well."""


async def revise(
    store: Store, name: str, change: Callable[[bytes | None], bytes | None]
) -> bytes | None:
    """Change a document as it is now; what it is in the end, None where there is none.

    `change` gets the content, None where there is none, and gives the one to put in its place,
    None to leave it alone. It is asked again where somebody else was faster. Raises StateError,
    and whatever `change` raises.
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
    """The same where `change` raises UnreadableStateError for what it cannot read: that is kept
    under another name, and the document is begun anew from `empty`."""
    try:
        await revise(store, name, change)
    except UnreadableStateError:
        stored = await store.find(name)
        if stored is not None:
            await store.replace(f"{name}.unreadable-{short_hash(stored.version)}", stored.content)
            await store.swap(name, empty, stored.version)
        await revise(store, name, change)
