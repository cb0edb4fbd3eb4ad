"""The options of commands that talk to a fleet: scope, files for results, real or simulated AWS."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from fleet_repl.cli.flags import (
    SCOPE,
    InSandbox,
    InventoryPath,
    ScenarioPath,
    account,
    label,
    region,
)
from fleet_repl.cli.options import selected
from fleet_repl.cli.result_options import FleetOptions, Simulated
from fleet_repl.reports.formats import Kind

if TYPE_CHECKING:
    from fleet_repl.topology import Selection


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


def check_simulation(scenario: Path | None, state: str | None, *, sandbox: bool) -> None:
    """Raises typer.BadParameter for flags that do not go with --sandbox, or need it."""
    if scenario is not None and not sandbox:
        raise typer.BadParameter("--scenario needs --sandbox")
    if state is not None and sandbox:
        raise typer.BadParameter("--sandbox has a state of its own: leave --state out")
