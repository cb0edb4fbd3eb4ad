"""Ask on a terminal whether backfills may be started, and show those that there are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TextIO

from fleet_repl.cli.confirm import agreed
from fleet_repl.cli.session import Session
from fleet_repl.reports.text.backfills import backfill_text
from fleet_repl.runs.outcomes import BackfillReport, Status
from fleet_repl.runs.reput import ReputState
from fleet_repl.values.text import counted, visible


async def declined(
    session: Session, look: Callable[[], Awaitable[BackfillReport]], *, force: bool = False
) -> BackfillReport | None:
    """Show the backfills that `look` finds and ask whether to start more.

    Returns the report to end with where the answer is no or the run is interrupted; None where
    backfills may be started: the answer is yes, nobody can be asked, or nothing would start.
    """
    log, streams = session.call.log, session.call.streams
    if streams.keyboard is None:
        return None
    report = await look()
    number = sum(outcome.may_start(again=force) for outcome in report.backfills)
    lacking = sum(reput.state is ReputState.LACKING for reput in report.reputs)
    if session.interrupts.requested.is_set():
        return report
    if not (number or lacking):
        return None

    def shown(stream: TextIO) -> str:
        full = session.call.options.verbose
        colour = stream is streams.stderr and streams.has_colour(stream)
        width = streams.width(stream)
        return backfill_text(report, full=full, colour=colour, width=width, end=False) + "\n"

    seen = log.block(shown(streams.stderr))
    question = f"Start up to {counted(number, 'backfill')} of {visible(report.fleet)}?"
    if lacking:
        again = "each under a tag of its own"
        question = f"Put {counted(lacking, 'image')} of {visible(report.fleet)} again, {again}?"
    if await agreed(session, question, shown, streams.keyboard, seen=seen):
        return None
    if session.interrupts.requested.is_set():
        return replace(report, status=Status.INTERRUPTED)
    return replace(report, status=Status.REFUSED)
