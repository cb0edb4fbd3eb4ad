"""`fleet-repl export`: what is in place, as resources of Terraform or CloudFormation."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fleet_repl.cli.command import Call
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.in_place_options import ExportOptions, ExportTarget
from fleet_repl.cli.result_options import ResultOptions
from fleet_repl.cli.session import Session
from fleet_repl.inventory.regular_files import read_start
from fleet_repl.reports.exit_codes import exit_code
from fleet_repl.reports.files import ReportError, check_apart, check_place, write_report
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import counted, listed

if TYPE_CHECKING:
    from fleet_repl.reports.export import Exported
    from fleet_repl.values.names import Registry

_MOST_WARNINGS: Final = 20
"""What is left out by an export, and named without -v."""
_ALIKE: Final = 22
"""Characters that all exports of a file begin with: `# What is in place in `, or a comment with the
account."""
_NAMED: Final = 5
"""Registries that could not be read, and files that were emptied, that are named without -v."""
_MARKS: Final = {
    ExportTarget.TERRAFORM: "# {} (",
    ExportTarget.CLOUDFORMATION: "# What is in place in {} ",
}
"""The beginning of a registry's file."""


def export(call: Call[ExportOptions]) -> ExitCode:
    """Reads the rules, registry policies and creation templates of every registry, and prints them
    as a Terraform module with import blocks, or as one CloudFormation template for each account
    and region: for whoever takes the fleet over. What such a resource cannot say is warned about.
    Exits with 4 if a registry could not be read.

    Example: fleet-repl export inventories/prod.toml --format terraform --out ecr
    """
    options = call.options
    reading = Call(
        options=options.run_options(), backend=call.backend, streams=call.streams, log=call.log
    )
    if options.out is not None:
        _check_folder(options.out)
    return run_fleet(
        reading,
        partial(_export, options=options),
        routes_required=False,
        remembers_nothing=not options.sandbox,
    )


async def _export(session: Session, *, options: ExportOptions) -> ExitCode:
    log = session.call.log
    earlier = [] if options.out is None else _earlier(options.out, options.format)
    result = await session.export(options.format.value, earlier=earlier)
    if result is None:
        log.note("interrupted before everything was read")
        return ExitCode.INTERRUPTED
    if options.out is None:
        session.call.streams.emit(result.text)
    else:
        _write(result, options.out, options.inventory)
        log.note(f"{counted(len(result.files), 'file')} in {options.out}")
        if result.emptied:
            done = "emptied" if result.emptied[0] in result.files else "removed"
            files = counted(len(result.emptied), "file")
            named = listed(result.emptied, _NAMED)
            log.note(f"{files} {done}, as nothing is in place there any more: {named}")
    _log_missing(session.call, result)
    return exit_code(partial=bool(result.unreadable))


def _log_missing(call: Call[ResultOptions], result: Exported) -> None:
    unreadable = len(result.unreadable)
    if unreadable:
        named = listed(result.unreadable, unreadable if call.options.verbose else _NAMED)
        registries = counted(unreadable, "registry")
        call.log.write_warning(f"{registries} could not be read, in whole or in part: {named}")
    shown = result.left_out if call.options.verbose else result.left_out[:_MOST_WARNINGS]
    for reason in shown:
        call.log.write_warning(reason)
    if more := len(result.left_out) - len(shown):
        call.log.write_warning(f"{more:,} more like these; -v lists all of them")


def _check_folder(folder: Path) -> None:
    """Make the folder unless it exists. Raises ReportError."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ReportError(f"{folder}: no folder can be made there: {error.strerror}") from error
    check_place(folder / "providers.tf")


def _write(result: Exported, folder: Path, inventory: Path) -> None:
    """Write all files, or none. Raises ReportError."""
    for name, text in result.files.items():
        check_apart(folder / name, [inventory], state=None)
        _check_replaceable(folder / name, text)
    for name, text in result.files.items():
        write_report([text], folder / name)
    for name in result.emptied:
        if name not in result.files:
            _remove(folder / name)


def _remove(path: Path) -> None:
    """Remove a file of an earlier export. Raises ReportError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise ReportError(f"{path}: it cannot be removed: {error.strerror}") from error


def _earlier(folder: Path, target: ExportTarget) -> list[Registry]:
    """The registries whose files in the folder are of an export for that tool."""
    from fleet_repl.reports.export import registry_of  # noqa: PLC0415 - help needs none of it

    named = ((path, registry_of(path.stem)) for path in sorted(folder.iterdir()))
    return [
        registry
        for path, registry in named
        if registry is not None and _begins_with(path, _MARKS[target].format(registry))
    ]


def _begins_with(path: Path, text: str) -> bool:
    try:
        return read_start(path, len(text)) == text.encode()
    except OSError:
        return False


def _check_replaceable(path: Path, text: str) -> None:
    """Raises ReportError for a file that no export has written: a module may well have a
    `providers.tf` of its own."""
    if not path.exists():
        return
    check_place(path)
    if read_start(path, _ALIKE) != text.encode()[:_ALIKE]:
        raise ReportError(
            f"{path}: this file is of no export, and would be replaced; name another folder"
        )
