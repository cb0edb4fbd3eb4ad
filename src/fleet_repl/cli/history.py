"""The state location of a fleet, and its history there, for commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from fleet_repl.cli.command import Call
from fleet_repl.cli.interrupts import Interrupts, interruptible
from fleet_repl.cli.options import CommonOptions
from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.inventory import Inventory

T = TypeVar("T")

HERE: Final = Path(".fleet-repl")
"""The default state location."""


def seen_from(folder: Path, path: str) -> Path:
    """The path that a document in `folder` names, relative to the working directory if below it.

    Raises FleetError for a text that can be no path.
    """
    absolute = folder.expanduser() / path
    # The file's own name is not resolved: it may be a link that points elsewhere tomorrow.
    try:
        absolute = absolute.parent.resolve() / absolute.name
    except ValueError:
        raise FleetError(f"the inventory cannot be read: no file is called {path!r}") from None
    here = Path.cwd()
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


def recall(
    call: Call[CommonOptions],
    inventory: Inventory | None,
    state: str | None,
    look: Callable[[History], Awaitable[T]],
) -> T | None:
    """Open the history at the state location and return the result of `look`; None where a signal
    ended it.

    The location is `state`, else the inventory's, else the folder `.fleet-repl` here.
    """
    place = HERE if inventory is None else inventory

    async def opened(interrupts: Interrupts) -> T:
        async with call.backend.history(place, state=state) as history:
            result = await look(history)
        interrupts.finish()
        return result

    return anyio.run(interruptible, call.log, opened)
