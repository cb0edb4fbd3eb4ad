"""`fleet-repl runs`: which runs are remembered."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import Format
from fleet_repl.cli.history import recall
from fleet_repl.cli.memory_options import Listing
from fleet_repl.reports import ExitCode, RunList, json_text, runs_document
from fleet_repl.reports.text import runs_text

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.runs.history import RunSummary


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
        inventory = call.load_inventory(options.inventory, secrets_required=False)
    fleet = None if inventory is None else inventory.name
    look = partial(_listed, fleet=fleet, limit=options.limit)
    looked = recall(call, inventory, options.state, look)
    if looked is None:
        return ExitCode.INTERRUPTED
    found, elsewhere = looked
    if elsewhere is not None:
        call.log.note(elsewhere)
    for one in found.unreadable:
        call.log.caution(f"run {one.run_id} of {one.fleet} is left out: {one.reason}")
    colour = call.streams.has_colour(call.streams.stdout)
    as_json = options.format is Format.JSON
    call.streams.emit(
        json_text(runs_document(found)) if as_json else runs_text(found, colour=colour)
    )
    return ExitCode.OK


async def _listed(history: History, *, fleet: str | None, limit: int) -> tuple[RunList, str | None]:
    """The list and, where it is empty, where other runs are."""
    found, unreadable = await history.listing(fleet)
    shown, under_way = await _told_apart(history, found[:limit])
    fleets = await history.fleets() if fleet is None else (fleet,)
    freezes = {one: await history.frozen(one) for one in fleets}
    listing = RunList(
        location=history.location,
        runs=shown,
        older=len(found[limit:]),
        frozen={one: freeze for one, freeze in freezes.items() if freeze is not None},
        under_way=under_way,
        unreadable=unreadable,
    )
    return listing, None if found or unreadable else await history.elsewhere(fleet)


async def _told_apart(
    history: History, shown: tuple[RunSummary, ...]
) -> tuple[tuple[RunSummary, ...], frozenset[str]]:
    """The runs, and which of those without a report a process is at work on."""
    unfinished = {one.meta.run_id: one.meta.fleet for one in shown if one.status is None}
    fleets = sorted(set(unfinished.values()))
    holders = [await history.at_work(one) for one in fleets]
    under_way = frozenset(one.run_id for one in holders if one is not None) & unfinished.keys()
    if under_way != unfinished.keys():
        # One that ended while its lock was looked at has a report by now.
        now = {one.meta.run_id: one for fleet in fleets for one in await history.runs(fleet)}
        shown = tuple(now.get(one.meta.run_id, one) for one in shown)
    return shown, under_way
