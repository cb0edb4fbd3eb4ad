"""Fleets in memory: a file that lists accounts, and what their registries answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet_repl.ecr.policy import Owner, parse_policy
from fleet_repl.ecr.rules import parse_answer
from fleet_repl.inventory import Inventory, parse
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.importing import Imported, imported
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.planner import Planned, plan_registries
from fleet_repl.topology import registries
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry

ENVIRON: Mapping[str, str] = {
    "TEAM": "payments",
    "FLEET_EXTERNAL_ID": "s3cr3t-of-the-fleet",
    "EXTERNAL_ID_111111111111": "s3cr3t-of-one",
    "EXTERNAL_ID_222222222222": "s3cr3t-s3cr3t-of-the-fleet",
}
DENIED = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no\n[[routes]]")


def registry_of(text: str) -> Registry:
    """`1/eu-west-1` as a registry: the digit stands for an id made of it."""
    account, region = text.split("/")
    return Registry(AccountId(account * 12 if len(account) == 1 else account), Region(region))


def rule(*ends: str, filters: tuple[str, ...] = (), **fields: object) -> JsonObject:
    """A replication rule to some registries."""
    places = [registry_of(end) for end in ends]
    made: dict[str, object] = {
        "destinations": [{"region": place.region, "registryId": place.account} for place in places]
    }
    if filters:
        made["repositoryFilters"] = [
            {"filter": filter_, "filterType": "PREFIX_MATCH"} for filter_ in filters
        ]
    return {**made, **fields}  # type: ignore[dict-item]


@dataclass
class Found:
    """A fleet as it is found: the file that lists it, and what is in place."""

    folder: Path
    text: str
    rules: dict[Registry, list[JsonObject]] = field(default_factory=dict)
    policies: dict[Registry, JsonObject] = field(default_factory=dict)
    answers: dict[Registry, JsonObject] = field(default_factory=dict)
    """More fields of their answers to DescribeRegistry."""
    silent: frozenset[Registry] = frozenset()

    def load(self, text: str, *, routes_required: bool = True) -> Inventory:
        path = self.folder / "fleet.toml"
        path.write_text(text, encoding="utf-8")
        return parse(path, environ=ENVIRON, routes_required=routes_required)

    def observe(self, inventory: Inventory) -> Observation:
        owner = Owner(
            fleet=inventory.name,
            partition=inventory.aws.partition,
            formerly=inventory.ownership.formerly,
        )
        return {
            registry: Unreadable(error=DENIED)
            if registry in self.silent
            else Observed(
                replication=parse_answer(
                    {
                        "registryId": registry.account,
                        "replicationConfiguration": {"rules": self.rules.get(registry, [])},
                        **self.answers.get(registry, {}),
                    }
                ),
                policy=parse_policy(self.policies.get(registry), owner, registry),
            )
            for registry in registries(inventory)
        }

    def imported(self) -> Imported:
        """What importing gives."""
        inventory = self.load(self.text, routes_required=False)
        return imported(self.text, inventory, self.observe(inventory))

    def planned(self, text: str) -> Planned:
        """What a plan of another file would do to the same fleet."""
        inventory = self.load(text)
        desired, _ = desired_state(inventory)
        return plan_registries(desired, self.observe(inventory), desired.registries)


Find = Callable[..., Found]


@pytest.fixture(scope="session")
def find(tmp_path_factory: pytest.TempPathFactory) -> Find:
    """Makes a fleet of a file's text and of rules by `1/eu-west-1`."""

    def make(text: str, rules: Mapping[str, list[JsonObject]] | None = None) -> Found:
        fleet = Found(tmp_path_factory.mktemp("found"), text)
        for name, wanted in (rules or {}).items():
            fleet.rules[registry_of(name)] = json.loads(json.dumps(wanted))
        return fleet

    return make


@pytest.fixture(scope="session")
def make_rule() -> Callable[..., JsonObject]:
    return rule


@pytest.fixture(scope="session")
def make_registry() -> Callable[[str], Registry]:
    return registry_of
