"""The operator's file: one TOML file → one frozen value, or every problem with it.

The law of this room: all problems are reported at once, each with its line, value and remedy. A
problem shows what the file says, never what the environment put in its place, and no external id.
"""

from __future__ import annotations

from fleet_repl.inventory.accounts import Account, AccountTable, External
from fleet_repl.inventory.acknowledgements import ACKNOWLEDGEABLE, Acknowledgement
from fleet_repl.inventory.discovered import Discovery, Member
from fleet_repl.inventory.document import json_schema
from fleet_repl.inventory.freshness import acknowledged, changed_file
from fleet_repl.inventory.inventory_file import parse, unlisted_accounts, with_discovery
from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.organization import UNIT_LABELS, Organization
from fleet_repl.inventory.routes import Match, Route, Selector
from fleet_repl.inventory.safety import REST, Amount, Safety, Wave
from fleet_repl.inventory.settings import (
    Apply,
    Aws,
    Limits,
    Ownership,
    State,
    located,
)
from fleet_repl.inventory.templates import Template
from fleet_repl.inventory.variables import filled_in, holds_reference

__all__ = [
    "ACKNOWLEDGEABLE",
    "REST",
    "UNIT_LABELS",
    "Account",
    "AccountTable",
    "Acknowledgement",
    "Amount",
    "Apply",
    "Aws",
    "Discovery",
    "External",
    "Inventory",
    "Limits",
    "Match",
    "Member",
    "Organization",
    "Ownership",
    "Route",
    "Safety",
    "Selector",
    "State",
    "Template",
    "Wave",
    "acknowledged",
    "changed_file",
    "filled_in",
    "holds_reference",
    "json_schema",
    "located",
    "parse",
    "unlisted_accounts",
    "with_discovery",
]
