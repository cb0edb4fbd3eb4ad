"""The metrics of a watch for Prometheus. Imported only by a watch that listens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
)
from prometheus_client.registry import Collector

from fleet_repl._version import __version__
from fleet_repl.planning.plan import State
from fleet_repl.runs.outcomes import Outcome, Statistics
from fleet_repl.values.clock import Clock
from fleet_repl.watch.delivery_metrics import DeliveryMetrics
from fleet_repl.watch.round import Round, Verdict, kinds_against

_OUTCOMES: Final = (
    State.CHANGED.value,
    State.UNREADABLE.value,
    *(outcome.value for outcome in Outcome),
)
_SECONDS: Final = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)
_GOOD: Final = frozenset({Verdict.IN_SYNC, Verdict.CORRECTED})


class Metrics:
    """The metrics of one watch, in a collector registry of their own."""

    def __init__(self, clock: Clock, holds_lock: Callable[[], bool]) -> None:
        self._clock = clock
        self._holds_lock = holds_lock
        self._registry = CollectorRegistry()
        self._rounds = self._counter("rounds", "Rounds by what they came to.", "fleet", "result")
        self._missed = self._counter(
            "rounds_missed", "Rounds that were due while another one ran.", "fleet"
        )
        self._duration = Histogram(
            "fleet_repl_round_duration_seconds",
            "How long rounds took.",
            ("fleet",),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._registries = self._gauge(
            "registries", "Registries of the last round by what became of them.", "fleet", "outcome"
        )
        self._drift_age = self._gauge(
            "drift_age_seconds", "How long the present drift has been there; 0 in sync.", "fleet"
        )
        self._left_alone = self._gauge(
            "left_alone", "Registries that are not corrected because they flap.", "fleet"
        )
        self._joining = self._gauge(
            "joining",
            "Registries of accounts that are joining: unreadable, and no failure.",
            "fleet",
        )
        self._excluded = self._gauge(
            "excluded",
            "1 for each registry and kind of objection that kept it from being corrected.",
            "fleet",
            "account",
            "region",
            "objection",
        )
        self._broken = self._gauge(
            "inventory_broken", "1 while the last good inventory counts.", "fleet"
        )
        self._success = self._gauge(
            "last_success_timestamp_seconds",
            "When a round last ended with the fleet as wanted; 0 before.",
            "fleet",
        )
        self._lock = self._gauge("lock_held", "1 while this watch writes to the fleet.", "fleet")
        self._calls = self._counter(
            "calls", "Calls to AWS by their result.", "service", "operation", "result"
        )
        self._throttles = self._counter("throttles", "Calls that AWS asked to slow down.")
        self._notifications = self._counter(
            "notifications", "Notifications by whether they were delivered.", "result"
        )
        self._gauge("build_info", "The version of fleet-repl.", "version").labels(__version__).set(
            1
        )
        self._fleet = ""

    def of_deliveries(self, readable: Callable[[], bool]) -> DeliveryMetrics:
        """The metrics of deliveries, which only a watch that counts them has. `readable`: whether
        their queue could be read the last time."""
        return DeliveryMetrics(self._registry, lambda: self._fleet, readable)

    def began(self, fleet: str) -> None:
        """Report on `fleet` from now on, and drop the gauges of a former name of the fleet."""
        if fleet == self._fleet:
            return
        self._fleet = fleet
        gauges = self._registries, self._drift_age, self._left_alone, self._excluded, self._broken
        for gauge in (*gauges, self._joining):
            gauge.clear()
        self._success.clear()
        self._success.labels(fleet).set(0)
        self._lock.clear()
        self._lock.labels(fleet).set_function(lambda: float(self._holds_lock()))
        self._missed.labels(fleet)
        for verdict in Verdict:
            self._rounds.labels(fleet, verdict.value)

    def finished(self, round_: Round) -> None:
        """Count a round that has ended."""
        fleet = round_.fleet
        self._rounds.labels(fleet, round_.verdict.value).inc()
        took = round_.finished_at - round_.started_at
        self._duration.labels(fleet).observe(took.total_seconds())
        self._broken.labels(fleet).set(round_.inventory_error is not None)
        self._left_alone.labels(fleet).set(len(round_.left_alone))
        since = round_.drift_since
        age = self._drift_age.labels(fleet)
        age.set_function(
            lambda: 0.0 if since is None else (self._clock.now() - since).total_seconds()
        )
        if round_.plan is not None:
            counts = round_.counts
            for outcome in _OUTCOMES:
                self._registries.labels(fleet, outcome).set(counts.get(outcome, 0))
            self._joining.labels(fleet).set(len(round_.joining))
            self._exclude(round_)
        if round_.verdict in _GOOD:
            self._success.labels(fleet).set(round_.finished_at.timestamp())

    def _exclude(self, round_: Round) -> None:
        self._excluded.clear()
        for planned in round_.excluded:
            for kind in kinds_against(planned):
                self._excluded.labels(round_.fleet, *planned.registry, kind).set(1)

    def missed(self, rounds: int) -> None:
        """Counts rounds that were left out because another round took too long."""
        self._missed.labels(self._fleet).inc(rounds)

    def called(self, statistics: Statistics) -> None:
        """Count the calls of one round."""
        for (service, operation, result), number in statistics.calls.items():
            self._calls.labels(service, operation, result).inc(number)
        self._throttles.inc(statistics.throttles)

    def notified(self, *, delivered: bool) -> None:
        """Count a notification, delivered or not."""
        self._notifications.labels("delivered" if delivered else "failed").inc()

    def scrape(self) -> tuple[str, bytes]:
        """The content type and the text of a scrape."""
        return CONTENT_TYPE_LATEST, generate_latest(_WithoutCreated(self._registry))

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"fleet_repl_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"fleet_repl_{name}", text, labels, registry=self._registry)


class _WithoutCreated(Collector):
    """A collector registry without the `_created` samples, which nobody needs and which would
    double the size of a scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [
                sample for sample in family.samples if not sample.name.endswith("_created")
            ]
            yield family
