"""The watch: rounds one after the other, on time, until it is told to stop.

Rounds never overlap. Only what is wrong before the first round raises; everything later is a
round that says so, and the watch goes on.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

import anyio

from fleet_repl.fleet.fleet import EVERYTHING
from fleet_repl.inventory import Inventory
from fleet_repl.reports import ExitCode
from fleet_repl.reports.log_entries import Log, LogEntry
from fleet_repl.topology import Selection, select
from fleet_repl.values.canonical_json import Json
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import FleetError
from fleet_repl.values.text import counted
from fleet_repl.watch.documents import round_document, round_entry
from fleet_repl.watch.fleets import Connect, WatchedFleet
from fleet_repl.watch.memory import Memory
from fleet_repl.watch.news import News
from fleet_repl.watch.notify import Notifier, parse_webhook
from fleet_repl.watch.reload import Current, LoadInventory, read_again, read_first
from fleet_repl.watch.round import Round, Verdict
from fleet_repl.watch.round_context import RoundContext, RoundOptions
from fleet_repl.watch.run_round import run_round
from fleet_repl.watch.server import Address, Pages, Vitals, parse_address, serving

if TYPE_CHECKING:
    from fleet_repl.watch.metrics import Metrics

_JITTER: Final = 0.1
"""The share of a pause that it is made longer or shorter by, so that many watches that were
started together do not stay together."""

_HASTE: Final = 3.0
"""Seconds that a notification gets once the watch is being stopped."""

Uniform: TypeAlias = Callable[[float, float], float]
"""A random number between two, such as `random.uniform`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What a watch is asked for."""

    every: float = 900
    """Seconds from the start of a round to that of the next."""
    fix: bool = False
    once: bool = False
    listen: str | None = None
    """`host:port`."""
    selection: Selection = EVERYTHING
    """What may be changed, and is told of."""
    notify: str | None = field(default=None, repr=False)
    """An http(s) address. It may hold a token and is never shown."""


async def watch(  # noqa: PLR0913 - what it is asked for, and its whole world
    options: WatchOptions,
    *,
    load: LoadInventory,
    connect: Connect,
    log: Log,
    stop: anyio.Event,
    clock: Clock,
    uniform: Uniform,
    on_round: Callable[[Round], object],
) -> ExitCode:
    """Repeat rounds until `stop` is set; with `once` do one, whose exit code it is.

    `on_round` gets each round when it has ended. Stopped between rounds or without cutting one
    short, it ends with 0, else with 130. Raises FleetError, before anything is called, for an
    address that is none or cannot be listened on, an inventory that cannot be used, and a
    selection that names nothing in it.
    """
    if not 0 < options.every < math.inf:
        raise FleetError("the time between rounds has to be more than none, and to end")
    address = parse_address(options.listen) if options.listen is not None else None
    webhook = parse_webhook(options.notify) if options.notify is not None else None
    current = await read_first(load)
    select(current.inventory, options.selection)
    world = _World(load=load, connect=connect, log=log, stop=stop, clock=clock, uniform=uniform)
    notifier = Notifier(webhook, log=log, clock=clock, uniform=uniform) if webhook else None
    loop = _Loop(options, world, current, notifier, on_round)
    async with loop.listening(address):
        return await loop.once() if options.once else await loop.run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What a watch lives in."""

    load: LoadInventory
    connect: Connect
    log: Log
    stop: anyio.Event
    clock: Clock
    uniform: Uniform


class _Loop:
    """One watch."""

    def __init__(
        self,
        options: WatchOptions,
        world: _World,
        current: Current,
        notifier: Notifier | None,
        on_round: Callable[[Round], object],
    ) -> None:
        self._options = options
        self._world = world
        self._current = current
        self._notifier = notifier
        self._on_round = on_round
        self._memory = Memory()
        self._number = 0
        self._fleet: WatchedFleet | None = None
        """The one that is connected."""
        self._vitals = Vitals(world.clock, options.every, current.inventory.apply.deadline)
        self._metrics = _metrics(world.clock, self._holds_lock)
        self._metrics.began(current.inventory.name)

    @asynccontextmanager
    async def listening(self, address: Address | None) -> AsyncIterator[None]:
        """Serve meanwhile, if that was asked for. Raises FleetError where it cannot."""
        if address is None:
            yield
            return
        pages = Pages(vitals=self._vitals, metrics=self._metrics.scrape)
        async with serving(address, pages) as taken:
            self._log("listening", f"listening on http://{taken}", address=str(taken))
            yield

    async def once(self) -> ExitCode:
        """One round, and its exit code."""
        return (await self._round(over=0)).exit_code

    async def run(self) -> ExitCode:
        """Rounds until the watch is stopped."""
        world, every = self._world, self._options.every
        over = 0.0
        while not world.stop.is_set():
            started = world.clock.monotonic()
            round_ = await self._round(over=over)
            if world.stop.is_set():
                cut_short = round_.verdict is Verdict.INTERRUPTED
                return ExitCode.INTERRUPTED if cut_short else ExitCode.OK
            await self._pause(started + every)
            if not world.stop.is_set():
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
            inventory_error=self._current.error,
        )
        context = RoundContext(
            connect=self._connected,
            log=self._world.log,
            clock=self._world.clock,
            stop=self._world.stop,
            publish=self._publish,
            reload=self._reload,
        )
        inventory = self._current.inventory
        round_, self._memory = await run_round(options, inventory, context, self._memory)
        self._vitals.finished(round_)
        self._metrics.finished(round_)
        self._world.log(round_entry(round_))
        self._on_round(round_)
        return round_

    async def _reload(self) -> Current:
        last = self._current
        self._current = await read_again(self._world.load, last, self._world.log)
        self._renamed(last.inventory.name)
        return self._current

    @asynccontextmanager
    async def _connected(self, inventory: Inventory) -> AsyncIterator[WatchedFleet]:
        async with self._world.connect(inventory) as fleet:
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
            # Somebody may want to know later.
            return False
        delivered = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._hurry, group.cancel_scope)
            delivered = await self._notifier.post(round_document(round_, why))
            group.cancel_scope.cancel()
        self._metrics.notified(delivered=delivered)
        return delivered

    async def _hurry(self, posting: anyio.CancelScope) -> None:
        """Whoever stops a watch is not kept waiting by a receiver that does not answer."""
        await self._world.stop.wait()
        await self._world.clock.sleep(_HASTE)
        message = "the notification was not delivered in time: the watch is stopping"
        self._world.log(LogEntry(level="warning", event="notify-failed", message=message))
        posting.cancel()

    async def _pause(self, due: float) -> None:
        """Rest until the next round is due, more or less; or until the watch is stopped."""
        world, every = self._world, self._options.every
        rest = due - world.clock.monotonic()
        if rest <= 0:
            self._tell_of_missed(int(-rest // every))
            return
        rest += world.uniform(-_JITTER, _JITTER) * rest
        async with anyio.create_task_group() as group:
            group.start_soon(_wake, world.stop, group.cancel_scope)
            await world.clock.sleep(rest)
            group.cancel_scope.cancel()

    def _tell_of_missed(self, missed: int) -> None:
        if missed:
            self._metrics.missed(missed)
        message = "the round took longer than the time between rounds; the next one begins at once"
        if missed:
            message = f"{message}, and {counted(missed, 'round')} {_was(missed)} missed"
        entry = LogEntry(level="warning", event="late", message=message, fields={"missed": missed})
        self._world.log(entry)

    def _renamed(self, before: str) -> None:
        """Another fleet has other registries, and its state is elsewhere."""
        name = self._current.inventory.name
        if name != before:
            self._memory = Memory()
            self._metrics.began(name)

    def _log(self, event: str, message: str, **fields: Json) -> None:
        self._world.log(LogEntry(event=event, message=message, fields=fields))


def _metrics(clock: Clock, holds_lock: Callable[[], bool]) -> Metrics:
    # Rounds that a function runs are imported from here too, and have no use for it.
    from fleet_repl.watch.metrics import Metrics  # noqa: PLC0415

    return Metrics(clock, holds_lock)


async def _wake(stop: anyio.Event, scope: anyio.CancelScope) -> None:
    await stop.wait()
    scope.cancel()


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
