"""What became of a run: outcomes per registry, the report, and the events on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_repl.ecr.backfills import BackfillOutcome, BackfillState
from fleet_repl.ecr.content import Content
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.plan import Action, HeldLink, Objection, Resource, Warning
from fleet_repl.topology import REST
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry


class Outcome(StrEnum):
    APPLIED = "applied"
    """Written and read back."""
    PARTIAL = "partial"
    """Of registries only: some changes were written, the rest were skipped or cancelled."""
    UNCHANGED = "unchanged"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


SETTLED: Final = (Outcome.APPLIED, Outcome.UNCHANGED)
"""Outcomes after which a document is as it was planned."""

_WORST_FIRST: Final = (Outcome.FAILED, Outcome.CANCELLED, Outcome.SKIPPED, Outcome.APPLIED)


def worst(outcomes: Collection[Outcome]) -> Outcome:
    """Returns the outcome of a registry from the outcomes of its changes; without any it is
    unchanged."""
    worst_outcome = next(
        (outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.UNCHANGED
    )
    if worst_outcome in (Outcome.CANCELLED, Outcome.SKIPPED) and Outcome.APPLIED in outcomes:
        return Outcome.PARTIAL
    return worst_outcome


class Status(StrEnum):
    OK = "ok"
    STAGED = "staged"
    """It ended after a wave, as it was asked to, and everything up to that wave is done."""
    PARTIAL = "partial"
    FAILED = "failed"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


class BackfillMode(StrEnum):
    START = "start"
    """What can be started was started."""
    WAIT = "wait"
    """Everything was started and followed to its end."""
    STATUS = "status"
    """Nothing was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOutcome:
    resource: Resource
    action: Action
    wave: str = REST
    outcome: Outcome
    request_id: str | None = None
    before: Content
    after: Content
    """What was written, or would have been."""
    in_doubt: bool = False
    """It failed, and whether it was written all the same nobody knows; no part of the document."""
    because: str | None = field(default=None, compare=False)
    """Why it was skipped or cancelled; no part of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryOutcome:
    registry: Registry
    name: str
    wave: str = REST
    outcome: Outcome
    attempts: int = 0
    """Every call made for the registry, retries and its account's AssumeRole included."""
    duration_ms: int = 0
    changes: tuple[ChangeOutcome, ...] = ()
    held: tuple[HeldLink, ...] = ()
    error: Fault | None = None
    because: str | None = None
    """Why it, or the rest of it, was skipped or cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes:
    """Changes by what became of them."""

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
        """By outcome, in the order of the document."""
        return {
            Outcome.APPLIED: self.applied,
            Outcome.UNCHANGED: self.unchanged,
            Outcome.FAILED: self.failed,
            Outcome.SKIPPED: self.skipped,
            Outcome.CANCELLED: self.cancelled,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveOutcome:
    """What became of the writes of one wave."""

    name: str
    registries: int
    """Those with a change in the wave."""
    writes: Writes
    because: str | None = None
    """Why most of its writes that were skipped or cancelled were."""


def wave_outcomes(
    registries: Iterable[RegistryOutcome], names: Sequence[str]
) -> tuple[WaveOutcome, ...]:
    """The waves of a run in the order of `names`, and what became of each.

    A wave that is not in `names` comes before the last of them, which is that of the rest.
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
    """Whether objections were overridden."""
    allowed: tuple[str, ...] = ()
    """What was allowed beside that: "protected", "unknown-fields"."""
    rolls_back: str | None = None
    """The run whose writes this one takes back."""
    objections: tuple[Objection, ...] = ()
    warnings: tuple[Warning, ...] = ()
    acknowledged: int = 0
    """As of its plan."""
    registries: tuple[RegistryOutcome, ...]
    waves: tuple[WaveOutcome, ...] = ()
    """In order; a fleet without waves has one, that of the rest."""
    backfills: tuple[BackfillOutcome, ...] = ()
    """Of links that the run made, where a route asks for it; in order of source and destination."""

    def count(self, outcome: Outcome) -> int:
        """How many registries had this outcome."""
        return sum(registry.outcome is outcome for registry in self.registries)

    @property
    def writes(self) -> Writes:
        """Every change of the run by what became of it."""
        return Writes.of(change for registry in self.registries for change in registry.changes)

    @property
    def held(self) -> int:
        """How many links were left out."""
        return sum(len(registry.held) for registry in self.registries)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillReport:
    """Backfills that were started, followed, or only looked at."""

    run_id: str
    status: Status
    started_at: datetime
    finished_at: datetime
    fleet: str
    inventory: InventoryRef
    route: str | None
    """The only route that counted, if there was one."""
    mode: BackfillMode
    backfills: tuple[BackfillOutcome, ...]
    """One for each source and destination, in their order."""

    def count(self, state: BackfillState) -> int:
        """How many destinations are in this state."""
        return sum(backfill.state is state for backfill in self.backfills)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The calls of a connection so far."""

    calls: Mapping[tuple[str, str, str], int]
    """How many by service, operation and result: "ok" or the kind of the fault."""

    @property
    def throttles(self) -> int:
        """Calls that were asked to slow down."""
        return sum(count for key, count in self.calls.items() if key[2] == FaultKind.THROTTLED)
