"""Creation templates over the wire: made before images come, changed, taken away, never stolen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.fleet.conftest import Simulate

from fleet_repl import Fleet, Outcome, Registry, load_inventory
from fleet_repl.fleet.connect import connect
from fleet_repl.sandbox import AccountScenario, RegistryScenario, Scenario
from fleet_repl.values.names import AccountId, Region

HUB = Registry(AccountId("1" * 12), Region("eu-west-1"))
SPOKE = Registry(AccountId("2" * 12), Region("eu-west-1"))

FLEET = """
version = 1
name = "prod"
[aws]
role = "replication"
regions = ["eu-west-1"]
[[accounts]]
id = "111111111111"
[[accounts]]
id = "222222222222"
[[routes]]
name = "golden"
from = { accounts = "111111111111" }
to = { accounts = "222222222222" }
"""
TEMPLATE = """
[[templates]]
name = "golden"
prefix = "golden/"
select = { accounts = "222222222222" }
tag_mutability = "immutable"
lifecycle_policy = '{"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", \
"countType": "imageCountMoreThan", "countNumber": 3}, "action": {"type": "expire"}}]}'
""".replace("\\\n", "")
THEIRS = {"prefix": "theirs/", "appliedFor": ["PULL_THROUGH_CACHE"], "description": "of others"}


async def _run(aws: Any, text: str, folder: Path, work: Any) -> Any:
    path = folder / "fleet.toml"
    path.write_text(text)
    inventory = load_inventory(path, environ={})
    async with connect(inventory, endpoint=aws.endpoint, clock=aws.clock) as fleet:
        return await work(fleet)


async def _apply(fleet: Fleet) -> Any:
    return await fleet.apply(await fleet.plan())


async def test_repositories_come_as_the_template_says(simulate: Any, tmp_path: Path) -> None:
    """The template is written first, so that the first image finds it; then all is quiet."""
    async with simulate(FLEET) as aws:
        report = await _run(aws, FLEET + TEMPLATE, tmp_path, _apply)
        assert report.status == "ok"
        assert [operation for _, operation in aws.world.writes] == [
            "CreateRepositoryCreationTemplate",
            "PutRegistryPolicy",
            "PutReplicationConfiguration",
        ]
        aws.world.push(HUB, "golden/app", "v1")
        aws.world.settle()
        repository = aws.world.repository(SPOKE, "golden/app")
        assert repository.mutability == "IMMUTABLE"
        assert repository.lifecycle_policy is not None
        again = await _run(aws, FLEET + TEMPLATE, tmp_path, _apply)
        assert again.count(Outcome.UNCHANGED) == 2


async def test_changed_and_taken_away(simulate: Any, tmp_path: Path) -> None:
    """An update clears what is no longer wanted; without its table ours goes, others' stay."""
    scenario = Scenario(
        registries=(
            RegistryScenario(account=SPOKE.account, region=SPOKE.region, templates=(THEIRS,)),
        )
    )
    async with simulate(FLEET, scenario) as aws:
        await _run(aws, FLEET + TEMPLATE, tmp_path, _apply)
        plain = TEMPLATE[: TEMPLATE.index("lifecycle_policy")]
        report = await _run(aws, FLEET + plain, tmp_path, _apply)
        assert report.status == "ok"
        golden, theirs = sorted(aws.world.templates(SPOKE), key=lambda one: one["prefix"])
        assert golden["imageTagMutability"] == "IMMUTABLE"
        assert not golden.get("lifecyclePolicy")
        report = await _run(aws, FLEET, tmp_path, _apply)
        assert report.status == "ok"
        (left,) = aws.world.templates(SPOKE)
        assert left == theirs


async def test_a_prefix_that_others_have_is_left_to_them(
    simulate: Simulate, tmp_path: Path
) -> None:
    """The registry fails and says whose the prefix is; its links are made all the same."""
    scenario = Scenario(
        registries=(
            RegistryScenario(
                account=SPOKE.account,
                region=SPOKE.region,
                templates=({**THEIRS, "prefix": "golden/"},),
            ),
        )
    )
    async with simulate(FLEET, scenario) as aws:
        before = aws.world.templates(SPOKE)
        report = await _run(aws, FLEET + TEMPLATE, tmp_path, _apply)
        spoke = next(one for one in report.registries if one.registry == SPOKE)
        assert (spoke.outcome, spoke.error.kind) == (Outcome.FAILED, "conflict")
        assert aws.world.templates(SPOKE) == before
        assert report.status == "partial"


async def test_without_the_permission_it_says_what_is_missing(
    simulate: Simulate, tmp_path: Path
) -> None:
    """A denied template is that registry's failure, with the action that is lacking."""
    scenario = Scenario(
        accounts=(
            AccountScenario(
                id=SPOKE.account, denied_actions=("ecr:CreateRepositoryCreationTemplate",)
            ),
        )
    )
    async with simulate(FLEET, scenario) as aws:
        report = await _run(aws, FLEET + TEMPLATE, tmp_path, _apply)
        spoke = next(one for one in report.registries if one.registry == SPOKE)
        assert (spoke.outcome, spoke.error.kind) == (Outcome.FAILED, "access-denied")
        assert "ecr:CreateRepositoryCreationTemplate" in spoke.error.hint
