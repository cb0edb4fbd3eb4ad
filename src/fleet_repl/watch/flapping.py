"""Which registries are left alone, because somebody else keeps writing them too.

Pure. It remembers only registries that were corrected lately or are left alone, so it never
holds more than the fleet has registries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Final

from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

CORRECTIONS: Final = 3
"""So many corrections..."""
WINDOW: Final = 6
"""...within so many rounds are too many. As many rounds as wanted end it."""

_LEFT_ALONE: Final = Fault(
    kind=FaultKind.CONFLICT,
    operation="watch",
    message=f"left alone: corrected {CORRECTIONS} times within {WINDOW} rounds, so someone else "
    "is writing too",
    hint="see in CloudTrail who else writes this registry, and end it; `fleet-repl apply` "
    f"corrects it at once, and a watch does so again after {WINDOW} rounds that find it as wanted",
)


class Sight(Enum):
    """How a round came upon a registry that it could read."""

    AS_WANTED = auto()
    DIFFERING = auto()
    """And so it stayed, or the inventory had moved and not the registry."""
    CORRECTED = auto()
    """Somebody else had changed it, and the round changed it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A registry that is not corrected for now."""

    since: datetime
    as_wanted: int = 0
    """Rounds in a row that found it as wanted, without our doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """What is remembered of registries that somebody else writes too."""

    recent: Mapping[Registry, tuple[bool, ...]] = field(default_factory=dict)
    """The last rounds that saw a registry, oldest first: whether it was corrected."""
    left_alone: Mapping[Registry, LeftAlone] = field(default_factory=dict)


def after_round(flapping: Flapping, sights: Mapping[Registry, Sight], now: datetime) -> Flapping:
    """What is remembered after a round. A registry that it did not see stays as it was."""
    recent, left_alone = dict(flapping.recent), dict(flapping.left_alone)
    for registry, sight in sights.items():
        left = left_alone.pop(registry, None)
        if left is not None:
            run = left.as_wanted + 1 if sight is Sight.AS_WANTED else 0
            if run < WINDOW:
                left_alone[registry] = LeftAlone(since=left.since, as_wanted=run)
            continue
        window = (*recent.pop(registry, ()), sight is Sight.CORRECTED)[-WINDOW:]
        if sum(window) >= CORRECTIONS:
            left_alone[registry] = LeftAlone(since=now)
        elif any(window):
            recent[registry] = window
    return Flapping(recent=recent, left_alone=left_alone)


def only(flapping: Flapping, registries: Collection[Registry]) -> Flapping:
    """Without registries that are no part of the fleet any more."""
    return Flapping(
        recent={
            registry: rounds
            for registry, rounds in flapping.recent.items()
            if registry in registries
        },
        left_alone={
            registry: left
            for registry, left in flapping.left_alone.items()
            if registry in registries
        },
    )


def suppressed(registries: Collection[Registry]) -> Mapping[Registry, Fault]:
    """Why nothing is written to each of them."""
    return dict.fromkeys(registries, _LEFT_ALONE)
