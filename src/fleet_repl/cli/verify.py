"""`fleet-repl verify`: have recent images arrived, and if not, why."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Annotated, Final

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import age_of
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import VerifyOptions
from fleet_repl.cli.session import Session
from fleet_repl.reports.exit_codes import delivery_exit
from fleet_repl.values.exit_code import ExitCode

MOST_IMAGES: Final = 1_000


def verify(
    call: Call[VerifyOptions],
    *,
    count: Annotated[
        int, typer.Option(min=1, max=MOST_IMAGES, help="Images of each source, at the most.")
    ] = 10,
    age: Annotated[
        timedelta,
        typer.Option(
            metavar="TIME",
            parser=age_of,
            help="Only images that were pushed no longer ago, such as 30m, 12h or 7d.",
        ),
    ] = "7d",  # type: ignore[assignment] # typer shows the text, and parses it
) -> ExitCode:
    """Takes a sample of each source's images and tells of each link what is complete, in progress,
    failed or missing, how long it took, and what to do about it. With flags that narrow, links
    into and out of what they select. Exits with 4 if an image failed or is missing, no rule
    carries it, or a registry could not be read. What was pushed before a rule is no failure.

    Example: fleet-repl verify inventories/prod.toml --label env=prod --age 24h
    """
    return run_fleet(call, partial(_verify, count=count, age=age))


async def _verify(session: Session, *, count: int, age: timedelta) -> ExitCode:
    report = await session.verify(count=count, age=age)
    return hand_over(session.call, report, delivery_exit(report), inventory=session.inventory)
