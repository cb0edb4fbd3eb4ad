"""Fleets that a Dask cluster reads: real workers on loopback, and what is refused."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dask
import pytest
from distributed import Client
from distributed.security import Security
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


@contextmanager
def running(scheme: str, *flags: str) -> Iterator[Cluster]:
    """A scheduler and two workers of one thread each, as processes on loopback."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    host = f"{scheme}://127.0.0.1"
    address = f"{host}:{port}"
    scheduler = ["scheduler", "--host", host, "--port", str(port), "--no-dashboard", *flags]
    worker = ["worker", address, "--host", host, "--nthreads", "1", "--no-nanny", *flags]
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


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A cluster without TLS."""
    with running("tcp") as cluster:
        yield cluster


def certificates(folder: Path) -> dict[str, Path]:
    """The files of an authority of their own, by the names of Dask's flags."""
    made = Security.temporary()
    texts = {"ca-file": made.tls_ca_file, "cert": made.tls_client_cert, "key": made.tls_client_key}
    files = {name: folder / f"{name}.pem" for name in texts}
    folder.mkdir()
    for name, text in texts.items():
        files[name].write_text(text)
    return files


def configured(files: dict[str, Path]) -> dask.config.set:
    """Dask's configuration as docs/workers.md has it, for a block."""
    client = {"cert": str(files["cert"]), "key": str(files["key"])}
    return dask.config.set(
        {
            "distributed.comm.tls.ca-file": str(files["ca-file"]),
            "distributed.comm.tls.client": client,
        }
    )


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


async def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the cluster's certificates it reads; certificates of others, and none, are refused."""
    monkeypatch.setattr("fleet_repl.fleet.cluster._CONNECT_SECONDS", 2.0)
    own, foreign = certificates(tmp_path / "own"), certificates(tmp_path / "foreign")
    flags = [text for name, file in own.items() for text in (f"--tls-{name}", str(file))]
    with configured(own), running("tls", *flags) as cluster:
        async with fleet() as simulated:
            alone = await plan_of(simulated)
            async with connect_cluster(cluster.address) as executor:
                assert alike(await plan_of(simulated, executor=executor)) == alike(alone)
        unprotected = cluster.address.replace("tls:", "tcp:")
        for files, address in ((foreign, cluster.address), (own, unprotected)):
            with configured(files), pytest.raises(FleetError, match="does not answer"):
                async with connect_cluster(address):
                    pass


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
