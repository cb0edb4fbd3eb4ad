"""The times that images took from their push to each destination, by route. Pure.

ECR's events and a sample of `verify` tell the same deliveries: both become one kind of value, whose
`key` says which are the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from fleet_repl.inventory import Inventory
from fleet_repl.planning.desired import Desired
from fleet_repl.runs.delivery import Delivery, DeliveryReport, DeliveryState, LinkDelivery
from fleet_repl.runs.replication_events import ReplicationEvent
from fleet_repl.values.names import Registry

LONGEST: Final = 24 * 3600.0
"""Seconds from push to arrival beyond which a copy counts as no delivery of that push: ECR copies
images that are older when they are restored from the archive or put again."""

_EARLIEST: Final = 60.0
"""Seconds before the push by which clocks may differ."""


class DeliveryResult(StrEnum):
    """The result for an image at a destination."""

    ARRIVED = "arrived"
    FAILED = "failed"
    MISSING = "missing"
    """The image has not arrived, although the objective of its route is over."""


class DeliveryKey(NamedTuple):
    """The identity of a delivery. An image that is tagged again is no other image."""

    source: Registry
    destination: Registry
    repository: str
    digest: str
    result: DeliveryResult


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedDelivery:
    """An image at one destination of a route."""

    source: Registry
    destination: Registry
    repository: str
    digest: str
    tag: str | None = None
    routes: tuple[str, ...]
    """The routes that ask for it, one at least."""
    within: float | None = None
    """The strictest objective of these routes, in seconds; None: they have none."""
    result: DeliveryResult
    at: datetime
    """The time when it arrived or failed; of a missing image, when that was seen."""
    seconds: float | None = None
    """From its push until `at`; None where that is not known, more than a day, or before it."""
    code: str | None = None
    """ECR's failure code, where it has failed and its source tells."""

    @property
    def key(self) -> DeliveryKey:
        return DeliveryKey(self.source, self.destination, self.repository, self.digest, self.result)

    @property
    def is_late(self) -> bool:
        """Returns whether it took longer than the objective, or takes longer."""
        if self.result is DeliveryResult.MISSING:
            return True
        arrived = self.result is DeliveryResult.ARRIVED
        over = self.within is not None and self.seconds is not None and self.seconds > self.within
        return arrived and over

    @property
    def is_problem(self) -> bool:
        """Returns whether somebody has to do something about it."""
        return self.result is DeliveryResult.FAILED or self.is_late

    @property
    def image(self) -> str:
        """The image in words, without the @ that chats take for a mention."""
        if self.tag is not None:
            return f"{self.repository}:{self.tag}"
        return f"{self.repository} ({self.digest[:19]})"

    def pushed(self, at: datetime) -> TimedDelivery:
        """Returns the delivery of an image that was pushed at a time."""
        seconds = (self.at - at).total_seconds()
        # Events have whole seconds, so an event may seem to be before the push. One that is long
        # before it is about an earlier push of the image.
        known = -_EARLIEST <= seconds <= LONGEST
        return replace(self, seconds=max(seconds, 0.0) if known else None)


def delivery_of(
    event: ReplicationEvent, inventory: Inventory, desired: Desired
) -> TimedDelivery | None:
    """Returns the delivery of an event, its push unknown; None where no route asks for it."""
    links = desired.outgoing.get(event.source, ())
    named = next((link.routes for link in links if link.destination == event.destination), ())
    routes = _asking(inventory, named, event.repository)
    if not routes:
        return None
    return TimedDelivery(
        source=event.source,
        destination=event.destination,
        repository=event.repository,
        digest=event.digest,
        tag=event.tag,
        routes=routes,
        within=_objective(inventory, routes),
        result=DeliveryResult.ARRIVED if event.succeeded else DeliveryResult.FAILED,
        at=event.at,
    )


def sampled_deliveries(report: DeliveryReport, inventory: Inventory) -> Iterator[TimedDelivery]:
    """Yields the deliveries of a sample of `verify` that arrived, as far as it has their times,
    those that failed, and those that are missing."""
    for link in report.links:
        for image in link.images:
            routes = _asking(inventory, link.routes, image.image.repository)
            within = _objective(inventory, routes)
            result = _result(image, within, report.finished_at)
            if routes and result is not None:
                yield _sampled(link, image, result, routes, within, report.finished_at)


def _sampled(
    link: LinkDelivery,
    delivery: Delivery,
    result: DeliveryResult,
    routes: tuple[str, ...],
    within: float | None,
    now: datetime,
) -> TimedDelivery:
    image = delivery.image
    sampled = TimedDelivery(
        source=link.source,
        destination=link.destination,
        repository=image.repository,
        digest=image.digest,
        tag=image.tags[0] if image.tags else None,
        routes=routes,
        within=within,
        result=result,
        at=now,
        code=delivery.code,
    )
    if result is DeliveryResult.ARRIVED:
        at = image.pushed_at + timedelta(seconds=delivery.seconds or 0.0)
        sampled = replace(sampled, at=at)
    return sampled.pushed(image.pushed_at)


def _result(delivery: Delivery, within: float | None, now: datetime) -> DeliveryResult | None:
    """What became of a sampled image; None where it is under way, and not late, where it cannot be
    judged, or where nobody knows how long it took."""
    match delivery.state:
        case DeliveryState.COMPLETE:
            return None if delivery.seconds is None else DeliveryResult.ARRIVED
        case DeliveryState.FAILED:
            return DeliveryResult.FAILED
        case DeliveryState.IN_PROGRESS | DeliveryState.MISSING if within is not None:
            over = (now - delivery.image.pushed_at).total_seconds() > within
            return DeliveryResult.MISSING if over else None
        case _:
            return None


def _asking(inventory: Inventory, names: tuple[str, ...], repository: str) -> tuple[str, ...]:
    """The routes among `names` that ask for a repository."""
    routes = {route.name: route for route in inventory.routes}
    return tuple(name for name in names if name in routes and routes[name].wants(repository))


def _objective(inventory: Inventory, names: tuple[str, ...]) -> float | None:
    times = [
        route.deliver_within
        for route in inventory.routes
        if route.name in names and route.deliver_within is not None
    ]
    return min(times, default=None)
