"""`fleet-repl runs`: which runs are remembered."""

from __future__ import annotations

from functools import partial

from fleet_repl.cli.backend import History
from fleet_repl.cli.call import Call
from fleet_repl.cli.flags import Format
from fleet_repl.cli.memory_options import Listing
from fleet_repl.cli.recalling import recall
from fleet_repl.reports import ExitCode, RunList, json_text, runs_document
from fleet_repl.reports.text import runs_text


def runs(call: Call[Listing]) -> ExitCode:
    """List the runs that are remembered, newest first. Calls AWS only for a state in S3.

    Every run that has written something, or was about to, is there with what became of it, and
    so is a freeze. The state location is that of --state, else the INVENTORY's, else the folder
    .fleet-repl here.

    Example: fleet-repl runs inventories/prod.toml --limit 5
    """
    options = call.options
    inventory = None
    if options.inventory is not None:
        inventory = call.backend.load_inventory(options.inventory)
    fleet = None if inventory is None else inventory.name
    look = partial(_listed, fleet=fleet, limit=options.limit)
    found = recall(call, inventory, options.state, look)
    if found is None:
        return ExitCode.INTERRUPTED
    colour = call.streams.has_colour(call.streams.stdout)
    as_json = options.format is Format.JSON
    call.streams.emit(
        json_text(runs_document(found)) if as_json else runs_text(found, colour=colour)
    )
    return ExitCode.OK


async def _listed(history: History, *, fleet: str | None, limit: int) -> RunList:
    found = await history.runs(fleet)
    fleets = await history.fleets() if fleet is None else (fleet,)
    freezes = {one: await history.frozen(one) for one in fleets}
    return RunList(
        location=history.location,
        runs=found[:limit],
        older=len(found[limit:]),
        frozen={one: freeze for one, freeze in freezes.items() if freeze is not None},
    )
