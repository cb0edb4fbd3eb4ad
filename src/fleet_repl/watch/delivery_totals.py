"""The deliveries that a watch has counted: each once, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Protocol

from fleet_repl.runs.timed_deliveries import DeliveryKey, DeliveryResult, TimedDelivery

KNOWN: Final = 20_000
"""Deliveries that are remembered, so that none is counted twice."""
_RECENT: Final = 200
"""Deliveries of a route whose times its median is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    """Messages of a queue by what became of them."""

    counted: int = 0
    duplicate: int = 0
    unknown: int = 0
    """Events that no route of the fleet asks for."""
    malformed: int = 0
    """Messages that are no replication events."""


class DeliveryMeter(Protocol):
    """Takes figures of deliveries."""

    def received(self, counts: EventCounts) -> None: ...

    def delivered(self, delivery: TimedDelivery, *, sampled: bool) -> None: ...


@dataclass(slots=True, kw_only=True)
class RouteTotals:
    """The deliveries of one route since the watch began."""

    arrived: int = 0
    late: int = 0
    """Those that took longer than the objective, or have not arrived within it."""
    failed: int = 0
    recent: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """Seconds of the last ones that arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteNote:
    """The deliveries of one route since the watch began, as its page shows them."""

    route: str
    arrived: int
    late: int
    failed: int
    median: float | None
    """Seconds that the last ones took; None before anything has arrived."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryNote:
    """Deliveries as the page of a watch shows them."""

    routes: tuple[RouteNote, ...]
    unreadable: str | None
    """Why the queue could not be read the last time."""


@dataclass(slots=True)
class DeliveryTotals:
    """What was counted so far."""

    meter: DeliveryMeter | None = None
    routes: dict[str, RouteTotals] = field(default_factory=dict)
    """By the route's name."""
    unreadable: str | None = None
    """Why the queue could not be read the last time."""
    _known: OrderedDict[DeliveryKey, None] = field(default_factory=OrderedDict)

    def is_new(self, delivery: TimedDelivery) -> bool:
        """Returns whether the delivery was not counted yet."""
        return delivery.key not in self._known

    def new_among(self, deliveries: Iterable[TimedDelivery]) -> list[TimedDelivery]:
        """Returns the deliveries that were not counted yet, each once."""
        new = {delivery.key: delivery for delivery in deliveries if self.is_new(delivery)}
        return list(new.values())

    def count(self, delivery: TimedDelivery, *, sampled: bool = False) -> None:
        """Count a delivery for each of its routes. `sampled`: no event has reported it."""
        self._known[delivery.key] = None
        while len(self._known) > KNOWN:
            self._known.popitem(last=False)
        for name in delivery.routes:
            route = self.routes.setdefault(name, RouteTotals())
            route.arrived += delivery.result is DeliveryResult.ARRIVED
            route.failed += delivery.result is DeliveryResult.FAILED
            route.late += delivery.is_late
            if delivery.result is DeliveryResult.ARRIVED and delivery.seconds is not None:
                route.recent.append(delivery.seconds)
        if self.meter is not None:
            self.meter.delivered(delivery, sampled=sampled)

    @property
    def note(self) -> DeliveryNote:
        """What the page shows, by the names of routes."""
        routes = tuple(
            RouteNote(
                route=name,
                arrived=route.arrived,
                late=route.late,
                failed=route.failed,
                median=median(route.recent) if route.recent else None,
            )
            for name, route in sorted(self.routes.items())
        )
        return DeliveryNote(routes=routes, unreadable=self.unreadable)

    def received(self, counts: EventCounts) -> None:
        """Take note of what became of messages."""
        if self.meter is not None:
            self.meter.received(counts)
