"""A connected fleet as a command uses it: each step with progress and a reaction to Ctrl-C."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from fleet_repl.cli.command import Call
from fleet_repl.cli.counters import Counters
from fleet_repl.cli.interrupts import Interrupts
from fleet_repl.cli.result_options import ResultOptions
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.events import BackfillsWanted, Event, ImageFound, PlanMade
from fleet_repl.runs.outcomes import BackfillReport, Report
from fleet_repl.values.errors import FleetError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import counted

if TYPE_CHECKING:
    from fleet_repl.fleet.export import Target
    from fleet_repl.fleet.fleet import Fleet
    from fleet_repl.inventory import Inventory
    from fleet_repl.planning.elsewhere import HeldResource
    from fleet_repl.planning.explain import Explanation
    from fleet_repl.planning.importing import Imported
    from fleet_repl.reports.export import Exported
    from fleet_repl.runs.coverage import CoverageReport
    from fleet_repl.runs.delivery import DeliveryReport
    from fleet_repl.runs.doctor import DoctorReport
    from fleet_repl.runs.repair import Lacking
    from fleet_repl.values.names import Registry

T = TypeVar("T")

STOPPING = "stopping; press Ctrl-C again to stop at once"
FINISHING = "finishing writes in flight; press Ctrl-C again to stop at once"
LEAVING = "leaving backfills to AWS, where they go on; press Ctrl-C again to stop at once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A connected fleet, and the invocation that it was connected for."""

    call: Call[ResultOptions]
    fleet: Fleet
    interrupts: Interrupts
    counters: Counters
    inventory: Inventory
    waves: tuple[str, ...] = ()
    """The names of the fleet's waves, in order."""
    started: float = field(default_factory=time.monotonic)
    """The start of the session, in monotonic seconds."""

    async def plan(
        self,
        *,
        allow: Collection[str] = (),
        force: bool = False,
        beside: Path | None = None,
        tfstate: Sequence[str] = (),
    ) -> Plan | None:
        """Make a plan; None where the run was interrupted before there was one. `tfstate`:
        Terraform states, of whose resources the plan warns."""
        selection = self.call.options.selection
        held = await self.call.backend.terraform_states(tfstate, self.inventory) if tfstate else ()
        return await self._made(
            lambda: self.fleet.plan(
                selection=selection, allow=allow, force=force, beside=beside, held=held
            )
        )

    async def plan_rollback(self, run_id: str, *, force: bool) -> Plan | None:
        """Plan the rollback of a run; None where this run was interrupted."""
        return await self._made(lambda: self.fleet.plan_rollback(run_id, force=force))

    def take(self, plan: Plan) -> None:
        """Announce a kept plan, as `plan` announces the plan that it makes."""
        made = PlanMade(plan=plan)
        self.counters.see(made)
        self.call.log.event(made)

    async def apply(
        self, plan: Plan, *, force: bool, allow: Collection[str] = (), wave: str | None = None
    ) -> Report:
        """Carry out a plan; after an interruption, the report lists what was left undone."""
        with self._working(FINISHING):
            return await self.fleet.apply(plan, force=force, allow=allow, wave=wave)

    async def backfill(self, *, route: str | None, wait: bool, again: bool) -> BackfillReport:
        """Start backfills; after an interruption, the report says how far they are."""
        with self._working(LEAVING):
            return await self.fleet.backfill(
                selection=self.call.options.selection,
                route=route,
                wait=wait,
                again=again,
                on_event=self._note_waiting if wait else None,
            )

    async def backfill_status(self, *, route: str | None) -> BackfillReport:
        """Read the status of backfills; after an interruption, of those read so far."""
        with self._working(STOPPING):
            return await self.fleet.backfill_status(
                selection=self.call.options.selection, route=route
            )

    async def repair(
        self,
        document: Lacking,
        *,
        wait: bool = False,
        reput: bool = False,
        dry_run: bool,
        max_age: timedelta,
    ) -> BackfillReport:
        """Start backfills of what a document says is lacking, or only look at them; after an
        interruption, the report says how far they are."""
        with self._working(STOPPING if dry_run else LEAVING):
            return await self.fleet.repair(
                document,
                wait=wait,
                reput=reput,
                dry_run=dry_run,
                max_age=max_age,
                on_event=self._note_waiting if wait else None,
            )

    async def verify(self, *, count: int, age: timedelta) -> DeliveryReport:
        """Ask whether recent images have arrived; after an interruption, the answers so far."""
        with self._working(STOPPING):
            return await self.fleet.verify(
                selection=self.call.options.selection, count=count, age=age
            )

    async def coverage(
        self, *, images: bool, in_use: Collection[str], contexts: Sequence[str]
    ) -> CoverageReport:
        """Compare both ends of links; after an interruption, the answers so far."""
        with self._working(STOPPING):
            return await self.fleet.coverage(
                selection=self.call.options.selection,
                images=images,
                in_use=in_use,
                kube_contexts=contexts,
            )

    async def doctor(self, deliveries: str | None) -> DoctorReport:
        """Examine the fleet; after an interruption, the report holds what was examined so far."""
        with self._working(STOPPING):
            return await self.fleet.doctor(
                selection=self.call.options.selection, deliveries=deliveries
            )

    async def explain(
        self, what: str, *, source: str | None, destination: str | None
    ) -> Explanation:
        """Ask AWS where an image goes."""
        with self._working(STOPPING):
            return await self.fleet.explain(what, source=source, destination=destination)

    async def wait(
        self, what: str, *, source: str | None, destinations: Collection[str], within: timedelta
    ) -> Explanation:
        """Wait for an image; after an interruption, the explanation of what was seen by then."""
        with self._working(STOPPING):
            return await self.fleet.wait(
                what,
                source=source,
                destinations=destinations,
                within=within,
                on_event=self._note_tag_moves,
            )

    async def import_inventory(self, held: Collection[HeldResource]) -> Imported | None:
        """Make an inventory of the links in place; None where the run was interrupted."""
        return await self._made(lambda: self.fleet.import_inventory(held=held))

    async def export(self, target: Target, *, earlier: Collection[Registry]) -> Exported | None:
        """Write down what is in place; None where the run was interrupted. `earlier`: registries
        that have files already."""
        selection = self.call.options.selection
        return await self._made(
            lambda: self.fleet.export(target, selection=selection, earlier=earlier)
        )

    async def _made(self, make: Callable[[], Awaitable[T]]) -> T | None:
        """Call `make`; returns its result, or None where it failed because of an interruption."""
        with self._working(STOPPING):
            try:
                return await make()
            except FleetError:
                if not self.interrupts.requested.is_set():
                    raise
                return None

    def _note_tag_moves(self, event: Event) -> None:
        """Note that the tag that is waited for has moved, which the log tells only with -v."""
        if self.call.options.verbose or not isinstance(event, ImageFound):
            return
        if event.before is not None:
            moved = f"{event.what} is now {event.digest} in {event.source}: waiting for that"
            self.call.log.note(moved)

    def _note_waiting(self, event: Event) -> None:
        """Note that backfills are followed, which may take hours, where no progress is shown."""
        streams, options = self.call.streams, self.call.options
        if options.verbose or streams.can_move(streams.stderr):
            return
        if isinstance(event, BackfillsWanted) and event.backfills:
            most = counted(event.backfills, "backfill")
            self.call.log.note(f"following up to {most}; -v tells of each")

    @contextmanager
    def _working(self, message: str) -> Iterator[None]:
        """While this lasts, progress is shown, and Ctrl-C stops the fleet and logs `message`."""
        log, streams = self.call.log, self.call.streams
        with self.interrupts.stopping(self.fleet.stop, message):
            silent = self.call.options.quiet or self.interrupts.requested.is_set()
            if silent or not streams.can_move(streams.stderr):
                yield
            else:
                from fleet_repl.cli.progress import live_progress  # noqa: PLC0415 - loads rich

                with live_progress(log.console, self.counters, self._seconds):
                    yield

    def _seconds(self) -> float:
        return time.monotonic() - self.started


Work: TypeAlias = Callable[[Session], Awaitable[ExitCode]]
