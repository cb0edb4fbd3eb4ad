"""The watch: rounds one after the other, on schedule, until it is stopped.

Rounds never overlap. An error before the first round raises; a later error becomes part of its
round, and the watch goes on.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread

from fleet_repl.inventory import Inventory
from fleet_repl.reports.log_entry import Log, LogEntry
from fleet_repl.topology import EVERYTHING, Selection, select
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import FleetError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch.deliveries import DeliveryContext, DeliverySource, DeliveryWatch
from fleet_repl.watch.documents import round_document, round_entry
from fleet_repl.watch.fleets import Connect, WatchedFleet
from fleet_repl.watch.memory import Memory
from fleet_repl.watch.news import News
from fleet_repl.watch.notify import Notifier, parse_webhook
from fleet_repl.watch.recent_rounds import RecentRounds, WatchState
from fleet_repl.watch.reload import Current, LoadInventory, read_again, read_first
from fleet_repl.watch.round import Round, Verdict
from fleet_repl.watch.round_context import RoundContext, RoundOptions
from fleet_repl.watch.run_round import run_round
from fleet_repl.watch.schedule import Uniform, WatchContext, pause
from fleet_repl.watch.server import Address, Pages, Vitals, parse_address, serving

if TYPE_CHECKING:
    from fleet_repl.watch.metrics import Metrics

_HASTE: Final = 3.0
"""Seconds that a notification may take once the watch is being stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """The options of a watch."""

    every: float = 900
    """Seconds from the start of a round to the start of the next."""
    fix: bool = False
    """Whether registries that differ are corrected."""
    once: bool = False
    """Whether to do a single round."""
    listen: str | None = None
    """The address that serves health, metrics and pages, as `host:port`; None: nowhere."""
    selection: Selection = EVERYTHING
    """The part of the fleet that is looked at and corrected."""
    notify: str | None = field(default=None, repr=False)
    """The http(s) address for notifications. It may hold a token and is never shown."""


async def watch(  # noqa: PLR0913 - the options, and everything that it needs from outside
    options: WatchOptions,
    *,
    load: LoadInventory,
    connect: Connect,
    log: Log,
    stop: anyio.Event,
    clock: Clock,
    uniform: Uniform,
    on_round: Callable[[Round], object],
    deliveries: DeliverySource | None = None,
) -> ExitCode:
    """Repeat rounds until `stop` is set; with `once` do a single round. Returns the exit code.

    That is the code of the single round; else 130 where stopping cut a round short, and 0
    otherwise. `on_round` gets each round when it has ended. Meanwhile the deliveries of
    `deliveries` are counted, except with `once`. Raises FleetError, before anything is called, for
    an address that is malformed or cannot be listened on, an inventory that cannot be used, and a
    selection that names nothing in it.
    """
    if not 0 < options.every < math.inf:
        raise FleetError("the time between rounds has to be more than none, and to end")
    address = parse_address(options.listen) if options.listen is not None else None
    webhook = parse_webhook(options.notify) if options.notify is not None else None
    current = await read_first(load)
    if not current.inventory.needs_discovery:
        select(current.inventory, options.selection)
    context = WatchContext(
        load=load, connect=connect, log=log, stop=stop, clock=clock, uniform=uniform
    )
    notifier = Notifier(webhook, log=log, clock=clock, uniform=uniform) if webhook else None
    loop = _Loop(options, context, current, notifier, on_round)
    if deliveries is not None and not options.once:
        loop.count(deliveries)
    async with loop.listening(address):
        return await loop.once() if options.once else await loop.run()


class _Loop:
    """A watch: the inventory in force, the memory, and the fleet while it is connected."""

    def __init__(
        self,
        options: WatchOptions,
        context: WatchContext,
        current: Current,
        notifier: Notifier | None,
        on_round: Callable[[Round], object],
    ) -> None:
        self._options = options
        self._context = context
        self._current = current
        self._notifier = notifier
        self._on_round = on_round
        self._memory = Memory()
        self._number = 0
        self._fleet: WatchedFleet | None = None
        """The connected fleet, during a round."""
        self._vitals = Vitals(context.clock, options.every, current.inventory.apply.deadline)
        self._recent = RecentRounds()
        self._metrics = _metrics(context.clock, self._holds_lock)
        self._metrics.began(current.inventory.name)
        self._deliveries: DeliveryWatch | None = None

    def count(self, source: DeliverySource) -> None:
        """Count deliveries as long as the watch runs."""
        context = DeliveryContext(
            log=self._context.log,
            clock=self._context.clock,
            inventory=lambda: self._current.inventory,
            publish=self._publish_deliveries if self._notifier is not None else None,
        )
        self._deliveries = DeliveryWatch(source, context)
        totals = self._deliveries.totals
        totals.meter = self._metrics.of_deliveries(lambda: totals.unreadable is None)

    def _state(self) -> WatchState:
        return WatchState(
            fleet=self._current.inventory.name,
            now=self._context.clock.now(),
            recent=self._recent,
            writing=self._holds_lock(),
            stuck=self._vitals.stuck,
            deliveries=None if self._deliveries is None else self._deliveries.totals.note,
        )

    @asynccontextmanager
    async def listening(self, address: Address | None) -> AsyncIterator[None]:
        """While this lasts, serve health, metrics and pages at `address`, if there is one.

        Raises FleetError where it cannot be listened on.
        """
        if address is None:
            yield
            return
        pages = Pages(vitals=self._vitals, metrics=self._metrics.scrape, state=self._state)
        async with serving(address, pages) as taken:
            self._log("listening", f"listening on http://{taken}", address=str(taken))
            yield

    async def once(self) -> ExitCode:
        """Do one round; returns its exit code."""
        return (await self._round(over=0)).exit_code

    async def run(self) -> ExitCode:
        """Do rounds until the watch is stopped; returns the exit code."""
        if self._deliveries is None:
            return await self._rounds()
        return await self._deliveries.beside(self._rounds)

    async def _rounds(self) -> ExitCode:
        context, every = self._context, self._options.every
        over = 0.0
        while not context.stop.is_set():
            started = context.clock.monotonic()
            round_ = await self._round(over=over)
            if context.stop.is_set():
                cut_short = round_.verdict is Verdict.INTERRUPTED
                return ExitCode.INTERRUPTED if cut_short else ExitCode.OK
            missed = await pause(context, due=started + every, every=every)
            if missed:
                self._metrics.missed(missed)
            if not context.stop.is_set():
                await self._reload()
            over = min(every / 2, self._current.inventory.apply.deadline / 4)
        return ExitCode.OK

    async def _round(self, *, over: float) -> Round:
        self._number += 1
        options = RoundOptions(
            number=self._number,
            fix=self._options.fix,
            over=over,
            selection=self._options.selection,
            watched=self._options.selection,
            shows_lock=self._options.listen is not None,
            inventory_error=self._current.error,
        )
        context = RoundContext(
            connect=self._connected,
            log=self._context.log,
            clock=self._context.clock,
            stop=self._context.stop,
            publish=self._publish,
            reload=self._reload,
        )
        inventory = self._current.inventory
        round_, self._memory = await run_round(options, inventory, context, self._memory)
        self._vitals.finished(round_)
        self._metrics.finished(round_)
        if self._options.listen is not None:
            # In a thread: of a large fleet this takes a second, and pages are answered meanwhile.
            self._recent = await to_thread.run_sync(self._recent.after, round_)
        self._context.log(round_entry(round_))
        self._on_round(round_)
        if self._deliveries is not None:
            self._deliveries.round_ended(round_.number)
        return round_

    async def _reload(self) -> Current:
        last = self._current
        self._current = await read_again(self._context.load, last, self._context.log)
        self._renamed(last.inventory.name)
        return self._current

    @asynccontextmanager
    async def _connected(self, inventory: Inventory) -> AsyncIterator[WatchedFleet]:
        async with self._context.connect(inventory) as fleet:
            self._fleet = fleet
            try:
                yield fleet
            finally:
                self._fleet = None
                self._metrics.called(fleet.statistics())

    def _holds_lock(self) -> bool:
        return self._fleet is not None and self._fleet.holds_lock

    async def _publish(self, round_: Round, why: News) -> bool:
        if self._notifier is None:
            # Not notified of, so that a watch with a webhook notifies of it later.
            return False
        delivered = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._hurry, group.cancel_scope)
            delivered = await self._notifier.post(round_document(round_, why))
            group.cancel_scope.cancel()
        self._metrics.notified(delivered=delivered)
        return delivered

    async def _publish_deliveries(self, document: JsonObject) -> bool:
        delivered = self._notifier is not None and await self._notifier.post(document)
        self._metrics.notified(delivered=delivered)
        return delivered

    async def _hurry(self, posting: anyio.CancelScope) -> None:
        """Give up on a notification three seconds after the watch was stopped."""
        await self._context.stop.wait()
        await self._context.clock.sleep(_HASTE)
        message = "the notification was not delivered in time: the watch is stopping"
        self._context.log(LogEntry(level="warning", event="notify-failed", message=message))
        posting.cancel()

    def _renamed(self, before: str) -> None:
        """Begin with an empty memory where the inventory now names another fleet."""
        name = self._current.inventory.name
        if name != before:
            self._memory = Memory()
            self._recent = RecentRounds()
            self._metrics.began(name)
            if self._deliveries is not None:
                self._deliveries.totals.routes.clear()

    def _log(self, event: str, message: str, **fields: Json) -> None:
        self._context.log(LogEntry(event=event, message=message, fields=fields))


def _metrics(clock: Clock, holds_lock: Callable[[], bool]) -> Metrics:
    # A round in AWS Lambda imports this module too, and does not need the metrics library.
    from fleet_repl.watch.metrics import Metrics  # noqa: PLC0415

    return Metrics(clock, holds_lock)
