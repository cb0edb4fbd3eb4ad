"""`fleet-repl import`: an inventory of what is in place, on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fleet_repl.cli.command import Call
from fleet_repl.cli.run_options import Importing, Reporting, Running
from fleet_repl.cli.running import run_fleet
from fleet_repl.cli.session import Session
from fleet_repl.reports import ExitCode, exit_code
from fleet_repl.values.text import counted

if TYPE_CHECKING:
    from fleet_repl.planning.importing import Imported

_WARNED: Final = 20
"""What is left out in so many lines on stderr; the document lists all of it."""
_NO_STATE: Final = ".fleet-repl"
"""Nothing is remembered, so a place that the inventory names need not be usable."""


def import_(call: Call[Importing]) -> ExitCode:
    """Make an inventory of what is in place. Writes nothing to AWS.

    Takes accounts and regions from INVENTORY, which needs no routes, reads every registry, and
    prints the whole file with routes that ask for exactly the links that are there. What no route
    can stand for is kept, listed in comments and warned about. Planning the result changes
    nothing. Exits with 4 if a registry could not be read.

    Example: fleet-repl import accounts.toml > prod.toml
    """
    options = call.options
    running = Running(
        inventory=options.inventory,
        sandbox=options.sandbox,
        scenario=options.scenario,
        state=None if options.sandbox else _NO_STATE,
        quiet=options.quiet,
        verbose=options.verbose,
        log_format=options.log_format,
    )
    all_of_it = Call(options=running, backend=call.backend, streams=call.streams, log=call.log)
    return run_fleet(all_of_it, _import, routes_required=False)


async def _import(session: Session) -> ExitCode:
    result = await session.import_inventory()
    if result is None:
        session.call.log.note("interrupted before everything was read")
        return ExitCode.INTERRUPTED
    session.call.streams.emit(result.text)
    _tell(session.call, result)
    return exit_code(partial=bool(result.unreadable))


def _tell(call: Call[Reporting], result: Imported) -> None:
    lines = [str(one) for one in result.left_out]
    shown = len(lines) if call.options.verbose else _WARNED
    for line in lines[:shown]:
        call.log.caution(line)
    if lines[shown:]:
        call.log.caution(f"{len(lines) - shown:,} more like these; the document lists all of them")
    for note in result.notes:
        call.log.caution(note)
    routes = counted(result.routes, "route")
    call.log.note(f"imported {counted(result.links, 'link')} in {routes}")
