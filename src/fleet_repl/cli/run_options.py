"""The options of commands that talk to a fleet: scope, files for results, real or simulated AWS."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from fleet_repl.cli.flags import (
    ASKED,
    SCOPE,
    STANDARD_INPUT,
    InSandbox,
    InventoryPath,
    ScenarioPath,
    account,
    duration,
    inventory_argument,
    label,
    region,
)
from fleet_repl.cli.options import selected
from fleet_repl.cli.result_options import FleetOptions, Simulated
from fleet_repl.reports.formats import Kind, ReportFormat

if TYPE_CHECKING:
    from fleet_repl.topology import Selection

SHORTEST_INTERVAL = timedelta(seconds=10)
"""Between two rounds of a watch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions(FleetOptions):
    """Flags of a command that reads a fleet, which may be a simulated one."""

    sandbox: InSandbox = False
    scenario: ScenarioPath = None

    def check(self) -> None:
        FleetOptions.check(self)
        check_simulation(self.scenario, self.state, sandbox=self.sandbox)

    @property
    def simulated(self) -> Simulated | None:
        return Simulated(scenario=self.scenario) if self.sandbox else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeOptions(SandboxOptions):
    """Flags of a command that may be narrowed down to a part of a fleet."""

    account: Annotated[list[str], account("these accounts", SCOPE)] = field(default_factory=list)
    label: Annotated[list[str], label("accounts with this label", SCOPE)] = field(
        default_factory=list
    )
    region: Annotated[list[str], region("registries in these regions", SCOPE)] = field(
        default_factory=list
    )

    @property
    def selection(self) -> Selection:
        """The accounts and regions that the run may change."""
        return selected(self.account, self.label, self.region)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions(ScopeOptions):
    """Flags of a command that talks to the fleet of an inventory."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PLAN, Kind.BACKFILL)

    inventory: InventoryPath

    @property
    def with_unknown(self) -> bool:
        """Returns whether accounts that have not said which regions they have enabled count too."""
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions(RunOptions):
    """Flags of a command that asks the fleet about links, and changes nothing."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.DELIVERY,)

    account: Annotated[list[str], account("links into and out of these accounts", ASKED)] = field(
        default_factory=list
    )
    label: Annotated[list[str], label("links into and out of accounts with this label", ASKED)] = (
        field(default_factory=list)
    )
    region: Annotated[list[str], region("links into and out of these regions", ASKED)] = field(
        default_factory=list
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageOptions(VerifyOptions):
    """Flags of a command that compares both ends of links, and changes nothing."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.COVERAGE,)


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions(RunOptions):
    """Flags of a command that examines a fleet, and changes nothing."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.DOCTOR,)

    account: Annotated[list[str], account("these accounts", ASKED)] = field(default_factory=list)
    label: Annotated[list[str], label("accounts with this label", ASKED)] = field(
        default_factory=list
    )
    region: Annotated[list[str], region("registries in these regions", ASKED)] = field(
        default_factory=list
    )

    @property
    def with_unknown(self) -> bool:
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyOptions(ScopeOptions):
    """Flags of a command that carries out an inventory, or a plan that was kept."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.REPORT,)

    inventory: Annotated[
        Path | None, inventory_argument("; with --plan the one that the plan names")
    ] = None
    plan: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Apply exactly this plan, which plan --out has kept, and make none.",
            show_default=False,
        ),
    ] = None
    max_age: Annotated[
        timedelta | None,
        typer.Option(
            metavar="TIME",
            parser=duration,
            help="Refuse a plan of --plan that is older, such as 15m. 24h unless given.",
            show_default=False,
        ),
    ] = None

    def check(self) -> None:
        SandboxOptions.check(self)
        if self.plan is None:
            if self.inventory is None:
                raise typer.BadParameter("name an INVENTORY, or a plan with --plan FILE")
            if self.max_age is not None:
                raise typer.BadParameter("--max-age is about a kept plan: it needs --plan FILE")
        elif self.account or self.label or self.region:
            raise typer.BadParameter(
                "a kept plan says what is changed: leave --account, --label and --region out"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatOptions(ScopeOptions):
    """Flags of a command that looks at a fleet again and again."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.PLAN, Kind.REPORT)

    inventory: InventoryPath
    every: Annotated[
        timedelta | None,
        typer.Option(
            metavar="TIME",
            parser=duration,
            help="From the start of a round to that of the next, such as 15m; 10s at the least.",
            show_default=False,
        ),
    ] = None
    once: Annotated[bool, typer.Option("--once", help="One round, for cron and CronJobs.")] = False

    def check(self) -> None:
        SandboxOptions.check(self)
        if self.inventory == STANDARD_INPUT:
            raise typer.BadParameter(
                "a watch reads its inventory again and again, and standard input can be read only "
                "once: name a file"
            )
        if self.once:
            return
        if self.every is None:
            raise typer.BadParameter("say how often with --every TIME, or --once")
        if self.every < SHORTEST_INTERVAL:
            raise typer.BadParameter("--every takes 10s at the least")
        if self.report or self.format is not ReportFormat.TEXT:
            raise typer.BadParameter("--report and --format are about one round: they need --once")


def check_simulation(scenario: Path | None, state: str | None, *, sandbox: bool) -> None:
    """Raises typer.BadParameter for flags that do not go with --sandbox, or need it."""
    if scenario is not None and not sandbox:
        raise typer.BadParameter("--scenario needs --sandbox")
    if state is not None and sandbox:
        raise typer.BadParameter("--sandbox has a state of its own: leave --state out")
