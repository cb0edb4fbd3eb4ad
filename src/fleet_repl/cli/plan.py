"""`fleet-repl plan`: what apply would do."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import NO_STATES, STANDARD_INPUT, TerraformStates
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import RunOptions
from fleet_repl.cli.session import Session
from fleet_repl.cli.terraform_states import check_states, local_states
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.exit_codes import plan_exit
from fleet_repl.reports.files import keep_plan
from fleet_repl.values.exit_code import ExitCode


def plan(
    call: Call[RunOptions],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Keep the plan there, for apply --plan.",
            show_default=False,
        ),
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 2 if anything would change.")
    ] = False,
    tfstate: TerraformStates = NO_STATES,
) -> ExitCode:
    """Reads every registry, compares it with what the inventory wants and names each link that
    would be added or removed. Exits with 4 if a registry could not be read or a link is held.
    With --out the plan can be looked at by somebody else, and applied as it is.

    Example: fleet-repl plan inventories/prod.toml --label env=prod --out prod.plan
    """
    check_states(tfstate, sandbox=call.options.sandbox)
    work = partial(show_plan, detailed=exit_code, out=out, tfstate=tfstate)
    return run_fleet(call, work, out=out, reads=local_states(tfstate))


async def show_plan(
    session: Session, *, detailed: bool, tfstate: Sequence[str], out: Path | None = None
) -> ExitCode:
    """Make a plan and hand it over; `detailed`: a plan with changes exits with 2."""
    plan = await session.plan(beside=out, tfstate=tfstate)
    return hand_over_plan(session, plan, detailed=detailed, out=out)


def hand_over_plan(
    session: Session, plan: Plan | None, *, detailed: bool, out: Path | None = None
) -> ExitCode:
    """Hand over a plan that is only shown or kept; None: the run was interrupted before."""
    call = session.call
    if plan is None:
        call.log.note("interrupted before there was a plan")
        return ExitCode.INTERRUPTED
    code = hand_over(
        call,
        plan,
        plan_exit(plan, detailed=detailed),
        waves=session.waves,
        inventory=session.inventory,
        keep=None if out is None else partial(keep_plan, plan, out),
    )
    if out is not None and code is not ExitCode.ERROR:
        call.log.note(f"the plan is kept in {out}; apply it with: {_command(session, plan, out)}")
    return code


def _command(session: Session, plan: Plan, out: Path) -> str:
    """The command that applies the kept plan, with the state and the simulated AWS of this run."""
    options = session.call.options
    words = ["fleet-repl", "apply", "--plan", str(out)]
    if plan.inventory.path == str(STANDARD_INPUT):
        words += ["--yes", str(STANDARD_INPUT)]
    if options.state is not None:
        words += ["--state", options.state]
    if options.simulated is not None:
        words.append("--sandbox")
        if options.simulated.scenario is not None:
            words += ["--scenario", str(options.simulated.scenario)]
    return shlex.join(words)
