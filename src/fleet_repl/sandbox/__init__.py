"""A simulated AWS over real HTTP: ECR, STS, IAM and Organizations for an inventory's accounts.

The law of this room: of the package it uses `values` and `inventory` only. It replicates images and
deletions as rules and policies together allow, decided by its own reading of them, so that it can
say when the rest of the package is wrong.
"""

from fleet_repl.sandbox.backfills import Backfill
from fleet_repl.sandbox.images import Image, Repository
from fleet_repl.sandbox.scenario import AccountScenario, FaultRule, Mishap, RegionScenario, Scenario
from fleet_repl.sandbox.scenario_contents import FunctionScenario, RegistryScenario, ServiceScenario
from fleet_repl.sandbox.scenario_file import load_scenario
from fleet_repl.sandbox.scenario_organization import (
    MemberScenario,
    OrganizationScenario,
    UnitScenario,
)
from fleet_repl.sandbox.seed import world_of
from fleet_repl.sandbox.server import Server, serve
from fleet_repl.sandbox.world import World

__all__ = [
    "AccountScenario",
    "Backfill",
    "FaultRule",
    "FunctionScenario",
    "Image",
    "MemberScenario",
    "Mishap",
    "OrganizationScenario",
    "RegionScenario",
    "RegistryScenario",
    "Repository",
    "Scenario",
    "Server",
    "ServiceScenario",
    "UnitScenario",
    "World",
    "load_scenario",
    "serve",
    "world_of",
]
