"""`fleet-repl runs`: which runs are remembered."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import Format, age_of
from fleet_repl.cli.history import recall
from fleet_repl.cli.prune import PRUNE, prune_runs
from fleet_repl.cli.state_options import RunListOptions
from fleet_repl.reports.text.runs import runs_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.history import RunList
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.runs.history import RunSummary


def runs(
    call: Call[RunListOptions],
    *,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune", help="Remove runs that ended longer ago than --keep.", rich_help_panel=PRUNE
        ),
    ] = False,
    keep: Annotated[
        timedelta | None,
        typer.Option(
            metavar="TIME",
            parser=age_of,
            help="Of the runs that ended, keep those of so long, such as 90d; 1d at the least.",
            show_default=False,
            rich_help_panel=PRUNE,
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show what would be removed.", rich_help_panel=PRUNE),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask.", rich_help_panel=PRUNE)
    ] = False,
) -> ExitCode:
    """Every run that has written something, or was about to, is there with what became of it, and
    so is a freeze. The state location is that of --state, else the INVENTORY's, else the folder
    .fleet-repl here.

    With --prune, shows the runs of INVENTORY's fleet that ended longer ago than --keep, asks, and
    removes them; without a terminal it needs --yes. The newest run stays, and so does every run
    without a report, and every run that a rollback needs to know.

    Example: fleet-repl runs inventories/prod.toml --limit 5
    """
    options = call.options
    if prune:
        return prune_runs(call, keep, dry_run=dry_run, yes=yes)
    if keep is not None or dry_run or yes:
        raise typer.BadParameter("--keep, --dry-run and --yes are about what --prune removes")
    inventory = None
    if options.inventory is not None:
        inventory = call.load_inventory(options.inventory, secrets_required=False)
    fleet = None if inventory is None else inventory.name
    look = partial(_listed, fleet=fleet, limit=options.limit)
    answer = recall(call, inventory, options.state, look)
    if answer is None:
        return ExitCode.INTERRUPTED
    listing, elsewhere = answer
    if elsewhere is not None:
        call.log.note(elsewhere)
    for run in listing.unreadable:
        call.log.write_warning(f"run {run.run_id} of {run.fleet} is left out: {run.reason}")
    stdout = call.streams.stdout
    colour, width = call.streams.has_colour(stdout), call.streams.width(stdout)
    as_json = options.format is Format.JSON
    if as_json:
        call.streams.emit(to_json(listing))
    else:
        call.streams.emit(runs_text(listing, fleet=fleet, colour=colour, width=width))
    return ExitCode.OK


async def _listed(history: History, *, fleet: str | None, limit: int) -> tuple[RunList, str | None]:
    """The list and, where it is empty, a note on where other runs are."""
    summaries, unreadable = await history.listing(fleet)
    shown, under_way = await _with_under_way(history, summaries[:limit])
    fleets = await history.fleets() if fleet is None else (fleet,)
    freezes = {name: await history.frozen(name) for name in fleets}
    listing = RunList(
        location=history.location,
        runs=shown,
        older=len(summaries[limit:]),
        frozen={name: freeze for name, freeze in freezes.items() if freeze is not None},
        under_way=under_way,
        unreadable=unreadable,
    )
    return listing, None if summaries or unreadable else await history.elsewhere(fleet)


async def _with_under_way(
    history: History, shown: tuple[RunSummary, ...]
) -> tuple[tuple[RunSummary, ...], frozenset[str]]:
    """The runs, and the ids of those without a report that a process is at work on."""
    unfinished = {run.meta.run_id: run.meta.fleet for run in shown if run.status is None}
    fleets = sorted(set(unfinished.values()))
    holders = [await history.at_work(fleet) for fleet in fleets]
    at_work = frozenset(holder.run_id for holder in holders if holder is not None)
    under_way = at_work & unfinished.keys()
    if under_way != unfinished.keys():
        # A run that ended while its lock was read has a report by now.
        latest = {run.meta.run_id: run for fleet in fleets for run in await history.runs(fleet)}
        shown = tuple(latest.get(run.meta.run_id, run) for run in shown)
    return shown, under_way
