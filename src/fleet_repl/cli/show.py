"""`fleet-repl show`: a kept plan, as people read it. Offline."""

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
    """Flags of a command that shows a kept plan."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PLAN,)

    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLANFILE",
            readable=False,
            help="The plan that plan --out has kept.",
            show_default=False,
        ),
    ]


def show(call: Call[ShowOptions]) -> ExitCode:
    """It only shows: the exit code is 0, whatever the plan holds. A file that was altered since, or
    is no plan, is refused with 3, and a file that cannot be read is an error.

    Example: fleet-repl show prod.plan -v
    """
    plan = call.backend.load_plan(call.options.plan)
    check_files(call.options, [call.options.plan])
    return show_only(call, plan)
