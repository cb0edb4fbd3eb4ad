"""A simulated AWS: accounts, keys and registries, with what a scenario does to them.

Operations change it through `ecr` and `sts`; its own methods are for whoever owns the sandbox,
to look at registries and to tamper with them as somebody in the account could.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from fleet_repl import limits
from fleet_repl.canonical import JsonObject, compact_json
from fleet_repl.errors import ScenarioError
from fleet_repl.inventory.model import Inventory, Limits
from fleet_repl.names import AccountId, Registry, is_account_id
from fleet_repl.sandbox.clock import SYSTEM, Clock
from fleet_repl.sandbox.directory import Directory
from fleet_repl.sandbox.faults import Faults
from fleet_repl.sandbox.keys import Keyring
from fleet_repl.sandbox.policy_documents import checked_policy, stored
from fleet_repl.sandbox.refusals import Refusal
from fleet_repl.sandbox.registries import Image, Policy, Registries, RegistryState, Repository
from fleet_repl.sandbox.replication import Estate, Push
from fleet_repl.sandbox.rule_documents import checked_replication
from fleet_repl.sandbox.scenario import RegistryScenario, Scenario
