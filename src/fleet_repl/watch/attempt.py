"""One attempt at a round, by one version of the inventory: its end, and the log entries about
it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from fleet_repl.inventory import Inventory
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.errors import FleetError, RefusedError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch.memory import Memory
from fleet_repl.watch.news import news, trouble
from fleet_repl.watch.round import Round, Verdict
from fleet_repl.watch.round_context import RoundContext, RoundOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt at a round. Another attempt follows where the inventory is changed meanwhile."""

    options: RoundOptions
    inventory: Inventory
    context: RoundContext
    started: datetime
    """The time when the first attempt at the round began."""

    def ended(
        self,
        verdict: Verdict,
        code: ExitCode,
        *,
        run_id: str | None,
        plan: Plan | None = None,
        report: Report | None = None,
        error: str | None = None,
    ) -> Round:
        """The round as a value, finished now."""
        return Round(
            number=self.options.number,
            fleet=self.inventory.name,
            inventory=self.inventory,
            run_id=run_id,
            verdict=verdict,
            exit_code=code,
            started_at=self.started,
            finished_at=self.context.clock.now(),
            fix=self.options.fix,
            plan=plan,
            report=report,
            inventory_error=self.options.inventory_error,
            error=error,
        )

    def broken(
        self, error: FleetError, *, run_id: str | None = None, plan: Plan | None = None
    ) -> Round:
        """The round where an error left it without a plan, or without a way to carry it out. Its
        code is that of a command with the same error."""
        code = ExitCode.REFUSED if isinstance(error, RefusedError) else ExitCode.ERROR
        return self.ended(Verdict.BROKEN, code, run_id=run_id, plan=plan, error=str(error))

    async def close(self, round_: Round, memory: Memory) -> tuple[Round, Memory]:
        """Complete the round from the memory, and send a notification if it is news.

        Returns the round, and the memory with the trouble that was notified of. A round over a
        part of the watched fleet changes nothing there: it cannot know whether trouble elsewhere
        is over.
        """
        left_alone = tuple(sorted(memory.suppression.left_alone))
        round_ = replace(round_, left_alone=left_alone, drift_since=memory.drift_since)
        whole = self.options.whole
        why = news(round_, memory.notified if whole else None)
        delivered = why is None or await self.context.publish(round_, why)
        if not delivered or not whole or round_.verdict is Verdict.INTERRUPTED:
            return round_, memory
        notified = trouble(round_)
        kept = memory.kept and notified == memory.notified
        return round_, replace(memory, notified=notified, kept=kept)
