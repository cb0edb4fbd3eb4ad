"""The content of the page of a watch as frozen values, which its template only places."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_repl.reports.html.marks import Mark, Tone
from fleet_repl.reports.html.model import Fact, Problem, Tile


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRow:
    """A round that has ended."""

    number: int
    ended: str
    took: str
    mark: Mark
    numbers: tuple[int, ...]
    """Registries that drifted, were corrected and failed, and held links; none without a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A rectangle of the plot; `x` and `y` are its upper left corner."""

    x: int
    y: int
    height: int
    tone: Tone
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Registries that differed, a column a round, the latest round at the right."""

    width: int
    height: int
    bar_width: int
    bars: tuple[Bar, ...]
    most: str
    """The label of the upper end of its scale."""
    first: str
    last: str
    text: str
    """What it shows, for readers who do not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRow:
    """A registry that a reader should look at, with the reasons."""

    account: str
    region: str
    name: str
    marks: tuple[Mark, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPage:
    """Everything that the page of a watch shows, in its order."""

    fleet: str
    status: Mark
    sentence: str
    tiles: tuple[Tile, ...] = ()
    facts: tuple[Fact, ...] = ()
    problems: tuple[Problem, ...] = ()
    plot: Plot | None = None
    registries: tuple[RegistryRow, ...] = ()
    more: tuple[str, ...] = ()
    """How many more registries there are than `registries`."""
    rounds: tuple[RoundRow, ...] = ()
    """The last rounds, the latest first."""
    has_report: bool = False
    """Whether the last round has a report to link to."""
