"""The options of commands whose result is a document about a fleet, which has a state."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from fleet_repl.cli.flags import Cached, Cluster, StateLocation, Workers
from fleet_repl.cli.options import selected
from fleet_repl.cli.output_options import OutputOptions

if TYPE_CHECKING:
    from fleet_repl.topology import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """The simulated AWS that a command runs against."""

    scenario: Path | None
    """A file of faults and contents; None: everything works, and the registries are empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """The readers of the fleet in place of this process; at most one of them is given."""

    workers: int | None = None
    """The number of processes on this machine."""
    cluster: str | None = None
    """The address of a Dask scheduler."""

    def check(self) -> None:
        """Raises typer.BadParameter for both."""
        if self.workers is not None and self.cluster is not None:
            raise typer.BadParameter("either --workers or --cluster reads: leave one out")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultOptions(OutputOptions):
    """Flags of a command whose result is a document about a fleet."""

    state: StateLocation = None

    @property
    def uses_cached(self) -> bool:
        """Returns whether the accounts that were discovered last are taken, and AWS is asked for
        none."""
        return False

    @property
    def readers(self) -> Readers:
        """The readers of the fleet: this process alone."""
        return Readers()

    @property
    def selection(self) -> Selection:
        """The accounts and regions that the run may change: all of them."""
        return selected([], [], [])

    @property
    def simulated(self) -> Simulated | None:
        """The simulated AWS; None for the real one."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions(ResultOptions):
    """Flags of a command that reads the registries of a fleet."""

    cached: Cached = False
    workers: Workers = None
    cluster: Cluster = None

    def check(self) -> None:
        # super() without arguments does not work where slots have made the class anew.
        ResultOptions.check(self)
        self.readers.check()

    @property
    def uses_cached(self) -> bool:
        return self.cached

    @property
    def readers(self) -> Readers:
        return Readers(workers=self.workers, cluster=self.cluster)
