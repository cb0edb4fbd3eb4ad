"""`fleet-repl drift`: does the fleet still look as the inventory says."""

from __future__ import annotations

from functools import partial

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import NO_STATES, TerraformStates
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.plan import show_plan
from fleet_repl.cli.run_options import RunOptions
from fleet_repl.cli.terraform_states import check_states, local_states
from fleet_repl.values.exit_code import ExitCode


def drift(call: Call[RunOptions], *, tfstate: TerraformStates = NO_STATES) -> ExitCode:
    """The same as plan --exit-code, for schedules and alarms. Of each registry that differs it says
    whether somebody else has changed it or the inventory moved, as far as remembered runs tell.

    Example: fleet-repl drift inventories/prod.toml --quiet --report drift.xml
    """
    check_states(tfstate, sandbox=call.options.sandbox)
    work = partial(show_plan, detailed=True, tfstate=tfstate)
    return run_fleet(call, work, reads=local_states(tfstate))
