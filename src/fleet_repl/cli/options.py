"""The options of every command and of the offline ones, and how a command gets its options.

The fields of a dataclass of options become parameters of the command, before the command's own:
so a flag means the same everywhere.
"""

from __future__ import annotations

import inspect
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer

from fleet_repl.cli.flags import (
    OUTPUT,
    SHOWN,
    Format,
    InventoryPath,
    Notation,
    ScenarioPath,
    account,
    label,
    region,
)

if TYPE_CHECKING:
    from fleet_repl.topology import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonOptions:
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

    @classmethod
    def annotations(cls) -> dict[str, object]:
        """Returns the annotation of each flag, by the name of its field."""
        return get_type_hints(cls, include_extras=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphOptions(CommonOptions):
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
        """The accounts and regions whose links are drawn."""
        return selected(self.account, self.label, self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions(CommonOptions):
    """Flags of a command that serves a simulated AWS."""

    inventory: InventoryPath
    host: Annotated[str, typer.Option(help="The loopback address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The port; 0 takes one that is free.")
    ] = 0
    scenario: ScenarioPath = None


def selected(accounts: list[str], labels: list[str], regions: list[str]) -> Selection:
    """The selection that `--account`, `--label` and `--region` make."""
    from fleet_repl.topology import Selection  # noqa: PLC0415 - help needs no topology

    pairs = (text.partition("=") for text in labels)
    return Selection(
        accounts=tuple(accounts),
        labels=tuple((key, value) for key, _, value in pairs),
        regions=tuple(regions),
    )


def parameters_of(options: type[CommonOptions]) -> list[inspect.Parameter]:
    """The options as parameters of a command, arguments and the nearest class's own first."""
    annotations = options.annotations()
    common = fields(CommonOptions)
    names = {option.name for option in common}
    own = [option for option in fields(options) if option.name not in names]
    return [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(option),
            annotation=annotations[option.name],
        )
        for option in (*own, *common)
    ]


def _default(option: Field[object]) -> object:
    if option.default is not MISSING:
        return option.default
    if option.default_factory is not MISSING:
        return option.default_factory()
    return inspect.Parameter.empty
