"""The flags that commands share, each told once, and how a command gets them.

A dataclass of options is spliced into a command's own parameters, so that a flag means the
same everywhere. Nothing is run here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_type_hints

import typer
from typer.models import OptionInfo

from fleet_repl.reports import ReportError, check_ending

if TYPE_CHECKING:
    from fleet_repl.topology import Selection

SCOPE = "What is changed"
ASKED = "What is looked at"
SHOWN = "What is drawn"
OUTPUT = "Output"
SANDBOX = "Simulated AWS"


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class Notation(StrEnum):
    """How a graph is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


def _pairs(labels: list[str]) -> list[str]:
    for label in labels:
        if not label.partition("=")[0] or "=" not in label:
            raise typer.BadParameter(f"{label!r} is not KEY=VALUE")
    return labels


def _account(what: str, panel: str) -> OptionInfo:
    return _repeatable("ID|NAME", what, panel)


def _label(what: str, panel: str) -> OptionInfo:
    return _repeatable("KEY=VALUE", what, panel, callback=_pairs)


def _region(what: str, panel: str) -> OptionInfo:
    return _repeatable("REGION", what, panel)


def _repeatable(
    metavar: str, what: str, panel: str, callback: Callable[[list[str]], list[str]] | None = None
) -> OptionInfo:
    """A flag that narrows something down."""
    found: OptionInfo = typer.Option(
        metavar=metavar,
        callback=callback,
        help=f"Only {what}. Repeatable.",
        show_default=False,
        rich_help_panel=panel,
    )
    return found


def _report_files(paths: list[Path]) -> list[Path]:
    for path in paths:
        try:
            check_ending(path)
        except ReportError as error:
            raise typer.BadParameter(str(error)) from error
    return paths


InventoryPath = Annotated[
    Path, typer.Argument(metavar="INVENTORY", help="The fleet's TOML file.", show_default=False)
]
ScenarioPath = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Latency, throttling and faults of the simulated AWS.",
        show_default=False,
        rich_help_panel=SANDBOX,
    ),
]
OutputFormat = Annotated[Format, typer.Option(help="The result on stdout.", rich_help_panel=OUTPUT)]


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
class Drawing(Common):
    """Flags of a command that draws an inventory."""

    inventory: InventoryPath
    account: Annotated[list[str], _account("links into and out of these accounts", SHOWN)] = field(
        default_factory=list
    )
    label: Annotated[list[str], _label("links into and out of accounts with this label", SHOWN)] = (
        field(default_factory=list)
    )
    region: Annotated[list[str], _region("links into and out of these regions", SHOWN)] = field(
        default_factory=list
    )
    format: Annotated[
        Notation, typer.Option(help="The result on stdout.", rich_help_panel=OUTPUT)
    ] = Notation.MERMAID

    @property
    def selection(self) -> Selection:
        """What is drawn."""
        return _selection(self.account, self.label, self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving(Common):
    """Flags of a command that serves a simulated AWS."""

    inventory: InventoryPath
    host: Annotated[str, typer.Option(help="The loopback address to listen on.")] = "127.0.0.1"
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="The port; 0 takes one that is free.")
    ] = 0
    scenario: ScenarioPath = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running(Common):
    """Flags of a command that talks to the fleet."""

    inventory: InventoryPath
    account: Annotated[list[str], _account("these accounts", SCOPE)] = field(default_factory=list)
    label: Annotated[list[str], _label("accounts with this label", SCOPE)] = field(
        default_factory=list
    )
    region: Annotated[list[str], _region("registries in these regions", SCOPE)] = field(
        default_factory=list
    )
    format: OutputFormat = Format.TEXT
    report: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            callback=_report_files,
            help="Write the result to a file too; its ending, .json or .xml (JUnit), gives the "
            "format. Repeatable.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = field(default_factory=list)
    state: Annotated[
        str | None,
        typer.Option(
            metavar="LOCATION",
            help="Where the fleet keeps what it has to remember, in place of the inventory's "
            "\\[state].",
            show_default=False,
        ),
    ] = None
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox",
            help="Run against a simulated AWS inside this process, with a state of its own.",
            rich_help_panel=SANDBOX,
        ),
    ] = False
    scenario: ScenarioPath = None

    def check(self) -> None:
        _check_scenario(self.scenario, sandbox=self.sandbox)
        if self.state is not None and self.sandbox:
            raise typer.BadParameter("--sandbox has a state of its own: leave --state out")
        if self.state is not None and not self.state.strip():
            raise typer.BadParameter("--state must not be empty")

    @property
    def selection(self) -> Selection:
        """What the run may change."""
        return _selection(self.account, self.label, self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking(Running):
    """Flags of a command that asks the fleet about links, and changes nothing."""

    account: Annotated[list[str], _account("links into and out of these accounts", ASKED)] = field(
        default_factory=list
    )
    label: Annotated[list[str], _label("links into and out of accounts with this label", ASKED)] = (
        field(default_factory=list)
    )
    region: Annotated[list[str], _region("links into and out of these regions", ASKED)] = field(
        default_factory=list
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing(Common):
    """Flags of a command that reads the whole fleet, and whose result is a document."""

    inventory: InventoryPath
    sandbox: Annotated[
        bool,
        typer.Option(
            "--sandbox",
            help="Read a simulated AWS inside this process, as --scenario fills it.",
            rich_help_panel=SANDBOX,
        ),
    ] = False
    scenario: ScenarioPath = None

    def check(self) -> None:
        _check_scenario(self.scenario, sandbox=self.sandbox)


def _check_scenario(scenario: Path | None, *, sandbox: bool) -> None:
    if scenario is not None and not sandbox:
        raise typer.BadParameter("--scenario needs --sandbox")


def _selection(accounts: list[str], labels: list[str], regions: list[str]) -> Selection:
    from fleet_repl.topology import Selection  # noqa: PLC0415 - help needs no topology

    pairs = (label.partition("=") for label in labels)
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
