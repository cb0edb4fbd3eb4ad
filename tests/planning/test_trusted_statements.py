"""Statements of which nobody can tell whether they deny, and who vouches for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.support.desired import desired_of
from tests.support.links import make_link
from tests.support.registries import registry_of

from fleet_repl.ecr.policy import Owner, parse_policy
from fleet_repl.ecr.rules import parse_document
from fleet_repl.inventory import Account, Inventory, Ownership
from fleet_repl.planning.desired_state import desired_state
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Vouched
from fleet_repl.planning.planner import Planned, plan_registries
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Partition, Region, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)
HUB, SPOKE = map(registry_of, "12")
PERIMETER: JsonObject = {
    "Sid": "OrgPerimeter",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "ecr:*",
    "Resource": "*",
    "Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
}


def planned(
    *statements: JsonObject, scope: Sequence[Registry] = (HUB, SPOKE), **trusted: str
) -> Planned:
    """The plan of one new link into a registry with these statements."""
    link = make_link(source=HUB, destination=SPOKE, prefixes=("base/",), routes=("golden",))
    desired = replace(
        desired_of([link], [HUB, SPOKE]),
        trusted={AccountId(account[1:] * 12): frozenset([sid]) for account, sid in trusted.items()},
    )
    policy: JsonObject = {"Version": "2012-10-17", "Statement": statements}
    seen = {
        HUB: Observed(
            replication=parse_document({"rules": []}), policy=parse_policy(None, OWNER, HUB)
        ),
        SPOKE: Observed(
            replication=parse_document({"rules": []}), policy=parse_policy(policy, OWNER, SPOKE)
        ),
    }
    return plan_registries(desired, seen, scope)


def test_a_new_link_is_held_until_somebody_vouches() -> None:
    """It is told what that depends on; with trust the link is made, and the plan lists why."""
    plan = planned(PERIMETER)
    (held,) = plan.registries[0].held
    assert held.because == (
        "222222222222/eu-west-1: statement OrgPerimeter of its registry policy may deny it, "
        "depending on aws:PrincipalOrgID"
    )
    assert (plan.registries[0].changes, plan.vouched) == ((), ())
    assert [warning.kind for warning in plan.warnings] == ["denied"]
    plan = planned(PERIMETER, _2="OrgPerimeter")
    assert [len(registry.changes) for registry in plan.registries] == [1, 1]
    assert plan.registries[0].held == ()
    assert plan.vouched == (Vouched(registry=SPOKE, sid="OrgPerimeter"),)
    assert plan.warnings == ()


def test_policies_outside_the_scope_are_only_looked_at() -> None:
    """The link is held all the same. But who plans some registries is not warned of policies that
    only others can do something about."""
    plan = planned(PERIMETER, scope=[HUB])
    (hub,) = plan.registries
    assert len(hub.held) == 1
    assert plan.warnings == ()


def test_trust_is_of_one_account() -> None:
    """That of the registry with the policy; elsewhere the same Sid is anybody's."""
    plan = planned(PERIMETER, _1="OrgPerimeter")
    assert len(plan.registries[0].held) == 1
    assert [warning.kind for warning in plan.warnings] == ["denied", "trusted-nothing"]


def test_nobody_vouches_for_a_sure_denial() -> None:
    """It was trusted while nobody could tell; an edit that hits for certain is a denial."""
    edited = {**PERIMETER, "Condition": {"StringNotEquals": {"aws:PrincipalAccount": "3" * 12}}}
    plan = planned(edited, _2="OrgPerimeter")
    (held,) = plan.registries[0].held
    assert held.because.endswith("statement OrgPerimeter of its registry policy denies it")
    assert plan.vouched == ()


def test_a_statement_that_is_harmless_anyway_is_not_listed() -> None:
    """What surely does not hit needs nobody's word."""
    harmless = {**PERIMETER, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    plan = planned(harmless, _2="OrgPerimeter")
    assert (plan.registries[0].held, plan.vouched, plan.warnings) == ((), (), ())


@pytest.mark.parametrize("silent", [False, True])
def test_a_trusted_name_that_nobody_has(silent: bool) -> None:
    """It is told, as somebody may write such a statement one day; not where a policy is unread."""
    link = make_link(source=HUB, destination=SPOKE, prefixes=("base/",), routes=("golden",))
    desired = replace(
        desired_of([link], [HUB, SPOKE]),
        trusted=dict.fromkeys([HUB.account, SPOKE.account], frozenset(["Gone"])),
    )
    seen: Any = {
        registry: Observed(
            replication=parse_document({"rules": []}), policy=parse_policy(None, OWNER, registry)
        )
        for registry in (HUB, SPOKE)
    }
    if silent:
        fault = Fault(kind=FaultKind.NETWORK, operation="DescribeRegistry", message="no")
        seen[HUB] = Unreadable(error=fault)
    plan = plan_registries(desired, seen, [HUB, SPOKE])
    assert [warning.kind for warning in plan.warnings] == ([] if silent else ["trusted-nothing"])


def test_the_fleets_trust_is_that_of_every_account() -> None:
    """Beside what an account trusts itself."""
    accounts = tuple(
        Account(
            id=AccountId(digit * 12),
            name=digit,
            regions=(Region("eu-west-1"),),
            role=None,
            trusted_statements=trusted,
        )
        for digit, trusted in (("1", ()), ("2", ("Mine",)))
    )
    inventory = Inventory(
        path="x.toml",
        digest="",
        name="prod",
        accounts=accounts,
        ownership=Ownership(trusted_statements=("Ours",)),
    )
    desired, _ = desired_state(inventory)
    assert desired.trusted == {
        "1" * 12: frozenset(["Ours"]),
        "2" * 12: frozenset(["Ours", "Mine"]),
    }
