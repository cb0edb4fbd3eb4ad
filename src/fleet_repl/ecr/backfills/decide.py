"""Decides which backfills of a registry to start, which to follow, and which have to wait.

The decision is taken on the backfills that ECR lists, so that a run which finds its own backfills
again starts none twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from fleet_repl.ecr.backfills.model import Backfill, BackfillState
from fleet_repl.values import limits
from fleet_repl.values.names import Registry

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The action for every destination that wants a backfill; each is in exactly one field."""

    start: tuple[Registry, ...] = ()
    follow: tuple[Backfill, ...] = ()
    """Backfills that are under way."""
    done: tuple[Backfill, ...] = ()
    """Backfills that are complete."""
    waiting: Mapping[Registry, str] = field(default_factory=dict)
    """Destination → what its backfill waits for."""


def decide(
    wanted: Mapping[Registry, datetime | None],
    listed: Iterable[Backfill],
    *,
    fresh: Collection[str] = (),
    past: Collection[str] = (),
    most: int = limits.ACTIVE_BACKFILLS,
) -> Decision:
    """Decides which `wanted` destinations need a new backfill, and which of those get it now.

    `wanted` maps a destination to the earliest start of a backfill that will do, None for any.
    `listed` holds the source registry's backfills, whoever started them: ECR runs no more than
    `most` at a time, and one to each destination region. This run started those whose ids are in
    `fresh`, so they will do whatever AWS's clock says. Those in `past` will not do; they only count
    for which destination has waited longest.

    Example: A and B, both in eu-west-1, and C in us-east-1 want a backfill since 9:00. ECR lists a
    complete backfill to A that began at 8:00. It began too early, so A needs another; but B never
    had any, so B has waited longer. B and C start, and A waits for B.
    """
    known = sorted(listed, key=_by_start)
    counted = [backfill for backfill in known if backfill.id not in past]
    active = [backfill for backfill in known if backfill.active]
    taken = {backfill.destination.region: backfill.destination for backfill in active}
    free = most - len(active)
    start: list[Registry] = []
    serving: list[Backfill] = []
    waiting: dict[Registry, str] = {}
    for destination in _in_turn(wanted, known):
        backfill = _serving(destination, wanted[destination], counted, fresh)
        if backfill is not None:
            serving.append(backfill)
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
        follow=tuple(backfill for backfill in serving if backfill.active),
        done=tuple(backfill for backfill in serving if not backfill.active),
        waiting=waiting,
    )


def latest(listed: Iterable[Backfill], destination: Registry) -> Backfill | None:
    """Returns the backfill to `destination` that was started last, or None."""
    to_destination = (backfill for backfill in listed if backfill.destination == destination)
    return max(to_destination, key=_by_start, default=None)


def _by_start(backfill: Backfill) -> tuple[datetime, str]:
    return backfill.started_at, backfill.id


def _in_turn(wanted: Iterable[Registry], known: Iterable[Backfill]) -> list[Registry]:
    """Sorts destinations by the start of their last backfill, longest ago first. Otherwise a
    destination whose backfills always fail would keep the others waiting for ever.

    `known` is sorted by start.
    """
    last = {backfill.destination: backfill.started_at for backfill in known}
    return sorted(wanted, key=lambda destination: (last.get(destination, _LONG_AGO), destination))


def _serving(
    destination: Registry, since: datetime | None, known: Sequence[Backfill], fresh: Collection[str]
) -> Backfill | None:
    """Returns the last backfill that will do for a destination: under way if there is one,
    otherwise complete. A complete backfill with failed copies will not do, unless this run started
    it.
    """
    recent = [
        backfill
        for backfill in reversed(known)
        if backfill.destination == destination
        and (since is None or backfill.started_at >= since or backfill.id in fresh)
    ]
    for backfill in recent:
        if backfill.active and backfill.state is not BackfillState.STOPPING:
            return backfill
    for backfill in recent:
        is_whole = not backfill.failed or backfill.id in fresh
        if backfill.state is BackfillState.COMPLETE and is_whole:
            return backfill
    return None


def _one_a_region(destination: Registry, running: Registry) -> str:
    if running == destination:
        return "an earlier backfill to it has not ended"
    return f"ECR runs one backfill to a region at a time, and that to {running} has not ended"
