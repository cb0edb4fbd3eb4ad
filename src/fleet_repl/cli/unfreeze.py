"""`fleet-repl unfreeze`: let runs write to a frozen fleet again."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING

from fleet_repl.cli.command import Call
from fleet_repl.cli.freeze import since
from fleet_repl.cli.history import recall
from fleet_repl.cli.state_options import StateOptions
from fleet_repl.reports.text.page import Page
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.runs.history import Freeze


def unfreeze(call: Call[StateOptions]) -> ExitCode:
    """Says who had frozen it, and why. Nothing is frozen: that is fine, too.

    Example: fleet-repl unfreeze inventories/prod.toml
    """
    inventory = call.load_inventory(call.options.inventory, secrets_required=False)
    names = (inventory.name, *inventory.ownership.formerly)
    lifted = recall(call, inventory, call.options.state, partial(_unfreeze, names=names))
    if lifted is None:
        return ExitCode.INTERRUPTED
    page = Page()
    if not lifted:
        page.add(f"{inventory.name} was not frozen")
    for ended in lifted:
        page.add(f"{inventory.name} is no longer frozen. It was {since(ended)}")
    stdout = call.streams.stdout
    colour, width = call.streams.has_colour(stdout), call.streams.width(stdout)
    call.show(page.render(colour=colour, width=width))
    return ExitCode.OK


async def _unfreeze(history: History, *, names: Collection[str]) -> list[Freeze]:
    """Ends the freezes of the fleet under its name and its former names; returns them."""
    return [lifted for name in names if (lifted := await history.unfreeze(name)) is not None]
