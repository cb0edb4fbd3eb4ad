"""`fleet-repl import`: an inventory of what is in place, on stdout."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet_repl.cli.command import Call
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.in_place_options import ImportOptions
from fleet_repl.cli.result_options import ResultOptions
from fleet_repl.cli.session import Session
from fleet_repl.cli.terraform_states import local_states
from fleet_repl.reports.exit_codes import exit_code
from fleet_repl.reports.files import check_apart, check_place, write_report
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import counted

if TYPE_CHECKING:
    from fleet_repl.planning.importing import Imported

_MOST_WARNINGS: Final = 20
"""The number of links left out by an import that are warned about; the document lists them all."""


def import_(call: Call[ImportOptions]) -> ExitCode:
    """Takes accounts and regions from INVENTORY, which needs no routes, reads every registry, and
    prints the whole file with routes that ask for exactly the links that are there. What no route
    can stand for is kept, listed in comments and warned about. Planning the result changes
    nothing. Exits with 4 if a registry could not be read.

    Example: fleet-repl import accounts.toml > prod.toml
    """
    options = call.options
    whole_fleet = Call(
        options=options.run_options(), backend=call.backend, streams=call.streams, log=call.log
    )
    if options.removed is not None:
        check_place(options.removed, what="HCL")
        check_apart(
            options.removed, [options.inventory, *local_states(options.tfstate)], state=None
        )
    return run_fleet(
        whole_fleet,
        partial(_import, options=options),
        routes_required=False,
        remembers_nothing=not options.sandbox,
    )


async def _import(session: Session, *, options: ImportOptions) -> ExitCode:
    backend = session.call.backend
    held = await backend.terraform_states(options.tfstate, session.inventory)
    result = await session.import_inventory(held)
    if result is None:
        session.call.log.note("interrupted before everything was read")
        return ExitCode.INTERRUPTED
    session.call.streams.emit(result.text)
    _log_result(session.call, result)
    _hand_over_blocks(session.call, result, options.removed)
    return exit_code(partial=bool(result.unreadable))


def _hand_over_blocks(call: Call[ResultOptions], result: Imported, path: Path | None) -> None:
    """Write the blocks that take resources out of Terraform's states, where it holds any."""
    blocks = result.removed_blocks
    if path is not None:
        write_report([blocks], path)
        call.log.note(f"what Terraform has to let go is in {path}")
    elif blocks:
        for line in blocks.splitlines():
            call.log.paste(line)


def _log_result(call: Call[ResultOptions], result: Imported) -> None:
    lines = list(map(str, result.left_out))
    shown = len(lines) if call.options.verbose else _MOST_WARNINGS
    for line in lines[:shown]:
        call.log.write_warning(line)
    if lines[shown:]:
        call.log.write_warning(
            f"{len(lines) - shown:,} more like these; the document lists all of them"
        )
    for resource in result.held:
        call.log.write_warning(f"managed elsewhere: {resource}")
    for note in result.notes:
        call.log.write_warning(note)
    routes = counted(result.routes, "route")
    call.log.note(f"imported {counted(result.links, 'link')} in {routes}")
