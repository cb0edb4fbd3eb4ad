"""`fleet-repl backfill`: copy what was pushed before its rule was in place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.confirm_backfills import declined
from fleet_repl.cli.flags import Yes, completing
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import RunOptions
from fleet_repl.cli.session import Session
from fleet_repl.reports.exit_codes import backfill_exit
from fleet_repl.runs.history import Purpose
from fleet_repl.values.exit_code import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class _BackfillOptions:
    route: str | None
    wait: bool
    yes: bool
    force: bool


def backfill(
    call: Call[RunOptions],
    *,
    route: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Only links of this route.",
            autocompletion=completing("routes"),
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Start all, queued ones too, and follow them to the end.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Show the latest backfills. Starts nothing.")
    ] = False,
    yes: Yes = False,
    force: Annotated[
        bool, typer.Option("--force", help="Start new ones where one is complete, too.")
    ] = False,
) -> ExitCode:
    """ECR replicates only what is pushed once the rule is there. Starts a backfill to each
    destination of a route that has none under way and none complete. ECR runs 10 for a registry
    at a time, and one for each destination region: the rest is queued. Stops nothing, and may be
    interrupted and run again at any time.

    Example: fleet-repl backfill inventories/prod.toml --route golden --wait --yes
    """
    if status and (wait or force):
        raise typer.BadParameter("--status starts nothing: leave --wait and --force out")
    if status:
        work = partial(_status, route=route)
    else:
        options = _BackfillOptions(route=route, wait=wait, yes=yes, force=force)
        work = partial(_backfill, options=options)
    return run_fleet(
        call,
        work,
        check=lambda inventory: call.backend.routes(inventory, route),
        purpose=None if status else Purpose.APPLY,
    )


async def _status(session: Session, *, route: str | None) -> ExitCode:
    report = await session.backfill_status(route=route)
    return hand_over(session.call, report, backfill_exit(report), inventory=session.inventory)


async def _backfill(session: Session, *, options: _BackfillOptions) -> ExitCode:
    look = partial(session.backfill_status, route=options.route)
    report = None if options.yes else await declined(session, look, force=options.force)
    if report is None:
        report = await session.backfill(route=options.route, wait=options.wait, again=options.force)
    return hand_over(session.call, report, backfill_exit(report), inventory=session.inventory)
