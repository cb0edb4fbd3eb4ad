"""`fleet-repl plan`: what apply would do."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from fleet_repl.cli.call import Call
from fleet_repl.cli.options import Running
from fleet_repl.cli.running import Session, hand_over, run_fleet
from fleet_repl.reports import ExitCode, plan_exit


def plan(
    call: Call[Running],
    *,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 2 if anything would change.")
    ] = False,
) -> ExitCode:
    """Show what apply would do. Writes nothing.

    Reads every registry, compares it with what the inventory wants and names each link that
    would be added or removed. Exits with 4 if a registry could not be read or a link is held.

    Example: fleet-repl plan inventories/prod.toml --label env=prod --format json
    """
    return run_fleet(call, partial(show_plan, detailed=exit_code))


async def show_plan(session: Session, *, detailed: bool) -> ExitCode:
    """Make a plan and hand it over; `detailed`: changes have an exit code of their own."""
    plan = await session.plan()
    if plan is None:
        session.call.log.note("interrupted before there was a plan")
        return ExitCode.INTERRUPTED
    return hand_over(session.call, plan, plan_exit(plan, detailed=detailed))
