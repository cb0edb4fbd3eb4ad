"""Registries that flap: a watch corrects them, somebody else changes them back, again and again.

After 3 corrections within 6 rounds a registry is left alone, until 6 rounds in a row have found it
as wanted. Pure.
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
"""A registry that was corrected so often within `WINDOW` rounds is left alone."""
WINDOW: Final = 6
"""Rounds that corrections are counted over; also the rounds as wanted after which a registry is
corrected again."""

_LEFT_ALONE: Final = Fault(
    kind=FaultKind.CONFLICT,
    operation="watch",
    message=f"left alone: corrected {CORRECTIONS} times within {WINDOW} rounds, so someone else "
    "is writing too",
    hint="see in CloudTrail who else writes this registry, and end it; `fleet-repl apply` "
    f"corrects it at once, and a watch does so again after {WINDOW} rounds that find it as wanted",
)


class Sight(Enum):
    """The state in which a round saw a registry that it could read."""

    AS_WANTED = auto()
    DIFFERING = auto()
    """The registry differed, and was not corrected, or only because the inventory had changed."""
    CORRECTED = auto()
    """Somebody else had changed it, and the round changed it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftAlone:
    """A registry that is not corrected for now."""

    since: datetime
    as_wanted: int = 0
    """The number of the last rounds in a row that saw the registry as wanted, without a write of
    ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """Registries that were corrected lately, and those that are left alone."""

    recent: Mapping[Registry, tuple[bool, ...]] = field(default_factory=dict)
    """For each of the last rounds that read the registry, oldest first: was it corrected."""
    left_alone: Mapping[Registry, LeftAlone] = field(default_factory=dict)


def after_round(
    suppression: Suppression, sights: Mapping[Registry, Sight], now: datetime
) -> Suppression:
    """The suppression after a round. A registry that the round did not read stays as it was."""
    recent, left_alone = dict(suppression.recent), dict(suppression.left_alone)
    for registry, sight in sights.items():
        entry = left_alone.pop(registry, None)
        if entry is not None:
            as_wanted = entry.as_wanted + 1 if sight is Sight.AS_WANTED else 0
            if as_wanted < WINDOW:
                left_alone[registry] = LeftAlone(since=entry.since, as_wanted=as_wanted)
            continue
        window = (*recent.pop(registry, ()), sight is Sight.CORRECTED)[-WINDOW:]
        if sum(window) >= CORRECTIONS:
            left_alone[registry] = LeftAlone(since=now)
        elif any(window):
            recent[registry] = window
    return Suppression(recent=recent, left_alone=left_alone)


def only(suppression: Suppression, registries: Collection[Registry]) -> Suppression:
    """The suppression without registries that are not among `registries`, the fleet's."""
    recent, left_alone = suppression.recent.items(), suppression.left_alone.items()
    return Suppression(
        recent={registry: rounds for registry, rounds in recent if registry in registries},
        left_alone={registry: entry for registry, entry in left_alone if registry in registries},
    )


def suppressed(registries: Collection[Registry]) -> Mapping[Registry, Fault]:
    """The fault of each of the registries that are left alone: the reason for not writing."""
    return dict.fromkeys(registries, _LEFT_ALONE)
