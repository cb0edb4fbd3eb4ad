"""The numbers of a round, and of deliveries, for CloudWatch, in its embedded metric format: JSON
objects, which CloudWatch Logs makes metrics of. Pure.

What a round does not know is left out, never 0: a round without a plan knows only how long it took.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from fleet_repl.planning.plan import State
from fleet_repl.runs.outcomes import Outcome
from fleet_repl.runs.timed_deliveries import DeliveryResult, TimedDelivery
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.watch.documents import held_links
from fleet_repl.watch.round import Round

NAMESPACE: Final = "fleet-repl"
_DIMENSION: Final = "fleet"
_SECONDS: Final = "seconds"
_DELIVERY: Final = "delivery_seconds"
_MOST_VALUES: Final = 100
"""Values of a metric in one line (the specification of the format)."""


def embedded_metrics(round_: Round) -> JsonObject:
    """Returns the metrics of a round, of the dimension `fleet`: registries by what became of them,
    links that are held, and seconds."""
    took = round_.finished_at - round_.started_at
    values = {**_counts(round_), _SECONDS: round(took.total_seconds(), 3)}
    units = {name: "Seconds" if name == _SECONDS else "Count" for name in values}
    return {
        "_aws": _directive(round_.finished_at, [_DIMENSION], units),
        _DIMENSION: round_.fleet,
        "verdict": round_.verdict.value,
        "run_id": round_.run_id,
        **values,
    }


def delivery_metrics(
    fleet: str, deliveries: Sequence[TimedDelivery], now: datetime
) -> Iterator[JsonObject]:
    """Yields the metrics of deliveries, of the dimensions `fleet` and `route`: seconds from push to
    arrival as far as they are known, and how many failed and were late."""
    for route in sorted({name for delivery in deliveries for name in delivery.routes}):
        of_route = [delivery for delivery in deliveries if route in delivery.routes]
        failed = sum(item.result is DeliveryResult.FAILED for item in of_route)
        late = sum(item.is_late for item in of_route)
        arrived = [item for item in of_route if item.result is DeliveryResult.ARRIVED]
        seconds = [item.seconds for item in arrived if item.seconds is not None]
        values: JsonObject = {"delivery_failures": failed, "deliveries_late": late}
        if seconds:
            values = {**values, _DELIVERY: [round(value, 3) for value in seconds[:_MOST_VALUES]]}
        units = {name: "Seconds" if name == _DELIVERY else "Count" for name in values}
        yield {
            "_aws": _directive(now, [_DIMENSION, "route"], units),
            _DIMENSION: fleet,
            "route": route,
            **values,
        }


def _directive(at: datetime, dimensions: Sequence[str], units: Mapping[str, str]) -> JsonObject:
    return {
        "Timestamp": int(at.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [[*dimensions]],
                "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
            }
        ],
    }


def _counts(round_: Round) -> dict[str, int]:
    if round_.plan is None:
        return {}
    counts = round_.counts
    return {
        "drifted": len(round_.drifted),
        "applied": counts.get(Outcome.APPLIED.value, 0),
        "failed": counts.get(Outcome.FAILED.value, 0),
        "held": held_links(round_),
        "unreadable": counts.get(State.UNREADABLE.value, 0),
        "joining": len(round_.joining),
    }
