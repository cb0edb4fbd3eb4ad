"""The library's face: an inventory, a connection to its fleet, plans and reports.

Composes the stages; decides nothing of its own. Clock and randomness come in here.
"""

from fleet_repl.workflow.connecting import connect
from fleet_repl.workflow.fleet import EVERYTHING, Fleet, Interrupted
from fleet_repl.workflow.history import LAST, History, open_history
from fleet_repl.workflow.offline import FleetSummary, describe_fleet, load_inventory
from fleet_repl.workflow.plan_files import PlanError, check_plan, load_plan
from fleet_repl.workflow.rolling_back import RunError
from fleet_repl.workflow.staleness import InventoryChangedError, OutdatedPlanError

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
