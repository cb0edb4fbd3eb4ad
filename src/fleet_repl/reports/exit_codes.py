"""Exit codes: what a run amounts to for whoever started it.

Pure. Where several hold, the worst is told: interrupted, error, refused, partial, pending.
"""

from __future__ import annotations

from enum import IntEnum

from fleet_repl.planning.plan import Plan
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.outcomes import BackfillReport, Outcome, Report, Status


class ExitCode(IntEnum):
    OK = 0
    ERROR = 1
    PENDING = 2
    REFUSED = 3
    PARTIAL = 4
    USAGE = 64
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """The code in words."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.ERROR: "error: no registry could be attempted",
    ExitCode.PENDING: "changes pending",
    ExitCode.REFUSED: "refused as a whole, nothing written",
    ExitCode.PARTIAL: "partial: something failed, was skipped, is held, or could not be read",
    ExitCode.USAGE: "wrong use of the command line",
    ExitCode.INTERRUPTED: "interrupted",
}


def exit_code(
    *,
    interrupted: bool = False,
    error: bool = False,
    refused: bool = False,
    partial: bool = False,
    pending: bool = False,
) -> ExitCode:
    """The code for what happened, by precedence."""
    if interrupted:
        return ExitCode.INTERRUPTED
    if error:
        return ExitCode.ERROR
    if refused:
        return ExitCode.REFUSED
    if partial:
        return ExitCode.PARTIAL
    return ExitCode.PENDING if pending else ExitCode.OK


def plan_exit(plan: Plan, *, detailed: bool) -> ExitCode:
    """The code of a plan that was shown; `detailed`: changes are told by a code of their own.

    Objections do not count: showing a plan refuses nothing.
    """
    return exit_code(
        partial=any(one.fails or one.held for one in plan.registries),
        pending=detailed and bool(plan.changes),
    )


def report_exit(report: Report) -> ExitCode:
    """The code of a run."""
    short = {Outcome.FAILED, Outcome.PARTIAL, Outcome.SKIPPED, Outcome.CANCELLED}
    if report.status is Status.STAGED:
        # What is left was not to be done.
        short = {Outcome.FAILED}
    return exit_code(
        interrupted=report.status is Status.INTERRUPTED,
        error=report.status is Status.FAILED and not any(one.attempts for one in report.registries),
        refused=report.status is Status.REFUSED,
        partial=any(one.outcome in short or one.held for one in report.registries)
        or any(one.fails for one in report.backfills),
    )


def backfill_exit(report: BackfillReport) -> ExitCode:
    """The code of backfills: partial where one has failed, or could not be started or followed."""
    return exit_code(
        interrupted=report.status is Status.INTERRUPTED,
        refused=report.status is Status.REFUSED,
        partial=any(one.falls_short for one in report.backfills),
    )


def delivery_exit(report: DeliveryReport) -> ExitCode:
    """The code of a look at recent images."""
    return exit_code(
        interrupted=report.interrupted,
        partial=report.status != "ok",
    )
