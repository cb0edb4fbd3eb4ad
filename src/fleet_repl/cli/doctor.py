"""`fleet-repl doctor`: can every account be reached, read and written, before any plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ClassVar

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import ASKED, QUEUE_URL, account, label, queue_address, region
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import RunOptions
from fleet_repl.cli.session import Session
from fleet_repl.reports.exit_codes import doctor_exit
from fleet_repl.reports.formats import Kind
from fleet_repl.values.exit_code import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions(RunOptions):
    """Flags of a command that examines a fleet, and changes nothing."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.DOCTOR,)

    account: Annotated[list[str], account("these accounts", ASKED)] = field(default_factory=list)
    label: Annotated[list[str], label("accounts with this label", ASKED)] = field(
        default_factory=list
    )
    region: Annotated[list[str], region("registries in these regions", ASKED)] = field(
        default_factory=list
    )

    deliveries: Annotated[
        str | None,
        typer.Option(
            metavar=QUEUE_URL,
            help="Look at this SQS queue of deliveries too; receives nothing.",
            show_default=False,
        ),
    ] = None

    def check(self) -> None:
        RunOptions.check(self)
        queue_address(self.deliveries)

    @property
    def with_unknown(self) -> bool:
        return True


def doctor(call: Call[DoctorOptions]) -> ExitCode:
    """Assumes each role, makes the reads that the inventory needs, and asks IAM about the writes,
    where the role may ask. Looks at the base identity, the clock, the quota of STS and the state
    too. Equal problems are told once, with what to do. Exits with 4 on any problem.

    Example: fleet-repl doctor inventories/prod.toml
    """
    return run_fleet(
        call, partial(_doctor, deliveries=call.options.deliveries), routes_required=False
    )


async def _doctor(session: Session, *, deliveries: str | None) -> ExitCode:
    report = await session.doctor(deliveries)
    return hand_over(session.call, report, doctor_exit(report), inventory=session.inventory)
