"""The metrics of deliveries for Prometheus. Only a watch that counts deliveries has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from fleet_repl.runs.timed_deliveries import DeliveryResult, TimedDelivery
from fleet_repl.watch.delivery_totals import EventCounts

_SECONDS: Final = (5, 10, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 86_400)
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


class DeliveryMetrics:
    """The metrics of one watch's deliveries."""

    def __init__(
        self, registry: CollectorRegistry, fleet: Callable[[], str], readable: Callable[[], bool]
    ) -> None:
        self._fleet = fleet
        self._seconds = Histogram(
            "fleet_repl_delivery_seconds",
            "Seconds from the push of an image until it arrived.",
            ("fleet", "route"),
            registry=registry,
            buckets=_SECONDS,
        )
        self._failures = Counter(
            "fleet_repl_delivery_failures",
            "Deliveries that failed, by ECR's failure code.",
            ("fleet", "route", "code"),
            registry=registry,
        )
        self._late = Counter(
            "fleet_repl_deliveries_late",
            "Deliveries that took longer than the objective of their route.",
            ("fleet", "route"),
            registry=registry,
        )
        self._events = Counter(
            "fleet_repl_delivery_events",
            "Messages of the queue by what became of them.",
            ("fleet", "result"),
            registry=registry,
        )
        self._sampled = Counter(
            "fleet_repl_deliveries_sampled",
            "Deliveries that a sample found and no event had reported.",
            ("fleet",),
            registry=registry,
        )
        readings = Gauge(
            "fleet_repl_delivery_queue_readable",
            "1 while the queue of deliveries can be read.",
            registry=registry,
        )
        readings.set_function(lambda: float(readable()))

    def received(self, counts: EventCounts) -> None:
        """Count messages."""
        for result, number in asdict(counts).items():
            self._events.labels(self._fleet(), result).inc(number)

    def delivered(self, delivery: TimedDelivery, *, sampled: bool) -> None:
        """Count a delivery for each of its routes."""
        fleet = self._fleet()
        if sampled:
            self._sampled.labels(fleet).inc()
        for route in delivery.routes:
            late = self._late.labels(fleet, route)
            late.inc(delivery.is_late)
            if delivery.result is DeliveryResult.FAILED:
                code = delivery.code or ""
                known = code if _CODE.fullmatch(code) else "unknown"
                self._failures.labels(fleet, route, known).inc()
            elif delivery.result is DeliveryResult.ARRIVED and delivery.seconds is not None:
                self._seconds.labels(fleet, route).observe(delivery.seconds)
