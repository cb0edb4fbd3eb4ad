"""`fleet-repl report`: what became of a run, told again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import Format
from fleet_repl.cli.history import recall
from fleet_repl.cli.memory_options import Recalling
from fleet_repl.cli.output import hand_over, rendered
from fleet_repl.cli.outputs import check_outputs
from fleet_repl.cli.running import wave_names
from fleet_repl.reports import ExitCode
from fleet_repl.reports.text import unreported_text

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.runs.history import PastRun


def report(call: Call[Recalling]) -> ExitCode:
    """Show the report of a run again, in any format. Calls AWS only for a state in S3.

    Of a run that is under way, or died, it says how far it came, and exits with 4. Otherwise it
    exits with 0, whatever the run did: it only shows.

    Example: fleet-repl report last inventories/prod.toml --format json
    """
    options = call.options
    inventory = None
    if options.inventory is not None:
        inventory = call.load_inventory(options.inventory, secrets_required=False)
    check_outputs(call, inventory)
    fleet = None if inventory is None else inventory.name
    found = recall(call, inventory, options.state, partial(_found, run_id=options.run, fleet=fleet))
    if found is None:
        return ExitCode.INTERRUPTED
    past, under_way = found
    if past.report is None:
        return _tell_of_unreported(call, past, under_way=under_way)
    # Without the inventory, waves are in the order in which they were written.
    waves = wave_names(inventory) if inventory is not None else ()
    waves = waves or tuple(dict.fromkeys(one.wave for one in past.journal))
    if not options.report:
        # What is shown is all that comes of it, so it has to arrive.
        call.streams.emit(rendered(call, options.format, past.report, waves))
        return ExitCode.OK
    return hand_over(call, past.report, ExitCode.OK, waves=waves)


async def _found(history: History, *, run_id: str, fleet: str | None) -> tuple[PastRun, bool]:
    """The run, and whether a process is at work on it."""
    past = await history.run(run_id, fleet)
    if past.report is not None:
        return past, False
    holder = await history.at_work(past.meta.fleet)
    if holder is not None and holder.run_id == past.meta.run_id:
        return past, True
    # One that ended while its lock was looked at has a report by now.
    return await history.run(past.meta.run_id, past.meta.fleet), False


def _tell_of_unreported(call: Call[Recalling], run: PastRun, *, under_way: bool) -> ExitCode:
    if call.options.format is Format.TEXT:
        colour = call.streams.has_colour(call.streams.stdout)
        text = unreported_text(
            run,
            under_way=under_way,
            full=call.options.verbose,
            colour=colour,
            width=call.streams.width(call.streams.stdout),
        )
        call.streams.emit(text)
    if call.options.format is Format.JSON or call.options.report:
        why = "it is under way" if under_way else "it died"
        call.log.failure(f"run {run.meta.run_id} has no report: {why}")
    return ExitCode.PARTIAL
