"""Events: what a run reports on its way, for progress displays, logs and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome
from fleet_repl.planning.plan import Action, Plan, Resource
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome, Report
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    run_id: str
    registries: int
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStarted:
    """A registry is being observed; `RegistryRead` follows."""

    registry: Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRead:
    """A registry was observed, or could not be (`error`)."""

    registry: Registry
    error: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade:
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveStarted:
    """The writes of a wave are about to begin."""

    wave: str
    registries: int
    """How many of them it writes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveFinished:
    """A wave has ended; `pause` seconds pass before the next one."""

    wave: str
    failed: int
    """Registries of the wave that failed."""
    pause: float = 0
    because: str | None = None
    """Why later waves are skipped, if they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRetried:
    """A call failed in a way that can pass and will be made again after `delay` seconds."""

    account: AccountId | None
    operation: str
    error: Fault
    attempt: int
    delay: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAwaited:
    """The fleet's lock runs out in `seconds`, as its holder gives no sign of life, and is waited
    for."""

    fleet: str
    holder: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStarted:
    """A write is under way: what is in place is read once more, then it is sent and read back.
    `WriteSettled` follows."""

    registry: Registry
    resource: Resource
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSettled:
    registry: Registry
    resource: Resource
    outcome: Outcome
    error: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFinished:
    outcome: RegistryOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillsWanted:
    """Backfills are about to be looked at and started; how many may follow."""

    backfills: int
    looking: bool = False
    """Whether none of them will be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillStarted:
    """ECR has taken it on."""

    source: Registry
    backfill: Backfill


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillProgressed:
    """A backfill that is followed has moved on."""

    source: Registry
    backfill: Backfill


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillEnded:
    """The backfill of a destination has ended, in whatever state. It is the destination's last
    event."""

    outcome: BackfillOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyStarted:
    """Recent images are about to be asked about; each source is read, and then some more."""

    run_id: str
    sources: tuple[Registry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyFinished:
    report: DeliveryReport


Event: TypeAlias = (
    RunStarted
    | ReadStarted
    | RegistryRead
    | PlanMade
    | WaveStarted
    | WaveFinished
    | CallRetried
    | LockAwaited
    | WriteStarted
    | WriteSettled
    | RegistryFinished
    | RunFinished
    | BackfillsWanted
    | BackfillStarted
    | BackfillProgressed
    | BackfillEnded
    | VerifyStarted
    | VerifyFinished
)
