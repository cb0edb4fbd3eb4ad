"""What Terraform and CloudFormation hold of a fleet, over HTTP: marked by an import."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from tests.planning.elsewhere.states import SECRET, instance, resource, state
from tests.support.inventories import fleet_text
from tests.support.moto import moto_client, moto_server
from tests.support.simulated import simulate

from fleet_repl import FleetError, Plan, load_inventory
from fleet_repl.fleet.terraform_states import read_terraform_states
from fleet_repl.sandbox import RegistryScenario, Scenario
from fleet_repl.sandbox.scenario_contents import StackScenario
from fleet_repl.values.errors import StateError

RULES: Final = "aws_ecr_replication_configuration"
FIRST: Final = "000000000001"
IN_PLACE: Final[dict[str, Any]] = {
    "rules": [
        {
            "destinations": [{"region": "eu-west-1", "registryId": "000000000002"}],
            "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
        }
    ]
}
STACK: Final = StackScenario(
    name="ecr",
    resources={"Rules": "AWS::ECR::ReplicationConfiguration", "Topic": "AWS::SNS::Topic"},
)


def stacked(*stacks: StackScenario) -> Scenario:
    """A scenario with rules in the first account, and these stacks there."""
    registry = RegistryScenario(
        account=FIRST, region="eu-west-1", replication=IN_PLACE, stacks=stacks
    )
    return Scenario(registries=(registry,))


moto = pytest.fixture(scope="module")(moto_server)


async def test_an_import_marks_what_others_hold(tmp_path: Path) -> None:
    """In comments of the inventory, with the blocks for Terraform, which name other accounts only
    where a block lets go what they have."""
    path = tmp_path / "prod.tfstate"
    path.write_bytes(
        state(resource(RULES, instance(FIRST, key="eu"), instance("999999999999", key="us")))
    )
    async with simulate(fleet_text(), stacked(STACK)) as aws:
        held = await read_terraform_states([str(path)])
        async with aws.connected() as fleet:
            result = await fleet.import_inventory(held=held)
        assert aws.world.calls["DescribeStackResources"] == 1
        aws.rewrite(result.text)
    by_terraform = f'{RULES}.this["eu"] (Terraform)'
    assert f"# - {FIRST} (region not in the state): replication configuration: {by_terraform}" in (
        result.text
    )
    assert f"# - {FIRST}/eu-west-1: replication configuration: ecr/Rules (CloudFormation)" in (
        result.text
    )
    assert "DeletionPolicy: Retain" in " ".join(result.notes)
    assert f"from = {RULES}.this" in result.removed_blocks
    # The block has no keys, so it lets the other account's go as well.
    assert "let go as well: 1 instance: 999999999999" in result.removed_blocks
    assert "999999999999" not in result.text
    assert SECRET not in result.text + result.removed_blocks


async def test_without_the_permission_an_import_is_as_before() -> None:
    """Nobody knows of stacks then, which is no failure."""
    async with simulate(fleet_text(), stacked(STACK)) as aws:
        aws.deny(1, "cloudformation:DescribeStackResources")
        async with aws.connected() as fleet:
            result = await fleet.import_inventory()
    assert result.held == ()
    assert not result.unreadable


async def test_a_state_in_a_bucket(
    moto: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Read by the base identity; what is not there is said with the address of the object."""
    bucket = f"states-{uuid4().hex}"
    whole = state(resource(RULES, instance(FIRST)))
    client: Any = moto_client("s3", moto)
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="prod/ecr.tfstate", Body=whole)
    for name, value in {
        "AWS_ENDPOINT_URL": moto,
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_CONFIG_FILE": "/dev/null",
    }.items():
        monkeypatch.setenv(name, value)
    path = tmp_path / "fleet.toml"
    path.write_text(fleet_text())
    aws = load_inventory(path).aws
    (held,) = await read_terraform_states([f"s3://{bucket}/prod/ecr.tfstate"], aws=aws)
    assert (held.account, held.source) == (FIRST, f"s3://{bucket}/prod/ecr.tfstate")
    with pytest.raises(FleetError, match="there is no such object"):
        await read_terraform_states([f"s3://{bucket}/prod/other.tfstate"], aws=aws)
    with pytest.raises(FleetError, match="names no object"):
        await read_terraform_states([f"s3://{bucket}"], aws=aws)
    with pytest.raises(StateError) as caught:
        await read_terraform_states([f"s3://no-{bucket}/prod.tfstate"], aws=aws)
    assert str(caught.value).startswith("the Terraform state cannot be read: s3://")


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.tfstate", "No such file"), ("/dev/zero", "not a regular file"), (".", "directory")],
)
async def test_a_file_that_cannot_be_read(name: str, message: str, tmp_path: Path) -> None:
    """Whatever it is, it is an error with its name."""
    path = str(tmp_path / name)
    with pytest.raises(FleetError) as caught:
        await read_terraform_states([path])
    assert str(caught.value).startswith(f"{path}: the state cannot be read: ")
    assert message in str(caught.value)


def kinds(plan: Plan) -> list[str]:
    """The kinds of a plan's warnings."""
    return [warning.kind for warning in plan.warnings]


async def test_a_plan_warns_of_a_stack_that_it_would_contradict() -> None:
    """Asked once, of the registry whose rules are to change and are nobody's of the fleet."""
    async with simulate(fleet_text("1>2 base/ team/"), stacked(STACK)) as aws:
        plan = await aws.planned()
        assert aws.world.calls["DescribeStackResources"] == 1
        (warning,) = [item for item in plan.warnings if item.kind == "managed-elsewhere"]
        assert warning.message == (
            f"CloudFormation manages the replication configuration of {FIRST}/eu-west-1, too "
            "(stack ecr): each undoes what the other writes; give it DeletionPolicy: Retain, "
            "update the stack, and take it out of the template"
        )
        known = fleet_text(
            "1>2 base/ team/", more='[warnings]\nacknowledged = ["managed-elsewhere"]\n'
        )
        assert kinds(await aws.planned(known)) == []


async def test_a_plan_warns_of_a_stack_that_holds_templates_alone() -> None:
    """Such a stack is known by the prefix of the template, which somebody has changed."""
    stack = StackScenario(
        name="names", resources={"Base": "AWS::ECR::RepositoryCreationTemplate base"}
    )
    place = RegistryScenario(account="000000000002", region="eu-west-1", stacks=(stack,))
    templates = """
[[templates]]
name = "golden"
prefix = "base/"
select = { accounts = "000000000002" }
"""
    scenario = Scenario(registries=(place,))
    async with simulate(fleet_text("1>2 base/", more=templates), scenario) as aws:
        await aws.applied()
        (template,) = aws.world.templates(aws.at(2))
        asked = {key: template[key] for key in ("prefix", "description", "appliedFor")}
        aws.world.set_template(aws.at(2), {**asked, "imageTagMutability": "IMMUTABLE"})
        plan = await aws.planned()
        assert aws.world.calls["DescribeStackResources"] == 1
    (warning,) = [item for item in plan.warnings if item.kind == "managed-elsewhere"]
    assert warning.message.startswith(
        "CloudFormation manages the creation template of 000000000002/eu-west-1, too (stack names)"
    )


async def test_a_plan_asks_nothing_that_it_need_not() -> None:
    """Neither of empty registries, nor of those that the fleet was the last to write."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        await aws.applied(fleet_text("1>2 base/ team/"))
        await aws.planned()
        assert aws.world.calls["DescribeStackResources"] == 0


async def test_a_denial_of_cloudformation_is_no_warning() -> None:
    """Nearly nobody grants that permission, and a plan is as good without."""
    async with simulate(fleet_text("1>2 base/ team/"), stacked(STACK)) as aws:
        aws.deny(1, "cloudformation:DescribeStackResources")
        assert kinds(await aws.planned()) == []


async def test_a_plan_warns_of_what_a_state_holds(tmp_path: Path) -> None:
    """Of rules that the fleet manages, changed or not; of no account and region that is not."""
    path = tmp_path / "prod.tfstate"
    path.write_bytes(
        state(
            resource(RULES, instance(FIRST, region="eu-west-1"), module="module.ecr"),
            resource(RULES, instance("000000000003", region="eu-west-1"), name="idle"),
            resource(RULES, instance(FIRST, region="us-east-1"), name="elsewhere"),
            resource("aws_ecr_registry_policy", instance("000000000002"), name="grants"),
        )
    )
    held = await read_terraform_states([str(path)])
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        async with aws.connected() as fleet:
            plan = await fleet.plan(held=held)
    assert plan.changes == ()
    assert [item.message.partition(":")[0] for item in plan.warnings] == [
        (
            f"Terraform manages the registry policy of 000000000002/eu-west-1, too "
            f"(aws_ecr_registry_policy.grants in {path})"
        ),
        (
            f"Terraform manages the replication configuration of {FIRST}/eu-west-1, too "
            f"(module.ecr.{RULES}.this in {path})"
        ),
    ]
