"""`fleet-repl doctor`: can every account be reached, read and written, before any plan."""

from __future__ import annotations

from fleet_repl.cli.command import Call
from fleet_repl.cli.fleet_run import run_fleet
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import DoctorOptions
from fleet_repl.cli.session import Session
from fleet_repl.reports.exit_codes import doctor_exit
from fleet_repl.values.exit_code import ExitCode


def doctor(call: Call[DoctorOptions]) -> ExitCode:
    """Assumes each role, makes the reads that the inventory needs, and asks IAM about the writes,
    where the role may ask. Looks at the base identity, the clock, the quota of STS and the state
    too. Equal problems are told once, with what to do. Exits with 4 on any problem.

    Example: fleet-repl doctor inventories/prod.toml
    """
    return run_fleet(call, _doctor, routes_required=False)


async def _doctor(session: Session) -> ExitCode:
    report = await session.doctor()
    return hand_over(session.call, report, doctor_exit(report), inventory=session.inventory)
