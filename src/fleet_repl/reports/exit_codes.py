"""The exit codes of commands. Pure.

Where several codes fit, the first of these counts: interrupted, error, refused, partial, pending.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fleet_repl.planning.change import fall_short
from fleet_repl.planning.objections import differs
from fleet_repl.planning.plan import Plan, regions_unknown
from fleet_repl.runs.outcomes import BackfillReport, Outcome, Report, Status
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.planning.explain import Explanation
    from fleet_repl.runs.coverage import CoverageReport
    from fleet_repl.runs.delivery import DeliveryReport
    from fleet_repl.runs.doctor import DoctorReport


REGIONS_UNKNOWN: Final = "regions of accounts unknown"
"""The reason for PARTIAL where accounts did not say which regions they have enabled."""


def exit_code(
    *,
    interrupted: bool = False,
    error: bool = False,
    refused: bool = False,
    partial: bool = False,
    pending: bool = False,
) -> ExitCode:
    """Returns the first code that fits; OK where nothing is said."""
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
    """Returns the code of a command that shows a plan; `detailed`: PENDING where the
    fleet differs.

    Objections count only there, because showing a plan refuses nothing.
    """
    return exit_code(
        partial=regions_unknown(plan.warnings)
        or any(registry.falls_short for registry in plan.registries),
        pending=detailed and differs(plan),
    )


def report_exit(report: Report) -> ExitCode:
    """Returns the code of a run."""
    short = {Outcome.FAILED, Outcome.PARTIAL, Outcome.SKIPPED, Outcome.CANCELLED}
    if report.status is Status.STAGED:
        # The waves that were skipped were not asked for.
        short = {Outcome.FAILED}
    return exit_code(
        interrupted=report.status is Status.INTERRUPTED,
        error=report.status is Status.FAILED
        and not any(registry.attempts for registry in report.registries),
        refused=report.status is Status.REFUSED,
        partial=regions_unknown(report.warnings)
        or any(
            registry.outcome in short or fall_short(registry.held) for registry in report.registries
        )
        or any(backfill.fails for backfill in report.backfills),
    )


def exit_words(code: ExitCode, reasons: Iterable[str]) -> str:
    """Returns an exit code in words: of PARTIAL the `reasons`, such as `2 failed`, of others the
    meaning that they have everywhere."""
    counts = ", ".join(reasons) if code is ExitCode.PARTIAL else ""
    return counts or code.meaning


def backfill_exit(report: BackfillReport) -> ExitCode:
    """Returns the code of backfills; PARTIAL where a backfill failed or could not be followed."""
    return exit_code(
        interrupted=report.status is Status.INTERRUPTED,
        refused=report.status is Status.REFUSED,
        partial=any(backfill.falls_short for backfill in report.backfills)
        or any(reput.falls_short for reput in report.reputs),
    )


def delivery_exit(report: DeliveryReport | CoverageReport) -> ExitCode:
    """Returns the code of a report on recent images, or on everything that routes carry."""
    return exit_code(
        interrupted=report.interrupted,
        partial=report.status != "ok",
    )


def explanation_exit(explanation: Explanation) -> ExitCode:
    """Returns the code of an explanation; PARTIAL where a registry could not be read."""
    return exit_code(interrupted=explanation.interrupted, partial=explanation.status != "ok")


def doctor_exit(report: DoctorReport) -> ExitCode:
    """Returns the code of an examination; PARTIAL where there is any problem."""
    return exit_code(interrupted=report.interrupted, partial=bool(report.problems))
