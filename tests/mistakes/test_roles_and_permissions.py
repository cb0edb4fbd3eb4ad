"""Roles that are not given, and calls that they may not make."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.mistakes.conftest import BASE, INVENTORY, Newcomer

from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.sandbox.scenario_contents import OrganizationScenario

Documented = Callable[[str, str], None]
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
def test_a_role_that_is_refused(newcomer: Newcomer, documented: Documented, how: str) -> None:
    """AWS says the same of a role that is not there, trusts others, or wants an external id."""
    aws = INVENTORY
    if how == "no role":
        aws = INVENTORY.replace('name = "shop"', 'name = "shop"\nrole = "another"')
    elif how == "an external id":
        newcomer.setenv("EXTERNAL_ID", "corp-1")
        aws = INVENTORY.replace('name = "shop"', 'name = "shop"\nexternal_id = "${EXTERNAL_ID}"')
    denied = how == "another trust policy"
    newcomer.serve(Scenario(accounts=(AccountScenario(id=SHOP, denied=denied),)), aws)
    documented(
        "the role does not exist, its trust policy does not name who assumes it, or it asks for "
        "an external id that the inventory does not have",
        newcomer.reads("plan", "fleet.toml"),
    )


def test_another_external_id(newcomer: Newcomer, documented: Documented) -> None:
    """It is not shown."""
    newcomer.setenv("EXTERNAL_ID", "corp-1")
    inventory = INVENTORY.replace("[aws]\n", EXTERNAL_ID)
    newcomer.serve(inventory=inventory)
    newcomer.write(inventory)
    newcomer.setenv("EXTERNAL_ID", "corp-2")
    printed = newcomer.reads("plan", "fleet.toml")
    assert "corp-" not in printed
    documented("the external id is not the one that the role asks for", printed)


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        ("an SCP keeps the base identity from assuming roles", SCP),
        ("an RCP keeps others out of the account's roles", RCP),
    ],
)
def test_a_role_that_the_organization_denies(
    newcomer: Newcomer, documented: Documented, cause: str, why: str
) -> None:
    """AWS names the kind of policy."""
    newcomer.serve()
    newcomer.answer("AssumeRole", "AccessDenied", not_authorized(BASE, "sts:AssumeRole", ROLE, why))
    documented(cause, newcomer.reads("plan", "fleet.toml", "--account", "shop"))


def test_a_call_that_an_scp_denies(newcomer: Newcomer, documented: Documented) -> None:
    """No policy of the account can allow it."""
    newcomer.serve()
    message = not_authorized(SESSION, "ecr:DescribeRegistry", "*", SCP)
    newcomer.answer("DescribeRegistry", "AccessDeniedException", message, 400)
    documented(
        "an SCP denies a call of ECR", newcomer.reads("plan", "fleet.toml", "--account", "shop")
    )


def test_a_call_beyond_the_permissions_boundary(newcomer: Newcomer, documented: Documented) -> None:
    """The role's policy alone does not do."""
    newcomer.serve()
    why = "because no permissions boundary allows the ecr:GetRegistryPolicy action"
    message = not_authorized(SESSION, "ecr:GetRegistryPolicy", "*", why)
    newcomer.answer("GetRegistryPolicy", "AccessDeniedException", message, 400)
    documented(
        "the role's permissions boundary does not let a call through",
        newcomer.reads("plan", "fleet.toml", "--account", "shop"),
    )


def test_a_missing_permission_to_read(newcomer: Newcomer, documented: Documented) -> None:
    """In a plan."""
    newcomer.serve(lacking("ecr:GetRegistryPolicy"))
    documented("the role lacks a permission to read", newcomer.reads("plan", "fleet.toml"))


def test_a_missing_permission_to_write(newcomer: Newcomer, documented: Documented) -> None:
    """At apply; doctor tells of it before."""
    newcomer.serve(lacking("ecr:PutRegistryPolicy"))
    documented(
        "the role lacks a permission to write", newcomer.reads("apply", "fleet.toml", "--yes")
    )


def test_a_linked_role_that_may_not_be_made(newcomer: Newcomer, documented: Documented) -> None:
    """The first rules of an account make it."""
    scenario = Scenario(
        accounts=(
            AccountScenario(id="111111111111", denied_actions=("iam:CreateServiceLinkedRole",)),
        )
    )
    newcomer.serve(scenario)
    documented(
        "the role may not make the service-linked role that ECR replicates with",
        newcomer.reads("apply", "fleet.toml", "--yes"),
    )


def test_a_session_that_is_too_large(newcomer: Newcomer, documented: Documented) -> None:
    """STS packs policy and tags into one limit."""
    inventory = INVENTORY.replace("[aws]\n", '[aws]\nsession_tags = { team = "platform" }\n')
    newcomer.serve(inventory=inventory)
    newcomer.write(inventory)
    message = "Packed size of session tags and session policy consumes 104% of allotted space"
    newcomer.answer("AssumeRole", "PackedPolicyTooLarge", message, 400)
    documented(
        "session policy and session tags are too long together",
        newcomer.reads("plan", "fleet.toml"),
    )


def test_an_organization_that_may_not_be_listed(newcomer: Newcomer, documented: Documented) -> None:
    """Only the management account and delegated administrators may."""
    inventory = INVENTORY.replace("[[accounts]]", "[organization]\n\n[[accounts]]", 1)
    organization = OrganizationScenario(management=SHOP)
    newcomer.serve(Scenario(organization=organization), inventory)
    newcomer.write(inventory)
    documented(
        "the base identity may not list the organization", newcomer.reads("accounts", "fleet.toml")
    )


def test_another_organization(newcomer: Newcomer, documented: Documented) -> None:
    """`id` in [organization] is there for that."""
    inventory = INVENTORY.replace(
        "[[accounts]]", '[organization]\nid = "o-abcde12345"\n\n[[accounts]]', 1
    )
    newcomer.serve(inventory=INVENTORY.replace("[[accounts]]", "[organization]\n\n[[accounts]]", 1))
    newcomer.write(inventory)
    documented("credentials of another organization", newcomer.reads("accounts", "fleet.toml"))
