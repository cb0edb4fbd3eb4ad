"""Repository creation templates: made, listed, changed, removed, and what ECR does not take."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.support.served import Serve, Served

from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.values.canonical_json import Json, JsonObject
from fleet_repl.values.names import AccountId, Region, Registry

HUB = "1" * 12
HERE = Registry(AccountId(HUB), Region("us-east-1"))
ROLE = f"arn:aws:iam::{HUB}:role/ecr-templates"
TAGS = [{"Key": "team", "Value": "core"}]
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}],
}
LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9},
            "action": {"type": "expire"},
        }
    ]
}
PLAIN = {"prefix": "prod", "appliedFor": ["REPLICATION"]}
WHOLE = {
    "prefix": "prod/team",
    "description": "what a team gets",
    "encryptionConfiguration": {
        "encryptionType": "KMS",
        "kmsKey": f"arn:aws:kms:us-east-1:{HUB}:key/1234-ab",
    },
    "resourceTags": TAGS,
    "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
    "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "dev*"}],
    "repositoryPolicy": json.dumps(POLICY),
    "lifecyclePolicy": json.dumps(LIFECYCLE),
    "appliedFor": ["REPLICATION", "PULL_THROUGH_CACHE"],
    "customRoleArn": ROLE,
}
CREATE, UPDATE = "CreateRepositoryCreationTemplate", "UpdateRepositoryCreationTemplate"
DESCRIBE, DELETE = "DescribeRepositoryCreationTemplates", "DeleteRepositoryCreationTemplate"


def invalid(at: str, constraint: str) -> tuple[str, str]:
    return (
        "InvalidParameterException",
        f"Invalid parameter at '{at}' failed to satisfy constraint: '{constraint}'",
    )


async def templates(aws: Served, **members: Json) -> list[Any]:
    listed: list[Any] = (await aws.done(DESCRIBE, members))["repositoryCreationTemplates"]
    return listed


async def test_a_client_makes_reads_changes_and_removes_one(aws: Served) -> None:
    """With the SDK's own model: every member comes back, times are dates."""
    async with aws.client("ecr", await aws.session(HUB)) as ecr:
        made = await ecr.create_repository_creation_template(**WHOLE)
        aws.clock.seconds += 60
        await ecr.update_repository_creation_template(prefix="prod/team", description="other")
        listed = await ecr.describe_repository_creation_templates()
        gone = await ecr.delete_repository_creation_template(prefix="prod/team")
        with pytest.raises(ClientError) as missing:
            await ecr.delete_repository_creation_template(prefix="prod/team")
    eight = datetime(2026, 11, 23, 8, tzinfo=UTC)
    template = made["repositoryCreationTemplate"]
    assert made["registryId"] == HUB
    assert (template["createdAt"], template["updatedAt"]) == (eight, eight)
    (shown,) = listed["repositoryCreationTemplates"]
    assert shown == gone["repositoryCreationTemplate"]
    assert shown["updatedAt"] == eight.replace(minute=1)
    assert {**shown, "description": WHOLE["description"], "updatedAt": eight} == template
    assert missing.value.response["Error"]["Code"] == "TemplateNotFoundException"


async def test_every_member_is_kept(aws: Served) -> None:
    """Documents in ECR's layout, not in the sender's."""
    shown = (await aws.done(CREATE, WHOLE))["repositoryCreationTemplate"]
    assert json.loads(shown["repositoryPolicy"]) == POLICY
    assert json.loads(shown["lifecyclePolicy"]) == LIFECYCLE
    assert shown["repositoryPolicy"] != WHOLE["repositoryPolicy"]
    assert shown["lifecyclePolicy"] != WHOLE["lifecyclePolicy"]
    texts = ("repositoryPolicy", "lifecyclePolicy", "createdAt", "updatedAt")
    assert {name: value for name, value in shown.items() if name not in texts} == {
        name: value for name, value in WHOLE.items() if name not in texts
    }


async def test_what_is_left_out_has_defaults(aws: Served) -> None:
    """Encryption and mutability; nothing else is made up."""
    shown = (await aws.done(CREATE, PLAIN))["repositoryCreationTemplate"]
    assert shown == {
        **PLAIN,
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "imageTagMutability": "MUTABLE",
        "createdAt": shown["createdAt"],
        "updatedAt": shown["createdAt"],
    }
    assert aws.world.templates(HERE) == (shown,)


@pytest.mark.parametrize("prefix", ["prod", "prod/"])
async def test_a_prefix_is_there_once(aws: Served, prefix: str) -> None:
    """With or without the slash that ECR assumes at its end."""
    await aws.done(CREATE, PLAIN)
    assert await aws.refused(CREATE, {**PLAIN, "prefix": prefix}) == (
        "TemplateAlreadyExistsException",
        f"The template with prefix 'prod' already exists in the registry with id '{HUB}'",
    )
    assert (await aws.done(DELETE, {"prefix": prefix}))["registryId"] == HUB


@pytest.mark.parametrize("operation", [UPDATE, DELETE])
async def test_one_that_is_not_there(aws: Served, operation: str) -> None:
    """It can be neither changed nor removed."""
    assert await aws.refused(operation, {"prefix": "dev"}) == (
        "TemplateNotFoundException",
        f"The template with prefix 'dev' does not exist in the registry with id '{HUB}'",
    )


async def test_an_update_changes_what_it_names(aws: Served) -> None:
    """And nothing else; what is emptied is gone."""
    before = (await aws.done(CREATE, WHOLE))["repositoryCreationTemplate"]
    aws.clock.seconds += 5
    changes = {"repositoryPolicy": "", "resourceTags": [], "description": ""}
    after = (await aws.done(UPDATE, {"prefix": "prod/team", **changes}))[
        "repositoryCreationTemplate"
    ]
    assert after == {
        **{name: value for name, value in before.items() if name not in changes},
        "updatedAt": before["updatedAt"] + 5,
    }
    members = {"encryptionConfiguration": {"encryptionType": "AES256"}, "customRoleArn": ""}
    plain = {"imageTagMutability": "MUTABLE", "lifecyclePolicy": "", "appliedFor": ["REPLICATION"]}
    last = await aws.done(UPDATE, {"prefix": "prod/team", **members, **plain})
    assert last["repositoryCreationTemplate"] == {
        "prefix": "prod/team",
        "encryptionConfiguration": {"encryptionType": "AES256"},
        "imageTagMutability": "MUTABLE",
        "appliedFor": ["REPLICATION"],
        "createdAt": before["createdAt"],
        "updatedAt": before["updatedAt"] + 5,
    }


async def test_tags_and_kms_need_a_role(aws: Served) -> None:
    """An update that would leave them without one is refused too."""
    needed = invalid(
        "customRoleArn", "A custom role is required for resource tags or KMS encryption"
    )
    kms = {"encryptionConfiguration": {"encryptionType": "KMS"}}
    assert await aws.refused(CREATE, {**PLAIN, "resourceTags": TAGS}) == needed
    assert await aws.refused(CREATE, {**PLAIN, **kms}) == needed
    await aws.done(CREATE, {**PLAIN, **kms, "customRoleArn": ROLE})
    assert await aws.refused(UPDATE, {"prefix": "prod", "customRoleArn": ""}) == needed
    await aws.done(UPDATE, {"prefix": "prod", "resourceTags": TAGS})


EXCLUSIONS = (
    "goes with an imageTagMutability of IMMUTABLE_WITH_EXCLUSION or MUTABLE_WITH_EXCLUSION, and "
    "only with those"
)
FILTERS = "imageTagMutabilityExclusionFilters"


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"prefix": None}, invalid("prefix", "Member must not be null")),
        ({"appliedFor": None}, invalid("appliedFor", "Member must not be null")),
        (
            {"appliedFor": ["PUSH"]},
            invalid(
                "appliedFor[0]",
                "Member must satisfy enum value set: [REPLICATION, PULL_THROUGH_CACHE, "
                "CREATE_ON_PUSH]",
            ),
        ),
        (
            {"description": "x" * 257},
            invalid("description", "Member must have length less than or equal to 256"),
        ),
        ({FILTERS: [{"filterType": "WILDCARD", "filter": "x"}]}, invalid(FILTERS, EXCLUSIONS)),
        ({"imageTagMutability": "MUTABLE_WITH_EXCLUSION"}, invalid(FILTERS, EXCLUSIONS)),
        (
            {"encryptionConfiguration": {"encryptionType": "AES256", "kmsKey": "alias/x"}},
            invalid(
                "encryptionConfiguration.kmsKey",
                r"must satisfy regular expression '^$|arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:"
                r"key\/[a-z0-9-]+'",
            ),
        ),
        (
            {
                "encryptionConfiguration": {
                    "encryptionType": "AES256",
                    "kmsKey": f"arn:aws:kms:us-east-1:{HUB}:key/1",
                }
            },
            invalid("encryptionConfiguration.kmsKey", "AES256 encryption has no KMS key"),
        ),
        (
            {"customRoleArn": f"arn:aws:iam::{'2' * 12}:role/x"},
            invalid("customRoleArn", "must be the ARN of a role in the account of the registry"),
        ),
        (
            {"resourceTags": [*TAGS, *TAGS], "customRoleArn": ROLE},
            invalid("resourceTags", "Tag keys must be unique"),
        ),
        (
            {"repositoryPolicy": "nonsense"},
            invalid("repositoryPolicy", "Invalid policy text provided"),
        ),
        (
            {"lifecyclePolicy": "{}"},
            invalid("lifecyclePolicy", "Member must have length greater than or equal to 100"),
        ),
        (
            {"lifecyclePolicy": json.dumps({"rule": "x" * 100})},
            invalid("lifecyclePolicy", "Invalid policy text provided"),
        ),
    ],
)
async def test_what_is_no_template(
    aws: Served, members: JsonObject, error: tuple[str, str]
) -> None:
    """Members that break ECR's model, and settings that do not go together."""
    assert await aws.refused(CREATE, {**PLAIN, **members}) == error
    assert aws.world.templates(HERE) == ()


@pytest.mark.parametrize("prefix", ["Prod", "a//b", "ROOTS", "x" * 257, ""])
async def test_what_is_no_prefix(aws: Served, prefix: str) -> None:
    """ECR's pattern and length."""
    code, message = await aws.refused(CREATE, {**PLAIN, "prefix": prefix})
    assert code == "InvalidParameterException"
    assert message.startswith("Invalid parameter at 'prefix' failed to satisfy constraint: ")


async def test_they_come_in_pages_or_by_prefix(aws: Served) -> None:
    """Every one once; a prefix that is not there is passed over."""
    for prefix in ("ROOT", "dev", "prod", "prod/team"):
        await aws.done(CREATE, {**PLAIN, "prefix": prefix})
    first = await aws.done(DESCRIBE, {"maxResults": 3})
    second = await aws.done(DESCRIBE, {"maxResults": 3, "nextToken": first["nextToken"]})
    both = first["repositoryCreationTemplates"] + second["repositoryCreationTemplates"]
    assert [item["prefix"] for item in both] == ["ROOT", "dev", "prod", "prod/team"]
    assert "nextToken" not in second
    some = await templates(aws, prefixes=["prod/", "none", "ROOT"])
    assert [item["prefix"] for item in some] == ["ROOT", "prod"]


async def test_reads_lag_behind_writes(served: Serve) -> None:
    """The write counts at once; only reading it is late."""
    async with served(Scenario(lag_ms=300)) as aws:
        await aws.done(CREATE, PLAIN)
        assert await templates(aws) == []
        assert (await aws.refused(CREATE, PLAIN))[0] == "TemplateAlreadyExistsException"
        aws.clock.seconds += 0.3
        assert len(await templates(aws)) == 1
        await aws.done(DELETE, {"prefix": "prod"})
        assert len(await templates(aws)) == 1
        aws.clock.seconds += 0.3
        assert await templates(aws) == []


async def test_writes_are_remembered(aws: Served) -> None:
    """Each of the three, in order; reads are not."""
    await aws.done(CREATE, PLAIN)
    await aws.done(UPDATE, PLAIN)
    await templates(aws)
    await aws.done(DELETE, {"prefix": "prod"})
    assert aws.world.writes == [(HERE, CREATE), (HERE, UPDATE), (HERE, DELETE)]


async def test_passing_a_role_is_a_permission_of_its_own(served: Serve) -> None:
    """A role without iam:PassRole makes templates, but none with a custom role."""
    lacks = Scenario(accounts=(AccountScenario(id=HUB, denied_actions=("iam:PassRole",)),))
    async with served(lacks) as aws:
        await aws.done(CREATE, PLAIN)
        members = {**PLAIN, "prefix": "dev", "customRoleArn": ROLE}
        assert await aws.refused(CREATE, members) == (
            "AccessDeniedException",
            (
                f"User: arn:aws:sts::{HUB}:assumed-role/fleet-replication/fleet-run1 is not "
                f"authorized to perform: iam:PassRole on resource: {ROLE} because no "
                "identity-based policy allows the iam:PassRole action"
            ),
        )


async def test_a_world_can_be_given_some(aws: Served) -> None:
    """Behind everyone's back, seen at once, and no write of anybody's."""
    aws.world.set_template(HERE, PLAIN)
    aws.world.set_template(HERE, {**PLAIN, "prefix": "dev"})
    aws.world.remove_template(HERE, "prod")
    assert [template["prefix"] for template in await templates(aws)] == ["dev"]
    assert aws.world.writes == []
