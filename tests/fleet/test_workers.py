"""Fleets that other processes read: the same plans and reports as with one process, whatever
happens to the workers."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import re
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar, cast

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import ENVIRONMENT, Simulated, simulate

from fleet_repl import (
    CoverageReport,
    DeliveryReport,
    DoctorReport,
    Event,
    Fault,
    FaultKind,
    FleetError,
    Plan,
    Purpose,
    RefusedError,
    Report,
    Status,
    to_json,
)
from fleet_repl.fleet.local_workers import LocalWorkers, local_workers
from fleet_repl.fleet.shard_task import ShardTask, worker_setup
from fleet_repl.runs.events import RegistryRead
from fleet_repl.sandbox import AccountScenario, Scenario

P = ParamSpec("P")
T = TypeVar("T")
ACCOUNTS: Final = 40
LINKS: Final = ("1>2,3,4 base/", "5,6>7", "2>40 shop/")
FLEET: Final = fleet_text(*LINKS, accounts=ACCOUNTS).replace(
    'role = "replication"', 'role = "replication"\nexternal_id = "${EXTERNAL_ID}"'
)
UNIQUE: Final = re.compile(
    r'"(created_at|digest|run_id|started_at|finished_at|seconds|request_id|measured|path|'
    r'clock_ahead_seconds|duration_ms)": [^,\n]*(?:,\n *)?|'
    r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{64}|[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}|[^ ]*/(?=fleet\.toml)"
)
"""Times, ids of runs and requests, the folder of the inventory, and what is computed from them."""
STATE_OF_A_PROCESS: Final = (
    "__import__('os').getpid(), __import__('gc').get_threshold()[0], "
    "__import__('gc').get_freeze_count() > 10_000, 'fleet_repl.aws' in __import__('sys').modules"
)
"""Its id, when it looks for garbage and whether among its modules, and whether it has loaded the
SDK. As a text, which loads nothing where it is sent."""
ATTEMPTS: Final = re.compile(r'"attempts": [0-9]+')


def alike(result: Plan | DeliveryReport | DoctorReport | CoverageReport | Report) -> str:
    """A document without what is different in every run."""
    return UNIQUE.sub("", to_json(result))


@pytest.fixture(autouse=True, scope="module")
def _environment() -> Iterator[None]:
    """The variables of the tests, for workers as well."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def workers() -> Iterator[LocalWorkers]:
    """Two processes, which read for several runs one after the other."""
    local = LocalWorkers(2)
    yield local
    local.shutdown()


@asynccontextmanager
async def fleet(text: str = FLEET, **scenario: Any) -> AsyncIterator[Simulated]:
    """A sandbox where one account is refused and another one may read no policy."""
    peculiar = (
        AccountScenario(id=f"{9:012}", denied=True),
        AccountScenario(id=f"{7:012}", denied_actions=("ecr:GetRegistryPolicy",)),
    )
    async with simulate(text, Scenario(accounts=peculiar, **scenario)) as simulated:
        yield simulated


async def plan_of(simulated: Simulated, **how: Any) -> Plan:
    async with simulated.connected(purpose=None, **how) as connected:
        return await connected.plan()


class _Executor(Executor):
    """An executor that runs shards in threads, but for what a test does to them."""

    def __init__(self, meet: Callable[[ShardTask[Any]], None]) -> None:
        self._meet = meet
        self._threads = ThreadPoolExecutor(2)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        def call() -> T:
            _, pickled = args
            task = pickle.loads(cast(bytes, pickled))
            assert isinstance(task, ShardTask)
            self._meet(task)
            return fn(*args, **kwargs)

        return self._threads.submit(call)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._threads.shutdown(wait, cancel_futures=cancel_futures)


async def test_the_same_plan(workers: LocalWorkers) -> None:
    """Two processes plan what one plans: changes, faults, attempts. So do verify, doctor and
    coverage."""
    async with fleet() as simulated:
        simulated.world.push(simulated.at(1), "base/go", "1")
        documents = []
        for executor in (None, workers):
            async with simulated.connected(purpose=None, executor=executor) as connected:
                results = await connected.plan(), await connected.verify(), await connected.doctor()
                coverage = await connected.coverage(images=True)
                imported = await connected.import_inventory()
            documents.append(
                ([alike(result) for result in (*results, coverage)], UNIQUE.sub("", imported.text))
            )
        assert documents[0] == documents[1]


async def test_the_same_report(workers: LocalWorkers) -> None:
    """What workers have read, this process writes; nothing is left to do after that."""
    reports, contents = [], []
    for executor in (None, workers):
        async with fleet() as simulated:
            async with simulated.connected(executor=executor) as connected:
                report = await connected.apply(await connected.plan())
            # The process that writes assumes the roles that the workers have assumed, too.
            reports.append(ATTEMPTS.sub("", alike(report)))
            contents.append(simulated.spelled())
            again = await plan_of(simulated, executor=executor)
            assert alike(again) == alike(await plan_of(simulated))
    assert reports[0] == reports[1]
    assert contents[0] == contents[1]


async def test_the_same_explanation(workers: LocalWorkers) -> None:
    """Rules that two processes have read explain the same as those that one has read, of every
    source and of one, a refused account among them."""
    async with fleet() as simulated:
        async with simulated.connected() as connected:
            await connected.apply(await connected.plan())
        explanations = []
        for executor in (None, workers):
            async with simulated.connected(purpose=None, executor=executor) as connected:
                whole = await connected.explain("base/go")
                some = await connected.explain("base/go", source=f"{1:012}/eu-west-1")
                refused = await connected.explain("base/go", source=f"{9:012}/eu-west-1")
            results = [UNIQUE.sub("", to_json(result)) for result in (whole, some, refused)]
            explanations.append(results)
            assert [link.destination for link in some.carried] == [*map(simulated.at, (2, 3, 4))]
            assert refused.unreadable.keys() == {simulated.at(9)}
    assert explanations[0] == explanations[1]


async def test_the_same_rollback(workers: LocalWorkers) -> None:
    """What workers have read of a run's registries is put back as if one process had read it."""
    plans, contents = [], []
    for executor in (None, workers):
        async with fleet() as simulated:
            async with simulated.connected() as connected:
                report = await connected.apply(await connected.plan())
            how: dict[str, Any] = {"purpose": Purpose.ROLLBACK, "executor": executor}
            async with simulated.connected(**how) as connected:
                plan = await connected.plan_rollback(report.run_id)
                assert (await connected.apply(plan)).status is Status.OK
            plans.append(alike(plan))
            contents.append(simulated.spelled())
    assert plans[0] == plans[1]
    assert contents[0] == contents[1]


def test_workers_start_before_their_first_shard() -> None:
    """They load what reads meanwhile, and look for garbage as seldom as the process of the run."""
    others = {*multiprocessing.active_children()}
    workers = LocalWorkers(1)
    (started,) = {*multiprocessing.active_children()} - others
    try:
        first_call = workers.submit(eval, STATE_OF_A_PROCESS).result(60)
    finally:
        workers.shutdown(cancel_futures=True)
    assert first_call == (started.pid, 50_000, True, True)


async def test_workers_may_not_write(workers: LocalWorkers) -> None:
    """Sessions of workers are narrowed to reads, in a run that writes as well."""
    async with fleet() as simulated:
        async with simulated.connected(executor=workers) as connected:
            await connected.plan()
        keys = simulated.world.keyring._keys.values()
        sessions = [key.identity for key in keys if key.token is not None]
        assert len(sessions) == ACCOUNTS - 1
        for identity in sessions:
            assert identity.may("ecr:DescribeRegistry", "*")
            assert not identity.may("ecr:PutReplicationConfiguration", "*")


async def test_a_worker_that_is_killed() -> None:
    """A process that is killed while it reads loses nothing: its shard is read again."""
    async with fleet(latency_ms=(5, 10)) as simulated:
        undisturbed = await plan_of(simulated)
        killed: list[int] = []

        def kill(event: Event) -> None:
            if isinstance(event, RegistryRead) and not killed:
                victim = min(child.pid or 0 for child in multiprocessing.active_children())
                killed.append(victim)
                os.kill(victim, signal.SIGKILL)

        async with local_workers(2) as workers:
            disturbed = await plan_of(simulated, executor=workers, on_event=kill)
        assert killed
        # A shard that is read again is called again.
        assert ATTEMPTS.sub("", alike(disturbed)) == ATTEMPTS.sub("", alike(undisturbed))


async def test_a_shard_that_kills_workers() -> None:
    """After three workers its registries are unreadable, and all others are read."""
    deaths = 0

    def meet(task: ShardTask[Any]) -> None:
        nonlocal deaths
        if any(registry.account == f"{3:012}" for registry in task.shard.registries):
            deaths += 1
            raise BrokenExecutor

    async with fleet() as simulated:
        with _Executor(meet) as executor:
            plan = await plan_of(simulated, executor=executor, workers=2)
    lost = [
        registry for registry in plan.registries if registry.error and "died" in str(registry.error)
    ]
    assert deaths == 3
    assert simulated.at(3) in [registry.registry for registry in lost]
    assert len(lost) < ACCOUNTS / 2
    assert lost[0].error == Fault(
        kind=FaultKind.INTERNAL,
        operation="DescribeRegistry",
        message="3 workers died, one after the other, while they read its shard",
        hint="see the log of the workers, which may lack memory or fleet-repl itself; without "
        "--workers and --cluster this process reads by itself",
    )


async def test_an_answer_that_nobody_expects() -> None:
    """Whatever an executor raises is the failure of that shard, not the end of the run."""

    def meet(task: ShardTask[Any]) -> None:
        raise KeyError("secret-token")

    async with fleet() as simulated:
        with _Executor(meet) as executor:
            plan = await plan_of(simulated, executor=executor, workers=2)
    assert {registry.error.message for registry in plan.registries if registry.error} == {
        "the workers gave no answer: KeyError"
    }
    assert all(registry.error for registry in plan.registries)


async def test_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers of another version read nothing, and the run is refused with both named."""
    monkeypatch.setattr("fleet_repl.fleet.shard_worker.__version__", "0.0.1")
    monkeypatch.setattr("socket.gethostname", lambda: "node-7")
    async with fleet() as simulated:
        with _Executor(lambda _: None) as executor, pytest.raises(RefusedError) as raised:
            await plan_of(simulated, executor=executor, workers=2)
    version = worker_setup(simulated.inventory, "run", None, 1).version
    assert str(raised.value) == (
        f"the worker on node-7 has fleet-repl 0.0.1, and this is {version}\n"
        "    install the same version there"
    )


async def test_a_variable_that_workers_lack(monkeypatch: pytest.MonkeyPatch) -> None:
    """External ids are read where the workers run. Without the variable they read nothing."""
    monkeypatch.delenv("EXTERNAL_ID")
    monkeypatch.setattr("socket.gethostname", lambda: "node-7")
    async with fleet() as simulated:
        with _Executor(lambda _: None) as executor, pytest.raises(RefusedError) as raised:
            await plan_of(simulated, executor=executor, workers=2)
    assert str(raised.value) == (
        "the worker on node-7: the environment variable EXTERNAL_ID is not set, which an external "
        "id is read from\n    set EXTERNAL_ID where the workers run"
    )


async def test_no_secret_is_sent(workers: LocalWorkers) -> None:
    """What is sent names the variable of an external id, never its value. An external id in the
    inventory itself is not sent to workers elsewhere at all."""
    tasks: list[bytes] = []

    def meet(task: ShardTask[Any]) -> None:
        tasks.append(pickle.dumps(task))

    async with fleet() as simulated:
        with _Executor(meet) as executor:
            how: dict[str, Any] = {"purpose": None, "executor": executor, "workers": 2}
            async with simulated.connected(**how) as connected:
                explain = partial(connected.explain, "base/go")
                for read in (connected.plan, connected.verify, connected.doctor, explain):
                    sent = len(tasks)
                    await read()
                    assert len(tasks) > sent
            assert not any(ENVIRONMENT["EXTERNAL_ID"].encode() in task for task in tasks)
            simulated.rewrite(FLEET.replace("${EXTERNAL_ID}", ENVIRONMENT["EXTERNAL_ID"]))
            with pytest.raises(FleetError, match="an external id in the inventory is not sent"):
                await plan_of(simulated, executor=executor, workers=2)
        assert (await plan_of(simulated, executor=workers)).summary.changed


async def test_each_worker_gets_its_part() -> None:
    """Together they call no faster and no more at once than one process may."""
    async with fleet(FLEET + "[apply]\nconcurrency = 9\nsts_rate = 100\n") as simulated:
        apply = worker_setup(simulated.inventory, "run", None, 4).apply
    assert (apply.concurrency, apply.sts_rate) == (2, 25)
