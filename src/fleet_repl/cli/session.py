"""A connected fleet and the invocation it was connected for: progress, and what Ctrl-C does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from fleet_repl.cli.command import Call
from fleet_repl.cli.counting import Counters
from fleet_repl.cli.interrupts import Interrupts
from fleet_repl.cli.progress import live_progress
from fleet_repl.cli.run_options import Reporting
from fleet_repl.planning.plan import Plan
from fleet_repl.reports import ExitCode
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.events import BackfillsWanted, Event, PlanMade
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.errors import FleetError
from fleet_repl.values.text import counted

if TYPE_CHECKING:
    from fleet_repl.fleet.fleet import Fleet
    from fleet_repl.inventory import Inventory
    from fleet_repl.planning.importing import Imported

T = TypeVar("T")

STOPPING = "stopping; press Ctrl-C again to stop at once"
FINISHING = "finishing writes in flight; press Ctrl-C again to stop at once"
LEAVING = "leaving backfills to AWS, where they go on; press Ctrl-C again to stop at once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A connected fleet, and the invocation it was connected for."""

    call: Call[Reporting]
    fleet: Fleet
    interrupts: Interrupts
    counters: Counters
    inventory: Inventory
    waves: tuple[str, ...] = ()
    """The inventory's, in their order."""
    started: float = field(default_factory=time.monotonic)

    async def plan(
        self, *, allow: Collection[str] = (), force: bool = False, beside: Path | None = None
    ) -> Plan | None:
        """The plan, or None where the run was interrupted before there was one."""
        selection = self.call.options.selection
        return await self._made(
            lambda: self.fleet.plan(selection=selection, allow=allow, force=force, beside=beside)
        )

    async def plan_rollback(self, run_id: str, *, force: bool) -> Plan | None:
        """What would take a run back, or None where this one was interrupted."""
        return await self._made(lambda: self.fleet.plan_rollback(run_id, force=force))

    def take(self, plan: Plan) -> None:
        """Go on with a plan that was not made here."""
        made = PlanMade(plan=plan)
        self.counters.see(made)
        self.call.log.event(made)

    async def apply(
        self, plan: Plan, *, force: bool, allow: Collection[str] = (), wave: str | None = None
    ) -> Report:
        """Carry out a plan; after an interruption, say only what was left undone."""
        with self._working(FINISHING):
            return await self.fleet.apply(plan, force=force, allow=allow, wave=wave)

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
        return await self._made(self.fleet.import_inventory)

    async def _made(self, make: Callable[[], Awaitable[T]]) -> T | None:
        """What is made, or None where an interruption is why it was not."""
        with self._working(STOPPING):
            try:
                return await make()
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
