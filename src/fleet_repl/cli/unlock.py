"""`fleet-repl unlock`: give a lock back in place of a dead run."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import TYPE_CHECKING, TextIO

import anyio

from fleet_repl.cli.command import Call
from fleet_repl.cli.confirm import confirm
from fleet_repl.cli.flags import Yes, check_can_ask
from fleet_repl.cli.interrupts import Interrupts, interruptible
from fleet_repl.cli.state_options import StateOptions
from fleet_repl.values.exit_code import ExitCode

if TYPE_CHECKING:
    from fleet_repl.fleet.history import History
    from fleet_repl.inventory import Inventory
    from fleet_repl.state.lock_rules import SeenLock

QUESTION = "Give it back? A run that lives stops before its next write."
"""At a terminal, below who holds the lock."""


def unlock(call: Call[StateOptions], *, yes: Yes = False) -> ExitCode:
    """Shows who holds the lock, since when, and the last sign of life, and asks; without a terminal
    it needs --yes. A lock of a dead run frees itself within about a minute, but for one that is
    dated in the future. Nobody holds it: that is fine, too.

    Example: fleet-repl unlock inventories/prod.toml
    """
    check_can_ask(call.options.inventory, yes=yes)
    inventory = call.load_inventory(call.options.inventory, secrets_required=False)
    work = partial(_unlock, call, inventory, yes)
    code = anyio.run(interruptible, call.log, work)
    return ExitCode.INTERRUPTED if code is None else code


async def _unlock(
    call: Call[StateOptions],
    inventory: Inventory,
    yes: bool,  # noqa: FBT001 - a partial's
    interrupts: Interrupts,
) -> ExitCode:
    names = (inventory.name, *inventory.ownership.formerly)
    async with call.backend.history(inventory, state=call.options.state) as history:
        locks = [lock for name in names if (lock := await history.lock(name)) is not None]
        if not locks:
            call.show(f"nobody holds the lock of {inventory.name}\n")
            return ExitCode.OK
        for lock in locks:
            call.log.note(str(lock))
        keyboard = call.streams.keyboard
        if not yes and keyboard is None:
            call.log.failure("nothing is given back: nobody can be asked here; --yes does not ask")
            return ExitCode.REFUSED
        if keyboard is not None and not (yes or await _agreed(call, locks, keyboard, interrupts)):
            call.log.note("nothing is given back")
            return ExitCode.INTERRUPTED if interrupts.requested.is_set() else ExitCode.REFUSED
        return await _give_back(call, history, locks)


async def _agreed(
    call: Call[StateOptions], locks: Collection[SeenLock], keyboard: TextIO, interrupts: Interrupts
) -> bool:
    """Ask whether to give the locks back; an interruption counts as no."""
    with call.streams.terminal(keyboard) as terminal, interrupts.stopping(lambda: None):
        if terminal is not call.streams.stderr or call.options.quiet:
            # The notes on stderr did not reach this terminal; the question needs them.
            terminal.writelines(call.streams.words(f"{lock}", terminal) for lock in locks)
        return await confirm(
            QUESTION, stdin=keyboard, terminal=terminal, given_up=interrupts.requested
        )


async def _give_back(
    call: Call[StateOptions], history: History, locks: Collection[SeenLock]
) -> ExitCode:
    code = ExitCode.OK
    for lock in locks:
        fleet = lock.document.fleet
        if await history.unlock(lock):
            text = f"the lock of {fleet} is given back. It was held by {lock.holder}"
            call.show(call.streams.words(text, call.streams.stdout))
        else:
            call.log.failure(
                f"the lock of {fleet} is not given back: its holder has given a sign of life since"
            )
            code = ExitCode.REFUSED
    return code
