"""The outcome of a run: of its changes, registries and waves, and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.ecr.content import Content
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.attribution import Moved
from fleet_repl.planning.change import Action, HeldLink, Resource
from fleet_repl.planning.plan import Objection, Warning
from fleet_repl.runs.reput import Reput
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Registry


class Outcome(StrEnum):
    APPLIED = "applied"
    """The change was written and read back."""
    PARTIAL = "partial"
    """For registries only: some changes were written, the others were skipped or cancelled."""
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


AS_PLANNED: Final = (Outcome.APPLIED, Outcome.UNCHANGED)
"""The outcomes after which a document is as the plan wants it."""

_WORST_FIRST: Final = (Outcome.FAILED, Outcome.CANCELLED, Outcome.SKIPPED, Outcome.APPLIED)


def worst(outcomes: Collection[Outcome]) -> Outcome:
    """Returns a registry's outcome from those of its changes; without any it is unchanged."""
    worst_outcome = next(
        (outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.UNCHANGED
    )
    if worst_outcome in (Outcome.CANCELLED, Outcome.SKIPPED) and Outcome.APPLIED in outcomes:
        return Outcome.PARTIAL
    return worst_outcome


class Status(StrEnum):
    OK = "ok"
    STAGED = "staged"
    """The run ended after the wave that it was told to end after, and did all until then."""
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


class BackfillMode(StrEnum):
    START = "start"
    """Start every backfill that can start now."""
    WAIT = "wait"
    """Start every backfill, and follow each to its end."""
    STATUS = "status"
    """Start no backfill."""
    REPAIR = "repair"
    """Start the backfills of the links whose destinations lack images by a document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOutcome:
    """The outcome of one change of a plan."""

    resource: Resource
    action: Action
    wave: str = REST
    outcome: Outcome
    request_id: str | None = None
    before: Content
    after: Content
    """The content that was written, or would have been."""
    in_doubt: bool = False
    """True if ECR may have made the write although it failed. Not in the report's document."""
    because: str | None = field(default=None, compare=False)
    """The reason why the change was skipped or cancelled. Not in the report's document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryOutcome:
    """The outcome of one registry in scope."""

    registry: Registry
    name: str
    wave: str = REST
    outcome: Outcome
    attempts: int = 0
    """The number of calls for the registry, with retries and the AssumeRole of its account."""
    duration_ms: int = 0
    changes: tuple[ChangeOutcome, ...] = ()
    held: tuple[HeldLink, ...] = ()
    error: Fault | None = None
    because: str | None = None
    """The reason why changes of the registry were skipped or cancelled."""
    moved: Moved | None = None
    """The cause where a registry was not as the fleet left it; None for any other registry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """The numbers of changes by their outcome."""

    applied: int = 0
    unchanged: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0

    @classmethod
    def of(cls, changes: Iterable[ChangeOutcome]) -> Writes:
        return cls(**Counter(change.outcome.value for change in changes))

    @property
    def total(self) -> int:
        return self.applied + self.unchanged + self.failed + self.skipped + self.cancelled

    @property
    def counts(self) -> Mapping[Outcome, int]:
        """The numbers by outcome, in the order of the report's document."""
        return {
            Outcome.APPLIED: self.applied,
            Outcome.UNCHANGED: self.unchanged,
            Outcome.FAILED: self.failed,
            Outcome.SKIPPED: self.skipped,
            Outcome.CANCELLED: self.cancelled,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveOutcome:
    """The outcome of one wave's writes."""

    name: str
    registries: int
    """The number of registries with a change in the wave."""
    writes: Writes
    because: str | None = None
    """The commonest reason why writes of the wave were skipped or cancelled."""


def wave_outcomes(
    registries: Iterable[RegistryOutcome], names: Sequence[str]
) -> tuple[WaveOutcome, ...]:
    """Returns the outcomes of the waves of a run, in the order of `names`.

    The last of `names` is the wave of the rest. A wave that is not in `names` comes before it.
    """
    changes = [
        (registry.registry, change) for registry in registries for change in registry.changes
    ]
    others = (change.wave for _, change in changes if change.wave not in names[-1:])
    by_wave: dict[str, list[tuple[Registry, ChangeOutcome]]] = {
        name: [] for name in dict.fromkeys((*names[:-1], *others, *names[-1:]))
    }
    for registry, change in changes:
        by_wave[change.wave].append((registry, change))
    return tuple(
        WaveOutcome(
            name=name,
            registries=len({registry for registry, _ in wave_changes}),
            writes=Writes.of(change for _, change in wave_changes),
            because=_commonest(change.because for _, change in wave_changes),
        )
        for name, wave_changes in by_wave.items()
    )


def _commonest(reasons: Iterable[str | None]) -> str | None:
    most_common = Counter(reason for reason in reasons if reason is not None).most_common(1)
    return most_common[0][0] if most_common else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run, every registry in scope exactly once, in order of account and region."""

    run_id: str
    status: Status
    started_at: datetime
    finished_at: datetime
    fleet: str
    inventory: InventoryRef
    plan_digest: str | None
    """None where the run was interrupted before there was a plan."""
    forced: bool = False
    """True if objections were overridden."""
    allowed: tuple[str, ...] = ()
    """The words of `--allow`: "collateral", "protected", "unknown-fields"."""
    rolls_back: str | None = None
    """The run whose writes this one takes back."""
    objections: tuple[Objection, ...] = ()
    warnings: tuple[Warning, ...] = ()
    acknowledged: int = 0
    """The number of warnings that the plan left out, because the inventory acknowledges them."""
    labels: Mapping[AccountId, Mapping[str, str]] = field(default_factory=dict)
    """The labels of the accounts in scope that have any."""
    registries: tuple[RegistryOutcome, ...]
    waves: tuple[WaveOutcome, ...] = ()
    """In their order. A fleet without waves has one, the wave of the rest."""
    backfills: tuple[BackfillOutcome, ...] = ()
    """For links that the run made and a route wants it; in order of source and destination."""
    duration_ms: int | None = field(default=None, compare=False)
    """How long the run took, of a report out of a document: its times are whole seconds."""

    @property
    def took(self) -> timedelta:
        """Returns how long the run took, in whole milliseconds."""
        if self.duration_ms is not None:
            return timedelta(milliseconds=self.duration_ms)
        exact = (self.finished_at - self.started_at) / timedelta(milliseconds=1)
        # A clock that was put back makes no run shorter than nothing.
        return timedelta(milliseconds=max(round(exact), 0))

    def count(self, outcome: Outcome) -> int:
        """Returns the number of registries with this outcome."""
        return sum(registry.outcome is outcome for registry in self.registries)

    @property
    def writes(self) -> Writes:
        """The numbers of all changes of the run by their outcome."""
        return Writes.of(change for registry in self.registries for change in registry.changes)

    @property
    def held(self) -> int:
        """The number of links that were left out."""
        return sum(len(registry.held) for registry in self.registries)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillReport:
    """The report of a backfill command, which started backfills, followed them or only looked."""

    run_id: str
    status: Status
    started_at: datetime
    finished_at: datetime
    fleet: str
    inventory: InventoryRef
    route: str | None
    """The route that the command was given; None for all routes."""
    mode: BackfillMode
    backfills: tuple[BackfillOutcome, ...]
    """One backfill for each source and destination, in their order."""
    reputs: tuple[Reput, ...] = ()
    """Images that a repair was to put again."""

    def count(self, state: BackfillState) -> int:
        """Returns the number of backfills in this state."""
        return sum(backfill.state is state for backfill in self.backfills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The calls that a connection has made so far."""

    calls: Mapping[tuple[str, str, str], int]
    """The number of calls by service, operation and result: "ok" or the kind of the fault."""

    @property
    def throttles(self) -> int:
        """The number of calls that AWS throttled."""
        return sum(count for key, count in self.calls.items() if key[2] == FaultKind.THROTTLED)
