"""Fleets that a Dask cluster reads: real workers on loopback, and what is refused."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import pytest
from distributed import Client
from tests.fleet.test_workers import ATTEMPTS, alike, fleet, plan_of
from tests.support.simulated import ENVIRONMENT

from fleet_repl import Event, FleetError
from fleet_repl.fleet.cluster import connect_cluster
from fleet_repl.runs.events import RegistryRead

DASK: Final = (sys.executable, "-m", "dask")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A scheduler and its workers."""

    address: str
    workers: tuple[subprocess.Popen[bytes], ...]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A scheduler and two workers of one thread each, as processes on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = ["worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny"]
    environment = {**os.environ, **ENVIRONMENT}
    with ExitStack() as stack:
        processes = []
        for arguments in (scheduler, [*worker, "--no-dashboard"], [*worker, "--no-dashboard"]):
            process = subprocess.Popen(
                [*DASK, *arguments],
                env=environment,
                stderr=subprocess.DEVNULL,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            processes.append(process)
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        yield Cluster(address=address, workers=tuple(processes[1:]))


async def test_a_worker_of_a_cluster_that_is_killed(cluster: Cluster) -> None:
    """The plan is the one that a single process makes, although one of two workers is killed while
    it reads."""
    async with fleet(latency_ms=(5, 10)) as simulated:
        undisturbed = await plan_of(simulated)
        killed: list[int] = []

        def kill(event: Event) -> None:
            if isinstance(event, RegistryRead) and not killed:
                killed.append(cluster.workers[0].pid)
                os.kill(killed[0], signal.SIGKILL)

        async with connect_cluster(cluster.address) as executor:
            assert len(executor) == 2
            disturbed = await plan_of(simulated, executor=executor, on_event=kill)
        assert killed
        assert ATTEMPTS.sub("", alike(disturbed)) == ATTEMPTS.sub("", alike(undisturbed))


REFUSED: Final = {
    "scheduler:8786": (
        "'scheduler:8786' is no address of a Dask scheduler\n    write tls://HOST:PORT"
    ),
    "tcp://10.0.0.7:8786": (
        "tcp://10.0.0.7:8786 is not protected: anybody on the way could have its workers run "
        "anything\n    write tls://10.0.0.7:8786, with the certificates in Dask's configuration"
    ),
    "tls://127.0.0.1:1": (
        "Dask's configuration names no certificates for tls://\n"
        "    set distributed.comm.tls.ca-file and, under distributed.comm.tls.client, key and cert"
    ),
}


@pytest.mark.parametrize(("address", "message"), REFUSED.items())
async def test_addresses_that_are_refused(address: str, message: str) -> None:
    """An address says where a scheduler is, and is protected beyond this machine."""
    with pytest.raises(FleetError) as raised:
        async with connect_cluster(address):
            pass
    assert str(raised.value) == message


async def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask is an extra, whose name the error says."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(FleetError) as raised:
        async with connect_cluster("tcp://127.0.0.1:8786"):
            pass
    assert str(raised.value) == (
        "reading with a cluster needs Dask's distributed\n"
        "    install it with: pip install 'fleet-repl[cluster]'"
    )
