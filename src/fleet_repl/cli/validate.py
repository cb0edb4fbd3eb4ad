"""`fleet-repl validate`: is the inventory right, and what does it amount to. Offline."""

from __future__ import annotations

from fleet_repl.cli.amounts import amounts_document, amounts_text, problems_document
from fleet_repl.cli.command import Call
from fleet_repl.cli.flags import Format
from fleet_repl.cli.options import Describing
from fleet_repl.reports import ExitCode, json_text
from fleet_repl.values.errors import InventoryError


def validate(call: Call[Describing]) -> ExitCode:
    """Check an inventory and say what it amounts to. Calls nothing.

    Names every problem at once, each with its place and what would be right. Of a valid
    inventory it tells the registries, links and rules, and what each route does.

    Example: fleet-repl validate inventories/prod.toml
    """
    as_json = call.options.format is Format.JSON
    try:
        inventory = call.load_inventory(call.options.inventory, secrets_required=False)
        summary = call.backend.describe(inventory)
    except InventoryError as error:
        if not as_json:
            raise
        call.show(json_text(problems_document(error)))
        return ExitCode.ERROR
    colour = call.streams.has_colour(call.streams.stdout)
    text = json_text(amounts_document(summary)) if as_json else amounts_text(summary, colour=colour)
    call.show(text)
    return ExitCode.OK
