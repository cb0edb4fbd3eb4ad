"""The run's side of reading in shards: hands shards to an executor, and takes the answers."""

from __future__ import annotations

import asyncio
import os
import pickle
from collections.abc import Awaitable, Callable, Mapping, Sequence, Sized
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

import anyio

from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.shards import Shard
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.fleet.local_workers import LocalWorkers
from fleet_repl.fleet.shard_task import (
    ShardAnswer,
    ShardTask,
    WorkerRefusal,
    WorkerSetup,
    spelled_ids,
    worker_setup,
)
from fleet_repl.fleet.shard_worker import run_shard
from fleet_repl.inventory import Account, Inventory, holds_reference
from fleet_repl.values.errors import Fault, FaultKind, FleetError, RefusedError
from fleet_repl.values.names import AccountId

if TYPE_CHECKING:
    from fleet_repl.aws import AwsRegistries, Endpoint

A = TypeVar("A")
_Result: TypeAlias = ShardAnswer[A] | WorkerRefusal

GRACE: Final = 60.0
"""Seconds that a worker may take to end after the deadline: longer than any attempt."""
STRIKES: Final = 3
"""Workers that may die over one shard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorReaders:
    """Workers behind an executor of the standard library's interface."""

    executor: Executor
    width: int
    """The number of shards that are read at a time."""
    setup: WorkerSetup
    accounts: Mapping[AccountId, Account]
    external_ids: Mapping[AccountId | None, str]
    """As the inventory spells them."""
    registries: AwsRegistries
    """The registries of the run itself, which count what workers have read as read."""
    _limiter: anyio.CapacityLimiter = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_limiter", anyio.CapacityLimiter(self.width))

    async def read(
        self,
        shards: Sequence[Shard[A]],
        take: Callable[[Shard[A], A | Fault], Awaitable[object]],
        stop: Stop,
        on_event: EventSink,
    ) -> None:
        """Have every shard read, and `take` each answer as it comes; a fault for a shard whose
        workers died. Other shards are read meanwhile. After `stop` no shard is started.

        Raises RefusedError where a worker cannot read anything.
        """
        refusals: list[str] = []

        async def read(shard: Shard[A]) -> None:
            async with self._limiter:
                if refusals or stop.requested:
                    return
                result = await self._result(self._task(shard, stop))
            match result:
                case WorkerRefusal(because=because):
                    refusals.append(because)
                case Fault():
                    await take(shard, result)
                case ShardAnswer(answer=answer, events=events, reads=reads):
                    self.registries.calls.credit(reads, shard.registries)
                    for event in events:
                        on_event(event)
                    await take(shard, answer)

        await work_through(shards, read, concurrency=2 * self.width, stop=stop)
        if refusals:
            raise RefusedError(refusals[0])

    def _task(self, shard: Shard[A], stop: Stop) -> ShardTask[A]:
        ids = sorted({registry.account for registry in shard.registries})
        return ShardTask(
            setup=self.setup,
            shard=shard,
            accounts=tuple(replace(self.accounts[account], external_id=None) for account in ids),
            external_ids={
                account: self.external_ids[account]
                for account in ids
                if account in self.external_ids
            },
            seconds=stop.remaining,
        )

    async def _result(self, task: ShardTask[A]) -> _Result[A] | Fault:
        """Returns a worker's answer about a shard. A shard whose worker died is given to the
        next."""
        pickled = pickle.dumps(task)
        for _ in range(STRIKES):
            try:
                call: Future[_Result[A]] = self.executor.submit(
                    run_shard, task.setup.version, pickled
                )
            except BrokenExecutor:
                return _lost("a worker has died, and the executor starts no other")
            except Exception as error:  # noqa: BLE001 - executors raise what they like
                return _lost(f"the executor takes no shard: {type(error).__name__}")
            try:
                # A worker ends by itself at the deadline, unless it hangs.
                return await _ended(call, max(0.0, task.seconds) + GRACE)
            except BrokenExecutor:
                continue
        return _lost(f"{STRIKES} workers died, one after the other, while they read its shard")


async def _ended(call: Future[_Result[A]], seconds: float) -> _Result[A] | Fault:
    """Returns the result of a call once it has ended, or why there is none. Raises
    BrokenExecutor."""
    future = asyncio.wrap_future(call)
    try:
        await asyncio.wait([future], timeout=seconds)
        if not future.done():
            return _lost("its worker did not end at the run's deadline")
    finally:
        future.cancel()
    # Awaited, the cancelled future of a lost scheduler would pass for an interruption.
    if future.cancelled():
        return _lost("the executor has given up its shard")
    error = future.exception()
    if isinstance(error, BrokenExecutor):
        raise error
    answer = error or future.result()
    if isinstance(answer, ShardAnswer | WorkerRefusal):
        return answer
    return _lost(f"the workers gave no answer: {type(answer).__name__}")


def shard_readers(
    executor: Executor,
    workers: int | None,
    inventory: Inventory,
    registries: AwsRegistries,
    run_id: str,
    *,
    endpoint: Endpoint | None,
) -> ExecutorReaders:
    """The workers of a run behind `executor`, any executor with the interface of the standard
    library's: `workers` of them read at a time, by default as many as it is known to have, or as
    this machine has processors.

    A shard goes there pickled, without any secret: workers find their base identity and external
    ids where they run. Raises FleetError for an external id that stands in the inventory itself.
    """
    external_ids = spelled_ids(inventory)
    local = isinstance(executor, LocalWorkers)
    # Each local worker is given one call at a time.
    if isinstance(executor, Sized) and (workers is None or local):
        workers = len(executor)
    if not local and not all(map(holds_reference, external_ids.values())):
        raise FleetError(
            "an external id in the inventory is not sent to workers elsewhere\n"
            '    write it as "${NAME}", and set NAME where the workers run'
        )
    width = workers or os.cpu_count() or 1
    return ExecutorReaders(
        executor=executor,
        width=width,
        setup=worker_setup(inventory, run_id, endpoint, width),
        accounts={account.id: account for account in inventory.accounts},
        external_ids=external_ids,
        registries=registries,
    )


def _lost(because: str) -> Fault:
    return Fault(
        kind=FaultKind.INTERNAL,
        operation="DescribeRegistry",
        message=because,
        hint="see the log of the workers, which may lack memory or fleet-repl itself; without "
        "--workers and --cluster this process reads by itself",
    )
