"""A simulated AWS over real HTTP: ECR, STS, IAM and Organizations for an inventory's accounts.

The law of this room: of the package it uses `values` and `inventory` only. It replicates images and
deletions as rules and policies together allow, decided by its own reading of them, so that it can
say when the rest of the package is wrong.
"""

from fleet_repl.sandbox.backfills import Backfill as Backfill
from fleet_repl.sandbox.images import Image as Image, Repository as Repository
from fleet_repl.sandbox.scenario import (
    AccountScenario as AccountScenario,
    FaultRule as FaultRule,
    Mishap as Mishap,
    RegionScenario as RegionScenario,
    Scenario as Scenario,
)
from fleet_repl.sandbox.scenario_contents import (
    FunctionScenario as FunctionScenario,
    MemberScenario as MemberScenario,
    OrganizationScenario as OrganizationScenario,
    RegistryScenario as RegistryScenario,
    ServiceScenario as ServiceScenario,
    UnitScenario as UnitScenario,
)
from fleet_repl.sandbox.scenario_file import load_scenario as load_scenario
from fleet_repl.sandbox.seed import world_of as world_of
from fleet_repl.sandbox.server import Server as Server, serve as serve
from fleet_repl.sandbox.world import World as World
