"""`fleet-repl verify`: have recent images arrived, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Annotated, ClassVar, Final

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import ASKED, account, age_of, label, region
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import RunOptions
from fleet_repl.cli.session import Session
from fleet_repl.reports.exit_codes import delivery_exit
from fleet_repl.reports.formats import Kind
from fleet_repl.values.exit_code import ExitCode

MOST_IMAGES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions(RunOptions):
    """Flags of a command that asks the fleet about links, and changes nothing."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.DELIVERY,)

    account: Annotated[list[str], account("links into and out of these accounts", ASKED)] = field(
        default_factory=list
    )
    label: Annotated[list[str], label("links into and out of accounts with this label", ASKED)] = (
        field(default_factory=list)
    )
    region: Annotated[list[str], region("links into and out of these regions", ASKED)] = field(
        default_factory=list
    )


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
