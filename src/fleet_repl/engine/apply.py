"""Carry out a plan, wave by wave: templates, new grants, rules, then revocations.

The order is the plan's. Only whether a later wave may follow is decided here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from fleet_repl.engine.blocked import needed_grants
from fleet_repl.engine.changes import ChangeWriter
from fleet_repl.engine.last_look import LastLook
from fleet_repl.engine.ledger import Ledger
from fleet_repl.engine.registry_documents import DocumentWriter
from fleet_repl.engine.waves import Batch, batches, ends_after, too_many_failures
from fleet_repl.engine.workers import work_through
from fleet_repl.inventory import Wave
from fleet_repl.planning.change import Change, Phase
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.plan import Plan, RegistryPlan
from fleet_repl.runs.events import WaveFinished, WaveStarted
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.values.errors import unforeseen

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyContext:
    """Everything that carrying out a plan needs besides the plan."""

    desired: Desired
    documents: DocumentWriter
    """The writer of documents; its stop and its events are those of the run."""
    concurrency: int
    waves: Mapping[str, Wave] = field(default_factory=dict)
    """By name: how many failures a wave may have, and the pause after it."""
    until: str | None = None
    """The wave that the run ends with; None: the last one."""


async def apply_plan(plan: Plan, context: ApplyContext) -> tuple[RegistryOutcome, ...]:
    """Carry out a plan; returns the outcome of every registry, in the plan's order."""
    return await _Run(plan, context).run()


class _Run:
    """One run of a plan, from its first wave to the last."""

    def __init__(self, plan: Plan, context: ApplyContext) -> None:
        self._plan = plan
        self._context = context
        self._batches = batches(plan.registries, context.desired.waves.names)
        self._has_waves = len(context.desired.waves.names) > 1
        """True if the inventory has waves, so that events report them."""
        self._stop, self._on_event = context.documents.stop, context.documents.on_event
        self._ledger = Ledger(plan, self._on_event)
        self._last_look = LastLook(self._ledger, context.documents, context.concurrency)
        self._change_writer = ChangeWriter(
            context.desired, context.documents, self._ledger, self._last_look
        )
        self._jobs: dict[tuple[str, Phase], dict[int, list[Change]]] = defaultdict(dict)
        """The changes of each wave and phase, by the index of their registry in the plan."""
        for index, planned in enumerate(plan.registries):
            for change in planned.changes:
                self._jobs[change.wave, change.phase].setdefault(index, []).append(change)

    async def run(self) -> tuple[RegistryOutcome, ...]:
        try:
            return await self._carry_out_waves()
        except Exception as error:  # noqa: BLE001 - writes so far must be reported in any case
            return self._ledger.conclude_all(Outcome.FAILED, None, unforeseen("apply", error))

    async def _carry_out_waves(self) -> tuple[RegistryOutcome, ...]:
        stop = self._stop
        skipped: str | None = None
        for index, batch in enumerate(self._batches):
            if skipped is not None:
                self._name_ungranted(batch)
                continue
            later = any(follower.writing for follower in self._batches[index + 1 :])
            skipped = await self._carry_out_wave(batch, later=later)
        await self._last_look.take(last=True)
        if skipped is not None:
            return self._ledger.conclude_all(Outcome.SKIPPED, skipped)
        return self._ledger.conclude_all(stop.outcome, stop.because)

    async def _carry_out_wave(self, batch: Batch, *, later: bool) -> str | None:
        """Carry out a wave and pause after it; returns why later waves are skipped, if they are."""
        reported = self._has_waves and bool(batch.writing) and not self._stop.requested
        if reported:
            self._on_event(WaveStarted(wave=batch.name, registries=len(batch.writing)))
        await self._carry_out_phase(batch, Phase.TEMPLATES)
        await self._carry_out_phase(batch, Phase.GRANTS)
        self._name_ungranted(batch)
        await self._look_again(batch)
        await self._carry_out_phase(batch, Phase.RULES)
        await self._carry_out_phase(batch, Phase.WITHDRAWALS)
        ends = not later or self._stop.requested or batch.name == self._context.until
        await self._last_look.take(last=ends)
        failed = len(batch.failing | self._ledger.failed(batch.name))
        because = self._end(batch, failed) if later and not self._stop.requested else None
        pause = self._pause_after(batch) if later and because is None else 0.0
        if self._has_waves and because is not None and not reported:
            # The wave has no write of its own but ends the run, which has to be reported.
            reported = True
            self._on_event(WaveStarted(wave=batch.name, registries=0))
        if reported:
            self._on_event(
                WaveFinished(wave=batch.name, failed=failed, pause=pause, because=because)
            )
        await self._rest(pause)
        return because

    def _name_ungranted(self, batch: Batch) -> None:
        """Record held links of the wave's registries: those whose grants were not written."""
        for planned, changes in self._of(batch, Phase.GRANTS):
            for change in changes:
                if not self._ledger.has_outcome(planned.registry, change):
                    self._change_writer.leave_out(planned, change)
        for planned in self._plan.registries:
            if planned.wave == batch.name:
                self._change_writer.name_ungranted(planned)

    async def _look_again(self, batch: Batch) -> None:
        """Check that policies which the wave has not written still grant what its rules need."""
        rules = [
            (planned.registry, self._change_writer.due_rules(planned.registry, change))
            for planned, changes in self._of(batch, Phase.RULES)
            for change in changes
        ]
        written = {planned.registry for planned, _ in self._of(batch, Phase.GRANTS)}
        needed = needed_grants(rules, self._context.desired)
        unwritten = [grants for grants in needed if grants.destination not in written]
        with self._stop.abandonable():
            await self._work_through(unwritten, self._change_writer.grant_check.look)

    def _of(self, batch: Batch, phase: Phase) -> Sequence[tuple[RegistryPlan, Sequence[Change]]]:
        jobs = self._jobs.get((batch.name, phase), {})
        return [(self._plan.registries[index], changes) for index, changes in jobs.items()]

    async def _carry_out_phase(self, batch: Batch, phase: Phase) -> None:
        await self._work_through(self._of(batch, phase), self._carry_out_all)

    async def _work_through(
        self, items: Sequence[T], work: Callable[[T], Awaitable[object]]
    ) -> None:
        await work_through(items, work, concurrency=self._context.concurrency, stop=self._stop)

    async def _carry_out_all(self, job: tuple[RegistryPlan, Sequence[Change]]) -> None:
        """Carry out one registry's changes of one phase, one after the other."""
        planned, changes = job
        for change in changes:
            if not self._stop.requested:
                await self._change_writer.carry_out(planned, change)

    def _end(self, batch: Batch, failed: int) -> str | None:
        """Returns why the run ends with this wave, or None where it goes on."""
        because = too_many_failures(batch, self._context.waves.get(batch.name), failed)
        if because is None and batch.name == self._context.until:
            return ends_after(batch.name)
        return because

    def _pause_after(self, batch: Batch) -> float:
        """Seconds to wait after a wave that had something to write."""
        wave = self._context.waves.get(batch.name)
        if wave is None or not batch.writing or self._stop.requested:
            return 0.0
        return wave.pause

    async def _rest(self, seconds: float) -> None:
        """Pause, until the deadline at most; an interruption ends the pause at once."""
        stop = self._stop
        if not stop.requested:
            with stop.abandonable():
                await self._context.documents.pace.clock.sleep(min(seconds, stop.remaining))
