"""Notifications of deliveries: the trouble of a link once, as far as the fleet's state remembers.

Watches and functions in AWS Lambda keep the same note, so each knows what the others have told,
and what itself told before a restart.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, TypeAlias

import anyio

from fleet_repl.reports.log_entry import Log, LogEntry
from fleet_repl.runs.timed_deliveries import TimedDelivery
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import StateError
from fleet_repl.values.text import counted, first_line, visible
from fleet_repl.watch.delivery_news import LinkTroubles, delivery_entry, news_document
from fleet_repl.watch.timed_fleet import TimedFleet, explained

NOTE: Final = "deliveries.json"
"""The note in the state with the links that are in trouble."""
_HASTE: Final = 3.0
"""Seconds that writing the note may take, also of a process that is being stopped."""
_MALFORMED: Final = 3
"""Messages at once that are named as no replication events; of more, the number is."""

Publish: TypeAlias = Callable[[JsonObject], Awaitable[bool]]
"""Sends a notification; returns whether it was delivered. It never raises."""


def malformed_entries(names: Sequence[str], because: str) -> Iterator[LogEntry]:
    """Yields log entries of messages that are no replication events. Whoever may put messages into
    the queue chooses their number: the first ones are named."""
    messages = [f"message {name[:100]}" for name in map(visible, names[:_MALFORMED])]
    if more := len(names) - len(messages):
        messages.append(f"each of {counted(more, 'more message')}")
    for message in messages:
        yield LogEntry(level="warning", event="delivery-malformed", message=f"{message} {because}")


class DeliveryNotices:
    """Logs deliveries, and notifies of their news. `publish` is None where nobody is notified: then
    nothing is kept in the state, so that whoever notifies later begins with every open trouble."""

    def __init__(self, log: Log, clock: Clock, publish: Publish | None) -> None:
        self._log = log
        self._clock = clock
        self._publish = publish
        self._fleet: str | None = None
        self._troubles = LinkTroubles()
        self._unkept = False
        """Whether the state lacks some of `_troubles`."""
        self._unusable = False
        """Whether the log has said that the state is unusable."""

    async def report(
        self,
        deliveries: Sequence[TimedDelivery],
        name: str,
        fleet: TimedFleet,
        *,
        whole: bool = False,
    ) -> None:
        """Log the problems among the deliveries of a fleet, with `whole` all deliveries, and send a
        notification of what is news. A state that is unusable is logged once."""
        if not deliveries:
            return
        if name != self._fleet:
            self._fleet, self._troubles, self._unkept = name, LinkTroubles(), False
        await self._recall(fleet)
        news = self._troubles.news_in(deliveries)
        explanations = await explained(fleet, news)
        for delivery in deliveries:
            if whole or delivery.is_problem:
                self._log(delivery_entry(delivery, explanations.get(delivery.key)))
        if news:
            document = news_document(name, news, explanations, self._clock.now())
            if self._publish is None or await self._publish(document):
                self._troubles, self._unkept = self._troubles.after(news), True
        await self._keep(fleet)

    async def _recall(self, fleet: TimedFleet) -> None:
        """Take over what the state knows."""
        if self._publish is None:
            return
        try:
            kept = LinkTroubles.parse(await fleet.read_note(NOTE))
        except StateError as error:
            self._failed(f"which deliveries were notified of before is not known: {error}")
            return
        if kept.is_damaged:
            self._failed(
                f"{NOTE} in the state is damaged: what cannot be read there is notified of again"
            )
            self._unkept = True
        self._troubles = kept.merged(self._troubles)

    async def _keep(self, fleet: TimedFleet) -> None:
        """Add to the state what it lacks, also while a stop ends everything else."""
        if self._publish is None or not self._unkept:
            return
        reason: object = f"the state has not answered within {_HASTE:g} s"
        try:
            with anyio.move_on_after(_HASTE, shield=True):
                await fleet.revise_note(
                    NOTE, lambda note: LinkTroubles.parse(note).merged(self._troubles).kept()
                )
                self._unkept = self._unusable = False
                return
        except StateError as error:
            reason = error
        self._failed(f"after a restart, deliveries may be notified of again: {reason}")

    def _failed(self, message: str) -> None:
        if not self._unusable:
            self._log(LogEntry(level="warning", event="memory", message=first_line(message)))
        self._unusable = True
