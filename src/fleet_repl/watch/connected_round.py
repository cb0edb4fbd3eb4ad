"""A round with a connected fleet: plan, correct if asked to, and update the memory.

Every FleetError becomes part of the round, except that the inventory has changed: then the whole
round begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.fleet.fleet import Interrupted
from fleet_repl.fleet.staleness import InventoryChangedError, OutdatedPlanError
from fleet_repl.planning.plan import Plan
from fleet_repl.reports.exit_codes import plan_exit, report_exit
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.runs.outcomes import Report
from fleet_repl.state import LockAndFreeze
from fleet_repl.values.errors import FleetError, FrozenError, RefusedError, StateError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.text import first_line
from fleet_repl.watch.attempt import Attempt
from fleet_repl.watch.fleets import WatchedFleet
from fleet_repl.watch.memory import Memory, note_of
from fleet_repl.watch.outside_changes import outside_change_entries
from fleet_repl.watch.round import Round, Verdict, carried_out, looked
from fleet_repl.watch.round_memory import keep, log_suppression, recall, updated
from fleet_repl.watch.suppression import suppressed

_PLANS: Final = 3
"""Plans that a round makes at the most, where other runs end meanwhile."""


def stale_reason(error: FleetError) -> str:
    """The reason in the refusal of a stale plan."""
    return first_line(str(error)).removeprefix("the plan is stale: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedRound:
    """An attempt at a round, and the fleet that is connected for it."""

    attempt: Attempt
    fleet: WatchedFleet

    async def run(self, memory: Memory) -> tuple[Round, Memory]:
        """Do the round; returns it, and the memory after it.

        Raises InventoryChangedError, before anything is written.
        """
        options, log = self.attempt.options, self.attempt.context.log
        note = note_of(options.watched)
        try:
            before = await recall(self.fleet, note, memory, log)
        except FleetError as error:
            return await self.attempt.close(self._broken(error), memory)
        try:
            round_ = await self._look(before)
        except InventoryChangedError:
            raise
        except Interrupted:
            round_ = self._ended(Verdict.INTERRUPTED, ExitCode.INTERRUPTED)
        except FleetError as error:
            round_ = self._broken(error)
        after = updated(round_, before, whole=options.whole)
        log_suppression(before.suppression, after.suppression, log)
        for entry in outside_change_entries(round_):
            log(entry)
        round_, after = await self.attempt.close(round_, after)
        if after != before or not before.kept:
            after = await keep(self.fleet, note, after, log)
        if options.shows_lock and not self.attempt.context.stop.is_set():
            round_ = replace(round_, lock_and_freeze=await self._lock_and_freeze())
        return round_, after

    async def _lock_and_freeze(self) -> LockAndFreeze | StateError:
        try:
            return await self.fleet.lock_and_freeze()
        except StateError as error:
            return error

    async def _look(self, memory: Memory) -> Round:
        """Plan and correct; plan again where another run has ended meanwhile."""
        options = self.attempt.options
        spare = suppressed(memory.suppression.left_alone.keys()) if options.fix else {}
        over, plans_left = options.over, _PLANS
        while True:
            plan = await self.fleet.plan(
                selection=options.selection, over=over, spare=spare, exclude_objected=options.fix
            )
            try:
                return await self._act_on(plan)
            except OutdatedPlanError as error:
                over, plans_left = 0, plans_left - 1
                if not plans_left:
                    code = plan_exit(plan, detailed=True)
                    return self._ended(Verdict.BUSY, code, plan=plan, error=str(error))
                message = f"the plan is made anew: {stale_reason(error)}"
                self.attempt.context.log(LogEntry(event="planned-anew", message=message))

    async def _act_on(self, plan: Plan) -> Round:
        fix = self.attempt.options.fix
        because = "; ".join(objection.message for objection in plan.objections)
        if not fix or not plan.writes:
            verdict, code = looked(plan, fix=fix)
            error = because if verdict is Verdict.REFUSED else None
            return self._ended(verdict, code, plan=plan, error=error)
        if plan.objections:
            return self._ended(Verdict.REFUSED, ExitCode.REFUSED, plan=plan, error=because)
        return await self._correct(plan)

    async def _correct(self, plan: Plan) -> Round:
        """Carry the plan out. While another run writes or the fleet is frozen, nothing is done."""
        pending = plan_exit(plan, detailed=True)
        try:
            report = await self.fleet.apply(plan)
        except (OutdatedPlanError, InventoryChangedError):
            raise
        except FrozenError as error:
            return self._ended(Verdict.FROZEN, ExitCode.REFUSED, plan=plan, error=str(error))
        except RefusedError as error:
            return self._ended(Verdict.BUSY, pending, plan=plan, error=str(error))
        except FleetError as error:
            return self._broken(error, plan)
        return self._ended(carried_out(report), report_exit(report), plan=plan, report=report)

    def _broken(self, error: FleetError, plan: Plan | None = None) -> Round:
        return self.attempt.broken(error, run_id=self.fleet.run_id, plan=plan)

    def _ended(
        self,
        verdict: Verdict,
        code: ExitCode,
        *,
        plan: Plan | None = None,
        report: Report | None = None,
        error: str | None = None,
    ) -> Round:
        return self.attempt.ended(
            verdict, code, run_id=self.fleet.run_id, plan=plan, report=report, error=error
        )
