"""`fleet-repl apply`: make the fleet as the inventory says, and report every registry."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Annotated

import typer

from fleet_repl.cli.agreeing import agreed
from fleet_repl.cli.call import Call
from fleet_repl.cli.options import Running
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
    seen = log.block(_shown(session, plan, streams.has_colour(streams.stderr)))
    refused = bool(plan.objections) and not force
    if plan.changes and not refused and not yes and streams.keyboard is not None:
        changed = counted(plan.summary.changed, "registry")
        question = f"Write to {changed} of {visible(plan.fleet)}?"
        shown = partial(_shown, session, plan)
        yes = await agreed(session, question, shown, streams.keyboard, seen=seen)
        if session.interrupts.requested.is_set():
            log.note(NOTHING_WRITTEN)
        elif not yes:
            return session.fleet.refuse(plan, "the plan was not confirmed")
    return await session.apply(plan, force=force)


def _shown(session: Session, plan: Plan, colour: bool) -> str:  # noqa: FBT001 - a callback's
    return plan_text(plan, full=session.call.options.verbose, colour=colour) + "\n"
