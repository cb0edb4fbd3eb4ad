"""The operator's file: one TOML file → one frozen value, or every problem with it.

The law of this room: all problems are reported at once, each with its line, value and remedy. A
problem shows what the file says, never what the environment put in its place, and no external id.
"""

from __future__ import annotations

from fleet_repl.inventory.accounts import (
    Account as Account,
    AccountTable as AccountTable,
    External as External,
)
from fleet_repl.inventory.acknowledgements import (
    ACKNOWLEDGEABLE as ACKNOWLEDGEABLE,
    Acknowledgement as Acknowledgement,
)
from fleet_repl.inventory.discovered import Discovery as Discovery, Member as Member
from fleet_repl.inventory.document import json_schema as json_schema
from fleet_repl.inventory.freshness import (
    acknowledged as acknowledged,
    changed_file as changed_file,
)
from fleet_repl.inventory.inventory_file import (
    parse as parse,
    unlisted_accounts as unlisted_accounts,
    with_discovery as with_discovery,
)
from fleet_repl.inventory.model import Inventory as Inventory
from fleet_repl.inventory.organization import Organization as Organization
from fleet_repl.inventory.routes import Match as Match, Route as Route, Selector as Selector
from fleet_repl.inventory.safety import (
    REST as REST,
    Amount as Amount,
    Safety as Safety,
    Wave as Wave,
)
from fleet_repl.inventory.settings import (
    Apply as Apply,
    Aws as Aws,
    Limits as Limits,
    Ownership as Ownership,
    State as State,
    located as located,
)
from fleet_repl.inventory.templates import Template as Template
from fleet_repl.inventory.variables import (
    filled_in as filled_in,
    holds_reference as holds_reference,
)
