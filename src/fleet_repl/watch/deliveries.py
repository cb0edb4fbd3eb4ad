"""Deliveries over time: what ECR's events report in a queue, and what a sample finds besides.

A task beside the rounds. Nothing that goes wrong here ends or delays a round: a queue that cannot
be read is tried again after a while, and an event that could not be counted comes again by
itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, TypeAlias, TypeVar

import anyio
from anyio.abc import TaskGroup

from fleet_repl.engine.ports import Queue, QueueMessage
from fleet_repl.inventory import Inventory
from fleet_repl.reports.log_entry import Level, Log, LogEntry
from fleet_repl.runs.replication_events import parse_event
from fleet_repl.runs.timed_deliveries import DeliveryResult, TimedDelivery, sampled_deliveries
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, reason_of
from fleet_repl.watch.delivery_notices import DeliveryNotices, Publish, malformed_entries
from fleet_repl.watch.delivery_totals import DeliveryTotals, EventCounts
from fleet_repl.watch.timed_fleet import TimedFleet

T = TypeVar("T")

BATCH: Final = 10
"""Messages that a queue deletes at once."""
_MOST: Final = 100
"""Messages that are counted together, so that the sources are asked once for each image."""
_CONNECTED: Final = 5_000
"""Messages that are counted by one connection at the most, while the queue has more."""
_SAMPLE: Final = 10
"""Images of each source in a sample, at the most."""
_SETTLED: Final = timedelta(minutes=10)
"""Time after which an event that has not come counts as lost."""
_LONGEST_SAMPLE: Final = timedelta(days=1)
_SHORTEST_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 300.0
"""Seconds before a queue that could not be read is tried again: doubled each time."""


ConnectTimed: TypeAlias = Callable[[Inventory], AbstractAsyncContextManager[TimedFleet]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySource:
    """Where deliveries are reported, and the fleet that they are of."""

    open_queue: Callable[[], AbstractAsyncContextManager[Queue]]
    connect: ConnectTimed
    """Connects the fleet read-only, by the accounts that were discovered last."""
    verify_every: int = 10
    """Rounds after which a sample is looked at, as events get lost; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryContext:
    """What counting deliveries needs besides their source."""

    log: Log
    clock: Clock
    inventory: Callable[[], Inventory]
    """The inventory in force."""
    publish: Publish | None
    """Sends a notification; None where nobody is notified."""


class DeliveryWatch:
    """Counts deliveries until it is cancelled."""

    def __init__(self, source: DeliverySource, context: DeliveryContext) -> None:
        self._source = source
        self._context = context
        self._notices = DeliveryNotices(context.log, context.clock, context.publish)
        self._counting = anyio.Lock()
        """Held while deliveries are counted and told of, so that a sample and an event of the same
        delivery, which may come at once, are one."""
        self._began = self._sampled_at = context.clock.now()
        self._sampling = False
        self._group: TaskGroup | None = None
        """The tasks beside the rounds, while there are rounds."""
        self.totals = DeliveryTotals()

    async def beside(self, rounds: Callable[[], Awaitable[T]]) -> T:
        """Count deliveries until the rounds have ended; returns their result."""
        async with anyio.create_task_group() as group:
            self._group = group
            group.start_soon(self.run)
            result = await rounds()
            self._group = None
            group.cancel_scope.cancel()
        return result

    def round_ended(self, number: int) -> None:
        """Begin a sample after every so many rounds, unless one is under way."""
        every = self._source.verify_every
        if self._group is not None and every and not number % every and not self._sampling:
            self._sampling = True
            self._group.start_soon(self.sample)

    async def run(self) -> None:
        """Receive, count and delete, again and again. Only a cancellation ends it."""
        pause = _SHORTEST_PAUSE
        while True:
            try:
                async with self._source.open_queue() as queue:
                    while True:
                        await self._take(queue)
                        if self.totals.unreadable is not None:
                            self._log("deliveries-read", "the queue of deliveries is read again")
                        self.totals.unreadable, pause = None, _SHORTEST_PAUSE
            except Exception as error:  # noqa: BLE001 - whatever happens here, rounds go on
                self._failed(error, pause)
            await self._context.clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def sample(self) -> None:
        """Look at recent images as `verify` does, and count those that no event has reported.

        The images are those that were pushed since the sample before, and some time earlier, for
        those that were under way then.
        """
        now, inventory = self._context.clock.now(), self._context.inventory()
        age = min(2 * (now - self._sampled_at) + timedelta(hours=1), _LONGEST_SAMPLE)
        try:
            async with self._source.connect(inventory) as fleet:
                report = await fleet.verify(count=_SAMPLE, age=age)
                async with self._counting:
                    deliveries = [
                        delivery
                        for delivery in sampled_deliveries(report, inventory)
                        if self.totals.is_new(delivery) and self._is_unreported(delivery, now)
                    ]
                    for delivery in deliveries:
                        self.totals.count(delivery, sampled=True)
                    await self._notices.report(deliveries, inventory.name, fleet)
        except Exception as error:  # noqa: BLE001 - whatever happens here, rounds go on
            message = f"deliveries could not be sampled: {reason_of(error)}"
            self._log("deliveries-unsampled", message, warns=True)
        else:
            self._sampled_at = now
        finally:
            self._sampling = False

    def _is_unreported(self, delivery: TimedDelivery, now: datetime) -> bool:
        """Returns whether an event about the delivery should have come by now, since the watch was
        started. Problems are told at once."""
        arrived = delivery.result is DeliveryResult.ARRIVED
        return not arrived or self._began <= delivery.at <= now - _SETTLED

    async def _take(self, queue: Queue) -> None:
        """Receive what there is, count it, and delete it: by one connection, as many messages may
        come at once."""
        batches = [batch for batch in [await queue.receive()] if batch]
        if not batches:
            return
        inventory = self._context.inventory()
        async with self._source.connect(inventory) as fleet:
            left = _CONNECTED
            while batches and left > 0:
                while len(batches[-1]) == BATCH and len(batches) * BATCH < _MOST:
                    batches.append(await queue.receive(wait=False))
                messages = [message for batch in batches for message in batch]
                await self._count(messages, inventory, fleet)
                for batch in filter(None, batches):
                    # What is not deleted comes again, and is known then.
                    await queue.delete(batch)
                left -= len(messages)
                is_full = len(messages) == _MOST and left > 0
                batches = [await queue.receive(wait=False)] if is_full else []

    async def _count(
        self, messages: Sequence[QueueMessage], inventory: Inventory, fleet: TimedFleet
    ) -> None:
        events = [parse_event(message.body) for message in messages]
        reported = [event for event in events if event is not None]
        named = zip(messages, events, strict=True)
        malformed = [message.id for message, event in named if event is None]
        because = "in the queue is no replication event: it is deleted"
        for entry in malformed_entries(malformed, because):
            self._context.log(entry)
        timed = await fleet.time_deliveries(reported) if reported else ()
        known = [delivery for delivery in timed if delivery is not None]
        async with self._counting:
            new = self.totals.new_among(known)
            await self._notices.report(new, inventory.name, fleet)
            for delivery in new:
                self.totals.count(delivery)
        counts = EventCounts(
            malformed=len(malformed),
            unknown=len(timed) - len(known),
            duplicate=len(known) - len(new),
            counted=len(new),
        )
        self.totals.received(counts)

    def _failed(self, error: Exception, pause: float) -> None:
        fault = error.fault if isinstance(error, CallError) else None
        # The request id differs each time, and the same trouble is said once.
        reason = reason_of(error) if fault is None else str(replace(fault, request_id=None))
        if self.totals.unreadable != reason:
            message = (
                f"deliveries are not counted: {reason_of(error)}; tried again in {pause:.0f} s"
            )
            fields: JsonObject = {"remedy": None if fault is None else fault.hint}
            entry = LogEntry(
                level="warning", event="deliveries-unread", message=message, fields=fields
            )
            self._context.log(entry)
        self.totals.unreadable = reason

    def _log(self, event: str, message: str, *, warns: bool = False) -> None:
        level: Level = "warning" if warns else "info"
        self._context.log(LogEntry(level=level, event=event, message=message))
