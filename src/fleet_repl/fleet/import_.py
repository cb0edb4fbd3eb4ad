"""The import: reads an inventory's file and registries, and returns an inventory of both."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from fleet_repl.engine.observe import observe
from fleet_repl.fleet.elsewhere import stacks_in
from fleet_repl.fleet.enrolment import excusing
from fleet_repl.inventory import Inventory
from fleet_repl.inventory.toml_file import parsed, read
from fleet_repl.planning.elsewhere import HeldResource
from fleet_repl.planning.enrolment import joining_accounts, young_accounts
from fleet_repl.planning.importing import Imported, imported
from fleet_repl.planning.observed import holds_anything
from fleet_repl.topology import registries
from fleet_repl.values.canonical_json import JsonObject, digest
from fleet_repl.values.errors import WHOLE_FILE, InventoryError, Problem

if TYPE_CHECKING:
    from fleet_repl.fleet.context import RunContext


async def import_registries(
    context: RunContext, held: Collection[HeldResource] = ()
) -> Imported | None:
    """Returns an inventory that asks for exactly what is in place; None after an interruption.

    `held`: resources that Terraform manages. The inventory marks them, and those of stacks.

    Raises InventoryError where the file is no longer what it was when it was loaded.
    """
    inventory, how = context.inventory, context.observing({})
    text, document = _text(inventory)
    if _is_another(document, inventory):
        message = "was changed after it was loaded"
        raise InventoryError(
            [Problem(file=inventory.path, line=None, key=WHOLE_FILE, message=message)]
        )
    young = young_accounts(inventory, how.clock.now())
    # Templates are not imported, so they are not read.
    how = replace(how, with_templates=frozenset(), on_event=excusing(how.on_event, young))
    observations, _ = await observe(registries(inventory), how)
    if how.stop.interrupted:
        return None
    in_use = [registry for registry, seen in observations.items() if holds_anything(seen)]
    by_account = {registry: (str(registry.account),) for registry in in_use}
    stacks = await stacks_in(by_account, context)
    joining = joining_accounts(observations, young)
    return imported(text, inventory, observations, joining, (*held, *stacks))


def _text(inventory: Inventory) -> tuple[str, dict[str, object]]:
    if inventory.text is None:
        return read(inventory.path)
    return inventory.text, parsed(inventory.path, inventory.text)


def _is_another(document: Mapping[str, object], inventory: Inventory) -> bool:
    if inventory.templates:
        # The digest depends on the files that templates name, and only accounts matter here.
        accounts = document.get("accounts", [])
        listed = inventory.accounts if inventory.reading is None else inventory.listed
        return not isinstance(accounts, list) or len(accounts) != len(listed)
    return digest(cast(JsonObject, document)) != inventory.digest
