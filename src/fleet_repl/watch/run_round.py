"""One round: connect the fleet, look, correct if asked to, remember, notify.

Every failure that a user can cause becomes a round that says so. A round knows of others only by
the memory that it is given: the loop, and a function that runs once, both use it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import anyio

from fleet_repl.fleet.staleness import InventoryChangedError
from fleet_repl.inventory import Inventory
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.values.errors import FleetError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch.attempt import Attempt
from fleet_repl.watch.connected_round import ConnectedRound, stale_reason
from fleet_repl.watch.fleets import WatchedFleet
from fleet_repl.watch.memory import Memory
from fleet_repl.watch.round import Round, Verdict
from fleet_repl.watch.round_context import RoundContext, RoundOptions

_ATTEMPTS: Final = 3
"""Attempts at a round at the most, each by another version of the inventory."""


async def run_round(
    options: RoundOptions, inventory: Inventory, context: RoundContext, memory: Memory | None = None
) -> tuple[Round, Memory]:
    """Do one round; returns it, and the memory after it.

    `memory` counts where the state has none, or cannot be read. Raises nothing that a user can
    cause: such a round is `broken`. Where the inventory was changed before anything was written,
    the round begins anew.
    """
    memory, started = memory or Memory(), context.clock.now()
    attempts_left = _ATTEMPTS
    while True:
        attempt = Attempt(options=options, inventory=inventory, context=context, started=started)
        result = await _run(attempt, memory)
        if isinstance(result, tuple):
            return result
        attempts_left -= 1
        if context.reload is None or not attempts_left:
            return await attempt.close(attempt.broken(result), memory)
        message = f"the round begins anew: {stale_reason(result)}"
        context.log(LogEntry(event="begun-anew", message=message))
        current = await context.reload()
        memory = memory if current.inventory.name == inventory.name else Memory()
        inventory = current.inventory
        options = replace(options, inventory_error=current.error)


async def _run(attempt: Attempt, memory: Memory) -> tuple[Round, Memory] | InventoryChangedError:
    """Make one attempt; returns the error where there is a newer version of the inventory."""
    context = attempt.context
    result: tuple[Round, Memory] | FleetError | None = None
    async with anyio.create_task_group() as group:
        switch = _Switch(attempt.inventory, context, group.cancel_scope)
        group.start_soon(switch.listen)
        try:
            async with context.connect(attempt.inventory) as fleet:
                switch.fleet = fleet
                result = await ConnectedRound(attempt=attempt, fleet=fleet).run(memory)
        except FleetError as error:
            # Kept as a value: a task group would wrap it. A round that has ended stays as it is
            # where only disconnecting fails.
            result = result or error
        group.cancel_scope.cancel()
    if isinstance(result, tuple | InventoryChangedError):
        return result
    if result is None and context.stop.is_set():
        interrupted = attempt.ended(Verdict.INTERRUPTED, ExitCode.INTERRUPTED, run_id=None)
        return await attempt.close(interrupted, memory)
    return await attempt.close(attempt.broken(result or switch.late), memory)


class _Switch:
    """Ends an attempt in time: stops the run of a connected fleet; before that, cancels the
    connecting, with which nothing is lost."""

    def __init__(
        self, inventory: Inventory, context: RoundContext, connecting: anyio.CancelScope
    ) -> None:
        self.fleet: WatchedFleet | None = None
        self._context = context
        self._connecting = connecting
        self._deadline = inventory.apply.deadline

    async def listen(self) -> None:
        """Wait for `stop`, or until connecting has taken as long as a whole run may take."""
        context = self._context
        # In real time: connecting may wait for a program that somebody else wrote.
        with anyio.move_on_after(self._deadline):
            await context.stop.wait()
        if self.fleet is None:
            self._connecting.cancel()
            return
        await context.stop.wait()
        context.log(LogEntry(event="stopping", message="stopping: writes in flight finish first"))
        self.fleet.stop()

    @property
    def late(self) -> FleetError:
        """The error of a round that was not connected in time."""
        return FleetError(
            f"the run's deadline of {self._deadline:g} s had passed before there was a connection"
        )
