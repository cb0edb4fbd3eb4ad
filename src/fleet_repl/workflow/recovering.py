"""Runs that ended without a report: what they had done, by their journal and by looking."""

from __future__ import annotations

from fleet_repl.drifting import traced
from fleet_repl.engine import observe
from fleet_repl.plan import Warning
from fleet_repl.recovery import Aftermath, aftermath, still_open
from fleet_repl.runs import PastRun, RunMeta
from fleet_repl.store import current_holder, gone, revise_traces
from fleet_repl.workflow.means import Means


async def recover(means: Means) -> tuple[Warning, ...]:
    """Say of every run that died what it had done; while the lock is held, put that on record.

    What such a run announced counts as the fleet's own until a plan has looked at it, so nothing
    else needs mending. Raises StateError.
    """
    found = []
    for meta in await _died(means):
        past = await means.records.load(meta.run_id)
        if past is None:
            continue
        ended = await _look(past, means)
        found.append(Warning(kind="unfinished-run", message=ended.message))
        if means.access.lease is not None:
            await _conclude(past, ended, means)
    return tuple(found)


async def _died(means: Means) -> list[RunMeta]:
    """Runs without a report that no process is at work on."""
    unfinished = await means.records.unfinished()
    if not unfinished:
        return []
    busy = {means.run_id}
    if means.access.lease is None:
        holder = await current_holder(means.store, means.inventory.name, gone=gone)
        if holder is not None:
            busy.add(holder.run_id)
    return [meta for meta in unfinished if meta.run_id not in busy]


async def _look(past: PastRun, means: Means) -> Aftermath:
    """Ask only the registries of which the journal leaves something open."""
    listed = still_open(past) & frozenset(means.desired.registries)
    seen, _ = await observe(listed, means.observing(await means.memory.recall()))
    return aftermath(past, seen, means.desired.owner)


async def _conclude(past: PastRun, ended: Aftermath, means: Means) -> None:
    await revise_traces(
        means.store,
        means.inventory.name,
        lambda traces: traced(
            traces,
            ended.report.registries,
            run_id=past.meta.run_id,
            at=past.meta.started_at,
            inventory_digest=past.meta.inventory.digest,
        ),
    )
    await means.records.finish(ended.report)
