"""`fleet-repl rollback`: put registries back as they were before a run."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.confirm import WriteOptions, carry_out
from fleet_repl.cli.flags import STANDARD_INPUT, Yes, check_can_ask
from fleet_repl.cli.fleet_run import Target, run_target
from fleet_repl.cli.history import HERE, recall, seen_from
from fleet_repl.cli.interrupts import ENDED
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.plan import hand_over_plan
from fleet_repl.cli.session import Session
from fleet_repl.cli.state_options import RollbackOptions
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.runs.history import PastRun, Purpose
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import day_and_time, visible

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History


def rollback(
    call: Call[RollbackOptions],
    *,
    yes: Yes = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Override the objections of this run's plan, and put back registries that were "
            "changed since.",
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only show the plan: no lock is taken, nothing is written."),
    ] = False,
) -> ExitCode:
    """Takes the documents of exactly the registries that the run changed, shows what would be
    written and, on a terminal, asks first. A registry that somebody has changed since is left
    as it is unless --force is given. It is a run itself, and can be rolled back. With --dry-run it
    prints its plan, and ends. Without INVENTORY it says which one the run was made from, and ends.

    Example: fleet-repl rollback last inventories/prod.toml
    """
    options = call.options
    check_can_ask(options.inventory, yes=yes or dry_run)
    inventory = None
    if options.inventory is not None:
        inventory = call.load_inventory(options.inventory)
    fleet = None if inventory is None else inventory.name
    look = partial(_past_run, call=call, fleet=fleet)
    past = recall(call, inventory, options.state, look)
    if past is None:
        call.log.note(ENDED)
        return ExitCode.INTERRUPTED
    if inventory is None:
        raise _unnamed(call, past)
    target = Target(
        inventory=inventory,
        scope=lambda _: list(past.before),
        state=options.state,
        purpose=None if dry_run else Purpose.ROLLBACK,
    )
    work = _show if dry_run else _rollback
    write_options = WriteOptions(yes=yes, force=force)
    return run_target(
        call, target, partial(work, run_id=past.meta.run_id, write_options=write_options)
    )


async def _past_run(history: History, *, call: Call[RollbackOptions], fleet: str | None) -> PastRun:
    """The run that is meant; `last` stands for the newest run that wrote, which is named where
    newer ones wrote nothing."""
    if call.options.run != "last":
        return await history.run(call.options.run, fleet)
    past, newer = await history.last_to_roll_back(fleet)
    if newer:
        did = (
            "wrote nothing" if len(newer) == 1 else f"and {len(newer) - 1} before it wrote nothing"
        )
        call.log.note(
            f"run {newer[0].meta.run_id} {did}; the last run that wrote is "
            f"{past.meta.run_id} of {day_and_time(past.meta.started_at)}"
        )
    return past


def _unnamed(call: Call[RollbackOptions], past: PastRun) -> typer.BadParameter:
    """The error for a missing INVENTORY, with the command to type.

    The path that the run has recorded is only shown, never loaded: the state may come from
    somebody else, and an inventory decides which roles get which external ids.
    """
    recorded, state = past.meta.inventory.path, call.options.state
    fleet = visible(past.meta.fleet)
    if recorded == str(STANDARD_INPUT):
        return typer.BadParameter(
            f"name the INVENTORY. Run {past.meta.run_id} says that it was made from standard "
            f"input, of fleet {fleet}"
        )
    in_bucket = state is not None and state.startswith("s3://")
    path = Path(recorded) if in_bucket else seen_from(Path(state or HERE), recorded)
    words = ["fleet-repl", "rollback", past.meta.run_id, str(path)]
    words += [] if state is None else ["--state", state]
    command = visible(shlex.join(words))
    return typer.BadParameter(
        f"name the INVENTORY. Run {past.meta.run_id} says that it was made from "
        f"{visible(str(path))}, of fleet {fleet}; if that is yours: {command}"
    )


async def _show(session: Session, *, run_id: str, write_options: WriteOptions) -> ExitCode:
    plan = await session.plan_rollback(run_id, force=write_options.force)
    return hand_over_plan(session, plan, detailed=False)


async def _rollback(session: Session, *, run_id: str, write_options: WriteOptions) -> ExitCode:
    plan = await session.plan_rollback(run_id, force=write_options.force)
    if plan is None:
        report = session.fleet.interrupted(rolls_back=run_id)
    else:
        report = await carry_out(session, plan, write_options)
    return hand_over(
        session.call, report, report_exit(report), waves=session.waves, inventory=session.inventory
    )
