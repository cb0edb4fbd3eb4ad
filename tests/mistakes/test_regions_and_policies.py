"""Regions that are not there or not enabled, and registry policies that ECR does not take."""

from __future__ import annotations

from collections.abc import Callable

from tests.mistakes.conftest import INVENTORY, Newcomer

from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.sandbox.scenario import FaultRule, Mishap
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Region, Registry

Documented = Callable[[str, str], None]
SHOP = "222222222222"


def test_a_region_that_does_not_exist(newcomer: Newcomer, documented: Documented) -> None:
    """Nothing is called."""
    newcomer.replace('"eu-west-1"', '"eu-wst1"')
    documented("a region that does not exist", newcomer.reads("validate", "fleet.toml"))


def test_no_region(newcomer: Newcomer, documented: Documented) -> None:
    """Neither for the account nor for the fleet."""
    newcomer.replace('regions = ["eu-west-1"]\n', "")
    documented("no region is named", newcomer.reads("validate", "fleet.toml"))


def test_a_region_that_is_not_enabled(newcomer: Newcomer, documented: Documented) -> None:
    """An opt-in region, of one account."""
    inventory = INVENTORY.replace('"eu-west-1"', '"ap-east-1"')
    account = AccountScenario(id=SHOP, disabled_regions=("ap-east-1",))
    newcomer.serve(Scenario(accounts=(account,)), inventory)
    newcomer.write(inventory)
    documented("the account has not enabled an opt-in region", newcomer.reads("plan", "fleet.toml"))


def test_a_principal_that_is_not_known_yet(newcomer: Newcomer, documented: Documented) -> None:
    """An account that was made a moment ago is not known everywhere."""
    newcomer.serve()
    message = (
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy "
        "provided'"
    )
    newcomer.answer("PutRegistryPolicy", "InvalidParameterException", message, 400)
    documented(
        "an account that the registry policy names is not known everywhere yet",
        newcomer.reads("apply", "fleet.toml", "--yes"),
    )


def others(*prefixes: str, account: str = "111111111111") -> JsonObject:
    """A registry policy with a statement of somebody else's."""
    arns = [f"arn:aws:ecr:eu-west-1:{SHOP}:repository/{prefix}/*" for prefix in prefixes]
    statement: JsonObject = {
        "Sid": "others",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "ecr:ReplicateImage",
        "Resource": arns,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_a_principal_that_does_not_exist(newcomer: Newcomer, documented: Documented) -> None:
    """One statement of somebody else's that names a closed account spoils the whole policy."""
    world = newcomer.serve()
    registry = Registry(AccountId(SHOP), Region("eu-west-1"))
    world.set_policy(registry, others("team", account="444444444444"))
    documented(
        "a foreign statement of the registry policy names an account that was closed",
        newcomer.reads("apply", "fleet.toml", "--yes"),
    )


def test_a_registry_policy_that_is_too_long(newcomer: Newcomer, documented: Documented) -> None:
    """Statements of others leave too little room."""
    world = newcomer.serve()
    registry = Registry(AccountId(SHOP), Region("eu-west-1"))
    world.set_policy(registry, others(*(f"team-{number:04}" for number in range(170))))
    documented(
        "the registry policy would be longer than ECR takes", newcomer.reads("plan", "fleet.toml")
    )


def test_sts_throttles(newcomer: Newcomer, documented: Documented) -> None:
    """Until the deadline of the run."""
    newcomer.serve(
        Scenario(faults=(FaultRule(kind=Mishap.THROTTLED, rate=1, operations=("AssumeRole",)),))
    )
    documented("others use up the quota of STS", newcomer.reads("plan", "fleet.toml"))
