"""Events: what a run reports on its way, for progress displays, logs and metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from fleet_repl.ecr.backfills import Backfill, BackfillOutcome
from fleet_repl.planning.change import Action, Resource
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome, Report
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Region, Registry

if TYPE_CHECKING:
    from fleet_repl.runs.delivery import DeliveryReport


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run begins."""

    run_id: str
    registries: int
    accounts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadStarted:
    """The run begins to read a registry. `RegistryRead` follows."""

    registry: Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRead:
    """The run has read a registry, or could not read it (`error`)."""

    registry: Registry
    error: Fault | None = None
    excuse: str | None = None
    """The reason why the error is no failure, where the account is joining: a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade:
    """The plan of the run is complete."""

    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveStarted:
    """The writes of a wave are about to begin."""

    wave: str
    registries: int
    """The number of registries that the wave writes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveFinished:
    """A wave has ended. The next wave begins after `pause` seconds."""

    wave: str
    failed: int
    """The number of registries of the wave that failed."""
    pause: float = 0
    because: str | None = None
    """The reason why later waves are skipped; None where they are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRetried:
    """A call failed with a passing fault. It will be made again after `delay` seconds."""

    account: AccountId | None
    operation: str
    error: Fault
    attempt: int
    delay: float
    region: Region | None = None
    """The region of the registry; of a call about no registry, the region that answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityNotNarrowed:
    """STS does not narrow the base identity to the calls of the run. In `account`, where it acts
    without a role, it may do all that its own policies allow."""

    account: AccountId
    error: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAwaited:
    """The run waits for the fleet's lock, whose silent holder loses it in `seconds`."""

    fleet: str
    holder: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStarted:
    """A write begins: the run reads the document once more, sends the write, and reads the document
    back. `WriteSettled` follows."""

    registry: Registry
    resource: Resource
    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteSettled:
    """A write has ended."""

    registry: Registry
    resource: Resource
    outcome: Outcome
    error: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFinished:
    """The outcome of a registry is final."""

    outcome: RegistryOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run has ended, and this is its report."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillsWanted:
    """The run begins to look at backfills, and to start them."""

    backfills: int
    """The number of backfills that may follow."""
    looking: bool = False
    """True if the run only looks, and starts none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillStarted:
    """ECR has accepted a backfill."""

    source: Registry
    backfill: Backfill


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillProgressed:
    """A backfill that the run follows has made progress."""

    source: Registry
    backfill: Backfill


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillEnded:
    """The backfill of a destination has ended, in whatever state: its last event."""

    outcome: BackfillOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyStarted:
    """The run begins to ask for recent images, first in each of the sources."""

    run_id: str
    sources: tuple[Registry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyFinished:
    """The run has asked for all sampled images, and this is its report."""

    report: DeliveryReport


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePut:
    """A repair has put an image again, or could not (`error`)."""

    source: Registry
    what: str
    """The image, by its digest."""
    tag: str | None
    error: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFound:
    """A wait has found its image in a source, or found that its tag has moved there."""

    what: str
    """The image as it was asked about."""
    source: Registry
    digest: str
    before: str | None = None
    """The digest that the tag had before; None where the image was not found before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageArrived:
    """A wait has seen its image at a destination."""

    what: str
    destination: Registry
    seconds: float
    """Since the wait began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageAwaited:
    """A wait has looked for its image everywhere that it may have come meanwhile."""

    there: int
    """The number of registries that have it."""
    asked: int
    """The number of registries that it is awaited in."""


Event: TypeAlias = (
    RunStarted
    | ReadStarted
    | RegistryRead
    | PlanMade
    | WaveStarted
    | WaveFinished
    | CallRetried
    | IdentityNotNarrowed
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
    | ImagePut
    | ImageFound
    | ImageArrived
    | ImageAwaited
)
