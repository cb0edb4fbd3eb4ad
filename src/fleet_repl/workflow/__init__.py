"""The library's face: an inventory, a connection to its fleet, plans and reports.

Composes the stages; decides nothing of its own. Clock and randomness come in here.
"""

from fleet_repl.workflow.connecting import connect
from fleet_repl.workflow.fleet import EVERYTHING, Fleet, Interrupted, PlanError
from fleet_repl.workflow.offline import FleetSummary, describe_fleet, load_inventory

__all__ = [
    "EVERYTHING",
    "Fleet",
    "FleetSummary",
    "Interrupted",
    "PlanError",
    "connect",
    "describe_fleet",
    "load_inventory",
]
