"""`fleet-repl runs --prune`: removes old runs of a fleet from its state location."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.confirm import confirm
from fleet_repl.cli.flags import Format, check_can_ask
from fleet_repl.cli.interrupts import Interrupts, interruptible
from fleet_repl.cli.state_options import RunListOptions
from fleet_repl.reports.text.runs import pruned_text
from fleet_repl.reports.to_json import to_json
from fleet_repl.runs.history import Pruned, RunList
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import counted, visible

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.inventory import Inventory

PRUNE: Final = "What is removed"
"""The panel of help for the flags."""
SHORTEST: Final = timedelta(days=1)
"""The shortest time for which runs are kept. A kept plan may be as old, and is refused because of
runs that ended since it was made."""


def prune_runs(
    call: Call[RunListOptions], keep: timedelta | None, *, dry_run: bool, yes: bool
) -> ExitCode:
    """Shows the runs of a fleet that ended longer ago than `keep`, asks, and removes them."""
    if call.options.inventory is None:
        raise typer.BadParameter("--prune is about one fleet: name its INVENTORY")
    if keep is None or keep < SHORTEST:
        raise typer.BadParameter("--prune needs --keep TIME, such as 90d; it takes 1d at the least")
    check_can_ask(call.options.inventory, yes=yes or dry_run)
    inventory = call.load_inventory(call.options.inventory, secrets_required=False)
    work = partial(_prune, call, inventory, keep, None if dry_run else yes)
    code = anyio.run(interruptible, call.log, work)
    return ExitCode.INTERRUPTED if code is None else code


async def _prune(
    call: Call[RunListOptions],
    inventory: Inventory,
    keep: timedelta,
    yes: bool | None,  # noqa: FBT001 - a partial's
    interrupts: Interrupts,
) -> ExitCode:
    """`yes`: remove without asking; None: remove nothing."""
    fleet = inventory.name
    async with call.backend.history(inventory, state=call.options.state) as history:
        runs = await history.prunable(fleet, keep=keep)
        listing = await _listing(call, history, fleet, Pruned(runs=runs, dry_run=True))
        if runs and yes is not None:
            if not yes and not await _agreed(call, listing, fleet, interrupts):
                interrupted = interrupts.requested.is_set()
                return ExitCode.INTERRUPTED if interrupted else ExitCode.REFUSED
            removed = await history.prune(runs, fleet, keep=keep)
            listing = await _listing(call, history, fleet, Pruned(runs=removed))
    as_json = call.options.format is Format.JSON
    stdout = call.streams.stdout
    colour, width = call.streams.has_colour(stdout), call.streams.width(stdout)
    call.show(to_json(listing) if as_json else pruned_text(listing, colour=colour, width=width))
    return ExitCode.OK


async def _listing(
    call: Call[RunListOptions], history: History, fleet: str, pruned: Pruned
) -> RunList:
    """Returns the runs that stay, and those that are removed."""
    runs, unreadable = await history.listing(fleet)
    removed = {run.meta.run_id for run in pruned.runs}
    stay = tuple(run for run in runs if run.meta.run_id not in removed)
    limit = call.options.limit
    return RunList(
        location=history.location,
        runs=stay[:limit],
        older=len(stay[limit:]),
        unreadable=unreadable,
        pruned=pruned,
    )


async def _agreed(
    call: Call[RunListOptions], listing: RunList, fleet: str, interrupts: Interrupts
) -> bool:
    """Shows the runs and asks whether to remove them; an interruption counts as no."""
    keyboard, streams = call.streams.keyboard, call.streams
    if keyboard is None:
        call.log.failure("nothing is removed: nobody can be asked here; --yes does not ask")
        return False
    removed = () if listing.pruned is None else listing.pruned.runs
    question = f"Remove {counted(len(removed), 'run')} of {visible(fleet)}?"
    with streams.terminal(keyboard) as terminal, interrupts.stopping(lambda: None):
        # Nobody can agree to what they have not seen.
        terminal.write(pruned_text(listing, colour=False, width=streams.width(terminal)))
        given_up = interrupts.requested
        agreed = await confirm(question, stdin=keyboard, terminal=terminal, given_up=given_up)
    if not agreed:
        call.log.note("nothing is removed")
    return agreed
