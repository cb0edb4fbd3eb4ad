"""Executors that hang, break, give up, or run another version: an account is unreadable or the run
is refused, and says why."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

import pytest
from tests.fleet.test_accounts_that_join import FLEET as ORGANIZATION, HOUR, at, organization
from tests.fleet.test_workers import ACCOUNTS, alike, fleet, plan_of
from tests.support.inventories import fleet_text
from tests.support.simulated import ENVIRONMENT, Simulated, simulate

from fleet_repl import Event, RefusedError, Status
from fleet_repl.fleet import shard_worker
from fleet_repl.fleet.local_workers import LocalWorkers, local_workers
from fleet_repl.fleet.shard_task import WorkerRefusal
from fleet_repl.fleet.shard_worker import run_shard
from fleet_repl.runs.events import RegistryRead

P = ParamSpec("P")
T = TypeVar("T")
PATIENCE: Final = 60.0


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


class _Scripted(Executor):
    """An executor without workers, which answers as a test says."""

    def __init__(self, answer: Callable[[Future[Any]], object]) -> None:
        self._answer = answer

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        self._answer(future)
        return future


def is_broken(future: Future[Any]) -> None:
    raise BrokenExecutor


def says_nothing(future: Future[Any]) -> None:
    future.set_result(None)


def is_shut_down(future: Future[Any]) -> None:
    raise RuntimeError("cannot schedule new futures after shutdown")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Future.cancel, "the executor has given up its shard"),
        (is_broken, "a worker has died, and the executor starts no other"),
        (is_shut_down, "the executor takes no shard: RuntimeError"),
        (says_nothing, "the workers gave no answer: NoneType"),
    ],
)
async def test_an_executor_that_reads_nothing(
    answer: Callable[[Future[Any]], object], message: str
) -> None:
    """Every registry is unreadable with what has happened, and no deadline is blamed."""
    async with fleet() as simulated:
        plan = await plan_of(simulated, executor=_Scripted(answer), workers=2)
    messages = [registry.error.message for registry in plan.registries if registry.error]
    assert messages == [message] * ACCOUNTS


@pytest.mark.parametrize("verb", ["plan", "verify", "doctor", "import_inventory"])
async def test_another_version(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read: workers of another version are refused by name, in one sentence."""
    monkeypatch.setattr("fleet_repl.fleet.shard_worker.__version__", "0.0.1")
    async with fleet() as simulated:
        with ThreadPoolExecutor(2) as executor, pytest.raises(RefusedError, match=r"0\.0\.1"):
            async with simulated.connected(purpose=None, executor=executor) as connected:
                await getattr(connected, verb)()


def test_what_another_version_has_sent() -> None:
    """A worker does not even look at it: its classes may be others, or not there."""
    assert isinstance(run_shard("0.0.1", b"of another version"), WorkerRefusal)


async def test_a_forked_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens AWS for itself, and leaves alone what it has inherited: the event loop of that runs
    in another process, so that closing it would wait for ever."""
    async with fleet() as simulated:
        with ThreadPoolExecutor(2) as executor:
            await plan_of(simulated, executor=executor, workers=2)
            (inherited,) = shard_worker._connections.values()
            with monkeypatch.context() as patch:
                patch.setattr("os.getpid", lambda: 1)
                await plan_of(simulated, executor=executor, workers=2)
                own = list(shard_worker._connections.values())
                shard_worker._close_unused()
    assert inherited in own
    assert len(own) == 2
    assert [*shard_worker._connections.values()] == [inherited]


def test_a_process_that_hangs() -> None:
    """It takes no call with it, holds nobody up, and ends with the others. A stopped process, like
    one that waits for a dead disk, reacts to no signal but the last."""
    workers = LocalWorkers(1)
    pids, hanging = [], []
    for _ in range(2):
        pids.append(workers.submit(os.getpid).result(PATIENCE))
        os.kill(pids[-1], signal.SIGSTOP)
        hanging.append(workers.submit(os.getpid))
    workers.shutdown(cancel_futures=True)
    assert pids[0] != pids[1]
    assert all(call.done() for call in hanging)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_processes_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with any executor, every registry is unreadable and says so."""

    def no_process(*_: object) -> Future[None]:
        raise BlockingIOError

    monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor.submit", no_process)
    async with fleet() as simulated, local_workers(2) as workers:
        plan = await plan_of(simulated, executor=workers)
    messages = {registry.error.message for registry in plan.registries if registry.error}
    assert messages == {"the executor takes no shard: BlockingIOError"}


async def test_excuses_of_accounts_that_join() -> None:
    """Events are the same with workers, also where the role of an account cannot be assumed yet."""
    excuses: list[list[str | None]] = []
    async with simulate(ORGANIZATION, organization(role_after=90 * HOUR)) as simulated:
        await at(simulated, 0)
        await at(simulated, 2)
        with ThreadPoolExecutor(2) as executor:
            for how in ({}, {"executor": executor, "workers": 2}):
                events: list[Event] = []
                async with simulated.connected(events.append, purpose=None, **how) as connected:
                    await connected.plan()
                reads = [event for event in events if isinstance(event, RegistryRead)]
                excuses.append(
                    [read.excuse for read in sorted(reads, key=lambda read: read.registry)]
                )
    assert excuses[0] == excuses[1]
    assert [excuse is None for excuse in excuses[0]] == [True, False, True]


class _Refused(Executor):
    """An executor whose workers may not assume the role of account 2, which the run may."""

    def __init__(self, aws: Simulated) -> None:
        self._aws = aws
        self._threads = ThreadPoolExecutor(1)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        def call() -> T:
            self._aws.deny(2)
            try:
                return fn(*args, **kwargs)
            finally:
                self._aws.relent()

        return self._threads.submit(call)


async def test_an_account_is_gone_only_if_the_run_is_refused_itself() -> None:
    """A worker of another base identity is refused a retired account's role: its rules are still
    there, so its grants stay until the run has withdrawn them."""
    retired = 'id = "000000000002"\nstate = "retired"\n'
    async with simulate(fleet_text("1,2>3", accounts=3)) as aws:
        await aws.applied()
        aws.rewrite(fleet_text("1>3", accounts=3).replace('id = "000000000002"\n', retired))
        plans = []
        for how in ({}, {"executor": _Refused(aws), "workers": 1}):
            events: list[Event] = []
            async with aws.connected(events.append, **how) as connected:
                plans.append(alike(await connected.plan()))
            reads = [event.registry for event in events if isinstance(event, RegistryRead)]
            assert sorted(reads) == [*map(aws.at, (1, 2, 3))]
        assert plans[0] == plans[1]
        async with aws.connected(executor=_Refused(aws), workers=1) as connected:
            with aws.watched() as ungranted:
                report = await connected.apply(await connected.plan())
        assert report.status is Status.OK
        assert not any(ungranted)
        assert aws.links(2) == set()
