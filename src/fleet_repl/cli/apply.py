"""`fleet-repl apply`: make the fleet as the inventory says, and report every registry."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated, TextIO

import typer

from fleet_repl.cli.call import Call
from fleet_repl.cli.options import Running
from fleet_repl.cli.prompt import confirm
from fleet_repl.cli.running import Session, hand_over, run_fleet
from fleet_repl.outcomes import Report
from fleet_repl.plan import Plan
from fleet_repl.reports import ExitCode, report_exit, visible
from fleet_repl.reports.text import plan_text
from fleet_repl.reports.text.wording import counted

NOTHING_WRITTEN = "interrupted; nothing is written"


class Allowance(StrEnum):
    PROTECTED = "protected"
    UNKNOWN_FIELDS = "unknown-fields"


def apply(
    call: Call[Running],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Override the objections of this run's plan.")
    ] = False,
    allow: Annotated[
        list[Allowance],
        typer.Option(
            metavar="protected|unknown-fields",
            help="Write what is guarded: links of protected registries, documents with fields "
            "that this version does not know. Repeatable.",
            show_default=False,
        ),
    ] = [],  # noqa: B006 - typer's way of a repeatable option; nothing changes it
) -> ExitCode:
    """Make the fleet as the inventory says, and report every registry.

    Shows the plan and, on a terminal, asks before it writes; elsewhere it goes ahead. A plan
    that removes what may be somebody else's is refused unless --force is given. Run again at
    any time: what is in place is left alone.

    Example: fleet-repl apply inventories/prod.toml --yes --report report.json --report junit.xml
    """
    allowed = tuple(one.value for one in allow)
    return run_fleet(call, partial(_apply, yes=yes, force=force, allow=allowed))


async def _apply(session: Session, *, yes: bool, force: bool, allow: tuple[str, ...]) -> ExitCode:
    plan = await session.plan(allow=allow)
    if plan is None:
        report = session.fleet.interrupted(selection=session.call.options.selection)
    else:
        report = await _carry_out(session, plan, yes=yes, force=force)
    return hand_over(session.call, report, report_exit(report))


async def _carry_out(session: Session, plan: Plan, *, yes: bool, force: bool) -> Report:
    log, streams = session.call.log, session.call.streams
    seen = log.block(_shown(session, plan, colour=streams.has_colour(streams.stderr)))
    refused = bool(plan.objections) and not force
    if plan.changes and not refused and not yes and streams.keyboard is not None:
        agreed = await _agreed(session, plan, streams.keyboard, seen=seen)
        if session.interrupts.requested.is_set():
            log.note(NOTHING_WRITTEN)
        elif not agreed:
            return session.fleet.refuse(plan, "the plan was not confirmed")
    return await session.apply(plan, force=force)


async def _agreed(session: Session, plan: Plan, keyboard: TextIO, *, seen: bool) -> bool:
    """Ask. Being interrupted is no agreement, and stops the fleet."""
    streams = session.call.streams
    changed = counted(plan.summary.changed, "registry")
    with (
        streams.terminal(keyboard) as terminal,
        session.interrupts.stopping(session.fleet.stop),
    ):
        if not seen or terminal is not streams.stderr:
            # Nobody can agree to what they have not seen.
            terminal.write(_shown(session, plan, colour=False))
        return await confirm(
            f"Write to {changed} of {visible(plan.fleet)}?",
            stdin=keyboard,
            terminal=terminal,
            given_up=session.interrupts.requested,
        )


def _shown(session: Session, plan: Plan, *, colour: bool) -> str:
    return plan_text(plan, full=session.call.options.verbose, colour=colour) + "\n"
