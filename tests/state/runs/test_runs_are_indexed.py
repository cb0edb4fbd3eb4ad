"""The index of the runs: it spares plans the list of all runs, and never hides a run."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.state.places.conftest import MemoryObjects
from tests.state.runs.conftest import NOON, MemoryStore
from tests.support.clock import VirtualClock

from fleet_repl.engine.stores import Store, Stored
from fleet_repl.planning.plan import Plan
from fleet_repl.runs.history import Holder, RunMeta
from fleet_repl.runs.outcomes import Report
from fleet_repl.state import (
    BucketStore,
    Lease,
    Lock,
    RunRecords,
    known_runs,
    refresh_index,
    run_index,
    runs as run_records,
)
from fleet_repl.values.errors import StateError

PAGE = 1_000
"""Keys in an answer of S3 to a list."""
INDEX = "prod/runs.json"


@dataclass
class CountedObjects(MemoryObjects):
    """Counts the calls that S3 would answer."""

    calls: int = 0

    async def get(self, key: str) -> Stored | None:
        self.calls += 1
        return await super().get(key)

    async def keys(self, prefix: str) -> tuple[str, ...]:
        keys = await super().keys(prefix)
        self.calls += 1 + len(keys) // PAGE
        return keys


@asynccontextmanager
async def lock_of(store: Store, holder: Holder, clock: VirtualClock) -> AsyncIterator[Lease]:
    """The fleet's lock, taken a second after whatever was before, from a holder who is dead."""
    await clock.sleep(1)
    lock = Lock(store, "prod", holder, clock, gone=lambda _: True, beat=lambda _: anyio.sleep(60))
    async with lock.held() as lease:
        yield lease


def run_of(meta: RunMeta, number: int) -> RunMeta:
    """The `number`th run of an hour each."""
    at = NOON + timedelta(hours=number)
    run_id = f"{at:%Y%m%dT%H%M%SZ}-{number:06x}"
    holder = replace(meta.holder, run_id=run_id)
    return replace(meta, run_id=run_id, holder=holder, started_at=at, rolls_back=None)


@pytest.mark.parametrize("number", [10, 10_000])
async def test_a_plan_makes_as_many_calls_whatever_is_remembered(
    number: int, clock: VirtualClock, meta: RunMeta, plan: Plan, report: Report
) -> None:
    """Once a run has written the index: the lock and the index, each time that a plan looks."""
    objects = CountedObjects(clock)
    records = RunRecords(BucketStore(objects), "prod")
    await records.begin(run_of(meta, 0), plan)
    await records.finish(replace(report, run_id=run_of(meta, 0).run_id))
    first = {key: entry for key, entry in objects.objects.items() if "/runs/" in key}
    for nth in range(1, number):
        for key, entry in first.items():
            objects.objects[key.replace(run_of(meta, 0).run_id, run_of(meta, nth).run_id)] = entry
    before = await records.over(), await records.unfinished()
    assert len(before[0]) == number
    async with lock_of(BucketStore(objects), meta.holder, clock) as lease:
        await refresh_index(BucketStore(objects), "prod", lease)
    objects.calls = 0
    assert (await records.over(), await records.unfinished()) == before
    assert objects.calls == 4
    async with lock_of(BucketStore(objects), run_of(meta, -1).holder, clock) as lease:
        objects.calls = 0
        await refresh_index(BucketStore(objects), "prod", lease)
        assert objects.calls == 2
        assert await records.summaries(but=before[0]) == ()


class Cut(Exception):  # noqa: N818 - the end of a process
    """A process is killed."""


class KilledStore(MemoryStore):
    """A store in memory whose process is killed before a write, after `left` of them."""

    def __init__(self, documents: dict[str, bytes], left: float = math.inf) -> None:
        super().__init__()
        self.documents = documents
        self.left = left

    def _written(self) -> None:
        if self.left <= 0:
            raise Cut
        self.left -= 1

    async def replace(self, name: str, content: bytes) -> None:
        self._written()
        await super().replace(name, content)

    async def find(self, name: str) -> Stored | None:
        content = self.documents.get(name)
        return None if content is None else Stored(content=content, version=repr(content), age=100)

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        self._written()
        there = self.documents.get(name)
        if (None if there is None else repr(there)) != expected:
            return None
        self.documents[name] = content
        return repr(content)


@contextmanager
def without_index(*, old: bool) -> Iterator[None]:
    """For an old version: nobody writes an index."""

    async def nothing(*_: object) -> None:
        """Writes nothing."""

    with pytest.MonkeyPatch.context() as patch:
        if old:
            patch.setattr(run_records, "revise_index", nothing)
            patch.setattr(known_runs, "renew_index", nothing)
        yield


RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "old": st.booleans(),
            "ends": st.booleans(),
            "takes_up": st.booleans(),
            "killed": st.one_of(st.none(), st.integers(0, 12)),
        }
    ),
    max_size=6,
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(history=RUNS)
def test_no_run_is_hidden_whoever_was_killed_when(
    history: list[dict[str, Any]], meta: RunMeta, plan: Plan, report: Report
) -> None:
    """Versions with and without an index write beside each other, and processes are killed before
    any write: whoever looks then finds just what a list of everything shows."""
    anyio.run(play, history, meta, plan, report)


async def play(history: list[dict[str, Any]], meta: RunMeta, plan: Plan, report: Report) -> None:
    """Make these runs, and look after each of them."""
    documents: dict[str, bytes] = {}
    clock = VirtualClock()
    for number, step in enumerate(history):
        run = run_of(meta, number)
        killed = math.inf if step["killed"] is None else step["killed"]
        store = KilledStore(documents, killed)
        records = RunRecords(store, "prod")
        with without_index(old=step["old"]):
            try:
                async with lock_of(store, run.holder, clock) as lease:
                    if not step["old"]:
                        await refresh_index(store, "prod", lease)
                    if step["takes_up"]:
                        # What a run does about dead ones before it plans.
                        for dead in await records.unfinished():
                            await records.finish(replace(report, run_id=dead.run_id))
                    await records.begin(run, plan)
                    if not step["ends"]:
                        store.left = 0
                    await records.finish(replace(report, run_id=run.run_id))
            except (Cut, BaseExceptionGroup):
                pass
        await look(documents)


async def look(documents: dict[str, bytes]) -> None:
    """Compare what a plan finds with what a list of everything shows."""
    looking = RunRecords(KilledStore(dict(documents)), "prod")
    kept = {name: content for name, content in documents.items() if name != INDEX}
    listing = RunRecords(KilledStore(kept), "prod")
    assert await looking.unfinished() == await listing.unfinished()
    assert await looking.over() >= await listing.over()
    assert await looking.summaries() == await listing.summaries()


async def test_an_index_that_cannot_be_read_is_done_without(
    store: MemoryStore, clock: VirtualClock, meta: RunMeta, plan: Plan
) -> None:
    """All runs are listed then, and the next one that takes the lock writes the index anew."""
    records = RunRecords(store, "prod")
    await records.begin(meta, plan)
    store.documents[INDEX] = b"{"
    assert await records.unfinished() == (meta,)
    async with lock_of(store, meta.holder, clock) as lease:
        await refresh_index(store, "prod", lease)
        assert await records.unfinished() == (meta,)
    index = run_index.parse_index(store.documents[INDEX])
    assert index is not None
    assert not index.over
    assert index.open == {meta.run_id}


async def test_folders_that_were_removed_are_no_runs(
    store: MemoryStore, clock: VirtualClock, meta: RunMeta, plan: Plan
) -> None:
    """People may remove them, and the index is not told."""
    records = RunRecords(store, "prod")
    async with lock_of(store, meta.holder, clock) as lease:
        await refresh_index(store, "prod", lease)
        await records.begin(meta, plan)
    for name in [name for name in store.documents if "/runs/" in name]:
        del store.documents[name]
    assert await records.unfinished() == ()
    assert await records.summaries() == ()


async def test_a_run_that_cannot_be_entered_does_not_begin(
    store: MemoryStore, clock: VirtualClock, meta: RunMeta, plan: Plan
) -> None:
    """It would be one that no plan sees."""
    records = RunRecords(store, "prod")
    async with lock_of(store, meta.holder, clock) as lease:
        await refresh_index(store, "prod", lease)
        store.meddle = lambda: setattr(store, "versions", store.versions + 1)
        with pytest.raises(StateError, match="changed all the time"):
            await records.begin(meta, plan)
        store.meddle = None
    assert not any(name.endswith("run.json") for name in store.documents)
