"""Run a command against a fleet: connect, watch, let it be interrupted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import anyio

from fleet_repl.cli.command import Call
from fleet_repl.cli.counting import Counters
from fleet_repl.cli.heartbeat import accompanied, heartbeat
from fleet_repl.cli.interrupts import ENDED, Interrupts, interruptible
from fleet_repl.cli.outputs import check_outputs
from fleet_repl.cli.run_options import Reporting, Running
from fleet_repl.cli.session import Session, Work
from fleet_repl.reports import ExitCode
from fleet_repl.runs.events import Event
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint
    from fleet_repl.inventory import Inventory
    from fleet_repl.runs.history import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which fleet a command is about, and what for."""

    inventory: Inventory
    scope: Collection[Registry]
    state: str | None
    """In place of the inventory's."""
    purpose: Purpose | None = None
    """Of a command that writes: nobody else may, meanwhile."""
    reads: tuple[Path, ...] = ()
    """What is read beside the inventory."""
    out: Path | None = None
    """Where a plan is kept."""
    last_wave: str | None = None
    """The wave that a command which writes ends after."""

    @property
    def waves(self) -> tuple[str, ...]:
        """Their names in order."""
        return wave_names(self.inventory)


def wave_names(inventory: Inventory) -> tuple[str, ...]:
    """The names of a fleet's waves, in order."""
    from fleet_repl.topology import REST  # noqa: PLC0415 - help needs no topology

    return (*(one.name for one in inventory.waves), REST)


def run_fleet(
    call: Call[Running],
    work: Work,
    *,
    check: Callable[[Inventory], object] | None = None,
    routes_required: bool = True,
    out: Path | None = None,
) -> ExitCode:
    """Do `work` with the fleet of the inventory. What can be wrong is found before it starts.

    `check` raises the FleetError that the command itself has reason for. `out`: where a plan is
    kept.
    """
    options = call.options
    load = call.load_inventory if options.simulated is None else call.load_offline
    inventory = load(options.inventory, routes_required=routes_required)
    scope = call.backend.scope(inventory, options.selection)
    if check is not None:
        check(inventory)
    target = Target(inventory=inventory, scope=scope, state=options.state, out=out)
    return run_target(call, target, work)


def run_target(call: Call[Reporting], target: Target, work: Work) -> ExitCode:
    """Do `work` with a fleet."""
    check_outputs(call, target.inventory, reads=target.reads, out=target.out)
    connected = partial(_connected, call, target, work)
    code = anyio.run(partial(interruptible, ended_note=ENDED), call.log, connected)
    return ExitCode.INTERRUPTED if code is None else code


async def _connected(
    call: Call[Reporting], target: Target, work: Work, interrupts: Interrupts
) -> ExitCode:
    counters = Counters(target.scope, target.waves, last_wave=target.last_wave)

    def watch(event: Event) -> None:
        counters.see(event)
        call.log.event(event)

    async with AsyncExitStack() as stack:
        endpoint, state = await stack.enter_async_context(
            placed(call, target.inventory, target.state)
        )
        connection = call.backend.connect(
            target.inventory,
            endpoint=endpoint,
            state=state,
            on_event=watch,
            purpose=target.purpose,
        )
        fleet = await stack.enter_async_context(connection)
        session = Session(
            call=call,
            fleet=fleet,
            interrupts=interrupts,
            counters=counters,
            inventory=target.inventory,
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
    call: Call[Reporting], inventory: Inventory, state: str | None
) -> AsyncIterator[tuple[Endpoint | None, str | None]]:
    """Where AWS answers and where the fleet keeps what it remembers: both its own if simulated."""
    simulated = call.options.simulated
    if simulated is None:
        yield None, state
        return
    # What holds for a simulated fleet must never count for the real one.
    with TemporaryDirectory(prefix="fleet-repl-") as own:
        simulation = call.backend.simulate(
            inventory, scenario=simulated.scenario, host="127.0.0.1", port=0
        )
        async with simulation as served:
            yield served.endpoint, own
