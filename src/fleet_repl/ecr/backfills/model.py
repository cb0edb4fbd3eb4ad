"""Backfills as ECR reports them, and the outcomes of wanted backfills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


class BackfillState(StrEnum):
    QUEUED = "queued"
    """Not started yet: ECR runs only so many at a time."""
    PREPARING = "preparing"
    IN_PROGRESS = "in-progress"
    STOPPING = "stopping"
    UNKNOWN = "unknown"
    """ECR could not be asked, or reports an unknown status, which counts as under way."""
    COMPLETE = "complete"
    """The backfill has ended. Some copies may have failed."""
    FAILED = "failed"
    STOPPED = "stopped"
    NOT_STARTED = "not-started"
    NOT_IN_PLACE = "not-in-place"
    """The link is not in the source's rules, and ECR backfills only links that are."""
    NONE = "none"
    """ECR lists no backfill to the destination."""


_STATES: Final = {
    "PREPARING": BackfillState.PREPARING,
    "IN_PROGRESS": BackfillState.IN_PROGRESS,
    "STOPPING": BackfillState.STOPPING,
    "COMPLETE": BackfillState.COMPLETE,
    "FAILED": BackfillState.FAILED,
    "STOPPED": BackfillState.STOPPED,
}
ENDED: Final = frozenset({BackfillState.COMPLETE, BackfillState.FAILED, BackfillState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One backfill as ECR reports it."""

    id: str
    destination: Registry
    status: str
    """ECR's word for the state, whether it is known here or not."""
    started_at: datetime
    ended_at: datetime | None = None
    total: int | None = None
    """The number of copies, one for each image and tag; None until ECR has counted them."""
    completed: int = 0
    failed: int = 0
    failure_codes: tuple[str, ...] = ()
    """The codes of copies that failed, each once."""
    failure_code: str | None = None
    """The code of the failure of the backfill itself."""

    @property
    def state(self) -> BackfillState:
        return _STATES.get(self.status, BackfillState.UNKNOWN)

    @property
    def active(self) -> bool:
        """Returns whether it counts against ECR's limits. A backfill of unknown status does."""
        return self.state not in ENDED and self.ended_at is None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOutcome:
    """The outcome of a wanted backfill from one registry to another."""

    source: Registry
    source_name: str = ""
    destination: Registry
    destination_name: str = ""
    state: BackfillState
    started: bool = False
    """True if this run started it."""
    backfill: Backfill | None = None
    """The backfill as ECR last reported it."""
    failures: Mapping[str, int | None] = field(default_factory=dict)
    """Failure code → how many copies failed with it; None where ECR did not say."""
    error: Fault | None = None
    because: str | None = None
    """The reason why the backfill was not started, or is not followed any further."""
    joining: bool = False
    """True if the account of its source or of its destination is joining: then it is no failure
    that there is no backfill."""

    def may_start(self, *, again: bool = False) -> bool:
        """Returns whether a backfill to the destination may be started, as things stand now.
        `again`: also where the last one is complete."""
        last = self.backfill
        if self.joining:
            return False
        if last is None:
            # The destination has none, or its source could not be read.
            return True
        if last.active:
            return last.state is BackfillState.STOPPING
        return again or last.failed > 0 or last.state is not BackfillState.COMPLETE

    @property
    def falls_short(self) -> bool:
        """Returns whether the destination lacks images and no backfill is copying them."""
        if self.joining:
            return False
        if self.error is not None or self.because is not None:
            return True
        last = self.backfill
        if last is None:
            return False
        return last.failed > 0 or not (last.active or last.state is BackfillState.COMPLETE)

    @property
    def fails(self) -> bool:
        """Returns whether the run that wanted the backfill fails because of it. A queued backfill
        is on record, and the next run that backfills starts it."""
        return self.falls_short and self.state is not BackfillState.QUEUED
