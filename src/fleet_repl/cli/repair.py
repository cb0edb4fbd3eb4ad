"""`fleet-repl repair`: have ECR copy what a document says that destinations lack."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.confirm_backfills import declined
from fleet_repl.cli.flags import InventoryPath, Yes, check_can_ask, duration
from fleet_repl.cli.fleet_run import Target, run_target
from fleet_repl.cli.log import now
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import SandboxOptions
from fleet_repl.reports.exit_codes import backfill_exit
from fleet_repl.reports.formats import Kind
from fleet_repl.runs.history import Purpose
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.cli.session import Session
    from fleet_repl.inventory import Inventory
    from fleet_repl.runs.repair import Lacking
    from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairOptions(SandboxOptions):
    """Flags of a command that repairs a fleet by a document."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.BACKFILL,)

    inventory: InventoryPath
    document: Annotated[
        Path,
        typer.Argument(
            metavar="DOCUMENT",
            readable=False,
            help="What verify or coverage wrote with --report FILE.json.",
            show_default=False,
        ),
    ]
    wait: Annotated[
        bool, typer.Option("--wait", help="Start all, queued ones too, and follow them to the end.")
    ] = False
    reput: Annotated[
        bool,
        typer.Option(
            "--reput",
            help="Put the missing images again, each under a tag of its own; 20 at the most.",
        ),
    ] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be started. Starts nothing.")
    ] = False
    max_age: Annotated[
        timedelta,
        typer.Option(
            metavar="TIME", parser=duration, help="Refuse a document that is older, such as 15m."
        ),
    ] = "24h"  # type: ignore[assignment] # typer shows the text, and parses it
    yes: Yes = False

    def check(self) -> None:
        SandboxOptions.check(self)
        check_can_ask(self.inventory, yes=self.yes or self.dry_run)
        if self.wait and (self.dry_run or self.reput):
            other = "--dry-run" if self.dry_run else "--reput"
            raise typer.BadParameter(f"{other} starts no backfill: leave --wait out")


def repair(call: Call[RepairOptions]) -> ExitCode:
    """Starts one backfill for each link whose destination lacks images by the document, unless
    one began since the document was made. Refuses, exit 3, while a rule or a grant is missing,
    which apply puts in place, and a document of another fleet or inventory, or one that is too old.

    Example: fleet-repl repair inventories/prod.toml delivery.json
    """
    options, read = call.options, list["Lacking"]()

    def scope(inventory: Inventory) -> Collection[Registry]:
        lacking = call.backend.load_lacking(
            options.document,
            inventory,
            now=now(),
            max_age=options.max_age,
            reput=options.reput,
        )
        # Read once: what somebody says yes to is what is done, and it may have a million entries.
        read.append(lacking)
        return call.backend.scope(inventory, options.selection)

    target = Target(
        inventory=call.load_called(options.inventory, simulated=options.sandbox),
        scope=scope,
        state=options.state,
        purpose=_purpose(options),
        locked=False,
        reads=(options.document,),
    )
    return run_target(call, target, lambda session: _repair(session, read[-1], options))


def _purpose(options: RepairOptions) -> Purpose | None:
    if options.dry_run:
        return None
    return Purpose.REPAIR if options.reput else Purpose.APPLY


async def _repair(session: Session, lacking: Lacking, options: RepairOptions) -> ExitCode:
    repair = partial(session.repair, lacking, reput=options.reput, max_age=options.max_age)
    asks = not (options.yes or options.dry_run)
    report = await declined(session, partial(repair, dry_run=True)) if asks else None
    if report is None:
        report = await repair(wait=options.wait, dry_run=options.dry_run)
    return hand_over(session.call, report, backfill_exit(report), inventory=session.inventory)
