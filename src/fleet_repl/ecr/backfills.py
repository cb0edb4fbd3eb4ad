"""Backfills of a registry: what ECR tells of them, and which to start, follow or let wait.

A backfill copies to one destination what was pushed before its rule was there. The decision is
taken on what was listed, so that a run which finds its own backfills again starts none twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from fleet_repl.values import limits
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


class BackfillState(StrEnum):
    """How things stand with one destination."""

    QUEUED = "queued"
    """Not started yet: ECR runs only so many at a time."""
    PREPARING = "preparing"
    IN_PROGRESS = "in-progress"
    STOPPING = "stopping"
    UNKNOWN = "unknown"
    """A status that is not known here, which counts as under way; or nobody could be asked."""
    COMPLETE = "complete"
    """To its end, which some copies may not have reached."""
    FAILED = "failed"
    STOPPED = "stopped"
    NOT_STARTED = "not-started"
    NOT_IN_PLACE = "not-in-place"
    """The link is not in the source's rules, and ECR backfills no other."""
    NONE = "none"
    """ECR tells of no backfill."""


_STATES: Final = {
    "PREPARING": BackfillState.PREPARING,
    "IN_PROGRESS": BackfillState.IN_PROGRESS,
    "STOPPING": BackfillState.STOPPING,
    "COMPLETE": BackfillState.COMPLETE,
    "FAILED": BackfillState.FAILED,
    "STOPPED": BackfillState.STOPPED,
}
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
ENDED: Final = frozenset({BackfillState.COMPLETE, BackfillState.FAILED, BackfillState.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One backfill as ECR tells of it."""

    id: str
    destination: Registry
    status: str
    """In AWS's words, known here or not."""
    started_at: datetime
    ended_at: datetime | None = None
    total: int | None = None
    """Copies to make, one for each image and tag; None until ECR has counted them."""
    completed: int = 0
    failed: int = 0
    failure_codes: tuple[str, ...] = ()
    """Of copies that failed, each once."""
    failure_code: str | None = None
    """Why the backfill itself failed."""

    @property
    def state(self) -> BackfillState:
        return _STATES.get(self.status, BackfillState.UNKNOWN)

    @property
    def active(self) -> bool:
        """Whether it takes up room in its registry. When in doubt, it does."""
        return self.state not in ENDED and self.ended_at is None


class MalformedBackfillError(ValueError):
    """An answer tells of a backfill without saying what every backfill has."""


def parse_backfill(document: JsonObject, destination: Registry | None = None) -> Backfill:
    """A backfill from a list's summary, or from the answer to a start of one to `destination`.

    Raises MalformedBackfillError: one that is not understood must not be taken for none.
    """
    progress = document.get("progress")
    counts: JsonObject = progress if isinstance(progress, Mapping) else {}
    codes = counts.get("failureCodes")
    listed = codes if isinstance(codes, Sequence) and not isinstance(codes, str) else ()
    return Backfill(
        id=_text(document, "replicationBackfillId"),
        destination=_destination(document.get("destination"), destination),
        status=_text(document, "status"),
        started_at=_moment(document, "startedAt"),
        ended_at=_moment(document, "endedAt") if document.get("endedAt") is not None else None,
        total=_count(counts, "totalReplicationCount") if counts else None,
        completed=_count(counts, "completedReplicationCount"),
        failed=_count(counts, "failedReplicationCount"),
        failure_codes=tuple(sorted({one for one in listed if isinstance(one, str)})),
        failure_code=_optional_text(document, "failureCode"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do for every destination that wants a backfill; each is in exactly one."""

    start: tuple[Registry, ...] = ()
    follow: tuple[Backfill, ...] = ()
    """Under way already."""
    done: tuple[Backfill, ...] = ()
    """Complete already."""
    waiting: Mapping[Registry, str] = field(default_factory=dict)
    """Destination → what it waits for."""


def decide(
    wanted: Mapping[Registry, datetime | None],
    listed: Iterable[Backfill],
    *,
    fresh: Collection[str] = (),
    past: Collection[str] = (),
    most: int = limits.ACTIVE_BACKFILLS,
) -> Decision:
    """Which of the `wanted` destinations need a new backfill, and which of those can have it now.

    A destination comes with the moment since when one has to have been started; None: whenever.
    One whose id is in `fresh` surely was, whatever its clock says; one in `past` does not count,
    except for whose turn it is. Others' backfills take up the room of a registry too: `most` in
    all, and one for each destination region.
    """
    known = sorted(listed, key=lambda one: (one.started_at, one.id))
    counted = [one for one in known if one.id not in past]
    taken = {one.destination.region: one.destination for one in known if one.active}
    free = most - sum(one.active for one in known)
    start: list[Registry] = []
    serving: list[Backfill] = []
    waiting: dict[Registry, str] = {}
    for destination in _in_turn(wanted, known):
        found = _serving(destination, wanted[destination], counted, fresh)
        if found is not None:
            serving.append(found)
        elif destination.region in taken:
            waiting[destination] = _one_a_region(destination, taken[destination.region])
        elif free <= 0:
            waiting[destination] = f"ECR runs {most} backfills of a registry at a time"
        else:
            start.append(destination)
            taken[destination.region] = destination
            free -= 1
    return Decision(
        start=tuple(start),
        follow=tuple(one for one in serving if one.active),
        done=tuple(one for one in serving if not one.active),
        waiting=waiting,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillOutcome:
    """What became of the wish for a backfill from one registry to another."""

    source: Registry
    source_name: str = ""
    destination: Registry
    destination_name: str = ""
    state: BackfillState
    started: bool = False
    """Whether this run started it."""
    backfill: Backfill | None = None
    """As it was seen last."""
    failures: Mapping[str, int | None] = field(default_factory=dict)
    """Failure code → copies that failed with it, None where that was not to be had."""
    error: Fault | None = None
    because: str | None = None
    """Why it is not started, or not followed any further."""

    @property
    def falls_short(self) -> bool:
        """Whether images are missing at the destination, and nothing goes on to bring them."""
        if self.error is not None or self.because is not None:
            return True
        last = self.backfill
        if last is None:
            return False
        return last.failed > 0 or not (last.active or last.state is BackfillState.COMPLETE)

    @property
    def fails(self) -> bool:
        """Whether a run that wanted it has failed in it: one in the queue is on record, and is
        started by whoever backfills next."""
        return self.falls_short and self.state is not BackfillState.QUEUED


def latest(listed: Iterable[Backfill], destination: Registry) -> Backfill | None:
    """The backfill to a destination that was started last."""
    found = [one for one in listed if one.destination == destination]
    return max(found, key=lambda one: (one.started_at, one.id), default=None)


def _in_turn(wanted: Iterable[Registry], known: Iterable[Backfill]) -> list[Registry]:
    """Whoever has waited longest first, or one that fails would keep others out for ever.

    `known`: by their start.
    """
    last = {one.destination: one.started_at for one in known}
    return sorted(wanted, key=lambda one: (last.get(one, _LONG_AGO), one))


def _serving(
    destination: Registry,
    since: datetime | None,
    known: Sequence[Backfill],
    fresh: Collection[str],
) -> Backfill | None:
    """The last one that does for a destination: under way, or complete.

    One that ended with copies missing does not, unless it is this run's own.
    """
    good = [
        one
        for one in reversed(known)
        if one.destination == destination
        and (since is None or one.started_at >= since or one.id in fresh)
    ]
    for one in good:
        if one.active and one.state is not BackfillState.STOPPING:
            return one
    for one in good:
        if one.state is BackfillState.COMPLETE and (not one.failed or one.id in fresh):
            return one
    return None


def _one_a_region(destination: Registry, running: Registry) -> str:
    if running == destination:
        return "an earlier backfill to it has not ended"
    return f"ECR runs one backfill to a region at a time, and that to {running} has not ended"


def _destination(place: Json, otherwise: Registry | None) -> Registry:
    if isinstance(place, Mapping):
        destination = Registry.of(place.get("registryId"), place.get("region"))
        if destination is not None:
            return destination
    if otherwise is None:
        raise MalformedBackfillError("destination")
    return otherwise


def _text(document: JsonObject, key: str) -> str:
    found = document.get(key)
    if not isinstance(found, str):
        raise MalformedBackfillError(key)
    return found


def _optional_text(document: JsonObject, key: str) -> str | None:
    found = document.get(key)
    return found if isinstance(found, str) else None


def _moment(document: JsonObject, key: str) -> datetime:
    found = document.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise MalformedBackfillError(key)
    try:
        return datetime.fromtimestamp(found, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedBackfillError(key) from error


def _count(counts: JsonObject, key: str) -> int:
    found = counts.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
