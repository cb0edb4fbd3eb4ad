"""Run a command against a fleet: connect, watch, let it be interrupted, hand over the result."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, TypeAlias

import anyio

from fleet_repl.cli.backend import Fleet
from fleet_repl.cli.call import Call
from fleet_repl.cli.counting import Counters
from fleet_repl.cli.interrupts import Interrupts, interruptible
from fleet_repl.cli.options import Format, Running
from fleet_repl.cli.progress import live_progress
from fleet_repl.cli.streams import OutputError
from fleet_repl.delivery import DeliveryReport
from fleet_repl.errors import FleetError
from fleet_repl.names import Registry
from fleet_repl.outcomes import BackfillReport, BackfillsWanted, Event, Report
from fleet_repl.plan import Plan
from fleet_repl.reports import (
    Document,
    ExitCode,
    ReportError,
    check_writable,
    exit_code,
    to_json,
    write_report,
)
from fleet_repl.reports.text import backfill_text, delivery_text, plan_text, report_text
from fleet_repl.reports.text.wording import counted

if TYPE_CHECKING:
    from fleet_repl.importing import Imported
    from fleet_repl.inventory import Inventory

STOPPING = "stopping; press Ctrl-C again to stop at once"
FINISHING = "finishing writes in flight; press Ctrl-C again to stop at once"
LEAVING = "leaving backfills to AWS, where they go on; press Ctrl-C again to stop at once"
ENDED = "stopped at once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A connected fleet, and the invocation it was connected for."""

    call: Call[Running]
    fleet: Fleet
    interrupts: Interrupts
    counters: Counters
    started: float = field(default_factory=time.monotonic)

    async def plan(self, *, allow: Collection[str] = ()) -> Plan | None:
        """The plan, or None where the run was interrupted before there was one."""
        with self._working(STOPPING):
            try:
                return await self.fleet.plan(selection=self.call.options.selection, allow=allow)
            except FleetError:
                if not self.interrupts.requested.is_set():
                    raise
                return None

    async def apply(self, plan: Plan, *, force: bool) -> Report:
        """Carry out a plan; after an interruption, say only what was left undone."""
        with self._working(FINISHING):
            return await self.fleet.apply(plan, force=force)

    async def backfill(self, *, route: str | None, wait: bool, again: bool) -> BackfillReport:
        """Start backfills; after an interruption, say how far they were."""
        with self._working(LEAVING):
            return await self.fleet.backfill(
                selection=self.call.options.selection,
                route=route,
                wait=wait,
                again=again,
                on_event=self._tell_of_waiting if wait else None,
            )

    async def backfill_status(self, *, route: str | None) -> BackfillReport:
        """The backfills there are; after an interruption, as far as it was found out."""
        with self._working(STOPPING):
            return await self.fleet.backfill_status(
                selection=self.call.options.selection, route=route
            )

    async def verify(self, *, count: int, age: timedelta) -> DeliveryReport:
        """What became of recent images; after an interruption, as far as it was found out."""
        with self._working(STOPPING):
            return await self.fleet.verify(
                selection=self.call.options.selection, count=count, age=age
            )

    async def import_inventory(self) -> Imported | None:
        """The inventory of what is in place, or None where the run was interrupted."""
        with self._working(STOPPING):
            try:
                return await self.fleet.import_inventory()
            except FleetError:
                if not self.interrupts.requested.is_set():
                    raise
                return None

    def _tell_of_waiting(self, event: Event) -> None:
        """What may take hours, where neither progress nor log lines tell of it."""
        streams, options = self.call.streams, self.call.options
        if options.verbose or streams.can_move(streams.stderr):
            return
        if isinstance(event, BackfillsWanted) and event.backfills:
            most = counted(event.backfills, "backfill")
            self.call.log.note(f"following up to {most}; -v tells of each")

    @contextmanager
    def _working(self, message: str) -> Iterator[None]:
        """Progress, and what Ctrl-C does meanwhile."""
        log, streams = self.call.log, self.call.streams
        with self.interrupts.stopping(self.fleet.stop, message):
            over = self.call.options.quiet or self.interrupts.requested.is_set()
            if over or not streams.can_move(streams.stderr):
                yield
            else:
                with live_progress(log.console, self.counters, self._seconds):
                    yield

    def _seconds(self) -> float:
        return time.monotonic() - self.started


Work: TypeAlias = Callable[[Session], Awaitable[ExitCode]]


def run_fleet(
    call: Call[Running],
    work: Work,
    *,
    check: Callable[[Inventory], object] | None = None,
    routes_required: bool = True,
) -> ExitCode:
    """Do `work` with the fleet of the inventory. What can be wrong is found before it starts.

    `check` raises the FleetError that the command itself has reason for.
    """
    inventory = call.backend.load_inventory(call.options.inventory, routes_required=routes_required)
    scope = call.backend.scope(inventory, call.options.selection)
    if check is not None:
        check(inventory)
    for path in call.options.report:
        check_writable(path)
    connected = partial(_connected, call, inventory, scope, work)
    code = anyio.run(interruptible, call.log, connected)
    if code is None:
        call.log.note(ENDED)
        return ExitCode.INTERRUPTED
    return code


async def _connected(
    call: Call[Running],
    inventory: Inventory,
    scope: Collection[Registry],
    work: Work,
    interrupts: Interrupts,
) -> ExitCode:
    options, counters = call.options, Counters(scope)

    def watch(event: Event) -> None:
        counters.see(event)
        call.log.event(event)

    async with AsyncExitStack() as stack:
        endpoint, state = None, options.state
        if options.sandbox:
            # What holds for a simulated fleet must never count for the real one.
            state = stack.enter_context(TemporaryDirectory(prefix="fleet-repl-"))
            simulation = call.backend.simulate(
                inventory, scenario=options.scenario, host="127.0.0.1", port=0
            )
            endpoint = (await stack.enter_async_context(simulation)).endpoint
        connection = call.backend.connect(inventory, endpoint=endpoint, state=state, on_event=watch)
        fleet = await stack.enter_async_context(connection)
        session = Session(call=call, fleet=fleet, interrupts=interrupts, counters=counters)
        with interrupts.stopping(fleet.stop):
            code = await work(session)
        interrupts.finish()
        return code


def hand_over(call: Call[Running], subject: Document, code: ExitCode) -> ExitCode:
    """Write the result to its files and to stdout.

    The exit code: `code`, or an error where something could not be written.
    """
    failures: list[str] = []
    for path in call.options.report:
        try:
            write_report(subject, path)
        except ReportError as error:
            failures.append(str(error))
    try:
        call.streams.emit(_rendered(call, subject))
    except OutputError as error:
        failures.append(str(error))
    if not failures:
        return code
    for failure in failures:
        call.log.failure(failure)
    call.log.failure(f"but for that, the exit code would be {code}: {code.meaning}")
    return exit_code(interrupted=code is ExitCode.INTERRUPTED, error=True)


def _rendered(call: Call[Running], subject: Document) -> str:
    if call.options.format is Format.JSON:
        return to_json(subject)
    full, colour = call.options.verbose, call.streams.has_colour(call.streams.stdout)
    match subject:
        case Plan():
            return plan_text(subject, full=full, colour=colour)
        case Report():
            return report_text(subject, full=full, colour=colour)
        case DeliveryReport():
            return delivery_text(subject, full=full, colour=colour)
        case BackfillReport():
            return backfill_text(subject, full=full, colour=colour)
