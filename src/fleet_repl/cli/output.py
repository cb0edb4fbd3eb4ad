"""Hand a result over: to files, to stdout, and as an exit code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import Format
from fleet_repl.cli.options import Common
from fleet_repl.cli.run_options import Reporting
from fleet_repl.planning.plan import Plan
from fleet_repl.reports import (
    Document,
    ExitCode,
    ReportError,
    exit_code,
    keep_plan,
    to_json,
    write_report,
)
from fleet_repl.reports.text import backfill_text, delivery_text, plan_text, report_text
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.outcomes import BackfillReport, Report

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory


def hand_over(
    call: Call[Reporting],
    subject: Document,
    code: ExitCode,
    *,
    waves: Sequence[str] = (),
    inventory: Inventory | None = None,
    kept: Path | None = None,
) -> ExitCode:
    """Write the result to its files and to stdout; `kept` is where a plan is kept.

    The exit code: `code`, or an error where a file could not be written. What became of a fleet
    never depends on who reads stdout.
    """
    writes: list[Callable[[], None]] = [
        *(partial(write_report, subject, path) for path in call.options.report),
    ]
    if kept is not None and isinstance(subject, Plan):
        writes.insert(0, partial(keep_plan, subject, kept))
    failures = [failure for write in writes if (failure := _failure(write)) is not None]
    unread = _failure(
        lambda: call.show(rendered(call, call.options.format, subject, waves, inventory))
    )
    for failure in filter(None, (*failures, unread)):
        call.log.failure(failure)
    if not failures:
        return code
    call.log.failure(f"but for that, the exit code would be {code}: {code.meaning}")
    return exit_code(interrupted=code is ExitCode.INTERRUPTED, error=True)


def _failure(write: Callable[[], None]) -> str | None:
    """Why something could not be written: a mistake of ours in spelling it keeps no other form of
    the result from its reader."""
    try:
        write()
    except ReportError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the run is over, and its result must be told
        return f"internal error: the result cannot be spelled: {type(error).__name__}"
    return None


def rendered(
    call: Call[Common],
    format_: Format,
    subject: Document,
    waves: Sequence[str] = (),
    inventory: Inventory | None = None,
) -> str:
    """The result as stdout gets it."""
    if format_ is Format.JSON:
        return to_json(subject)
    full, stdout = call.options.verbose, call.streams.stdout
    colour, width = call.streams.has_colour(stdout), call.streams.width(stdout)
    match subject:
        case Plan():
            return plan_text(
                subject, full=full, colour=colour, width=width, waves=waves, inventory=inventory
            )
        case Report():
            return report_text(subject, full=full, colour=colour, width=width, waves=waves)
        case DeliveryReport():
            return delivery_text(subject, full=full, colour=colour, width=width)
        case BackfillReport():
            return backfill_text(subject, full=full, colour=colour, width=width)
