"""A whole life of a fleet with the printed policies in force: they allow exactly its calls.

The sandbox asks, for every call, whether the role may make it. Here the answer comes from the
documents of `bootstrap`, by a reading of IAM of the test's own.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.guard import Guard
from tests.support.registries import registry_of
from tests.support.simulated import ENVIRONMENT, Simulated, simulate

from fleet_repl import Outcome, Plan, Status, discover
from fleet_repl.ecr.permissions import Feature
from fleet_repl.ecr.session_policies import session_policy
from fleet_repl.reports.bootstrap import bootstrap_of, cloudformation_text, iam_document
from fleet_repl.sandbox import (
    MemberScenario,
    OrganizationScenario,
    RegistryScenario,
    Scenario,
)
from fleet_repl.values.names import Partition

FLEET = """\
version = 1
name = "prod"
[aws]
role = "platform/replication"
via = ["arn:aws:iam::888888888888:role/hub"]
external_id = "${EXTERNAL_ID}"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
name = "hub"
[[accounts]]
id = "222222222222"
name = "spoke"
[[accounts]]
id = "333333333333"
name = "edge"
"""
ROUTES = """\
[[routes]]
name = "golden"
from = { accounts = "hub" }
to = { accounts = ["spoke", "edge"] }
prefixes = ["base/"]
backfill = "new-links"
"""
TEMPLATES = """\
[[templates]]
name = "golden"
prefix = "base/"
select = { accounts = "spoke" }
tag_mutability = "immutable"
role = "ecr-template"
tags = { team = "platform" }
lifecycle_policy = '''
{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType":
"imageCountMoreThan", "countNumber": 9}, "action": {"type": "expire"}}]}
'''
repository_policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}'
"""
WHOLE = FLEET + ROUTES + TEMPLATES
NOTHING = FLEET.replace("[aws]", "routes = []\n[aws]")
HUB, SPOKE, EDGE = map(registry_of, "123")
PULL: dict[str, Any] = {
    "Sid": "Pull",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::333333333333:root"},
    "Action": "ecr:BatchGetImage",
    "Resource": "*",
}
"""What this does depends on the registry policy scope, which is then asked for."""
OLD = Scenario(
    registries=(
        RegistryScenario(
            account=HUB.account, region=HUB.region, repositories={"base/python": ("3.12", "3.13")}
        ),
    )
)
NOT_MADE_HERE = {
    # AWS asks for these where a template is made that has such a part; no call has their name.
    ("Templates", "ecr:CreateRepository"),
    ("LifecyclePoliciesOfTemplates", "ecr:PutLifecyclePolicy"),
    ("RepositoryPoliciesOfTemplates", "ecr:SetRepositoryPolicy"),
    # ECR makes that role by itself; the sandbox does without.
    ("ServiceLinkedRoleOfTemplates", "iam:CreateServiceLinkedRole"),
    # For `doctor`.
    ("OwnPermissions", "iam:SimulatePrincipalPolicy"),
}
"""What the role may do and these runs do not."""


def guard_for(aws: Simulated, **how: Any) -> Guard:
    """The documents as they are printed, with the external id filled in."""
    base = aws.world.directory.base.arn
    printed = iam_document(bootstrap_of(aws.inventory, base_identity=base, **how))
    secret = ENVIRONMENT["EXTERNAL_ID"]
    return Guard(json.loads(json.dumps(printed).replace("${EXTERNAL_ID}", secret)))


async def live(aws: Simulated) -> None:
    """Everything that a fleet does: set up, looked at, changed, narrowed, taken back."""
    aws.world.set_policy(SPOKE, {"Version": "2012-10-17", "Statement": [PULL]})
    async with aws.connected() as fleet:
        report = await fleet.apply(await fleet.plan())
        assert report.count(Outcome.APPLIED) == 3
        # One at a time runs into a region, so the second one waits for this.
        await fleet.backfill(wait=True)
        aws.world.push(HUB, "base/node", "22")
        assert not (await fleet.verify()).unreadable
    # A copy fails, so that a backfill has results; a template is changed by hand.
    aws.world.set_policy(EDGE, None)
    (template,) = aws.world.templates(SPOKE)
    dates = ("createdAt", "updatedAt")
    changed = {key: value for key, value in template.items() if key not in dates}
    aws.world.set_template(SPOKE, {**changed, "imageTagMutability": "MUTABLE"})
    async with aws.connected() as fleet:
        await fleet.backfill(wait=True, again=True)
        await fleet.verify()
        await fleet.import_inventory()
        assert (await fleet.apply(await fleet.plan())).status is Status.OK
    report = await aws.applied(NOTHING, force=True)
    assert report.count(Outcome.APPLIED) == 3
    await aws.rolled_back(report.run_id, force=True)
    assert aws.world.templates(SPOKE)


async def test_the_role_may_do_exactly_what_the_runs_do() -> None:
    """No call is refused, and each statement has allowed each of its actions, or is explained."""
    async with simulate(WHOLE, OLD) as aws:
        # A policy is taken away by somebody else: CloudTrail is asked who it was, and
        # CloudFormation whether a stack holds it.
        guard = guard_for(aws, more=(Feature.CLOUDFORMATION, Feature.CLOUDTRAIL))
        with guard.in_force(aws.world):
            await live(aws)
    assert guard.refused == []
    assert guard.allowed - guard.used == NOT_MADE_HERE
    assert guard.used - guard.allowed == {("NextRole", "sts:AssumeRole")}


async def test_a_plain_fleet_needs_less() -> None:
    """Without grants, templates and backfills the role has no statement for them."""
    plain = ROUTES.replace('backfill = "new-links"\n', "") + '[ownership]\ngrants = "off"\n'
    async with simulate(FLEET + plain) as aws:
        guard = guard_for(aws)
        with guard.in_force(aws.world):
            async with aws.connected() as fleet:
                await fleet.apply(await fleet.plan(), force=True)
                aws.world.push(HUB, "base/node", "22")
                aws.clock.seconds += 60
                # Nobody lets these images in, so the policies are read to say so.
                await fleet.verify()
    assert guard.refused == []
    assert guard.allowed - guard.used == {("OwnPermissions", "iam:SimulatePrincipalPolicy")}


async def look(aws: Simulated) -> Plan:
    """Everything that reads a fleet and writes nothing."""
    async with aws.connected() as fleet:
        await fleet.verify()
        await fleet.import_inventory()
        await fleet.backfill_status()
        return await fleet.plan()


async def test_who_only_reads_writes_nothing() -> None:
    """Plans, deliveries and imports work; every write of an apply is refused."""
    async with simulate(WHOLE, OLD) as aws:
        guard = guard_for(aws, read_only=True)
        with guard.in_force(aws.world):
            await look(aws)
            assert guard.refused == []
            report = await aws.applied()
        assert report.count(Outcome.APPLIED) == 0
        assert aws.world.writes == []


@pytest.mark.parametrize("read_only", [False, True])
async def test_the_policy_of_a_session_holds_no_run_up(read_only: bool) -> None:
    """Neither one that writes, whatever it does, nor one that looks."""
    async with simulate(WHOLE, OLD) as aws:
        guard = guard_for(aws)
        policy = session_policy(partition=Partition.AWS, read_only=read_only)
        guard.document["roles"][0]["permissions"] = json.loads(policy)
        with guard.in_force(aws.world):
            await (look if read_only else live)(aws)
    assert guard.refused == []


@pytest.mark.parametrize("via", ['via = ["arn:aws:iam::888888888888:role/hub"]\n', ""])
async def test_the_role_that_lists_the_organization_can_be_assumed(via: str) -> None:
    """By the base identity itself, whatever hubs there are; the role trusts it, asks for the
    external id, and may list the organization."""
    lister = "arn:aws:iam::777777777777:role/org-reader"
    text = FLEET.partition("[[accounts]]")[0].replace(
        'via = ["arn:aws:iam::888888888888:role/hub"]\n', via
    )
    organization = OrganizationScenario(
        management="777777777777", members=(MemberScenario(id=HUB.account, name="hub"),)
    )
    async with simulate(
        f'routes = []\n{text}[organization]\nrole = "{lister}"\n',
        Scenario(organization=organization),
    ) as aws:
        guard = guard_for(aws)
        with guard.in_force(aws.world):
            inventory = await discover(aws.inventory, endpoint=aws.endpoint, clock=aws.clock)
        cloudformation = cloudformation_text(bootstrap_of(aws.inventory))
    assert [account.id for account in inventory.accounts] == [HUB.account]
    assert guard.refused == []
    assert ("OrganizationRole", "sts:AssumeRole") in guard.used
    role = guard.document["organization_role"]
    assert (role["arn"], role["trust"]["Statement"][0]["Principal"]["AWS"]) == (
        lister,
        aws.world.directory.base.arn,
    )
    (statement,) = role["permissions"]["Statement"]
    assert "organizations:ListAccounts" in statement["Action"]
    assert "# - The role that lists the organization: --format iam prints" in cloudformation
