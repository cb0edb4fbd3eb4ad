"""A delivery report as the JSON document that automation reads. It fits its published schema."""

from __future__ import annotations

from typing import Final

from fleet_repl.reports.documents.fields import fault_document, prefixes_document
from fleet_repl.runs.delivery import Delivery, DeliveryReport, DeliveryState, LinkDelivery, Times
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import Registry
from fleet_repl.values.text import timestamp

DELIVERY_SCHEMA: Final = "fleet-repl/delivery/1"

_OF_IMAGES: Final = tuple(
    state for state in DeliveryState if state not in (DeliveryState.UNKNOWN, DeliveryState.IDLE)
)


def delivery_document(report: DeliveryReport) -> JsonObject:
    """The document `fleet-repl/delivery/1` of a report."""
    links, deliveries = report.link_states, report.image_states
    return {
        "schema": DELIVERY_SCHEMA,
        "run_id": report.run_id,
        "status": report.status,
        "started_at": timestamp(report.started_at),
        "finished_at": timestamp(report.finished_at),
        "fleet": report.fleet,
        "inventory": {"path": report.inventory.path, "digest": report.inventory.digest},
        "count": report.count,
        "age_seconds": round(report.age.total_seconds()),
        "summary": {
            "sources": report.sources,
            "sampled": report.sampled,
            "links": {state.value: links[state] for state in DeliveryState},
            "deliveries": {state.value: deliveries[state] for state in _OF_IMAGES},
            "seconds": _times(report.times),
            "unreadable": len(report.unreadable),
        },
        "links": [_link(one) for one in report.links],
        "unreadable": [
            {**_end(one.registry, one.name), "error": fault_document(one.error)}
            for one in report.unreadable
        ],
    }


def _times(times: Times | None) -> Json:
    if times is None:
        return None
    return {
        "measured": times.measured,
        "median": round(times.median, 3),
        "slowest": round(times.slowest, 3),
    }


def _link(one: LinkDelivery) -> JsonObject:
    return {
        "source": _end(one.source, one.source_name),
        "destination": {
            **_end(one.destination, one.destination_name),
            "external": one.external,
        },
        "prefixes": prefixes_document(one.prefixes),
        "routes": list(one.routes),
        "state": one.state.value,
        "images": [_delivery(image) for image in one.images],
    }


def _end(registry: Registry, name: str) -> JsonObject:
    return {"account": registry.account, "region": registry.region, "name": name}


def _delivery(one: Delivery) -> JsonObject:
    return {
        "repository": one.image.repository,
        "digest": one.image.digest,
        "tags": list(one.image.tags),
        "pushed_at": timestamp(one.image.pushed_at),
        "state": one.state.value,
        "code": one.code,
        "seconds": None if one.seconds is None else round(one.seconds, 3),
        "because": one.because,
        "hint": one.hint,
    }
