"""`fleet-repl show`: a plan or a report in a file, in any format. Offline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.output import check_files, show_only
from fleet_repl.cli.output_options import OutputOptions
from fleet_repl.reports.formats import Kind
from fleet_repl.values.exit_code import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowOptions(OutputOptions):
    """Flags of a command that shows a plan or a report in a file."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PLAN, Kind.REPORT)

    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            readable=False,
            help="The plan of plan --out, or the report of --report FILE.json.",
            show_default=False,
        ),
    ]


def show(call: Call[ShowOptions]) -> ExitCode:
    """It only shows: the exit code is 0, whatever the file holds. A plan that was altered since,
    and what is neither a plan nor a report, is refused with 3; a file that cannot be read is an
    error.

    Example: fleet-repl show prod.plan -v
    """
    from fleet_repl.planning.plan import Plan  # noqa: PLC0415 - help needs none

    result = call.backend.load_result(call.options.file)
    check_files(call.options, [call.options.file])
    waves = () if isinstance(result, Plan) else tuple(wave.name for wave in result.waves)
    return show_only(call, result, waves=waves)
