"""The flags of every command and of the offline ones, and how a command gets its flags.

A dataclass of options is spliced into a command's own parameters, so that a flag means the
same everywhere. Nothing is run here.
"""

from __future__ import annotations

import inspect
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from fleet_repl.cli.flags import (
    OUTPUT,
    SHOWN,
    Format,
    InventoryPath,
    Notation,
    OutputFormat,
    ScenarioPath,
    account,
    label,
    region,
)

if TYPE_CHECKING:
    from fleet_repl.topology import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """Flags of every command."""

    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="Only errors on stderr.", rich_help_panel=OUTPUT),
    ] = False
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            "-v",
            help="List everything, however long, and log retries, writes and failures.",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    log_format: Annotated[Format, typer.Option(help="Lines on stderr.", rich_help_panel=OUTPUT)] = (
        Format.TEXT
    )

    def check(self) -> None:
        """Raises typer.BadParameter for flags that do not go together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Describing(Common):
    """Flags of a command that looks at an inventory."""

    inventory: InventoryPath
    format: OutputFormat = Format.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing(Common):
    """Flags of a command that shows a kept plan."""

    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLANFILE",
            readable=False,
            help="The plan that plan --out has kept.",
            show_default=False,
        ),
    ]
    format: OutputFormat = Format.TEXT


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing(Common):
    """Flags of a command that draws an inventory."""

    inventory: InventoryPath
    account: Annotated[list[str], account("links into and out of these accounts", SHOWN)] = field(
        default_factory=list
    )
    label: Annotated[list[str], label("links into and out of accounts with this label", SHOWN)] = (
        field(default_factory=list)
    )
    region: Annotated[list[str], region("links into and out of these regions", SHOWN)] = field(
        default_factory=list
    )
    format: Annotated[
        Notation, typer.Option(help="The result on stdout.", rich_help_panel=OUTPUT)
    ] = Notation.MERMAID

    @property
    def selection(self) -> Selection:
        """What is drawn."""
        return selected(self.account, self.label, self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving(Common):
    """Flags of a command that serves a simulated AWS."""

    inventory: InventoryPath
    host: Annotated[str, typer.Option(help="The loopback address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The port; 0 takes one that is free.")
    ] = 0
    scenario: ScenarioPath = None


def selected(accounts: list[str], labels: list[str], regions: list[str]) -> Selection:
    """Flags that narrow as the library has them."""
    from fleet_repl.topology import Selection  # noqa: PLC0415 - help needs no topology

    pairs = (one.partition("=") for one in labels)
    return Selection(
        accounts=tuple(accounts),
        labels=tuple((key, value) for key, _, value in pairs),
        regions=tuple(regions),
    )


def parameters_of(options: type[Common]) -> list[inspect.Parameter]:
    """The options as parameters of a command, arguments and the nearest class's own first."""
    hints = get_type_hints(options, include_extras=True)
    own = [one for one in fields(options) if one.name not in Common.__dataclass_fields__]
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(one),
            annotation=hints[one.name],
        )
        for one in (*own, *fields(Common))
    ]


def _default(one: Field[object]) -> object:
    if one.default is not MISSING:
        return one.default
    if one.default_factory is not MISSING:
        return one.default_factory()
    return inspect.Parameter.empty
