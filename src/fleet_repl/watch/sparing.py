"""Which registries a watch leaves alone, and what is said of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.watch.flapping import CORRECTIONS, WINDOW

_LEFT_ALONE: Final = Fault(
    kind=FaultKind.CONFLICT,
    operation="watch",
    message=f"left alone: corrected {CORRECTIONS} times within {WINDOW} rounds, so someone else "
    "is writing too",
    hint="see in CloudTrail who else writes this registry, and end it; `fleet-repl apply` "
    f"corrects it at once, and a watch does so again after {WINDOW} rounds that find it as wanted",
)


def left_alone(registries: Collection[Registry]) -> Mapping[Registry, Fault]:
    """Why nothing is written to each of them."""
    return dict.fromkeys(registries, _LEFT_ALONE)
