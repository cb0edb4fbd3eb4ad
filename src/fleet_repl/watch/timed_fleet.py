"""The part of a connected fleet that counting deliveries uses, and the explanations of problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final, Protocol

from fleet_repl.planning.explain import Explanation
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.replication_events import ReplicationEvent
from fleet_repl.runs.timed_deliveries import DeliveryKey, TimedDelivery
from fleet_repl.values.errors import FleetError
from fleet_repl.watch.delivery_news import DeliveryNews, Explanations

_EXPLAINED: Final = 5
"""Links that are explained at once at the most: each takes some reads."""


class TimedFleet(Protocol):
    """The part of `fleet_repl.Fleet` that deliveries need. Its calls raise FleetError."""

    async def time_deliveries(
        self, events: Sequence[ReplicationEvent]
    ) -> tuple[TimedDelivery | None, ...]: ...

    async def explain(
        self, what: str, *, source: str | None = ..., destination: str | None = ...
    ) -> Explanation: ...

    async def verify(self, *, count: int = ..., age: timedelta = ...) -> DeliveryReport: ...

    async def read_note(self, name: str) -> bytes | None:
        """Read a note in the state. Raises StateError."""

    async def revise_note(self, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
        """Change a note in the state, as it is there by now. Raises StateError."""


async def explained(fleet: TimedFleet, news: DeliveryNews) -> Explanations:
    """Returns what decides on the first problems of the news, as far as it can be found out."""
    explanations: dict[DeliveryKey, Explanation] = {}
    for delivery in news.problems[:_EXPLAINED]:
        what = f"{delivery.repository}@{delivery.digest}"
        source, destination = str(delivery.source), str(delivery.destination)
        try:
            explanation = await fleet.explain(what, source=source, destination=destination)
        except FleetError:
            continue
        explanations[delivery.key] = explanation
    return explanations
