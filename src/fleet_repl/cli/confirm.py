"""Carry a plan out: show the plan, ask for confirmation on a terminal, write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TextIO

import anyio
import anyio.to_thread

from fleet_repl.cli.counters import waves_after
from fleet_repl.cli.session import Session
from fleet_repl.planning.objections import outstanding
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.text import counted, visible

YES = frozenset({"y", "yes"})
NOTHING_WRITTEN = "interrupted; nothing is written"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """The flags of a command that decide whether, and how far, it writes."""

    yes: bool
    """Write without asking."""
    force: bool
    allow: tuple[str, ...] = ()
    """Overrides: `protected`, `unknown-fields`."""
    wave: str | None = None
    """The last wave to write; None: all waves."""


async def carry_out(session: Session, plan: Plan, options: WriteOptions) -> Report:
    """Show the plan, ask on a terminal unless --yes is given, and carry the plan out."""
    log, streams = session.call.log, session.call.streams
    # In a thread: the text of a large plan takes seconds, and the lock has to be renewed meanwhile.
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
    """Count the registries that a plan writes to if the run ends after the wave `last`."""
    later = waves_after(waves, last)
    return sum(
        any(change.wave not in later for change in registry_plan.changes)
        for registry_plan in plan.registries
    )


def _shown(session: Session, plan: Plan, stream: TextIO) -> str:
    """The plan as text, in the width and colours of the stream."""
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


async def agreed(
    session: Session,
    question: str,
    shown: Callable[[TextIO], str],
    keyboard: TextIO,
    *,
    seen: bool,
) -> bool:
    """Ask the question at the terminal; return whether the answer is yes.

    An interruption counts as no, and stops the fleet. `shown` returns the text that the question
    is about, in the width and colours of a stream; `seen`: that text stands on stderr already.
    """
    streams = session.call.streams
    with (
        streams.terminal(keyboard) as terminal,
        session.interrupts.stopping(session.fleet.stop),
    ):
        if not seen or terminal is not streams.stderr:
            # Nobody can agree to a plan that they have not seen.
            terminal.write(await anyio.to_thread.run_sync(shown, terminal))
        return await confirm(
            question, stdin=keyboard, terminal=terminal, given_up=session.interrupts.requested
        )


async def confirm(question: str, *, stdin: TextIO, terminal: TextIO, given_up: anyio.Event) -> bool:
    """Ask, and return whether the answer is yes. The end of input and `given_up` count as no.

    A thread that blocks in reading a line could not be cancelled; waiting until the terminal has a
    line can be.
    """
    terminal.write(f"{question} [y/N] ")
    terminal.flush()
    answer = ""
    async with anyio.create_task_group() as group:
        group.start_soon(_give_up, given_up, group.cancel_scope)
        await anyio.wait_readable(stdin)
        answer = stdin.readline()
        group.cancel_scope.cancel()
    if not answer.endswith("\n"):
        terminal.write("\n")
        terminal.flush()
    return answer.strip().lower() in YES


async def _give_up(given_up: anyio.Event, scope: anyio.CancelScope) -> None:
    await given_up.wait()
    scope.cancel()
