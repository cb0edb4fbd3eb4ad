"""`fleet-repl wait`: a gate for deploys, which opens once an image is where it will be pulled."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import ASKED, InventoryPath, PushedTo, completing, duration
from fleet_repl.cli.fleet_run import Target, run_target
from fleet_repl.cli.output import hand_over
from fleet_repl.cli.run_options import SandboxOptions
from fleet_repl.reports.exit_codes import explanation_exit
from fleet_repl.reports.formats import Kind
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.cli.session import Session
    from fleet_repl.inventory import Inventory
    from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitOptions(SandboxOptions):
    """Flags of a command that waits for an image."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.WAIT,)

    inventory: InventoryPath
    what: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE",
            help="REPOSITORY:TAG or REPOSITORY@sha256:DIGEST.",
            show_default=False,
        ),
    ]
    source: PushedTo = None
    destination: Annotated[
        list[str],
        typer.Option(
            "--to",
            metavar="ACCOUNT/REGION",
            help="A registry that it has to get to, the account by id or name; all that routes "
            "carry it to unless given. Repeatable.",
            autocompletion=completing("registries"),
            show_default=False,
            rich_help_panel=ASKED,
        ),
    ] = field(default_factory=list)
    within: Annotated[
        timedelta,
        typer.Option(
            metavar="TIME",
            parser=duration,
            help="How long to wait at the most, such as 90s, 10m or 1h.",
        ),
    ] = "10m"  # type: ignore[assignment] # typer shows the text, and parses it


def wait(call: Call[WaitOptions]) -> ExitCode:
    """Waits for the push too, if there was none yet, and follows a tag that moves. Asks less and
    less often. Exits with 0 as soon as the image is everywhere that it has to get to; with 4, and
    what `explain --live` says, as soon as it cannot come any more, such as without a rule or a
    grant, or once the time is up.

    Example: fleet-repl wait inventories/prod.toml shop/api:1.2.0 --to shop/eu-west-1 --within 10m
    """
    options = call.options

    def scope(inventory: Inventory) -> Collection[Registry]:
        question = call.backend.question(
            inventory, options.what, source=options.source, destinations=options.destination
        )
        call.backend.check_wait(question, options.within, inventory)
        return question.sources

    inventory = call.load_called(options.inventory, simulated=options.sandbox)
    target = Target(inventory=inventory, scope=scope, state=options.state)

    async def work(session: Session) -> ExitCode:
        explanation = await session.wait(
            options.what,
            source=options.source,
            destinations=options.destination,
            within=options.within,
        )
        code = explanation_exit(explanation)
        return hand_over(call, explanation, code, inventory=session.inventory)

    return run_target(call, target, work)
