"""Organizations, Account, EC2 and IAM, as an AWS SDK sees them."""

from __future__ import annotations

from typing import Any, Final

import pytest
from botocore.exceptions import ClientError
from tests.support.served import Serve, Served

from fleet_repl.sandbox import (
    AccountScenario,
    MemberScenario,
    OrganizationScenario,
    Scenario,
    UnitScenario,
)

HUB, BASE = "1" * 12, "9" * 12
ROOT: Final = "r-sbox"
WORKLOADS, PROD = "ou-sbox-workloads", "ou-sbox-prod0000"
ROLE: Final = f"arn:aws:iam::{HUB}:role/ops/fleet-replication"
UNITS: Final = (
    UnitScenario(id=WORKLOADS, name="Workloads"),
    UnitScenario(id=PROD, name="Prod", parent=WORKLOADS),
)
MEMBERS: Final = (
    MemberScenario(id=BASE),
    MemberScenario(id=HUB, name="hub", unit=PROD, tags={"env": "prod", "team": "core"}),
    *(MemberScenario(id=f"{number:012}", unit=WORKLOADS) for number in range(1, 46)),
    MemberScenario(id="3" * 12, state="CLOSED"),
)


def organized(**how: Any) -> Scenario:
    organization = OrganizationScenario(management=BASE, units=UNITS, members=MEMBERS, **how)
    return Scenario(organization=organization)


async def everything(aws: Served, operation: str, member: str, **asked: str) -> list[Any]:
    """The items of all pages of a list, and a None for each page."""
    items: list[Any] = []
    async with aws.client("organizations") as client:
        while True:
            answer = await getattr(client, operation)(**asked)
            items += [*answer[member], None]
            if "NextToken" not in answer:
                return items
            asked["NextToken"] = answer["NextToken"]


async def test_accounts_come_in_pages_of_twenty(served: Serve) -> None:
    """With their state, and without the status that AWS has retired."""
    async with served(organized()) as aws:
        items = await everything(aws, "list_accounts", "Accounts")
    assert [index for index, item in enumerate(items) if item is None] == [20, 41, 50]
    accounts = {item["Id"]: item for item in items if item is not None}
    assert len(accounts) == len(MEMBERS)
    assert (accounts[HUB]["Name"], accounts[HUB]["State"]) == ("hub", "ACTIVE")
    assert accounts["3" * 12]["State"] == "CLOSED"
    assert not any("Status" in account for account in accounts.values())


async def test_pages_may_be_empty_and_lead_on(served: Serve) -> None:
    """Where a scenario asks for that, no account is lost over it."""
    async with served(organized(empty_pages=True)) as aws:
        items = await everything(aws, "list_accounts", "Accounts")
        roots = await everything(aws, "list_roots", "Roots")
    assert items[0] is None
    assert len([item for item in items if item is not None]) == len(MEMBERS)
    assert [item and item["Id"] for item in roots] == [None, ROOT, None]


async def test_units_form_a_tree(served: Serve) -> None:
    """Units and accounts are found below their parent, and the parent from either."""
    async with served(organized()) as aws:
        below = await everything(
            aws, "list_organizational_units_for_parent", "OrganizationalUnits", ParentId=WORKLOADS
        )
        inside = await everything(aws, "list_accounts_for_parent", "Accounts", ParentId=PROD)
        tags = await everything(aws, "list_tags_for_resource", "Tags", ResourceId=HUB)
        parents = [
            (await everything(aws, "list_parents", "Parents", ChildId=child))[0]
            for child in (HUB, PROD, WORKLOADS)
        ]
        async with aws.client("organizations") as client:
            unit = await client.describe_organizational_unit(OrganizationalUnitId=PROD)
            described = await client.describe_organization()
    assert [unit["Name"] for unit in below if unit] == ["Prod"]
    assert [account["Id"] for account in inside if account] == [HUB]
    assert tags == [{"Key": "env", "Value": "prod"}, {"Key": "team", "Value": "core"}, None]
    assert [(parent["Id"], parent["Type"]) for parent in parents] == [
        (PROD, "ORGANIZATIONAL_UNIT"),
        (WORKLOADS, "ORGANIZATIONAL_UNIT"),
        (ROOT, "ROOT"),
    ]
    assert unit["OrganizationalUnit"]["Name"] == "Prod"
    assert described["Organization"]["Id"] == "o-sandbox0001"


async def test_without_a_scenario_the_inventory_is_the_organization(aws: Served) -> None:
    """Its accounts are members, with the names that the inventory gives them."""
    items = await everything(aws, "list_accounts", "Accounts")
    accounts = {account["Id"] for account in items if account}
    assert accounts >= {BASE, HUB, "2" * 12}


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("list_accounts_for_parent", {"ParentId": "ou-none-00000000"}, "ParentNotFoundException"),
        ("list_parents", {"ChildId": "4" * 12}, "ChildNotFoundException"),
        ("list_tags_for_resource", {"ResourceId": "4" * 12}, "TargetNotFoundException"),
        (
            "describe_organizational_unit",
            {"OrganizationalUnitId": "ou-none-00000000"},
            "OrganizationalUnitNotFoundException",
        ),
        ("list_accounts_for_parent", {"ParentId": "x"}, "InvalidInputException"),
        ("list_accounts", {"NextToken": "x"}, "InvalidInputException"),
    ],
)
async def test_what_is_not_there(
    served: Serve, operation: str, asked: dict[str, str], code: str
) -> None:
    """Each in Organizations' own code."""
    async with served(organized()) as aws, aws.client("organizations") as client:
        with pytest.raises(ClientError) as caught:
            await getattr(client, operation)(**asked)
        assert caught.value.response["Error"]["Code"] == code


async def test_only_administrators_may_ask(served: Serve) -> None:
    """The management account, and members that it has delegated to."""
    for delegated, code in (((), "AccessDeniedException"), ((HUB,), None)):
        async with served(organized(delegated=delegated)) as aws:
            key = await aws.session(HUB)
            async with aws.client("organizations", key) as client:
                try:
                    await client.describe_organization()
                except ClientError as error:
                    assert error.response["Error"]["Code"] == code  # noqa: PT017
                else:
                    assert code is None


async def test_organizations_throttles(served: Serve) -> None:
    """Beyond its rate, in its own code."""
    async with served(Scenario(organizations_rate=1)) as aws, aws.client("organizations") as client:
        await client.describe_organization()
        with pytest.raises(ClientError) as caught:
            await client.describe_organization()
        assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"


async def test_closed_members_are_gone(served: Serve) -> None:
    """Their roles give no session, and registry policies that name them are refused."""
    closed = MemberScenario(id=HUB, state="CLOSED")
    organization = OrganizationScenario(management=BASE, members=(closed,))
    async with served(Scenario(organization=organization)) as aws:
        assert (await aws.assume(HUB)).error[0] == "AccessDenied"


async def test_regions_of_an_account(served: Serve) -> None:
    """Account and EC2 agree on which an account has."""
    peculiar = AccountScenario(id=HUB, disabled_regions=("eu-west-1",))
    async with served(Scenario(accounts=(peculiar,))) as aws:
        key = await aws.session(HUB)
        async with aws.client("account", key) as client:
            answer = await client.list_regions(MaxResults=50)
            usable = await client.list_regions(
                RegionOptStatusContains=["ENABLED", "ENABLED_BY_DEFAULT"], MaxResults=5
            )
        async with aws.client("ec2", key) as client:
            known = await client.describe_regions()
            every = await client.describe_regions(AllRegions=True)
    statuses = {item["RegionName"]: item["RegionOptStatus"] for item in answer["Regions"]}
    assert statuses["eu-west-1"] == "DISABLED"
    assert statuses["us-east-1"] == "ENABLED_BY_DEFAULT"
    assert len(usable["Regions"]) == 5
    assert "NextToken" in usable
    assert {item["RegionName"] for item in known["Regions"]} == {
        region for region, status in statuses.items() if status != "DISABLED"
    }
    assert {item["RegionName"] for item in every["Regions"]} == set(statuses)


@pytest.mark.parametrize(
    ("service", "operation", "action", "code"),
    [
        ("account", "list_regions", "account:ListRegions", "AccessDeniedException"),
        ("ec2", "describe_regions", "ec2:DescribeRegions", "UnauthorizedOperation"),
    ],
)
async def test_regions_take_a_permission(
    served: Serve, service: str, operation: str, action: str, code: str
) -> None:
    """A role without it is refused in the service's own code."""
    lacking = AccountScenario(id=HUB, denied_actions=(action,))
    async with served(Scenario(accounts=(lacking,))) as aws:
        async with aws.client(service, await aws.session(HUB)) as client:
            with pytest.raises(ClientError) as caught:
                await getattr(client, operation)()
        assert caught.value.response["Error"]["Code"] == code


async def test_permissions_can_be_asked_for(served: Serve) -> None:
    """What IAM says that a role may do is what its calls may."""
    lacking = AccountScenario(id=HUB, denied_actions=("ecr:PutRegistryPolicy",))
    asked = {"ActionNames": ["ecr:DescribeRegistry", "ecr:PutRegistryPolicy"]}
    async with served(Scenario(accounts=(lacking,))) as aws:
        key = await aws.session(HUB)
        async with aws.client("iam", key, "us-east-1") as client:
            answer = await client.simulate_principal_policy(PolicySourceArn=ROLE, **asked)
            with pytest.raises(ClientError) as caught:
                await client.simulate_principal_policy(PolicySourceArn=f"{ROLE}x", **asked)
    assert {
        item["EvalActionName"]: item["EvalDecision"] for item in answer["EvaluationResults"]
    } == {
        "ecr:DescribeRegistry": "allowed",
        "ecr:PutRegistryPolicy": "implicitDeny",
    }
    assert caught.value.response["Error"]["Code"] == "NoSuchEntity"


async def test_permissions_on_several_resources(served: Serve) -> None:
    """IAM answers with one result for each action, and in it a decision for each resource."""
    resources = ["*", f"arn:aws:iam::{HUB}:role/x"]
    async with (
        served(Scenario()) as aws,
        aws.client("iam", await aws.session(HUB), "us-east-1") as client,
    ):
        answer = await client.simulate_principal_policy(
            PolicySourceArn=ROLE, ActionNames=["iam:PassRole"], ResourceArns=resources
        )
    (result,) = answer["EvaluationResults"]
    assert result["EvalDecision"] == "allowed"
    assert [
        (item["EvalResourceName"], item["EvalResourceDecision"])
        for item in result["ResourceSpecificResults"]
    ] == [(resource, "allowed") for resource in resources]
