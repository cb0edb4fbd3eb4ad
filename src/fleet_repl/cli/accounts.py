"""`fleet-repl accounts`: the accounts of a fleet, and where each fact about them comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, ClassVar

import anyio

from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import SHOWN, Cached, InSandbox, InventoryPath, ScenarioPath, label
from fleet_repl.cli.fleet_run import placed
from fleet_repl.cli.interrupts import ENDED, Interrupts, interruptible
from fleet_repl.cli.output import check_outputs, show_only
from fleet_repl.cli.result_options import ResultOptions, Simulated
from fleet_repl.cli.run_options import check_simulation
from fleet_repl.inventory import Inventory
from fleet_repl.reports.formats import Kind
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.exit_code import ExitCode


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsOptions(ResultOptions):
    """Flags of a command that lists the accounts of a fleet, and reads none of its registries."""

    kinds: ClassVar[tuple[Kind, ...]] = (Kind.ACCOUNTS,)

    inventory: InventoryPath
    label: Annotated[list[str], label("accounts with this label", SHOWN)] = field(
        default_factory=list
    )
    sandbox: InSandbox = False
    scenario: ScenarioPath = None
    cached: Cached = False

    def check(self) -> None:
        # super() without arguments does not work where slots have made the class anew.
        ResultOptions.check(self)
        check_simulation(self.scenario, self.state, sandbox=self.sandbox)

    @property
    def simulated(self) -> Simulated | None:
        return Simulated(scenario=self.scenario) if self.sandbox else None


def accounts(call: Call[AccountsOptions]) -> ExitCode:
    """Lists the organization and asks accounts for their regions, where the inventory has them
    discovered, and keeps the result for the next time. Exits with 3 if the organization cannot be
    listed or has lost more than a tenth of its accounts, and with 4 if an account did not tell its
    regions.

    Example: fleet-repl accounts inventories/prod.toml --label env=prod --format csv
    """
    options = call.options
    inventory = call.load_called(
        options.inventory, simulated=options.sandbox, routes_required=False
    )
    check_outputs(call, inventory)
    work = partial(_discovered, call, inventory)
    resolved = anyio.run(partial(interruptible, ended_note=ENDED), call.log, work)
    return ExitCode.INTERRUPTED if resolved is None else _show(call, resolved)


async def _discovered(
    call: Call[AccountsOptions], inventory: Inventory, _interrupts: Interrupts
) -> Inventory:
    options = call.options
    async with placed(call.backend, options, inventory, options.state) as (endpoint, state):
        return await call.backend.discover(
            inventory,
            endpoint=endpoint,
            state=state,
            on_event=call.log.event,
            cached=options.cached,
            # Whoever is to mend a selector has to see the labels.
            routes_checked=False,
        )


def _show(call: Call[AccountsOptions], inventory: Inventory) -> ExitCode:
    from fleet_repl.planning.account_facts import account_facts  # noqa: PLC0415
    from fleet_repl.planning.discovery import discovery_warnings  # noqa: PLC0415
    from fleet_repl.planning.plan import regions_unknown  # noqa: PLC0415
    from fleet_repl.reports.documents.accounts import accounts_document  # noqa: PLC0415
    from fleet_repl.topology import (  # noqa: PLC0415
        Selection,
        check_labels,
        selected_accounts,
    )

    pairs = [text.partition("=")[::2] for text in call.options.label]
    check_labels(inventory, pairs)
    selection, now = Selection(labels=tuple(pairs)), SYSTEM.now()
    selected = {account.id for account in selected_accounts(inventory, selection)}
    listed = [facts for facts in account_facts(inventory, now) if facts.account.id in selected]
    warnings = tuple(discovery_warnings(inventory, selection, now=now))
    code = ExitCode.PARTIAL if regions_unknown(warnings) else ExitCode.OK
    document = accounts_document(inventory, listed, warnings)
    return show_only(call, document, code, inventory=inventory)
