"""Finds out how long the deliveries took that ECR's events report.

An event does not say when its image was pushed: the source is asked, once for each image, whatever
the number of its destinations. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from fleet_repl.engine.workers import work_through
from fleet_repl.runs.delivery import Status, parse_statuses
from fleet_repl.runs.replication_events import ReplicationEvent
from fleet_repl.runs.timed_deliveries import DeliveryResult, TimedDelivery, delivery_of
from fleet_repl.values.clock import moment
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleet_repl.fleet.context import RunContext


class _Image(NamedTuple):
    source: Registry
    repository: str
    digest: str


async def time_deliveries(
    events: Sequence[ReplicationEvent], context: RunContext
) -> tuple[TimedDelivery | None, ...]:
    """Returns the delivery that each event reports; None for an event that no route of the fleet
    asks for. Where the source cannot be read, the time is not known."""
    now = context.pace.clock.now()
    # Whoever forges an event of the future would else keep its link from being told of until then.
    events = [replace(event, at=min(event.at, now)) for event in events]
    reported = [delivery_of(event, context.inventory, context.desired) for event in events]
    look = _Look(context=context)
    known = [delivery for delivery in reported if delivery is not None]
    await look.run(known)
    return tuple(delivery and look.completed(delivery) for delivery in reported)


def _image_of(delivery: TimedDelivery) -> _Image:
    return _Image(delivery.source, delivery.repository, delivery.digest)


@dataclass(slots=True, kw_only=True)
class _Look:
    """What the sources say of the images of some deliveries."""

    context: RunContext
    pushes: dict[_Image, datetime] = field(default_factory=dict)
    statuses: dict[_Image, Mapping[Registry, Status]] = field(default_factory=dict)

    async def run(self, deliveries: Sequence[TimedDelivery]) -> None:
        """Ask for the push of each image, and for the failures of those that failed."""
        failed = {_image_of(item) for item in deliveries if item.result is DeliveryResult.FAILED}
        images = sorted({_image_of(item) for item in deliveries})
        await self._through(images, self._read_push)
        await self._through(sorted(failed), self._read_statuses)

    def completed(self, delivery: TimedDelivery) -> TimedDelivery:
        """Returns the delivery with its time and its failure code, as far as they are known."""
        image = _image_of(delivery)
        if image in self.pushes:
            delivery = delivery.pushed(self.pushes[image])
        status = self.statuses.get(image, {}).get(delivery.destination)
        failed = delivery.result is DeliveryResult.FAILED
        return replace(delivery, code=status.code) if failed and status is not None else delivery

    async def _through(
        self, images: Sequence[_Image], work: Callable[[_Image], Awaitable[None]]
    ) -> None:
        context = self.context
        with context.stop.abandonable():
            await work_through(
                images,
                work,
                concurrency=context.inventory.apply.concurrency,
                stop=context.stop,
            )

    async def _read_push(self, image: _Image) -> None:
        with suppress(CallError):
            detail = await self.context.registries.find_image(*image)
            pushed_at = moment((detail or {}).get("imagePushedAt"))
            if pushed_at is not None:
                self.pushes[image] = pushed_at

    async def _read_statuses(self, image: _Image) -> None:
        with suppress(CallError):
            documents = await self.context.registries.replication_statuses(*image)
            self.statuses[image] = parse_statuses(documents)
