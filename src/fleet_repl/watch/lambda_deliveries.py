"""Deliveries in AWS Lambda: ECR's replication events, each by itself or as records of an SQS queue.

An invocation does no round: it logs each delivery, leaves metrics, and notifies of those that
failed or are late. Which links somebody was notified of is kept in the fleet's state.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fleet_repl.inventory import Inventory
from fleet_repl.reports.log_entry import Log, LogEntry
from fleet_repl.runs.replication_events import (
    DETAIL_TYPE,
    ReplicationEvent,
    parse_event,
    replication_event,
)
from fleet_repl.runs.timed_deliveries import TimedDelivery
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import SYSTEM, Clock
from fleet_repl.values.errors import FleetError, StateError
from fleet_repl.values.text import first_line
from fleet_repl.watch.deliveries import TimedFleet, explained
from fleet_repl.watch.delivery_news import LinkTroubles, delivery_entry, news_document
from fleet_repl.watch.embedded_metrics import delivery_metrics

NOTE: Final = "deliveries.json"
"""The note in the state with the links that are in trouble."""
_SQS: Final = "aws:sqs"


class NotingFleet(TimedFleet, Protocol):
    """A fleet that also keeps notes. Its calls raise StateError."""

    async def read_note(self, name: str) -> bytes | None: ...

    async def write_note(self, name: str, content: bytes) -> None: ...


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaContext:
    """What counting the deliveries of an invocation needs."""

    log: Log
    write_metrics: Callable[[str], object] | None
    """Takes a line in CloudWatch's embedded metric format; None: no metrics."""
    publish: Callable[[JsonObject], Awaitable[bool]] | None
    """Sends a notification; returns whether it was delivered. None: nobody is notified."""
    clock: Clock = SYSTEM


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


async def count_deliveries(
    reported: ReportedDeliveries, inventory: Inventory, fleet: NotingFleet, context: LambdaContext
) -> JsonObject:
    """Log the deliveries, leave their metrics, and notify of news; returns the result of the
    invocation. Raises FleetError."""
    events = [event for event in reported.events.values() if event is not None]
    for name, event in reported.events.items():
        if event is None:
            message = f"message {name[:100]} is no replication event"
            context.log(LogEntry(level="warning", event="delivery-malformed", message=message))
    timed = [delivery for delivery in await fleet.time_deliveries(events) if delivery is not None]
    # A queue may bring an event twice at once.
    deliveries = [*{delivery.key: delivery for delivery in timed}.values()]
    await _notify(deliveries, inventory, fleet, context)
    if context.write_metrics is not None:
        for line in delivery_metrics(inventory.name, deliveries, context.clock.now()):
            context.write_metrics(json.dumps(line))
    result: JsonObject = {"ignored": not deliveries, "because": _because(deliveries)}
    return {**result, "batchItemFailures": []} if reported.batch else result


def _because(deliveries: Sequence[TimedDelivery]) -> str | None:
    return None if deliveries else "no route of the fleet asks for it"


async def _notify(
    deliveries: Sequence[TimedDelivery],
    inventory: Inventory,
    fleet: NotingFleet,
    context: LambdaContext,
) -> None:
    troubles = await _recall(fleet, context.log)
    news = troubles.news_in(deliveries)
    explanations = await explained(fleet, news)
    for delivery in deliveries:
        context.log(delivery_entry(delivery, explanations.get(delivery.key)))
    if not news or context.publish is None:
        return
    document = news_document(inventory.name, news, explanations, context.clock.now())
    if await context.publish(document):
        try:
            await fleet.write_note(NOTE, troubles.after(news).kept())
        except StateError as error:
            _warn(context.log, f"it is told again later: {first_line(error)}")


async def _recall(fleet: NotingFleet, log: Log) -> LinkTroubles:
    try:
        return LinkTroubles.parse(await fleet.read_note(NOTE))
    except FleetError as error:
        _warn(log, f"what was told before is not known: {first_line(error)}")
        return LinkTroubles()


def _warn(log: Log, message: str) -> None:
    log(LogEntry(level="warning", event="memory", message=message))
