"""`fleet-repl report`: the report of an earlier run, shown again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from fleet_repl.cli.command import Call
from fleet_repl.cli.fleet_run import wave_names
from fleet_repl.cli.history import recall
from fleet_repl.cli.output import check_outputs, show_only
from fleet_repl.cli.state_options import ReportOptions
from fleet_repl.reports.formats import ReportFormat
from fleet_repl.reports.text.runs import unreported_text
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.runs.history import PastRun


def report(call: Call[ReportOptions]) -> ExitCode:
    """Of a run that is under way, or died, it says how far it came, and exits with 4. Otherwise it
    exits with 0, whatever the run did: it only shows.

    Example: fleet-repl report last inventories/prod.toml --format json
    """
    options = call.options
    inventory = None
    if options.inventory is not None:
        inventory = call.load_inventory(options.inventory, secrets_required=False)
    check_outputs(call, inventory)
    fleet = None if inventory is None else inventory.name
    look = partial(_past_run, run_id=options.run, fleet=fleet)
    answer = recall(call, inventory, options.state, look)
    if answer is None:
        return ExitCode.INTERRUPTED
    past, under_way = answer
    if past.report is None:
        return _show_unreported(call, past, under_way=under_way)
    # Without the inventory, waves are in the order in which they were written.
    waves = wave_names(inventory) if inventory is not None else ()
    waves = waves or tuple(dict.fromkeys(entry.wave for entry in past.journal))
    return show_only(call, past.report, waves=waves, inventory=inventory)


async def _past_run(history: History, *, run_id: str, fleet: str | None) -> tuple[PastRun, bool]:
    """The run, and whether a process is at work on it."""
    past = await history.run(run_id, fleet)
    if past.report is not None:
        return past, False
    holder = await history.at_work(past.meta.fleet)
    if holder is not None and holder.run_id == past.meta.run_id:
        return past, True
    # A run that ended while its lock was read has a report by now.
    return await history.run(past.meta.run_id, past.meta.fleet), False


def _show_unreported(call: Call[ReportOptions], run: PastRun, *, under_way: bool) -> ExitCode:
    if call.options.stdout_format is ReportFormat.TEXT:
        colour = call.streams.has_colour(call.streams.stdout)
        text = unreported_text(
            run,
            under_way=under_way,
            full=call.options.verbose,
            colour=colour,
            width=call.streams.width(call.streams.stdout),
        )
        call.streams.emit(text)
    if call.options.stdout_format is not ReportFormat.TEXT or call.options.files:
        why = "it is under way" if under_way else "it died"
        call.log.failure(f"run {run.meta.run_id} has no report: {why}")
    return ExitCode.PARTIAL
