"""Coverage: which repositories and images are where the routes of an inventory send them.

Pure values. A gap is a repository of a source that a link carries, with images that the link's
destination does not have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from functools import reduce
from typing import Literal, NamedTuple

from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.plan import Warning
from fleet_repl.runs.coverage.in_use import InUse
from fleet_repl.runs.delivery import PushedImage, UnreadRegistry
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import Prefixes


class CoverageState(StrEnum):
    UNKNOWN = "unknown"
    """An end of the link could not be read, or its account is joining."""
    MISSING = "missing"
    COMPLETE = "complete"
    EXTERNAL = "external"
    """The destination is of an external account: nobody here can look into it."""


class Tally(NamedTuple):
    """Repositories or images that links carry."""

    wanted: int = 0
    present: int = 0
    """Those that are at the destination."""
    pending: int = 0
    """Those that ECR is still replicating: neither present nor missing."""

    @property
    def missing(self) -> int:
        return self.wanted - self.present - self.pending

    @property
    def share(self) -> Fraction | None:
        """The share that is present, pending ones left out; None where nothing is wanted."""
        due = self.wanted - self.pending
        return Fraction(self.present, due) if due else None

    def plus(self, other: Tally) -> Tally:
        return Tally(
            self.wanted + other.wanted, self.present + other.present, self.pending + other.pending
        )

    @classmethod
    def total(cls, tallies: Iterable[Tally]) -> Tally:
        return reduce(Tally.plus, tallies, cls())


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The images of one repository of a source, compared with one destination."""

    wanted: int
    missing: int
    pending: int
    newest: tuple[PushedImage, ...] = ()
    """The newest of the missing images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A repository that a destination lacks, or of which it lacks images."""

    repository: str
    exists: bool
    """The destination has the repository."""
    has_rule: bool
    """A rule of the source carries the repository to the destination."""
    missing: int | None
    """Images that are missing; None where images were not compared."""
    newest: tuple[PushedImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCoverage:
    """The share of everything that one link carries that has arrived."""

    source: Registry
    source_name: str
    destination: Registry
    destination_name: str
    prefixes: Prefixes
    routes: tuple[str, ...]
    state: CoverageState
    repositories: Tally
    images: Tally | None
    """None where images were not compared."""
    gaps: tuple[Gap, ...]
    """By repository."""
    joining: str | None = None
    """The reason why it is no problem that nothing is known of the link: a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteCoverage:
    """The same share over the links of a route, where they were looked at."""

    name: str
    unmatched: Prefixes
    """Prefixes and entries of `only` that match no repository of any source of the route; none
    unless all its sources were read."""
    sources: int
    repositories: Tally
    images: Tally | None
    least: Fraction | None
    """The share at the destination that has least, of images, or of repositories where no images
    were compared; None where the route carries nothing."""
    unknown: int
    """Links of the route of which nothing is known."""
    objective: Fraction | None
    """The share that the inventory wants at each destination; None where it names none."""
    external: bool = False
    """All its links lead to external accounts, so nobody here can tell what has arrived."""
    remedy: str | None = None
    """The remedy for its gaps, with the commands on lines of their own; None for none."""

    @property
    def is_met(self) -> bool | None:
        """Returns whether the objective is met; None without one, and where that is not sure."""
        if self.objective is None:
            return None
        if self.least is not None and self.least < self.objective:
            return False
        return None if self.unknown or self.external else True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrouted:
    """The repositories of a source that no route carries anywhere."""

    registry: Registry
    name: str
    repositories: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """The coverage of a fleet: every link in scope exactly once, by source and destination."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    fleet: str
    inventory: InventoryRef
    with_images: bool
    """Digests were compared, not only names of repositories."""
    routes: tuple[RouteCoverage, ...]
    links: tuple[LinkCoverage, ...]
    unrouted: tuple[Unrouted, ...]
    unreadable: tuple[UnreadRegistry, ...] = ()
    in_use: InUse | None = None
    """None where nobody was asked what runs."""
    warnings: tuple[Warning, ...] = ()
    """About accounts that did not say their regions, if there are any."""
    interrupted: bool = False

    @property
    def status(self) -> Literal["ok", "partial", "interrupted"]:
        """`partial`: an objective is missed, or something could not be read. Gaps without an
        objective are no failure."""
        if self.interrupted:
            return "interrupted"
        missed = any(route.is_met is False for route in self.routes)
        failed = self.in_use is not None and any(place.fails for place in self.in_use.unasked)
        return "partial" if missed or self.unreadable or self.warnings or failed else "ok"

    @property
    def states(self) -> Counter[CoverageState]:
        """The number of links in each state."""
        return Counter(link.state for link in self.links)
