"""The flags that several commands share, each defined once: name, help and check of its value.

The classes of options are made of these. Importing this module loads nothing of the library that
help does not need.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from typer.models import ArgumentInfo, OptionInfo

from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from fleet_repl.values.queues import QueueAddress

SCOPE = "What is changed"
ASKED = "What is looked at"
SHOWN = "What is drawn"
OUTPUT = "Output"
REMEMBERED = "What is remembered"
SANDBOX = "Simulated AWS"
READERS = "Who reads"
ELSEWHERE = "What other tools manage"
QUEUE_URL = "QUEUE_URL"


_AGE: Final = re.compile(r"(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,7})m)?")


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


class Notation(StrEnum):
    """The notations in which a graph is written."""

    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


class Allowance(StrEnum):
    COLLATERAL = "collateral"
    PROTECTED = "protected"
    UNKNOWN_FIELDS = "unknown-fields"


def duration(text: str) -> timedelta:
    """`30s`, `15m` or `1h30m` as a time. Raises typer.BadParameter for anything else."""
    from fleet_repl.inventory.fields import seconds  # noqa: PLC0415 - help needs no inventory

    parsed = seconds(text)
    if not parsed:
        raise typer.BadParameter(f"{text!r} is no time such as 30s, 15m or 24h")
    return timedelta(seconds=parsed)


def queue_address(text: str | None) -> QueueAddress | None:
    """The queue of a --deliveries; None for none. Raises typer.BadParameter for anything else."""
    from fleet_repl.values.queues import QueueAddress  # noqa: PLC0415 - few commands have one

    try:
        return None if text is None else QueueAddress.parse(text)
    except FleetError as error:
        raise typer.BadParameter(f"--deliveries: {error}") from error


def age_of(text: str) -> timedelta:
    """`30m`, `12h`, `7d` or `1d12h` as a time. Raises typer.BadParameter for anything else."""
    match = _AGE.fullmatch(text)
    days, hours, minutes = (int(number or 0) for number in match.groups()) if match else (0, 0, 0)
    age = timedelta(days=days, hours=hours, minutes=minutes)
    if not age:
        raise typer.BadParameter(f"{text!r} is no time such as 30m, 12h, 7d or 1d12h")
    return age


def completing(kind: str) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    """Completes items of a kind, of those that `cli.completion` knows."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        from fleet_repl.cli import completion  # noqa: PLC0415 - help completes nothing

        return completion.complete(kind, ctx, incomplete)

    return complete


def account(subject: str, panel: str) -> OptionInfo:
    """`--account`, which narrows the command down to `subject`."""
    return _repeatable("ID|NAME", subject, panel, "accounts")


def label(subject: str, panel: str) -> OptionInfo:
    """`--label`, which narrows the command down to `subject`."""
    return _repeatable("KEY=VALUE", subject, panel, "labels", callback=_pairs)


def region(subject: str, panel: str) -> OptionInfo:
    """`--region`, which narrows the command down to `subject`."""
    return _repeatable("REGION", subject, panel, "regions")


def _repeatable(
    metavar: str,
    subject: str,
    panel: str,
    kind: str,
    callback: Callable[[list[str]], list[str]] | None = None,
) -> OptionInfo:
    """A repeatable flag that narrows the command down to `subject`."""
    option: OptionInfo = typer.Option(
        metavar=metavar,
        callback=callback,
        autocompletion=completing(kind),
        help=f"Only {subject}. Repeatable.",
        show_default=False,
        rich_help_panel=panel,
    )
    return option


def _pairs(labels: list[str]) -> list[str]:
    for text in labels:
        if not text.partition("=")[0] or "=" not in text:
            raise typer.BadParameter(f"{text!r} is not KEY=VALUE")
    return labels


def _state_location(location: str | None) -> str | None:
    if location is not None and not location.strip():
        raise typer.BadParameter("--state must not be empty")
    return location


STANDARD_INPUT: Final = Path("-")
"""The INVENTORY that stands for standard input; a file of that name goes by its whole path."""


def inventory_argument(addition: str) -> ArgumentInfo:
    """The argument `INVENTORY`; `addition` ends its help."""
    argument: ArgumentInfo = typer.Argument(
        metavar="INVENTORY",
        # typer does not check that the file can be read: the loader says why it cannot be, and
        # the exit code is then the same as for a missing file.
        readable=False,
        help=f"The fleet's TOML file, or - for standard input{addition}.",
        show_default=False,
    )
    return argument


def check_can_ask(inventory: Path | None, *, yes: bool) -> None:
    """Raises typer.BadParameter where a question would have to be answered on standard input, and
    the inventory is read from there."""
    if inventory == STANDARD_INPUT and not yes:
        raise typer.BadParameter(
            "the inventory is read from standard input, so nobody can answer there: add --yes"
        )


InventoryPath = Annotated[Path, inventory_argument("")]
OutputFormat = Annotated[Format, typer.Option(help="The result on stdout.", rich_help_panel=OUTPUT)]
StateLocation = Annotated[
    str | None,
    typer.Option(
        metavar="LOCATION",
        callback=_state_location,
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
        help="Latency, throttling, faults and first contents of the simulated AWS.",
        show_default=False,
        rich_help_panel=SANDBOX,
    ),
]
Cached = Annotated[
    bool,
    typer.Option(
        "--cached",
        help="Take the accounts that were discovered last, and ask AWS for none.",
        rich_help_panel=REMEMBERED,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=256,
        help="Read with so many processes of this machine; plans and writes stay in this one.",
        show_default=False,
        rich_help_panel=READERS,
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Read with the workers of this Dask scheduler, such as tls://scheduler:8786.",
        show_default=False,
        rich_help_panel=READERS,
    ),
]
PushedTo = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="ACCOUNT/REGION",
        help="The registry that it is pushed to, the account by id or name.",
        show_default=False,
        autocompletion=completing("registries"),
        rich_help_panel=ASKED,
    ),
]
TerraformStates = Annotated[
    list[str],
    typer.Option(
        "--tfstate",
        metavar="FILE|s3://BUCKET/KEY",
        help="Look in this Terraform state for what Terraform manages of the fleet. Repeatable.",
        show_default=False,
        rich_help_panel=ELSEWHERE,
    ),
]
NO_STATES: Final[list[str]] = []
RunId = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="A run as `runs` lists it, or last.",
        autocompletion=completing("runs"),
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Force = Annotated[bool, typer.Option("--force", help="Override the objections of this run's plan.")]
