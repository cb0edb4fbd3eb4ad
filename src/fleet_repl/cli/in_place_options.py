"""The options of commands that read what is in place and make a document of their own of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fleet_repl.cli.flags import (
    ASKED,
    ELSEWHERE,
    OUTPUT,
    SANDBOX,
    Cached,
    Cluster,
    InventoryPath,
    ScenarioPath,
    StateLocation,
    TerraformStates,
    Workers,
    account,
    label,
    region,
)
from fleet_repl.cli.options import CommonOptions
from fleet_repl.cli.result_options import Readers
from fleet_repl.cli.run_options import RunOptions, check_simulation
from fleet_repl.cli.terraform_states import check_states


@dataclass(frozen=True, slots=True, kw_only=True)
class InPlaceOptions(CommonOptions):
    """Flags of a command that reads what is in place and remembers nothing, and whose result is a
    document of its own."""

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
    state: StateLocation = None
    cached: Cached = False
    workers: Workers = None
    cluster: Cluster = None

    def check(self) -> None:
        check_simulation(self.scenario, self.state, sandbox=self.sandbox)
        Readers(workers=self.workers, cluster=self.cluster).check()

    def run_options(self) -> RunOptions:
        """The flags as those of a run that reads the fleet."""
        return RunOptions(
            inventory=self.inventory,
            sandbox=self.sandbox,
            scenario=self.scenario,
            cached=self.cached,
            workers=self.workers,
            cluster=self.cluster,
            state=self.state,
            quiet=self.quiet,
            verbose=self.verbose,
            log_format=self.log_format,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions(InPlaceOptions):
    """Flags of a command that makes an inventory of what is in place."""

    tfstate: TerraformStates = field(default_factory=list)
    removed: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Write the blocks that take it out of Terraform's states there, not to stderr.",
            show_default=False,
            rich_help_panel=ELSEWHERE,
        ),
    ] = None

    def check(self) -> None:
        # super() without arguments does not work where slots have made the class anew.
        InPlaceOptions.check(self)
        check_states(self.tfstate, sandbox=self.sandbox)
        if self.removed is not None and not self.tfstate:
            raise typer.BadParameter("--removed is about Terraform's states: it needs --tfstate")


class ExportTarget(StrEnum):
    """The tool whose resources an export writes."""

    TERRAFORM = "terraform"
    CLOUDFORMATION = "cloudformation"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportOptions(InPlaceOptions):
    """Flags of a command that writes down what is in place for another tool."""

    account: Annotated[list[str], account("these accounts", ASKED)] = field(default_factory=list)
    label: Annotated[list[str], label("accounts with this label", ASKED)] = field(
        default_factory=list
    )
    region: Annotated[list[str], region("registries in these regions", ASKED)] = field(
        default_factory=list
    )
    format: Annotated[
        ExportTarget, typer.Option(help="The tool that reads the result.", rich_help_panel=OUTPUT)
    ] = ExportTarget.TERRAFORM
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            readable=False,
            help="Write files there, and nothing to stdout.",
            show_default=False,
            rich_help_panel=OUTPUT,
        ),
    ] = None

    def run_options(self) -> RunOptions:
        whole_fleet = InPlaceOptions.run_options(self)
        return replace(whole_fleet, account=self.account, label=self.label, region=self.region)
