"""Carry a plan out: show it, ask whether it may be, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TextIO

import anyio.to_thread

from fleet_repl.cli.agreeing import agreed
from fleet_repl.cli.session import Session
from fleet_repl.planning.objections import outstanding
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.text import plan_text
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.text import counted, visible

NOTHING_WRITTEN = "interrupted; nothing is written"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """What somebody has said about writing beforehand."""

    yes: bool
    force: bool
    allow: tuple[str, ...] = ()
    wave: str | None = None
    """The last one that is written."""


async def carry_out(session: Session, plan: Plan, options: WriteOptions) -> Report:
    """Show the plan, ask on a terminal unless that is answered already, and carry it out."""
    log, streams = session.call.log, session.call.streams
    # In a thread: of a large plan this takes seconds, and the lock has to be renewed.
    seen = log.block(await anyio.to_thread.run_sync(_shown, session, plan, streams.stderr))
    refused = outstanding(plan.objections, force=options.force, allow=options.allow)
    writes = written(plan, session.waves, options.wave)
    if writes and not refused and not options.yes and streams.keyboard is not None:
        until = "" if options.wave is None else f", up to wave {visible(options.wave)}"
        question = f"Write to {counted(writes, 'registry')} of {visible(plan.fleet)}{until}?"
        shown = partial(_shown, session, plan)
        yes = await agreed(session, question, shown, streams.keyboard, seen=seen)
        if session.interrupts.requested.is_set():
            log.note(NOTHING_WRITTEN)
        elif not yes:
            return session.fleet.refuse(plan, "the plan was not confirmed")
    return await session.apply(plan, force=options.force, allow=options.allow, wave=options.wave)


def written(plan: Plan, waves: Sequence[str], last: str | None) -> int:
    """How many registries a plan writes to, if it ends after the wave `last`."""
    within = None if last is None else frozenset(waves[: waves.index(last) + 1])
    return sum(
        any(within is None or change.wave in within for change in one.changes)
        for one in plan.registries
    )


def _shown(session: Session, plan: Plan, stream: TextIO) -> str:
    """The plan as it fits where it is shown."""
    streams = session.call.streams
    text = plan_text(
        plan,
        full=session.call.options.verbose,
        colour=stream is streams.stderr and streams.has_colour(stream),
        width=streams.width(stream),
        waves=session.waves,
        inventory=session.inventory,
    )
    return f"{text}\n"
