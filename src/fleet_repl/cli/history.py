"""Where what is remembered lies, and how a command looks at it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from fleet_repl.cli.command import Call
from fleet_repl.cli.interrupts import Interrupts, interruptible
from fleet_repl.cli.options import Common
from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.inventory import Inventory

T = TypeVar("T")

HERE: Final = Path(".fleet-repl")
"""The state location where nothing names another."""


def seen_from(folder: Path, path: str) -> Path:
    """A path that a document in `folder` names, as seen from the working directory.

    Raises FleetError for what can be no path.
    """
    found = folder.expanduser() / path
    # Of the file itself nothing is resolved: a link may stand for what changes.
    try:
        found = found.parent.resolve() / found.name
    except ValueError:
        raise FleetError(f"the inventory cannot be read: no file is called {path!r}") from None
    here = Path.cwd()
    return found.relative_to(here) if found.is_relative_to(here) else found


def recall(
    call: Call[Common],
    inventory: Inventory | None,
    state: str | None,
    look: Callable[[History], Awaitable[T]],
) -> T | None:
    """What `look` finds at the state location; None where a signal ended it.

    The location is `state`, else the inventory's, else a folder of the working directory.
    """
    place = HERE if inventory is None else inventory

    async def opened(interrupts: Interrupts) -> T:
        async with call.backend.history(place, state=state) as history:
            found = await look(history)
        interrupts.finish()
        return found

    return anyio.run(interruptible, call.log, opened)
