"""The library's face: an inventory, a connection to its fleet, plans and reports.

Composes the stages; decides nothing of its own. Clock and randomness come in here.
"""

from fleet_repl.fleet.connect import connect
from fleet_repl.fleet.fleet import EVERYTHING, Fleet, Interrupted
from fleet_repl.fleet.history import LAST, History, open_history
from fleet_repl.fleet.load import FleetSummary, describe_fleet, load_inventory
from fleet_repl.fleet.plan_files import PlanError, check_plan, load_plan
from fleet_repl.fleet.rollback import RunError
from fleet_repl.fleet.staleness import InventoryChangedError, OutdatedPlanError

__all__ = [
    "EVERYTHING",
    "LAST",
    "Fleet",
    "FleetSummary",
    "History",
    "Interrupted",
    "InventoryChangedError",
    "OutdatedPlanError",
    "PlanError",
    "RunError",
    "check_plan",
    "connect",
    "describe_fleet",
    "load_inventory",
    "load_plan",
    "open_history",
]
