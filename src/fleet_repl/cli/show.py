"""`fleet-repl show`: a kept plan, as people read it. Offline."""

from __future__ import annotations

from fleet_repl.cli.command import Call
from fleet_repl.cli.options import ShowOptions
from fleet_repl.cli.output import rendered
from fleet_repl.values.exit_code import ExitCode


def show(call: Call[ShowOptions]) -> ExitCode:
    """It only shows: the exit code is 0, whatever the plan holds. A file that was altered since, or
    is no plan, is refused with 3, and a file that cannot be read is an error.

    Example: fleet-repl show prod.plan -v
    """
    plan = call.backend.load_plan(call.options.plan)
    call.streams.emit(rendered(call, call.options.format, plan))
    return ExitCode.OK
