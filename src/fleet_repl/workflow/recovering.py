"""Runs that ended without a report: what they had done, by their journal and by looking."""

from __future__ import annotations

from dataclasses import dataclass

from fleet_repl.drifting import traced
from fleet_repl.engine import observe
from fleet_repl.plan import Warning
from fleet_repl.recovery import Aftermath, aftermath, still_open
from fleet_repl.runs import PastRun, RunMeta, Traces
from fleet_repl.store import current_holder, gone, revise_traces
from fleet_repl.workflow.means import Means


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What runs that died had done."""

    found: tuple[tuple[RunMeta, Aftermath], ...]

    @property
    def warnings(self) -> tuple[Warning, ...]:
        """The same for people."""
        return tuple(
            Warning(kind="unfinished-run", message=ended.message) for _, ended in self.found
        )

    def added_to(self, traces: Traces) -> Traces:
        """The traces as these runs would have left them, had they lived to say so."""
        for meta, ended in self.found:
            traces = _traced(traces, meta, ended)
        return traces


async def recover(means: Means) -> tuple[Warning, ...]:
    """Say of every run that died what it had done; while the lock is held, put that on record.

    What such a run announced counts as the fleet's own until a plan has looked at it, so nothing
    else needs mending. Raises StateError.
    """
    return (await recovered(means)).warnings


async def recovered(means: Means) -> Recovered:
    """The same for a plan, which has to know a dead run's writes from those of strangers."""
    found = []
    for meta in await _died(means):
        past = await means.records.load(meta.run_id)
        if past is None:
            continue
        ended = await _look(past, means)
        found.append((meta, ended))
        if means.access.lease is not None:
            await _conclude(past, ended, means)
    return Recovered(found=tuple(found))


async def _died(means: Means) -> list[RunMeta]:
    """Runs without a report that no process is at work on."""
    unfinished = [one for one in await means.records.unfinished() if one.run_id != means.run_id]
    if not unfinished or means.access.lease is not None:
        return unfinished
    holder = await current_holder(means.store, means.inventory.name, gone=gone)
    busy = holder.run_id if holder is not None else None
    # One that has ended meanwhile had said so before it let go of the lock.
    still = {one.run_id for one in await means.records.unfinished()}
    return [one for one in unfinished if one.run_id in still and one.run_id != busy]


async def _look(past: PastRun, means: Means) -> Aftermath:
    """Ask only the registries of which the journal leaves something open."""
    listed = still_open(past) & frozenset(means.desired.registries)
    seen, _ = await observe(listed, means.observing(await means.memory.recall()))
    return aftermath(past, seen, means.desired.owner)


async def _conclude(past: PastRun, ended: Aftermath, means: Means) -> None:
    await revise_traces(
        means.store,
        means.inventory.name,
        lambda traces: _traced(traces, past.meta, ended),
    )
    await means.records.finish(ended.report)


def _traced(traces: Traces, meta: RunMeta, ended: Aftermath) -> Traces:
    return traced(
        traces,
        ended.report.registries,
        run_id=meta.run_id,
        at=meta.started_at,
        inventory_digest=meta.inventory.digest,
    )
