"""`fleet-repl freeze`: let nobody write to a fleet for now."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.history import recall
from fleet_repl.cli.state_options import StateOptions
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.runs import moment
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.runs.history import Freeze


def freeze(
    call: Call[StateOptions],
    *,
    why: Annotated[
        str,
        typer.Option(
            metavar="TEXT", help="What everybody who is refused reads.", show_default=False
        ),
    ],
    who: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Who wants it; user@host unless given.", show_default=False
        ),
    ] = None,
) -> ExitCode:
    """apply, rollback and backfill are refused with code 3, and watch --fix corrects nothing; each
    says who froze the fleet and why. A run that is writing stops within 20 s. plan, drift and
    verify go on working. Freezing a frozen fleet replaces the reason.

    Example: fleet-repl freeze inventories/prod.toml --why "registry move, ask anna"
    """
    if not why.strip():
        raise typer.BadParameter("--why must not be empty")
    if not (why + (who or "")).isprintable():
        raise typer.BadParameter("--why and --who must be one line, without control characters")
    inventory = call.load_inventory(call.options.inventory, secrets_required=False)
    by = who if who is not None else call.backend.person()
    look = partial(_freeze, fleet=inventory.name, who=by, why=why)
    freezes = recall(call, inventory, call.options.state, look)
    if freezes is None:
        return ExitCode.INTERRUPTED
    before, now = freezes
    page = Page()
    page.add((f"{inventory.name} is frozen", Style.BAD), f" by {now.who}: {now.why}")
    if before is not None:
        page.add(f"Before that it was frozen {since(before)}")
    stdout = call.streams.stdout
    colour, width = call.streams.has_colour(stdout), call.streams.width(stdout)
    call.show(page.render(colour=colour, width=width))
    return ExitCode.OK


async def _freeze(
    history: History, *, fleet: str, who: str, why: str
) -> tuple[Freeze | None, Freeze]:
    """Freeze the fleet; returns the freeze that was there before, and the new one."""
    before = await history.frozen(fleet)
    return before, await history.freeze(fleet, who=who, why=why)


def since(frozen: Freeze) -> str:
    """Since when and by whom a fleet is, or was, frozen, and why."""
    return f"since {moment(frozen.since)} UTC by {frozen.who}: {frozen.why}"
