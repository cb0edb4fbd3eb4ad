"""Creation templates over the wire: made before images come, changed, taken away, never stolen."""

from __future__ import annotations

from tests.support.registries import registry_of
from tests.support.simulated import simulate

from fleet_repl import Outcome
from fleet_repl.sandbox import AccountScenario, RegistryScenario, Scenario

HUB, SPOKE = map(registry_of, "12")

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


async def test_repositories_come_as_the_template_says() -> None:
    """The template is written first, so that the first image finds it; then all is quiet."""
    async with simulate(FLEET) as aws:
        report = await aws.applied(FLEET + TEMPLATE)
        assert report.status == "ok"
        assert [operation for _, operation in aws.world.writes] == [
            "CreateRepositoryCreationTemplate",
            "PutRegistryPolicy",
            "PutReplicationConfiguration",
        ]
        aws.world.push(HUB, "golden/app", "v1")
        aws.world.run_due()
        repository = aws.world.repository(SPOKE, "golden/app")
        assert repository is not None
        assert repository.mutability == "IMMUTABLE"
        assert repository.lifecycle_policy is not None
        again = await aws.applied(FLEET + TEMPLATE)
        assert again.count(Outcome.UNCHANGED) == 2


async def test_changed_and_taken_away() -> None:
    """An update clears what is no longer wanted; without its table ours goes, others' stay."""
    scenario = Scenario(
        registries=(
            RegistryScenario(account=SPOKE.account, region=SPOKE.region, templates=(THEIRS,)),
        )
    )
    async with simulate(FLEET, scenario) as aws:
        await aws.applied(FLEET + TEMPLATE)
        plain = TEMPLATE[: TEMPLATE.index("lifecycle_policy")]
        report = await aws.applied(FLEET + plain)
        assert report.status == "ok"
        golden, theirs = sorted(
            aws.world.templates(SPOKE), key=lambda template: str(template["prefix"])
        )
        assert golden["imageTagMutability"] == "IMMUTABLE"
        assert not golden.get("lifecyclePolicy")
        report = await aws.applied(FLEET)
        assert report.status == "ok"
        (left,) = aws.world.templates(SPOKE)
        assert left == theirs


async def test_a_prefix_that_others_have_is_left_to_them() -> None:
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
        report = await aws.applied(FLEET + TEMPLATE)
        (spoke,) = [result for result in report.registries if result.registry == SPOKE]
        assert spoke.error is not None
        assert (spoke.outcome, spoke.error.kind) == (Outcome.FAILED, "conflict")
        assert aws.world.templates(SPOKE) == before
        assert report.status == "partial"


async def test_without_the_permission_it_says_what_is_missing() -> None:
    """A denied template is that registry's failure, with the action that is lacking."""
    scenario = Scenario(
        accounts=(
            AccountScenario(
                id=SPOKE.account, denied_actions=("ecr:CreateRepositoryCreationTemplate",)
            ),
        )
    )
    async with simulate(FLEET, scenario) as aws:
        report = await aws.applied(FLEET + TEMPLATE)
        (spoke,) = [result for result in report.registries if result.registry == SPOKE]
        assert spoke.error is not None
        assert (spoke.outcome, spoke.error.kind) == (Outcome.FAILED, "access-denied")
        assert "ecr:CreateRepositoryCreationTemplate" in str(spoke.error.hint)
