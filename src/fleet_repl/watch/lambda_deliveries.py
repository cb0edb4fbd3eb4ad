"""Deliveries in AWS Lambda: ECR's replication events, each by itself or as records of an SQS queue.

An invocation does no round: it logs each delivery, leaves metrics, and notifies of those that
failed or are late.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import anyio

from fleet_repl.engine.ports import EventSink
from fleet_repl.fleet.connect import connect
from fleet_repl.inventory import Inventory
from fleet_repl.reports.log_entry import Log, LogEntry
from fleet_repl.runs.replication_events import (
    DETAIL_TYPE,
    ReplicationEvent,
    parse_event,
    replication_event,
)
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.errors import FleetError
from fleet_repl.watch.delivery_notices import DeliveryNotices, malformed_entries
from fleet_repl.watch.embedded_metrics import delivery_metrics
from fleet_repl.watch.event_scope import with_accounts
from fleet_repl.watch.lambda_settings import Settings
from fleet_repl.watch.notify import Notifier
from fleet_repl.watch.timed_fleet import TimedFleet

_SQS: Final = "aws:sqs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedDeliveries:
    """The replication events of an invocation."""

    events: Mapping[str, ReplicationEvent | None]
    """By the id of the message, empty for an event without one; None for what is no replication
    event."""
    batch: bool
    """Whether they are records of a queue, of which those that failed come again."""

    def failed(self) -> JsonObject:
        """Returns the answer that has a queue bring its events again, but not what is none."""
        ids = [name for name, event in self.events.items() if event is not None]
        return {"batchItemFailures": [{"itemIdentifier": name} for name in ids]}


def reported_deliveries(event: object) -> ReportedDeliveries | None:
    """Returns the replication events of an invocation; None for an invocation of another kind."""
    if not isinstance(event, Mapping):
        return None
    if event.get("detail-type") == DETAIL_TYPE:
        return ReportedDeliveries(events={"": replication_event(event)}, batch=False)
    records = event.get("Records")
    if not isinstance(records, Sequence) or isinstance(records, str) or not records:
        return None
    messages = [record for record in records if isinstance(record, Mapping)]
    if any(record.get("eventSource") != _SQS for record in messages) or not messages:
        return None
    events = {
        str(record.get("messageId")): parse_event(str(record.get("body"))) for record in messages
    }
    return ReportedDeliveries(events=events, batch=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryInvocation:
    """An invocation that counts deliveries."""

    settings: Settings
    ends: float
    """The instant of the system's monotonic clock from which on nothing is sent any more."""
    log: Log
    on_event: EventSink
    write_line: Callable[[str], object]
    """Takes a line in CloudWatch's embedded metric format."""

    async def answer(self, reported: ReportedDeliveries, inventory: Inventory) -> JsonObject:
        """Returns the result of the invocation. What a queue brought comes again if counting fails;
        otherwise raises FleetError."""
        state = self.settings.state
        try:
            inventory = await with_accounts(inventory, state, self.on_event)
            async with connect(
                inventory, state=state, on_event=self.on_event, purpose=None
            ) as fleet:
                return await self._count(reported, inventory, fleet)
        except FleetError as error:
            if not reported.batch:
                raise
            message = f"deliveries are not counted, and come again: {error}"
            self.log(LogEntry(level="error", event="deliveries-unread", message=message))
            return reported.failed()

    async def _count(
        self, reported: ReportedDeliveries, inventory: Inventory, fleet: TimedFleet
    ) -> JsonObject:
        """Log the deliveries, leave their metrics, and notify of news."""
        events = [event for event in reported.events.values() if event is not None]
        malformed = [name for name, event in reported.events.items() if event is None]
        for entry in malformed_entries(malformed, "is no replication event"):
            self.log(entry)
        timed = await fleet.time_deliveries(events)
        # A queue may bring an event twice at once.
        deliveries = [*{item.key: item for item in timed if item is not None}.values()]
        notices = DeliveryNotices(self.log, SYSTEM, self._publish if self.settings.notify else None)
        await notices.report(deliveries, inventory.name, fleet, whole=True)
        if self.settings.metrics:
            for line in delivery_metrics(inventory.name, deliveries, SYSTEM.now()):
                self.write_line(json.dumps(line))
        because = None if deliveries else "no route of the fleet asks for it"
        result: JsonObject = {"ignored": not deliveries, "because": because}
        return {**result, "batchItemFailures": []} if reported.batch else result

    async def _publish(self, document: JsonObject) -> bool:
        if (webhook := self.settings.notify) is None:
            return False
        notifier = Notifier(webhook, log=self.log, clock=SYSTEM, uniform=random.uniform)
        with anyio.move_on_after(max(self.ends - SYSTEM.monotonic(), 0)):
            return await notifier.post(document)
        return False
