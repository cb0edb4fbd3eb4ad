"""What the operator wrote: one TOML file → one frozen value, or every problem with it.

The law of this package: a problem tells what the file says, never what the environment put in
its place, and an external id is not told at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fleet_repl.inventory.freshness import acknowledged, changed_file
from fleet_repl.inventory.model import (
    ACKNOWLEDGEABLE,
    REST,
    Account,
    Acknowledgement,
    Amount,
    Apply,
    Aws,
    External,
    Inventory,
    Limits,
    Match,
    Ownership,
    Route,
    RuleOwnership,
    Safety,
    Selector,
    State,
    Template,
    Wave,
)
from fleet_repl.inventory.settings import located

if TYPE_CHECKING:
    from fleet_repl.canonical import JsonObject

__all__ = [
    "ACKNOWLEDGEABLE",
    "REST",
    "Account",
    "Acknowledgement",
    "Amount",
    "Apply",
    "Aws",
    "External",
    "Inventory",
    "Limits",
    "Match",
    "Ownership",
    "Route",
    "RuleOwnership",
    "Safety",
    "Selector",
    "State",
    "Template",
    "Wave",
    "acknowledged",
    "changed_file",
    "json_schema",
    "located",
    "parse",
]


# Models and their schema take longer to import than all the rest of this package, and who only
# works with inventories has no use for them.


def parse(
    text_path: str | Path,
    *,
    environ: Mapping[str, str],
    routes_required: bool = True,
    secrets_required: bool = True,
    stdin: BinaryIO | None = None,
) -> Inventory:
    """Read and check an inventory file; `${NAME}` in its values is looked up in `environ`.

    With `stdin` it is read from there, and `text_path` only names it: what it says of other
    files and folders is seen from the folder of that path.

    Without `routes_required` a file may have no `routes` at all. That says nothing about what
    shall replicate: its inventory is good for looking at a fleet, and not for plans. Without
    `secrets_required` external ids may be missing whose variables are not set: `unset` of the
    inventory has them.

    Raises InventoryError, whose `problems` name everything wrong with the file, by line. Whether
    its routes match anything is for `topology` to say.
    """
    from fleet_repl.inventory.loading import load  # noqa: PLC0415

    return load(
        text_path,
        environ=environ,
        routes_required=routes_required,
        secrets_required=secrets_required,
        stdin=stdin,
    )


def json_schema() -> JsonObject:
    """The schema (draft 2020-12) of the document that a TOML parser makes of an inventory."""
    from fleet_repl.inventory.editors import document_schema  # noqa: PLC0415

    return document_schema()
