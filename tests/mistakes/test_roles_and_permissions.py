"""Roles that are not given, and calls that they may not make."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.mistakes.conftest import BASE, INVENTORY, Stranger

from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.sandbox.scenario import OrganizationScenario

Told = Callable[[str, str], None]
SHOP = "222222222222"
ROLE = f"arn:aws:iam::{SHOP}:role/fleet-replication"
SESSION = (
    f"arn:aws:sts::{SHOP}:assumed-role/fleet-replication/fleet-repl-prod-20261123T080000Z-abc123"
)
SCP = "with an explicit deny in a service control policy"
RCP = "with an explicit deny in a resource control policy"
EXTERNAL_ID = '[aws]\nexternal_id = "${EXTERNAL_ID}"\n'


def not_authorized(who: str, action: str, resource: str, why: str) -> str:
    return f"User: {who} is not authorized to perform: {action} on resource: {resource} {why}"


def lacking(*actions: str) -> Scenario:
    return Scenario(accounts=(AccountScenario(id=SHOP, denied_actions=actions),))


@pytest.mark.parametrize("how", ["no role", "another trust policy", "an external id"])
def test_a_role_that_is_refused(stranger: Stranger, told: Told, how: str) -> None:
    """AWS says the same of a role that is not there, trusts others, or wants an external id."""
    aws = INVENTORY
    if how == "no role":
        aws = INVENTORY.replace('name = "shop"', 'name = "shop"\nrole = "another"')
    elif how == "an external id":
        stranger.setenv("EXTERNAL_ID", "corp-1")
        aws = INVENTORY.replace('name = "shop"', 'name = "shop"\nexternal_id = "${EXTERNAL_ID}"')
    denied = how == "another trust policy"
    stranger.serve(Scenario(accounts=(AccountScenario(id=SHOP, denied=denied),)), aws)
    told(
        "the role does not exist, its trust policy does not name who assumes it, or it asks for "
        "an external id that the inventory does not have",
        stranger.reads("plan", "fleet.toml"),
    )


def test_another_external_id(stranger: Stranger, told: Told) -> None:
    """It is not shown."""
    stranger.setenv("EXTERNAL_ID", "corp-1")
    inventory = INVENTORY.replace("[aws]\n", EXTERNAL_ID)
    stranger.serve(inventory=inventory)
    stranger.write(inventory)
    stranger.setenv("EXTERNAL_ID", "corp-2")
    printed = stranger.reads("plan", "fleet.toml")
    assert "corp-" not in printed
    told("the external id is not the one that the role asks for", printed)


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        ("an SCP keeps the base identity from assuming roles", SCP),
        ("an RCP keeps others out of the account's roles", RCP),
    ],
)
def test_a_role_that_the_organization_denies(
    stranger: Stranger, told: Told, cause: str, why: str
) -> None:
    """AWS names the kind of policy."""
    stranger.serve()
    stranger.answer("AssumeRole", "AccessDenied", not_authorized(BASE, "sts:AssumeRole", ROLE, why))
    told(cause, stranger.reads("plan", "fleet.toml", "--account", "shop"))


def test_a_call_that_an_scp_denies(stranger: Stranger, told: Told) -> None:
    """No policy of the account can allow it."""
    stranger.serve()
    message = not_authorized(SESSION, "ecr:DescribeRegistry", "*", SCP)
    stranger.answer("DescribeRegistry", "AccessDeniedException", message, 400)
    told("an SCP denies a call of ECR", stranger.reads("plan", "fleet.toml", "--account", "shop"))


def test_a_call_beyond_the_permissions_boundary(stranger: Stranger, told: Told) -> None:
    """The role's policy alone does not do."""
    stranger.serve()
    why = "because no permissions boundary allows the ecr:GetRegistryPolicy action"
    message = not_authorized(SESSION, "ecr:GetRegistryPolicy", "*", why)
    stranger.answer("GetRegistryPolicy", "AccessDeniedException", message, 400)
    told(
        "the role's permissions boundary does not let a call through",
        stranger.reads("plan", "fleet.toml", "--account", "shop"),
    )


def test_a_missing_permission_to_read(stranger: Stranger, told: Told) -> None:
    """In a plan."""
    stranger.serve(lacking("ecr:GetRegistryPolicy"))
    told("the role lacks a permission to read", stranger.reads("plan", "fleet.toml"))


def test_a_missing_permission_to_write(stranger: Stranger, told: Told) -> None:
    """At apply; doctor tells of it before."""
    stranger.serve(lacking("ecr:PutRegistryPolicy"))
    told("the role lacks a permission to write", stranger.reads("apply", "fleet.toml", "--yes"))


def test_a_linked_role_that_may_not_be_made(stranger: Stranger, told: Told) -> None:
    """The first rules of an account make it."""
    scenario = Scenario(
        accounts=(
            AccountScenario(id="111111111111", denied_actions=("iam:CreateServiceLinkedRole",)),
        )
    )
    stranger.serve(scenario)
    told(
        "the role may not make the service-linked role that ECR replicates with",
        stranger.reads("apply", "fleet.toml", "--yes"),
    )


def test_a_session_that_is_too_large(stranger: Stranger, told: Told) -> None:
    """STS packs policy and tags into one limit."""
    inventory = INVENTORY.replace("[aws]\n", '[aws]\nsession_tags = { team = "platform" }\n')
    stranger.serve(inventory=inventory)
    stranger.write(inventory)
    message = "Packed size of session tags and session policy consumes 104% of allotted space"
    stranger.answer("AssumeRole", "PackedPolicyTooLarge", message, 400)
    told(
        "session policy and session tags are too long together",
        stranger.reads("plan", "fleet.toml"),
    )


def test_an_organization_that_may_not_be_listed(stranger: Stranger, told: Told) -> None:
    """Only the management account and delegated administrators may."""
    inventory = INVENTORY.replace("[[accounts]]", "[organization]\n\n[[accounts]]", 1)
    organization = OrganizationScenario(management=SHOP)
    stranger.serve(Scenario(organization=organization), inventory)
    stranger.write(inventory)
    told(
        "the base identity may not list the organization", stranger.reads("accounts", "fleet.toml")
    )


def test_another_organization(stranger: Stranger, told: Told) -> None:
    """`id` in [organization] is there for that."""
    inventory = INVENTORY.replace(
        "[[accounts]]", '[organization]\nid = "o-abcde12345"\n\n[[accounts]]', 1
    )
    stranger.serve(inventory=INVENTORY.replace("[[accounts]]", "[organization]\n\n[[accounts]]", 1))
    stranger.write(inventory)
    told("credentials of another organization", stranger.reads("accounts", "fleet.toml"))
