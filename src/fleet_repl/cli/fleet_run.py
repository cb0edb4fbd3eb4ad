"""The run of a command against a fleet: connected, with progress, open to interruptions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import anyio

from fleet_repl.cli.command import Call
from fleet_repl.cli.counters import Counters
from fleet_repl.cli.heartbeat import accompanied, heartbeat
from fleet_repl.cli.interrupts import ENDED, Interrupts, interruptible
from fleet_repl.cli.library import Library
from fleet_repl.cli.output import check_outputs
from fleet_repl.cli.result_options import ResultOptions
from fleet_repl.cli.run_options import RunOptions
from fleet_repl.cli.session import Session, Work
from fleet_repl.runs.events import Event
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.garbage import collect_seldom
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint
    from fleet_repl.inventory import Inventory
    from fleet_repl.runs.history import Purpose


_NO_STATE: Final = ".fleet-repl"
"""In place of a state location, for a command that remembers nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The fleet that a command works on, and the files it reads and writes."""

    inventory: Inventory
    scope: Callable[[Inventory], Collection[Registry]]
    """Checks what the command itself asks for; returns the registries whose progress is counted."""
    state: str | None
    """The state location, in place of the inventory's."""
    purpose: Purpose | None = None
    """Set for a command that writes on AWS."""
    locked: bool = True
    """Whether a command that writes holds the fleet's lock."""
    reads: tuple[Path, ...] = ()
    """Files that are read besides the inventory."""
    out: Path | None = None
    """The file that a plan is kept in."""
    remembers_nothing: bool = False
    """Of the state location, only what was discovered is used."""
    last_wave: str | None = None
    """The wave after which a command that writes ends; None: it writes all waves."""

    @property
    def waves(self) -> tuple[str, ...]:
        """The names of the fleet's waves, in order."""
        return wave_names(self.inventory)


def wave_names(inventory: Inventory) -> tuple[str, ...]:
    """The names of a fleet's waves, in order."""
    from fleet_repl.topology import REST  # noqa: PLC0415 - help needs no topology

    return (*(wave.name for wave in inventory.waves), REST)


def run_fleet(  # noqa: PLR0913 - each says a thing of its own about the run
    call: Call[RunOptions],
    work: Work,
    *,
    check: Callable[[Inventory], object] | None = None,
    routes_required: bool = True,
    out: Path | None = None,
    purpose: Purpose | None = None,
    remembers_nothing: bool = False,
    reads: tuple[Path, ...] = (),
) -> ExitCode:
    """Connect to the fleet of the call's inventory and do `work` with it; returns the exit code.

    Everything that can be checked offline is checked first. `check` raises the FleetErrors of the
    command itself. `out`: the file that a plan is kept in. `purpose`: that of a command which
    writes, and takes no lock. `reads`: files that are read besides the inventory.
    """
    options = call.options
    simulated = options.simulated is not None
    inventory = call.load_called(
        options.inventory, simulated=simulated, routes_required=routes_required
    )

    def scope(inventory: Inventory) -> Collection[Registry]:
        selected = call.backend.scope(
            inventory, options.selection, with_unknown=options.with_unknown
        )
        if check is not None:
            check(inventory)
        return selected

    target = Target(
        inventory=inventory,
        scope=scope,
        state=options.state,
        out=out,
        purpose=purpose,
        locked=False,
        reads=reads,
        remembers_nothing=remembers_nothing,
    )
    return run_target(call, target, work)


def run_target(call: Call[ResultOptions], target: Target, work: Work) -> ExitCode:
    """Connect to a fleet and do `work` with it; returns the exit code."""
    # What depends on accounts that are yet to be discovered is checked after that.
    scope = None if target.inventory.needs_discovery else target.scope(target.inventory)
    check_outputs(call, target.inventory, reads=target.reads, out=target.out)
    connected = partial(_connected, call, target, scope, work)
    code = anyio.run(partial(interruptible, ended_note=ENDED), call.log, connected)
    return ExitCode.INTERRUPTED if code is None else code


async def _connected(
    call: Call[ResultOptions],
    target: Target,
    scope: Collection[Registry] | None,
    work: Work,
    interrupts: Interrupts,
) -> ExitCode:
    inventory = target.inventory
    async with AsyncExitStack() as stack:
        endpoint, state = await stack.enter_async_context(
            placed(call.backend, call.options, inventory, target.state)
        )
        if scope is None:
            inventory = await call.backend.discover(
                inventory,
                endpoint=endpoint,
                state=state,
                on_event=call.log.event,
                cached=call.options.uses_cached,
            )
            scope = target.scope(inventory)
        counters = Counters(scope, target.waves, last_wave=target.last_wave)

        def on_event(event: Event) -> None:
            counters.see(event)
            call.log.event(event)

        readers = call.options.readers
        executor = await stack.enter_async_context(
            call.backend.readers(workers=readers.workers, cluster=readers.cluster)
        )
        traced = await stack.enter_async_context(
            call.backend.traced(on_event, call.log.write_warning)
        )
        connection = call.backend.connect(
            inventory,
            endpoint=endpoint,
            state=_NO_STATE if target.remembers_nothing else state,
            on_event=traced,
            purpose=target.purpose,
            locked=target.locked and target.purpose is not None,
            executor=executor,
        )
        fleet = await stack.enter_async_context(connection)
        collect_seldom()
        session = Session(
            call=call,
            fleet=fleet,
            interrupts=interrupts,
            counters=counters,
            inventory=inventory,
            waves=target.waves,
        )
        with interrupts.stopping(fleet.stop):
            if call.streams.can_move(call.streams.stderr):
                code = await work(session)
            else:
                beat = partial(heartbeat, call.log.line, counters, SYSTEM)
                code = await accompanied(partial(work, session), beat)
        interrupts.finish()
        return code


@asynccontextmanager
async def placed(
    backend: Library, options: ResultOptions, inventory: Inventory, state: str | None
) -> AsyncIterator[tuple[Endpoint | None, str | None]]:
    """The endpoint (None: the real AWS) and the state location.

    Serves a simulated AWS meanwhile, if the options ask for one.
    """
    simulated = options.simulated
    if simulated is None:
        yield None, state
        return
    # A simulated fleet gets a state of its own: its ownership record must not reach the real one.
    with TemporaryDirectory(prefix="fleet-repl-") as folder:
        simulation = backend.simulate(
            inventory, scenario=simulated.scenario, host="127.0.0.1", port=0
        )
        async with simulation as served:
            yield served.endpoint, folder
