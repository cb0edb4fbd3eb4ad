"""`fleet-repl explain`: where an image goes, where it does not go, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import ASKED, InventoryPath
from fleet_repl.cli.output import check_files, show_only
from fleet_repl.cli.output_options import OutputOptions
from fleet_repl.reports.formats import Kind
from fleet_repl.values.exit_code import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainOptions(OutputOptions):
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
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="ACCOUNT/REGION",
            help="The registry that it is pushed to, the account by id or name.",
            show_default=False,
            rich_help_panel=ASKED,
        ),
    ] = None
    destination: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="ACCOUNT/REGION",
            help="The registry that it should get to, the account by id or name.",
            show_default=False,
            rich_help_panel=ASKED,
        ),
    ] = None


def explain(call: Call[ExplainOptions]) -> ExitCode:
    """Tells which links carry it, by which route and prefix, and exactly why other registries do
    not get it. Ends with the one thing to do. The exit code is 0, whatever the answer is.

    Example: fleet-repl explain inventories/prod.toml base/python:3.13 --to shop/eu-west-1
    """
    options = call.options
    inventory = call.load_resolved(options.inventory)
    question = call.backend.question(
        inventory, options.what, source=options.source, destination=options.destination
    )
    check_files(options, [*map(Path, inventory.files)])
    return show_only(call, call.backend.explain(question))
