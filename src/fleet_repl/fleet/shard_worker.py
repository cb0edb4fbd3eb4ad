"""The worker's side: `run_shard` reads one shard in this process, and keeps AWS open for the next.

Every executor of the standard library's interface can run it. Clients and sessions serve all shards
of a run: a worker assumes each role once, and resolves its base identity once.
"""

from __future__ import annotations

import atexit
import os
import pickle
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

from fleet_repl._version import __version__
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.shards import ShardContext
from fleet_repl.engine.stop import Stop
from fleet_repl.fleet.shard_task import (
    ShardAnswer,
    ShardTask,
    WorkerRefusal,
    WorkerSetup,
    accounts_of,
    worker_inventory,
)
from fleet_repl.inventory import Inventory
from fleet_repl.runs.events import Event
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.errors import FleetError

if TYPE_CHECKING:
    from fleet_repl.aws import AwsRegistries

A = TypeVar("A")


def run_shard(version: str, pickled: bytes) -> ShardAnswer[A] | WorkerRefusal:
    """Read a shard: a pickled ShardTask, of which another version would make something else.
    Everything that a user can cause is a value."""
    if version != __version__:
        return WorkerRefusal(
            because=f"the worker on {socket.gethostname()} has fleet-repl {__version__}, and this "
            f"is {version}\n    install the same version there"
        )
    task: ShardTask[A] = pickle.loads(pickled)  # noqa: S301 - who calls a worker may run anything
    try:
        with _connected(task.setup, task.seconds) as connection:
            return connection.portal.call(connection.read, task)
    except FleetError as error:
        return WorkerRefusal(because=f"the worker on {socket.gethostname()}: {error}")


@dataclass(slots=True, kw_only=True)
class _Connection:
    """AWS as it was opened for one run, in an event loop of its own."""

    portal: BlockingPortal
    inventory: Inventory
    registries: AwsRegistries
    events: list[Event]
    opened: ExitStack
    """Closes it."""
    users: int = 0

    async def read(self, task: ShardTask[A]) -> ShardAnswer[A]:
        """Read a shard; the answer has all events and figures since the last one."""
        registries, apply = self.registries, self.inventory.apply
        registries.calls.enlist(accounts_of(task, self.inventory.aws.external_id))
        context = ShardContext(
            reader=registries,
            permissions=registries.access,
            concurrency=apply.concurrency,
            stop=Stop(SYSTEM, SYSTEM.monotonic() + task.seconds, apply.deadline),
            clock=SYSTEM,
            on_event=self.events.append,
        )
        answer = await task.shard.read(context)
        events = tuple(self.events)
        self.events.clear()
        return ShardAnswer(answer=answer, events=events, reads=registries.calls.handed_over())


_connections: Final[dict[tuple[int, str], _Connection]] = {}
"""The connections by process and run. A forked process inherits those of another, whose event loops
do not run in it."""
_lock: Final = threading.Lock()


@contextmanager
def _connected(setup: WorkerSetup, seconds: float) -> Iterator[_Connection]:
    """The connection of a run, opened for its first shard. Raises FleetError."""
    key = os.getpid(), setup.run_id
    with _lock:
        connection = _connections.get(key)
        if connection is None:
            _close_unused()
            connection = _connections[key] = _open(setup, seconds)
        connection.users += 1
    try:
        yield connection
    finally:
        with _lock:
            connection.users -= 1


def _open(setup: WorkerSetup, seconds: float) -> _Connection:
    # The SDK is loaded where AWS is called.
    from fleet_repl.aws import open_aws  # noqa: PLC0415

    events: list[Event] = []
    inventory = worker_inventory(setup)
    pace = Pace(
        attempts=setup.apply.attempts,
        timeout=setup.apply.timeout,
        deadline=SYSTEM.monotonic() + seconds,
        clock=SYSTEM,
        uniform=random.uniform,
    )
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())
        opening = open_aws(
            inventory,
            run_id=setup.run_id,
            pace=pace,
            endpoint=setup.simulated,
            on_event=events.append,
            read_only=True,
        )
        registries = stack.enter_context(portal.wrap_async_context_manager(opening))
        return _Connection(
            portal=portal,
            inventory=inventory,
            registries=registries,
            events=events,
            opened=stack.pop_all(),
        )


@atexit.register
def _close_unused() -> None:
    """Close the connections that no shard uses, of runs that have ended."""
    for key, connection in [*_connections.items()]:
        if key[0] == os.getpid() and not connection.users:
            del _connections[key]
            connection.opened.close()
