"""The result of a command: written to files and to stdout, and turned into an exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fleet_repl.cli.command import Call
from fleet_repl.cli.output_options import OutputOptions
from fleet_repl.cli.result_options import ResultOptions
from fleet_repl.reports.files import ReportError, check_apart, check_place, write_report
from fleet_repl.reports.formats import ReportFile, ReportFormat, Rows, csv_beside
from fleet_repl.reports.render import Settings, render
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory
    from fleet_repl.reports.documents.whole import Documented


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
    check_files(options, inputs, state=_state_folder(inventory, options.state), out=out)


def check_files(
    options: OutputOptions,
    inputs: Sequence[Path],
    *,
    state: Path | None = None,
    out: Path | None = None,
) -> None:
    """Raises ReportError for a file of a result that cannot be written, that is an input, or that
    lies in the memory of a fleet, which the folder `state` holds."""
    outputs = [(file.path, "report") for file in options.files]
    pages = [file.path for file in options.files if file.format is ReportFormat.HTML]
    beside = dict.fromkeys(csv_beside(page, options.files) for page in pages)
    outputs += [(path, "CSV") for path in beside]
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
    call: Call[OutputOptions],
    value: Documented,
    code: ExitCode,
    *,
    waves: Sequence[str] = (),
    inventory: Inventory | None = None,
    keep: Callable[[], None] | None = None,
    to_stdout: bool = True,
) -> ExitCode:
    """Write the result to its files and to stdout; `keep` keeps a plan for later, before that.

    Returns `code`, or the code of an error where a file could not be written. A stdout that
    nobody reads changes no exit code.
    """
    settings = _settings(call, waves, inventory)
    writes: list[Callable[[], None]] = [] if keep is None else [keep]
    writes += [partial(_write, call, value, file, settings) for file in call.options.files]
    failures = [failure for write in writes if (failure := _failure(write)) is not None]
    unread = _failure(lambda: call.show(_rendered(call, value, settings))) if to_stdout else None
    for failure in filter(None, (*failures, unread)):
        call.log.failure(failure)
    if not failures:
        return code
    call.log.failure(f"but for that, the exit code would be {code}: {code.meaning}")
    return code if code is ExitCode.INTERRUPTED else ExitCode.ERROR


def show_only(
    call: Call[OutputOptions],
    value: Documented,
    code: ExitCode = ExitCode.OK,
    *,
    waves: Sequence[str] = (),
    inventory: Inventory | None = None,
) -> ExitCode:
    """Hand over the result of a command that does nothing else.

    Without a file, stdout is all that it makes: raises OutputError where that cannot be written.
    """
    if call.options.files:
        return hand_over(call, value, code, waves=waves, inventory=inventory)
    call.streams.emit(_rendered(call, value, _settings(call, waves, inventory)))
    return code


def _settings(
    call: Call[OutputOptions], waves: Sequence[str], inventory: Inventory | None
) -> Settings:
    options = call.options
    try:
        folder = Path.cwd()
    except OSError:
        # It was removed meanwhile: paths stay as they are.
        folder = None
    return Settings(
        rows=options.rows or Rows.REGISTRIES,
        full=options.verbose,
        waves=waves,
        inventory=inventory,
        folder=folder,
    )


def _write(
    call: Call[OutputOptions], value: Documented, file: ReportFile, settings: Settings
) -> None:
    """Write a file of the result, and before a page that leaves rows out the CSV that has them."""
    rows = _cut_rows(value) if file.format is ReportFormat.HTML else None
    if rows is None:
        write_report(render(value, file.format, settings), file.path)
        return
    csv = _result_beside(file.path, call.options) if settings.rows is rows else None
    failure = None
    if csv is None:
        path = csv_beside(file.path, call.options.files)
        csv = ReportFile(format=ReportFormat.CSV, path=path)
        failure = _failure(partial(_write, call, value, csv, replace(settings, rows=rows)))
    name = csv.path.name if failure is None else None
    write_report(render(value, file.format, replace(settings, csv=name)), file.path)
    if failure is not None:
        raise ReportError(failure)
    call.log.note(f"{file.path} leaves rows out: every one of them is in {csv.path}")


def _cut_rows(value: Documented) -> Rows | None:
    from fleet_repl.reports.html import cut_rows  # noqa: PLC0415 - loads the template engine

    return cut_rows(value)


def _result_beside(page: Path, options: OutputOptions) -> ReportFile | None:
    """The CSV in the folder of the page that is a result by itself."""
    csvs = (file for file in options.files if file.format is ReportFormat.CSV)
    return next((file for file in csvs if file.path.parent == page.parent), None)


def _rendered(call: Call[OutputOptions], value: Documented, settings: Settings) -> Iterable[str]:
    """The result for stdout, which may be a terminal."""
    stdout = call.streams.stdout
    seen = replace(
        settings, colour=call.streams.has_colour(stdout), width=call.streams.width(stdout)
    )
    return render(value, call.options.stdout_format, seen)


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
