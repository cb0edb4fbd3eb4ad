"""`fleet-repl explain`: where an image goes, where it does not go, and why."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import ASKED, InventoryPath, PushedTo, completing
from fleet_repl.cli.output import check_files, hand_over, show_only
from fleet_repl.cli.run_options import SandboxOptions
from fleet_repl.reports.exit_codes import explanation_exit
from fleet_repl.reports.formats import Kind
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.cli.library import Library
    from fleet_repl.cli.session import Session
    from fleet_repl.inventory import Inventory
    from fleet_repl.planning.explain import Question
    from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions(SandboxOptions):
    """Flags of a command that explains where an image goes."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.EXPLAIN,)

    inventory: InventoryPath
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="A repository, REPOSITORY:TAG or REPOSITORY@sha256:DIGEST.",
            show_default=False,
        ),
    ]
    source: PushedTo = None
    destination: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="ACCOUNT/REGION",
            help="The registry that it should get to, the account by id or name.",
            autocompletion=completing("registries"),
            show_default=False,
            rich_help_panel=ASKED,
        ),
    ] = None
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Ask AWS: rules and policies in place, and whether the image is there.",
            rich_help_panel=ASKED,
        ),
    ] = False

    def check(self) -> None:
        SandboxOptions.check(self)
        if self.live:
            return
        if self.sandbox or self.state is not None:
            raise typer.BadParameter("--sandbox and --state are about AWS: they need --live")
        if self.workers is not None or self.cluster is not None:
            raise typer.BadParameter("--workers and --cluster read the fleet: they need --live")

    def question(self, backend: Library, inventory: Inventory) -> Question:
        """The question that is asked. Raises SelectionError."""
        ends = () if self.destination is None else (self.destination,)
        return backend.question(inventory, self.what, source=self.source, destinations=ends)


def explain(call: Call[ExplainOptions]) -> ExitCode:
    """Tells which links carry it, by which route and prefix, and exactly why other registries do
    not get it. With --live, by the rules and the registry policies in place, statement by
    statement, and of an image what became of it. Ends with the one thing to do. The exit code is 0,
    whatever the answer is; 4 if a registry could not be read, 130 after Ctrl-C.

    Example: fleet-repl explain inventories/prod.toml base/python:3.13 --to shop/eu-west-1
    """
    return _live(call) if call.options.live else _offline(call)


def _offline(call: Call[ExplainOptions]) -> ExitCode:
    options = call.options
    inventory = call.load_resolved(options.inventory)
    question = options.question(call.backend, inventory)
    check_files(options, [*map(Path, inventory.files)])
    return show_only(call, call.backend.explain(question), inventory=inventory)


def _live(call: Call[ExplainOptions]) -> ExitCode:
    from fleet_repl.cli.fleet_run import Target, run_target  # noqa: PLC0415 - offline needs no fleet

    options = call.options

    def scope(inventory: Inventory) -> Collection[Registry]:
        return options.question(call.backend, inventory).sources

    inventory = call.load_called(options.inventory, simulated=options.sandbox)
    target = Target(inventory=inventory, scope=scope, state=options.state)

    async def work(session: Session) -> ExitCode:
        explanation = await session.explain(
            options.what, source=options.source, destination=options.destination
        )
        code = explanation_exit(explanation)
        return hand_over(call, explanation, code, inventory=session.inventory)

    return run_target(call, target, work)
