"""The options of commands about the state location: runs, reports, freezes and the lock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from fleet_repl.cli.flags import (
    OUTPUT,
    Format,
    InventoryPath,
    OutputFormat,
    RunId,
    StateLocation,
    inventory_argument,
)
from fleet_repl.cli.options import CommonOptions
from fleet_repl.cli.result_options import FleetOptions, ResultOptions
from fleet_repl.reports.formats import Kind

DEFAULT_LIMIT = 20
MOST_RUNS = 1_000_000

MaybeInventory = Annotated[
    Path | None, inventory_argument(": only its runs, and its state location")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunListOptions(CommonOptions):
    """Flags of a command that lists runs."""

    inventory: MaybeInventory = None
    limit: Annotated[
        int,
        typer.Option(
            metavar="N", min=1, max=MOST_RUNS, help="So many at the most.", rich_help_panel=OUTPUT
        ),
    ] = DEFAULT_LIMIT
    format: OutputFormat = Format.TEXT
    state: StateLocation = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions(ResultOptions):
    """Flags of a command that shows one run."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.REPORT,)

    run: RunId
    inventory: MaybeInventory = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackOptions(FleetOptions):
    """Flags of a command that rolls one run back."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PLAN, Kind.REPORT)

    run: RunId
    inventory: Annotated[
        Path | None,
        inventory_argument("; without it nothing is done but to say which it was"),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateOptions(CommonOptions):
    """Flags of a command about the freeze or the lock of a fleet."""

    inventory: InventoryPath
    state: StateLocation = None
