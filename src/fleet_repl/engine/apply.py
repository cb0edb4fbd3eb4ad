"""Carry out a plan, wave by wave: templates, new grants, rules, then grants no longer needed.

The order is the plan's. What is decided here is only whether a later wave may follow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fleet_repl.engine.blocked import counted_on
from fleet_repl.engine.changes import Carrier
from fleet_repl.engine.last_look import LastLook
from fleet_repl.engine.registry_documents import Writing
from fleet_repl.engine.results import Ledger
from fleet_repl.engine.waves import Batch, batches, ends_after, too_many_failures
from fleet_repl.engine.workers import work_through
from fleet_repl.inventory import Wave
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.plan import Change, Phase, Plan, RegistryPlan
from fleet_repl.runs.events import WaveFinished, WaveStarted
from fleet_repl.runs.outcomes import Outcome, RegistryOutcome
from fleet_repl.values.errors import unforeseen


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyContext:
    """What carrying out a plan needs beside the plan."""

    desired: Desired
    writing: Writing
    """Its stop and its events are those of the run."""
    crew: int
    waves: Mapping[str, Wave] = field(default_factory=dict)
    """By name: how many failures they may have, and the pause after them."""
    until: str | None = None
    """The wave that the run ends with; None: the last one."""


async def apply_plan(plan: Plan, how: ApplyContext) -> tuple[RegistryOutcome, ...]:
    """Do everything the plan says; every registry's outcome, in the plan's order."""
    return await _Run(plan, how).run()


class _Run:
    """One plan being carried out."""

    def __init__(self, plan: Plan, how: ApplyContext) -> None:
        self._plan = plan
        self._how = how
        self._batches = batches(plan.registries, how.desired.waves.names)
        self._told = len(how.desired.waves.names) > 1
        """Whether anybody knows of waves."""
        self._stop, self._on_event = how.writing.stop, how.writing.on_event
        self._ledger = Ledger(plan, self._on_event)
        self._last_look = LastLook(self._ledger, how.writing, self._stop, how.crew)
        self._carrier = Carrier(
            how.desired, how.writing, self._stop, self._ledger, self._last_look, self._on_event
        )
        self._jobs: dict[tuple[str, Phase], dict[int, list[Change]]] = defaultdict(dict)
        """The changes of each wave and phase, by the place of their registry in the plan."""
        for place, one in enumerate(plan.registries):
            for change in one.changes:
                self._jobs[change.wave, change.phase].setdefault(place, []).append(change)

    async def run(self) -> tuple[RegistryOutcome, ...]:
        try:
            return await self._carry_out_waves()
        except Exception as error:  # noqa: BLE001 - what was written must be told, whatever happened
            return self._ledger.conclude_all(Outcome.FAILED, None, unforeseen("apply", error))

    async def _carry_out_waves(self) -> tuple[RegistryOutcome, ...]:
        stop = self._stop
        skipped: str | None = None
        for place, batch in enumerate(self._batches):
            if skipped is not None:
                self._name_ungranted(batch)
                continue
            later = any(one.writing for one in self._batches[place + 1 :])
            skipped = await self._carry_out_wave(batch, later=later)
        if skipped is not None:
            return self._ledger.conclude_all(Outcome.SKIPPED, skipped)
        return self._ledger.conclude_all(stop.outcome, stop.because)

    async def _carry_out_wave(self, batch: Batch, *, later: bool) -> str | None:
        """All of a wave, and the pause after it; why later waves are skipped, if they are."""
        told = self._told and bool(batch.writing) and not self._stop.requested
        if told:
            self._on_event(WaveStarted(wave=batch.name, registries=len(batch.writing)))
        await self._carry_out_phase(batch, Phase.TEMPLATES)
        await self._carry_out_phase(batch, Phase.GRANTS)
        self._name_ungranted(batch)
        await self._look_again(batch)
        await self._carry_out_phase(batch, Phase.RULES)
        await self._carry_out_phase(batch, Phase.WITHDRAWALS)
        await self._last_look.take()
        failed = len(batch.failing | self._ledger.failed(batch.name))
        because = self._end(batch, failed) if later and not self._stop.requested else None
        pause = self._pause_after(batch) if later and because is None else 0.0
        if self._told and because is not None and not told:
            # It ends the run without a write of its own: that is told all the same.
            told = True
            self._on_event(WaveStarted(wave=batch.name, registries=0))
        if told:
            self._on_event(
                WaveFinished(wave=batch.name, failed=failed, pause=pause, because=because)
            )
        await self._rest(pause)
        return because

    def _name_ungranted(self, batch: Batch) -> None:
        """Tell of links of the wave's registries whose grants were not put."""
        for one, changes in self._of(batch, Phase.GRANTS):
            for change in changes:
                if not self._ledger.behind(one.registry, change):
                    self._carrier.leave_out(one, change)
        for one in self._plan.registries:
            if one.wave == batch.name:
                self._carrier.name_ungranted(one)

    async def _look_again(self, batch: Batch) -> None:
        """See whether policies that the wave has not written still grant what its rules need."""
        rules = [
            (one.registry, self._carrier.due_rules(one.registry, change))
            for one, changes in self._of(batch, Phase.RULES)
            for change in changes
        ]
        written = {one.registry for one, _ in self._of(batch, Phase.GRANTS)}
        unwritten = [
            one for one in counted_on(rules, self._how.desired) if one.destination not in written
        ]
        with self._stop.abandonable():
            await work_through(
                unwritten, self._carrier.rechecking.look, crew=self._how.crew, stop=self._stop
            )

    def _of(self, batch: Batch, phase: Phase) -> Sequence[tuple[RegistryPlan, Sequence[Change]]]:
        found = self._jobs.get((batch.name, phase), {})
        return [(self._plan.registries[place], changes) for place, changes in found.items()]

    async def _carry_out_phase(self, batch: Batch, phase: Phase) -> None:
        jobs = self._of(batch, phase)
        await work_through(jobs, self._carry_out_all, crew=self._how.crew, stop=self._stop)

    async def _carry_out_all(self, job: tuple[RegistryPlan, Sequence[Change]]) -> None:
        """One registry's changes of one phase, one after the other."""
        one, changes = job
        for change in changes:
            if not self._stop.requested:
                await self._carrier.carry_out(one, change)

    def _end(self, batch: Batch, failed: int) -> str | None:
        """Why the run ends with this wave, if it does."""
        because = too_many_failures(batch, self._how.waves.get(batch.name), failed)
        if because is None and batch.name == self._how.until:
            return ends_after(batch.name)
        return because

    def _pause_after(self, batch: Batch) -> float:
        """Seconds to wait after a wave that had something to write."""
        wave = self._how.waves.get(batch.name)
        if wave is None or not batch.writing or self._stop.requested:
            return 0.0
        return wave.pause

    async def _rest(self, seconds: float) -> None:
        """Let time pass, until the deadline at most; an interruption ends it at once."""
        stop = self._stop
        if not stop.requested:
            with stop.abandonable():
                await self._how.writing.pace.clock.sleep(min(seconds, stop.remaining))
