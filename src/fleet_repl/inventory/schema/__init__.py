"""The shape of an inventory file, as pydantic models: which keys there are and of which type.

Shape only. Every key may be missing and most texts are free here, because what values mean is
checked where all problems can be told at once; editors get more, from `editors`.
"""

from fleet_repl.inventory.schema.accounts import AccountTable, AwsTable, ExternalTable
from fleet_repl.inventory.schema.document import Document
from fleet_repl.inventory.schema.routes import MatchTable, RouteTable, SelectorTable
from fleet_repl.inventory.schema.settings import (
    ApplyTable,
    LimitsTable,
    OwnershipTable,
    StateTable,
    WarningsTable,
)
from fleet_repl.inventory.schema.table import Table
from fleet_repl.inventory.schema.templates import TemplateTable
from fleet_repl.inventory.schema.waves import SafetyTable, WaveTable

__all__ = [
    "AccountTable",
    "ApplyTable",
    "AwsTable",
    "Document",
    "ExternalTable",
    "LimitsTable",
    "MatchTable",
    "OwnershipTable",
    "RouteTable",
    "SafetyTable",
    "SelectorTable",
    "StateTable",
    "Table",
    "TemplateTable",
    "WarningsTable",
    "WaveTable",
]
