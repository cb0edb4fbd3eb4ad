"""One round: look at the fleet, correct it if that was asked for, remember, tell.

Whatever goes wrong that a user can cause makes a round that says so. It knows of no other round
than by the memory it is given: the loop, and a function that runs once, share it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

import anyio

from fleet_repl.fleet.fleet import Interrupted
from fleet_repl.fleet.staleness import InventoryChangedError, OutdatedPlanError
from fleet_repl.inventory import Inventory
from fleet_repl.planning.plan import Plan
from fleet_repl.reports import ExitCode, plan_exit, report_exit
from fleet_repl.reports.log_entries import LogEntry, place_fields
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.errors import FleetError, FrozenError, RefusedError, StateError
from fleet_repl.values.text import first_line
from fleet_repl.watch.flapping import CORRECTIONS, WINDOW, Flapping, after_round, only, suppressed
from fleet_repl.watch.fleets import WatchedFleet
from fleet_repl.watch.memory import Memory, memory_document, note_of, parse_memory
from fleet_repl.watch.news import news, trouble
from fleet_repl.watch.round import Round, Verdict, carried_out, looked, sights
from fleet_repl.watch.round_context import RoundContext, RoundOptions

_PLANS: Final = 3
"""Plans that a round makes at the most, when other runs end meanwhile."""
_VERSIONS: Final = 3
"""Versions of the inventory that it begins with at the most, when that is changed meanwhile."""


async def run_round(
    options: RoundOptions, inventory: Inventory, context: RoundContext, memory: Memory | None = None
) -> tuple[Round, Memory]:
    """Do one round, and what is to be remembered after it.

    `memory` counts where the state has none, or cannot be read. Raises nothing that a user can
    cause: such a round is `broken`. It begins anew where the inventory was changed before it had
    written anything.
    """
    memory, started = memory or Memory(), context.clock.now()
    left = _VERSIONS
    while True:
        ended = await _attempt(options, inventory, context, memory, started)
        if isinstance(ended, tuple):
            return ended
        left -= 1
        if context.reload is None or not left:
            broken = _broken(options, inventory, started, context, ended)
            return await _closed(options, _known(broken, memory), memory, context)
        context.log(LogEntry(event="begun-anew", message=f"the round begins anew: {_why(ended)}"))
        current = await context.reload()
        memory = memory if current.inventory.name == inventory.name else Memory()
        inventory = current.inventory
        options = replace(options, inventory_error=current.error)


async def _attempt(
    options: RoundOptions,
    inventory: Inventory,
    context: RoundContext,
    memory: Memory,
    started: datetime,
) -> tuple[Round, Memory] | InventoryChangedError:
    """One round by one version of the inventory, or that there is another one."""
    ended: tuple[Round, Memory] | FleetError | None = None
    async with anyio.create_task_group() as group:
        switch = _Switch(inventory, context, group.cancel_scope)
        group.start_soon(switch.listen)
        try:
            async with context.connect(inventory) as fleet:
                switch.fleet = fleet
                ended = await _Connected(options, inventory, context, fleet, started).run(memory)
        except FleetError as error:
            # As a value, because a task group would wrap it.
            ended = ended or error
        group.cancel_scope.cancel()
    if isinstance(ended, tuple | InventoryChangedError):
        return ended
    unconnected = _broken(options, inventory, started, context, ended or switch.late)
    if ended is None and context.stop.is_set():
        unconnected = replace(
            unconnected, verdict=Verdict.INTERRUPTED, exit_code=ExitCode.INTERRUPTED, error=None
        )
    return await _closed(options, _known(unconnected, memory), memory, context)


class _Switch:
    """Ends a round in time: its fleet's run once that is connected, and until then the attempt
    to connect it, with which nothing is lost."""

    def __init__(
        self, inventory: Inventory, context: RoundContext, connecting: anyio.CancelScope
    ) -> None:
        self.fleet: WatchedFleet | None = None
        self._context = context
        self._connecting = connecting
        self._deadline = inventory.apply.deadline

    async def listen(self) -> None:
        """Wait for `stop`, and as long as a run may take for the fleet to be connected."""
        context = self._context
        # In real time, as what is waited for may be a program that somebody else wrote.
        with anyio.move_on_after(self._deadline):
            await context.stop.wait()
        if self.fleet is None:
            self._connecting.cancel()
            return
        await context.stop.wait()
        context.log(LogEntry(event="stopping", message="stopping: writes in flight finish first"))
        self.fleet.stop()

    @property
    def late(self) -> FleetError:
        """Why a round came to nothing that had no connection in time."""
        return FleetError(
            f"the run's deadline of {self._deadline:g} s had passed before there was a connection"
        )


class _Connected:
    """A round whose fleet is connected. It turns every FleetError into its result, as the task
    group around it would wrap them."""

    def __init__(
        self,
        options: RoundOptions,
        inventory: Inventory,
        context: RoundContext,
        fleet: WatchedFleet,
        started: datetime,
    ) -> None:
        self._options = options
        self._inventory = inventory
        self._context = context
        self._fleet = fleet
        self._started = started

    async def run(self, memory: Memory) -> tuple[Round, Memory]:
        try:
            before = await self._recall(memory)
        except FleetError as error:
            broken = _known(self._failed(error), memory)
            return await _closed(self._options, broken, memory, self._context)
        try:
            round_ = await self._look(before)
        except InventoryChangedError:
            raise
        except Interrupted:
            round_ = self._round(Verdict.INTERRUPTED, ExitCode.INTERRUPTED)
        except FleetError as error:
            round_ = self._failed(error)
        after = _remembered(round_, before, whole=self._options.whole)
        self._tell_of_flapping(before.flapping, after.flapping)
        round_, after = await _closed(self._options, _known(round_, after), after, self._context)
        if after != before or not before.kept:
            after = await self._remember(after)
        return round_, after

    async def _look(self, memory: Memory) -> Round:
        """Plan and correct; anew where another run has ended meanwhile."""
        spare = suppressed(memory.flapping.left_alone.keys()) if self._options.fix else {}
        over, left = self._options.over, _PLANS
        while True:
            plan = await self._fleet.plan(
                selection=self._options.selection,
                over=over,
                spare=spare,
                exclude_objected=self._options.fix,
            )
            try:
                return await self._act_on(plan)
            except OutdatedPlanError as error:
                over, left = 0, left - 1
                if not left:
                    code = plan_exit(plan, detailed=True)
                    return self._round(Verdict.BUSY, code, plan=plan, error=str(error))
                message = f"the plan is made anew: {_why(error)}"
                self._context.log(LogEntry(event="planned-anew", message=message))

    async def _act_on(self, plan: Plan) -> Round:
        if not self._options.fix:
            verdict, code = looked(plan, fix=False)
            return self._round(verdict, code, plan=plan)
        if not plan.writes:
            verdict, code = looked(plan, fix=True)
            return self._round(verdict, code, plan=plan)
        if plan.objections:
            because = "; ".join(objection.message for objection in plan.objections)
            return self._round(Verdict.REFUSED, ExitCode.REFUSED, plan=plan, error=because)
        return await self._correct(plan)

    async def _correct(self, plan: Plan) -> Round:
        """Carry it out; where another run writes or the fleet is frozen, that is sat out."""
        pending = plan_exit(plan, detailed=True)
        try:
            report = await self._fleet.apply(plan)
        except (OutdatedPlanError, InventoryChangedError):
            raise
        except FrozenError as error:
            return self._round(Verdict.FROZEN, ExitCode.REFUSED, plan=plan, error=str(error))
        except RefusedError as error:
            return self._round(Verdict.BUSY, pending, plan=plan, error=str(error))
        except FleetError as error:
            return replace(self._failed(error), plan=plan)
        return self._round(carried_out(report), report_exit(report), plan=plan, report=report)

    async def _recall(self, memory: Memory) -> Memory:
        note = note_of(self._options.watched)
        content = await self._fleet.read_note(note)
        if content is None or not memory.kept:
            return memory
        try:
            return parse_memory(content)
        except StateError as error:
            message = f"what watches remembered cannot be used, and is begun anew: {note}: {error}"
            self._context.log(LogEntry(level="warning", event="memory-damaged", message=message))
            return memory

    async def _remember(self, memory: Memory) -> Memory:
        try:
            await self._fleet.write_note(note_of(self._options.watched), memory_document(memory))
        except StateError as error:
            message = (
                f"the watch could not put on record what it remembers: {first_line(str(error))}"
            )
            self._context.log(LogEntry(level="warning", event="memory-unwritable", message=message))
            return replace(memory, kept=False)
        return replace(memory, kept=True)

    def _tell_of_flapping(self, before: Flapping, after: Flapping) -> None:
        log, old, new = self._context.log, before.left_alone, after.left_alone
        for registry in sorted(new.keys() - old.keys()):
            message = (
                f"{registry} is left alone from now on: corrected {CORRECTIONS} times within "
                f"{WINDOW} rounds, so someone else is writing too"
            )
            where = place_fields(registry)
            log(LogEntry(level="warning", event="left-alone", message=message, fields=where))
        for registry in sorted(old.keys() - new.keys()):
            message = f"{registry} is no longer left alone"
            log(
                LogEntry(event="left-alone-no-more", message=message, fields=place_fields(registry))
            )

    def _failed(self, error: FleetError) -> Round:
        broken = _broken(self._options, self._inventory, self._started, self._context, error)
        return replace(broken, run_id=self._fleet.run_id)

    def _round(
        self,
        verdict: Verdict,
        code: ExitCode,
        *,
        plan: Plan | None = None,
        report: Report | None = None,
        error: str | None = None,
    ) -> Round:
        return Round(
            number=self._options.number,
            fleet=self._inventory.name,
            inventory=self._inventory,
            run_id=self._fleet.run_id,
            verdict=verdict,
            exit_code=code,
            started_at=self._started,
            finished_at=self._context.clock.now(),
            fix=self._options.fix,
            plan=plan,
            report=report,
            inventory_error=self._options.inventory_error,
            error=error,
        )


def _why(error: FleetError) -> str:
    """What a stale plan's refusal says of the reason."""
    return first_line(str(error)).removeprefix("the plan is stale: ")


def _broken(
    options: RoundOptions,
    inventory: Inventory,
    started: datetime,
    context: RoundContext,
    error: FleetError,
) -> Round:
    return Round(
        number=options.number,
        fleet=inventory.name,
        inventory=inventory,
        verdict=Verdict.BROKEN,
        exit_code=ExitCode.ERROR,
        started_at=started,
        finished_at=context.clock.now(),
        fix=options.fix,
        inventory_error=options.inventory_error,
        error=str(error),
    )


def _known(round_: Round, memory: Memory) -> Round:
    """The round with what is known from others."""
    left_alone = tuple(sorted(memory.flapping.left_alone))
    return replace(round_, left_alone=left_alone, drift_since=memory.drift_since)


async def _closed(
    options: RoundOptions, round_: Round, memory: Memory, context: RoundContext
) -> tuple[Round, Memory]:
    """The round's end: tell whom it concerns, and remember what they know by now.

    A look at a part says nothing of the trouble elsewhere that was told of, nor that it is over.
    """
    why = news(round_, memory.notified if options.whole else None)
    delivered = why is None or await context.publish(round_, why)
    if not delivered or not options.whole or round_.verdict is Verdict.INTERRUPTED:
        return round_, memory
    notified = trouble(round_)
    kept = memory.kept and notified == memory.notified
    return round_, replace(memory, notified=notified, kept=kept)


def _remembered(round_: Round, before: Memory, *, whole: bool) -> Memory:
    """What is known after the round; `whole`: it has looked at every registry."""
    plan = round_.plan
    if plan is None:
        return before
    flapping = after_round(before.flapping, sights(plan, round_.report), round_.finished_at)
    if whole:
        flapping = only(flapping, {planned.registry for planned in plan.registries})
    since = before.drift_since
    if round_.differing:
        since = since or round_.started_at
    elif whole and round_.verdict is not Verdict.INTERRUPTED:
        since = None
    return replace(before, flapping=flapping, drift_since=since)
