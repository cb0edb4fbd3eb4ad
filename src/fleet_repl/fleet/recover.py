"""Finds out what runs without a report had done, from their journals and from the registries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleet_repl.engine.observe import observe
from fleet_repl.fleet.context import RunContext
from fleet_repl.planning.plan import Warning
from fleet_repl.runs.fingerprints import fingerprinted
from fleet_repl.runs.history import Fingerprints, PastRun, RunMeta, UnreadableRun
from fleet_repl.state import (
    Marks,
    current_holder,
    gone,
    read_fingerprints,
    read_marks,
    revise_fingerprints,
)
from fleet_repl.values.errors import UnreadableStateError
from fleet_repl.values.text import first_line

if TYPE_CHECKING:
    from fleet_repl.runs.recovery import Aftermath


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """The outcomes of runs that died, as far as they are known."""

    found: tuple[tuple[RunMeta, Aftermath], ...]
    unreadable: tuple[UnreadableRun, ...] = ()
    """Runs whose documents cannot be read."""

    @property
    def warnings(self) -> tuple[Warning, ...]:
        """A warning for each of these runs."""
        known = (Warning(kind="unfinished-run", message=ended.message) for _, ended in self.found)
        return (*known, *map(_of_unreadable, self.unreadable))

    def added_to(self, fingerprints: Fingerprints) -> Fingerprints:
        """Returns the fingerprints that these runs would have left at their ends."""
        for meta, ended in self.found:
            fingerprints = _fingerprinted(fingerprints, meta, ended)
        return fingerprints


async def recover(context: RunContext) -> tuple[Warning, ...]:
    """Returns a warning on what each run that died had done; records that if the lock is held.

    What such a run claimed before its writes counts as the fleet's own until a plan has looked at
    it, so nothing else needs mending. Raises StateError.
    """
    return (await recovered(context)).warnings


async def recovered(context: RunContext) -> Recovered:
    """Returns what the runs that died had done, so that a plan tells their writes from others'."""
    ended_runs, unreadable = [], []
    for run in await _died(context):
        past = await _loaded(run, context)
        if past is None:
            continue
        if isinstance(past, UnreadableRun):
            unreadable.append(past)
            if context.access.lease is not None:
                await context.records.set_aside(past, context.pace.clock.now())
            continue
        ended = await _look(past, context)
        ended_runs.append((past.meta, ended))
        if context.access.lease is not None:
            await _conclude(past, ended, context)
    return Recovered(found=tuple(ended_runs), unreadable=tuple(unreadable))


async def known_fingerprints(context: RunContext) -> tuple[Fingerprints, tuple[Warning, ...]]:
    """Returns the fingerprints of runs; none, and a warning, where they cannot be read."""
    try:
        return await read_fingerprints(context.store, context.inventory.name), ()
    except UnreadableStateError as error:
        hence = "drift is told without saying who has moved"
        return {}, (_done_without(error, hence, "The next run that writes"),)


async def known_marks(context: RunContext) -> tuple[Marks, tuple[Warning, ...]]:
    """Returns the marks of rollbacks; none, and a warning, where they cannot be read."""
    try:
        return await read_marks(context.store, context.inventory.name), ()
    except UnreadableStateError as error:
        hence = "what was rolled back before may be applied again"
        return (), (_done_without(error, hence, "This rollback"),)


def _done_without(error: UnreadableStateError, hence: str, who: str) -> Warning:
    reason = first_line(error)
    message = f"{reason}; {hence}. {who} begins it anew, and keeps the old one beside it"
    return Warning(kind="unreadable-state", message=message)


async def _loaded(
    run: RunMeta | UnreadableRun, context: RunContext
) -> PastRun | UnreadableRun | None:
    if isinstance(run, UnreadableRun):
        return run
    try:
        return await context.records.load(run.run_id)
    except UnreadableStateError as error:
        return context.records.unreadable(run.run_id, error)


def _of_unreadable(run: UnreadableRun) -> Warning:
    message = (
        f"run {run.run_id} ended without a report, and what it had done cannot be told: "
        f"{run.reason}. The next run that writes sets it aside: nothing of it is deleted"
    )
    return Warning(kind="unreadable-state", message=message)


async def _died(context: RunContext) -> list[RunMeta | UnreadableRun]:
    """Returns runs without a report that no process is at work on."""
    unfinished = [run for run in await context.records.unfinished() if run.run_id != context.run_id]
    if not unfinished or context.access.lease is not None:
        return unfinished
    holder = await current_holder(context.store, context.inventory.name, gone=gone)
    busy = holder.run_id if holder is not None else None
    # A run that has ended meanwhile wrote its end before it released the lock, so a second look
    # tells it from one that died.
    still = {run.run_id for run in await context.records.unfinished()}
    return [run for run in unfinished if run.run_id in still and run.run_id != busy]


async def _look(past: PastRun, context: RunContext) -> Aftermath:
    """Reads the registries with a write of unknown outcome, and tells what the run had done."""
    from fleet_repl.runs.recovery import aftermath, still_open  # noqa: PLC0415 - few runs die

    listed = still_open(past) & frozenset(context.desired.registries)
    seen, _ = await observe(listed, context.observing(await context.memory.recall()))
    return aftermath(past, seen, context.desired.owner, context.desired.waves.names)


async def _conclude(past: PastRun, ended: Aftermath, context: RunContext) -> None:
    await revise_fingerprints(
        context.store,
        context.inventory.name,
        lambda fingerprints: _fingerprinted(fingerprints, past.meta, ended),
    )
    await context.records.finish(ended.report)


def _fingerprinted(fingerprints: Fingerprints, meta: RunMeta, ended: Aftermath) -> Fingerprints:
    return fingerprinted(
        fingerprints,
        ended.report.registries,
        run_id=meta.run_id,
        at=meta.started_at,
        inventory_digest=meta.inventory.digest,
    )
