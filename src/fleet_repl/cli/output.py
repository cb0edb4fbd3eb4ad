"""The result of a command: written to files and to stdout, and turned into an exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import Format
from fleet_repl.cli.options import CommonOptions
from fleet_repl.cli.result_options import ResultOptions
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.exit_codes import exit_code
from fleet_repl.reports.files import ReportError, check_apart, check_place, keep_plan, write_report
from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.reports.text.deliveries import delivery_text
from fleet_repl.reports.text.doctor import doctor_text
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.reports.to_json import Document, json_pieces
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.doctor import DoctorReport
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory


def check_outputs(
    call: Call[ResultOptions],
    inventory: Inventory | None,
    *,
    reads: Sequence[Path] = (),
    out: Path | None = None,
) -> None:
    """Raises ReportError for a file of a result that cannot be written, or that is an input.

    `reads`: files that the command reads besides the inventory and the scenario. `out`: the file
    that a plan is kept in, besides the files of --report.
    """
    options = call.options
    inputs = [*reads]
    if inventory is not None:
        inputs += map(Path, inventory.files)
    if options.simulated is not None and options.simulated.scenario is not None:
        inputs.append(options.simulated.scenario)
    state = _state_folder(inventory, options.state)
    outputs = [(path, "report") for path in options.report]
    if out is not None:
        outputs.insert(0, (out, "plan"))
    for nth, (path, document) in enumerate(outputs):
        check_place(path, what=document)
        check_apart(path, inputs, state=state)
        if any(path.resolve() == other.resolve() for other, _ in outputs[:nth]):
            raise ReportError(f"{path}: two results cannot be in one file; name another one")


def _state_folder(inventory: Inventory | None, location: str | None) -> Path | None:
    """The folder of the state; None for a bucket, and where neither argument names a location."""
    from fleet_repl.inventory import located  # noqa: PLC0415 - help needs no inventory

    if location is not None:
        return located(location).folder
    return None if inventory is None else inventory.state.folder


def hand_over(
    call: Call[ResultOptions],
    subject: Document,
    code: ExitCode,
    *,
    waves: Sequence[str] = (),
    inventory: Inventory | None = None,
    kept: Path | None = None,
) -> ExitCode:
    """Write the result to its files and to stdout; `kept`: the file that a plan is kept in.

    Returns `code`, or the code of an error where a file could not be written. A stdout that
    nobody reads changes no exit code.
    """
    writes: list[Callable[[], None]] = [
        partial(write_report, subject, path) for path in call.options.report
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
    """Write one form of the result; returns why it could not be written, else None.

    A defect of ours in one form is no exception: the other forms must still reach their readers.
    """
    try:
        write()
    except ReportError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the run is over, and its result must be reported
        return f"internal error: the result cannot be spelled: {type(error).__name__}"
    return None


def rendered(
    call: Call[CommonOptions],
    format_: Format,
    subject: Document,
    waves: Sequence[str] = (),
    inventory: Inventory | None = None,
) -> str | Iterable[str]:
    """The result for stdout: as text, or as JSON in pieces."""
    if format_ is Format.JSON:
        return json_pieces(subject)
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
        case DoctorReport():
            return doctor_text(subject, full=full, colour=colour, width=width)
