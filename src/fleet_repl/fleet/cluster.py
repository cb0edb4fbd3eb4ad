"""Workers of a Dask cluster that somebody else runs: an executor for an existing scheduler."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar
from urllib.parse import urlsplit

import anyio.to_thread

from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from distributed import Client

P = ParamSpec("P")
T = TypeVar("T")

_CONNECT_SECONDS: Final = 30.0
_MISSING: Final = (
    "reading with a cluster needs Dask's distributed\n"
    "    install it with: pip install 'fleet-repl[cluster]'"
)
_UNCERTIFIED: Final = (
    "Dask's configuration names no certificates for tls://\n"
    "    set distributed.comm.tls.ca-file and, under distributed.comm.tls.client, key and cert"
)


class ClusterWorkers(Executor):
    """The workers of a cluster, as many as its scheduler knows when the run begins."""

    def __init__(self, client: Client) -> None:
        self._client: Final = client
        # Two shards are never the same work, although they may look alike to Dask.
        self._executor: Final = client.get_executor(pure=False)
        threads: dict[str, int] = client.nthreads()
        self._width: Final = sum(threads.values())

    def __len__(self) -> int:
        return self._width

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Call `fn` in a worker. Dask itself gives the call to another where a worker dies."""
        future: Future[T] = self._executor.submit(fn, *args, **kwargs)
        return future

    def leave(self) -> None:
        """Leave the cluster, which goes on for others."""
        self._client.close()


@asynccontextmanager
async def connect_cluster(address: str) -> AsyncIterator[ClusterWorkers]:
    """The workers of the Dask scheduler at `address`, such as `tls://scheduler:8786`.

    Certificates are those of Dask's own configuration (`distributed.comm.tls`). Raises FleetError
    for an address without TLS that is not on this machine, without Dask, without certificates, and
    for a scheduler that does not answer or has no workers.
    """
    _check(address)
    workers = await anyio.to_thread.run_sync(partial(_connect, address))
    try:
        yield workers
    finally:
        await anyio.to_thread.run_sync(workers.leave)


def _check(address: str) -> None:
    """Raises FleetError unless TLS protects the address, or only this machine can be listening."""
    parts = urlsplit(address)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if parts.scheme not in ("tls", "tcp") or host is None or port is None:
        raise FleetError(
            f"{address!r} is no address of a Dask scheduler\n    write tls://HOST:PORT"
        )
    if parts.scheme == "tcp" and not _is_loopback(host):
        raise FleetError(
            f"{address} is not protected: anybody on the way could have its workers run anything\n"
            f"    write tls://{host}:{port}, with the certificates in Dask's configuration"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _connect(address: str) -> ClusterWorkers:
    try:
        from distributed import Client  # noqa: PLC0415 - an extra, and slow to load
        from distributed.security import Security  # noqa: PLC0415
    except ImportError:
        raise FleetError(_MISSING) from None
    security = None
    if address.startswith("tls:"):
        security = Security(require_encryption=True)
        if security.get_connection_args("client")["ssl_context"] is None:
            raise FleetError(_UNCERTIFIED)
    try:
        client = Client(address, security=security, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise FleetError(
            f"the Dask scheduler at {address} does not answer: {type(error).__name__}\n"
            "    check the address, and the certificates in Dask's configuration"
        ) from None
    workers = ClusterWorkers(client)
    if not len(workers):
        workers.leave()
        raise FleetError(
            f"the Dask scheduler at {address} has no workers\n"
            "    start some, or leave --cluster out"
        )
    return workers
