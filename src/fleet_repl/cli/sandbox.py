"""`fleet-repl sandbox`: serve a simulated AWS with the inventory's accounts, until stopped."""

from __future__ import annotations

import shlex
from functools import partial
from typing import TYPE_CHECKING

import anyio

from fleet_repl.cli.command import Call
from fleet_repl.cli.interrupts import Interrupts, interruptible
from fleet_repl.cli.options import ServeOptions
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.garbage import collect_seldom
from fleet_repl.values.text import counted

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory


def sandbox(call: Call[ServeOptions]) -> ExitCode:
    """Prints on stdout the environment that points any AWS client at it. It keeps a registry for
    each account and region, takes what ECR takes and refuses what ECR refuses, and replicates
    images as rules and policies allow. INVENTORY needs no routes. Ctrl-C or SIGTERM ends it, with
    exit code 0.

    Example: fleet-repl sandbox inventories/demo.toml --port 8080
    """
    inventory = call.load_offline(call.options.inventory, routes_required=False)
    # A signal that comes before the server listens is the ordinary end too: exit code 0.
    anyio.run(interruptible, call.log, partial(_serve, call, inventory))
    return ExitCode.OK


async def _serve(call: Call[ServeOptions], inventory: Inventory, interrupts: Interrupts) -> None:
    options = call.options
    simulation = call.backend.simulate(
        inventory, scenario=options.scenario, host=options.host, port=options.port
    )
    async with simulation as served:
        collect_seldom()
        variables = served.environment.items()
        exports = [f"export {name}={shlex.quote(value)}\n" for name, value in variables]
        call.streams.emit("".join(exports))
        listed = counted(len(inventory.accounts), "account")
        accounts = listed if inventory.organization is None else "the organization"
        call.log.note(f"serving {accounts} of {inventory.name} at {served.url}; Ctrl-C stops it")
        with interrupts.stopping(lambda: None):
            await interrupts.requested.wait()
