"""Runs that are removed while the lock is held: each is there as a whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.state.runs.conftest import NOON, MemoryStore
from tests.state.runs.test_runs_are_indexed import lock_of, run_of
from tests.support.clock import VirtualClock

from fleet_repl.planning.plan import Plan
from fleet_repl.runs.history import RunMeta
from fleet_repl.runs.outcomes import Report
from fleet_repl.state import RunRecords, refresh_index, remove_runs
from fleet_repl.state.run_index import parse_index
from fleet_repl.values.errors import HaltedError, StateError

LATER = NOON + timedelta(days=1)


class BreakingStore(MemoryStore):
    """Breaks at a removal, after `left` of them."""

    left = 1_000

    async def remove(self, name: str) -> None:
        if not self.left:
            raise StateError("the fleet's state cannot be written: gone")
        self.left -= 1
        await super().remove(name)


async def filled(
    store: MemoryStore, clock: VirtualClock, meta: RunMeta, plan: Plan, report: Report
) -> list[str]:
    """Five runs that have ended, the oldest first."""
    records = RunRecords(store, "prod")
    ids = []
    async with lock_of(store, meta.holder, clock) as lease:
        await refresh_index(store, "prod", lease)
        for number in range(5):
            run = run_of(meta, number)
            await records.begin(run, plan)
            async with records.journal(run.run_id):
                pass
            await records.finish(replace(report, run_id=run.run_id))
            ids.append(run.run_id)
    return ids


async def remove(store: MemoryStore, clock: VirtualClock, meta: RunMeta, ids: list[str]) -> None:
    async with lock_of(store, run_of(meta, 99).holder, clock) as lease:
        await refresh_index(store, "prod", lease)
        await remove_runs(store, "prod", ids, lease, ended_before=LATER)


async def test_they_are_gone_from_the_store_and_the_index(
    store: MemoryStore, clock: VirtualClock, meta: RunMeta, plan: Plan, report: Report
) -> None:
    """And the others are as they were."""
    ids = await filled(store, clock, meta, plan, report)
    others = {name: text for name, text in store.documents.items() if ids[4] in name}
    await remove(store, clock, meta, ids[:4])
    assert {name: text for name, text in store.documents.items() if "/runs/" in name} == others
    index = parse_index(store.documents["prod/runs.json"])
    assert index is not None
    assert index.over == {ids[4]}
    assert not index.open


@pytest.mark.parametrize("left", range(13))
async def test_a_crash_leaves_whole_runs(
    left: int, clock: VirtualClock, meta: RunMeta, plan: Plan, report: Report
) -> None:
    """Wherever it comes: what is listed can be read, nothing is open, and the next time removes
    what is left of the others."""
    store = BreakingStore()
    ids = await filled(store, clock, meta, plan, report)
    store.left = left
    with pytest.raises(StateError):
        await remove(store, clock, meta, ids[:3])
    store.left = 1_000
    records = RunRecords(store, "prod")
    for run in await records.summaries():
        assert await records.load(run.meta.run_id) is not None  # type: ignore[union-attr]
    assert await records.unfinished() == ()
    await remove(store, clock, meta, ids[:3])
    assert {name.split("/")[2] for name in store.documents if "/runs/" in name} == {*ids[3:]}


async def test_a_run_that_is_being_recorded_is_no_remains(
    store: MemoryStore, clock: VirtualClock, meta: RunMeta, plan: Plan, report: Report
) -> None:
    """Documents of a run that is newer than what may be removed stay."""
    await filled(store, clock, meta, plan, report)
    new = run_of(meta, 72).run_id
    old = run_of(meta, 7).run_id
    for run_id in (new, old, "notes"):
        await store.replace(f"prod/runs/{run_id}/plan.json", b"{}")
    await remove(store, clock, meta, [])
    assert f"prod/runs/{new}/plan.json" in store.documents
    assert "prod/runs/notes/plan.json" in store.documents
    assert f"prod/runs/{old}/plan.json" not in store.documents


async def test_without_the_lock_nothing_more_is_removed(
    store: MemoryStore, clock: VirtualClock, meta: RunMeta, plan: Plan, report: Report
) -> None:
    """Another run may have begun to read them."""
    ids = await filled(store, clock, meta, plan, report)
    records = RunRecords(store, "prod")
    async with lock_of(store, run_of(meta, 99).holder, clock) as lease:
        clock.seconds += 120
        async with lock_of(store, run_of(meta, 100).holder, clock):
            with pytest.raises(HaltedError):
                await remove_runs(store, "prod", ids, lease, ended_before=LATER)
    assert len(await records.summaries()) == 5
