"""Reads what is in place and writes it down as resources of another tool."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias, assert_never

from fleet_repl.engine.observe import observe
from fleet_repl.fleet.context import RunContext
from fleet_repl.reports.export import (
    Exported,
    cloudformation_files,
    contents_of,
    terraform_files,
)
from fleet_repl.values.names import Registry

Target: TypeAlias = Literal["terraform", "cloudformation"]


async def export_registries(
    scope: frozenset[Registry], target: Target, context: RunContext
) -> Exported | None:
    """Returns the rules, registry policies and creation templates in place, as resources of a tool;
    None after an interruption. Writes nothing."""
    inventory = context.inventory
    # Policies are read even where grants are not managed.
    how = replace(context.observing({}, templates=scope), owner=context.desired.owner)
    observation, _ = await observe(scope, how)
    if context.stop.interrupted:
        return None
    accounts = {account.id: account for account in inventory.accounts}
    names = {account.id: account.name for account in inventory.accounts}
    contents, unreadable = contents_of(observation, names)
    between = "\n"
    match target:
        case "terraform":
            files, left_out = terraform_files(inventory.name, contents, accounts)
        case "cloudformation":
            files, left_out = cloudformation_files(inventory.name, contents)
            # The mark between two documents of YAML.
            between = "---\n"
        case _:
            assert_never(target)
    return Exported(files=files, left_out=left_out, unreadable=unreadable, between=between)
