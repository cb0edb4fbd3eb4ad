"""The single flags that commands share, each told once: its name, its help, what it may say.

Classes of options are made of these; nothing is run here, and help loads nothing for them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer
from typer.models import ArgumentInfo, OptionInfo

from fleet_repl.reports import ReportError, check_ending

SCOPE = "What is changed"
ASKED = "What is looked at"
SHOWN = "What is drawn"
OUTPUT = "Output"
REMEMBERED = "What is remembered"
SANDBOX = "Simulated AWS"


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class Notation(StrEnum):
    """How a graph is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


class Allowance(StrEnum):
    PROTECTED = "protected"
    UNKNOWN_FIELDS = "unknown-fields"


def duration(text: str) -> timedelta:
    """`30s`, `15m` or `1h30m` as a time. Raises typer.BadParameter for anything else."""
    from fleet_repl.inventory.fields import seconds  # noqa: PLC0415 - help needs no inventory

    found = seconds(text)
    if not found:
        raise typer.BadParameter(f"{text!r} is no time such as 30s, 15m or 24h")
    return timedelta(seconds=found)


def account(what: str, panel: str) -> OptionInfo:
    """`--account`, which narrows down `what`."""
    return _repeatable("ID|NAME", what, panel)


def label(what: str, panel: str) -> OptionInfo:
    """`--label`."""
    return _repeatable("KEY=VALUE", what, panel, callback=_pairs)


def region(what: str, panel: str) -> OptionInfo:
    """`--region`."""
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


def _pairs(labels: list[str]) -> list[str]:
    for one in labels:
        if not one.partition("=")[0] or "=" not in one:
            raise typer.BadParameter(f"{one!r} is not KEY=VALUE")
    return labels


def _report_files(paths: list[Path]) -> list[Path]:
    for path in paths:
        try:
            check_ending(path)
        except ReportError as error:
            raise typer.BadParameter(str(error)) from error
    return paths


def _place(location: str | None) -> str | None:
    if location is not None and not location.strip():
        raise typer.BadParameter("--state must not be empty")
    return location


STANDARD_INPUT: Final = Path("-")
"""As INVENTORY; a file of that name goes by its whole path."""


def inventory_argument(what: str) -> ArgumentInfo:
    """`INVENTORY`, which is `what`."""
    found: ArgumentInfo = typer.Argument(
        metavar="INVENTORY",
        # Whoever reads a file says why it cannot be read, with the code that a missing file has.
        readable=False,
        help=f"The fleet's TOML file, or - for standard input{what}.",
        show_default=False,
    )
    return found


def check_can_ask(inventory: Path | None, *, yes: bool) -> None:
    """Raises typer.BadParameter where an answer would have to come from what the inventory is
    read from."""
    if inventory == STANDARD_INPUT and not yes:
        raise typer.BadParameter(
            "the inventory is read from standard input, so nobody can answer there: add --yes"
        )


InventoryPath = Annotated[Path, inventory_argument("")]
OutputFormat = Annotated[Format, typer.Option(help="The result on stdout.", rich_help_panel=OUTPUT)]
ReportFiles = Annotated[
    list[Path],
    typer.Option(
        metavar="FILE",
        readable=False,
        callback=_report_files,
        help="Write the result to a file too; its ending, .json or .xml (JUnit), gives the "
        "format. Repeatable.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
StateLocation = Annotated[
    str | None,
    typer.Option(
        metavar="LOCATION",
        callback=_place,
        help="Where the fleet keeps what it has to remember, a folder or s3://bucket/prefix, in "
        "place of the inventory's \\[state].",
        show_default=False,
        rich_help_panel=REMEMBERED,
    ),
]
InSandbox = Annotated[
    bool,
    typer.Option(
        "--sandbox",
        help="Run against a simulated AWS inside this process, with a state of its own.",
        rich_help_panel=SANDBOX,
    ),
]
ScenarioPath = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        readable=False,
        help="Latency, throttling and faults of the simulated AWS.",
        show_default=False,
        rich_help_panel=SANDBOX,
    ),
]
RunId = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run as `runs` lists it, or last.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Force = Annotated[bool, typer.Option("--force", help="Override the objections of this run's plan.")]
