"""Session policies, source identities and tags: what a session may do beside what its role may."""

from __future__ import annotations

import json
from typing import Final

import pytest
from botocore.credentials import Credentials
from tests.support.served import Answer, Serve, Served

from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.values.canonical_json import JsonObject

HUB: Final = "1" * 12
SESSION: Final = f"arn:aws:sts::{HUB}:assumed-role/fleet-replication/fleet-run1"
NO_RULES: Final[JsonObject] = {"replicationConfiguration": {"rules": []}}
LINKED_ROLE: Final = (
    f"arn:aws:iam::{HUB}:role/aws-service-role/replication.ecr.amazonaws.com/"
    "AWSServiceRoleForECRReplication"
)


def policy(*actions: str, resource: str = "*", effect: str = "Allow") -> str:
    statement = {"Effect": effect, "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def refused(action: str, resource: str = "*", because: str = "no session policy") -> str:
    return (
        f"User: {SESSION} is not authorized to perform: {action} on resource: {resource} "
        f"because {because} allows the {action} action"
    )


async def narrowed(aws: Served, text: str) -> Credentials:
    return await aws.session(HUB, Policy=text)


async def test_a_session_does_what_its_policy_allows_and_no_more(aws: Served) -> None:
    """Each call is compared with it, in IAM's own words where it is refused."""
    key = await narrowed(aws, policy("ecr:describe*"))
    assert (await aws.ecr("DescribeRegistry", key=key)).status == 200
    answer = await aws.ecr("GetRegistryPolicy", key=key)
    assert answer.error == ("AccessDeniedException", refused("ecr:GetRegistryPolicy"))


async def test_a_deny_beats_an_allow(aws: Served) -> None:
    """As in every policy of IAM."""
    allowed, taken = (json.loads(policy("*", effect=effect)) for effect in ("Allow", "Deny"))
    both = {**allowed, "Statement": [*allowed["Statement"], *taken["Statement"]]}
    key = await narrowed(aws, json.dumps(both))
    assert (await aws.ecr("DescribeRegistry", key=key)).error[0] == "AccessDeniedException"


async def test_a_policy_gives_nothing_that_the_role_lacks(served: Serve) -> None:
    """What a session may do is what both allow."""
    lacking = AccountScenario(id=HUB, denied_actions=("ecr:DescribeRegistry",))
    async with served(Scenario(accounts=(lacking,))) as aws:
        answer = await aws.ecr("DescribeRegistry", key=await narrowed(aws, policy("*")))
        assert answer.error[1] == refused(
            "ecr:DescribeRegistry", because="no identity-based policy"
        )


async def test_the_first_rules_need_the_linked_role(aws: Served) -> None:
    """Whoever puts the first rules of an account has ECR make the role with which it copies."""
    key = await narrowed(aws, policy("ecr:PutReplicationConfiguration"))
    answer = await aws.ecr("PutReplicationConfiguration", NO_RULES, key=key)
    assert answer.error[1] == refused("iam:CreateServiceLinkedRole", LINKED_ROLE)
    assert (await aws.ecr("PutReplicationConfiguration", NO_RULES)).status == 200
    assert (await aws.ecr("PutReplicationConfiguration", NO_RULES, key=key)).status == 200


async def test_a_narrowed_session_assumes_no_other_role(aws: Served) -> None:
    """Assuming a role is an action as well."""
    key = await narrowed(aws, policy("ecr:*"))
    assert (await aws.assume(HUB, key=key)).error[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{}", "MalformedPolicyDocument"),
        ("[]", "MalformedPolicyDocument"),
        ("ecr:*", "MalformedPolicyDocument"),
        ("[" * 2_000, "MalformedPolicyDocument"),
        (
            policy("ecr:*").replace('"Effect"', '"Principal": "*", "Effect"'),
            "MalformedPolicyDocument",
        ),
        (policy("ecr:*").replace("ecr", "Ж"), "ValidationError"),
        (policy("ecr:*") + " " * 2_048, "ValidationError"),
    ],
)
async def test_what_is_no_session_policy(aws: Served, text: str, code: str) -> None:
    """It is refused before there is a session."""
    answer = await aws.assume(HUB, Policy=text)
    assert (answer.status, answer.error[0]) == (400, code)


async def test_a_source_identity_stays(aws: Served) -> None:
    """It is on record with the session; one that does not fit its shape is refused."""
    key = await aws.session(HUB, SourceIdentity="platform")
    session = aws.world.keyring.find(key.access_key)
    assert session is not None
    assert session.identity.source_identity == "platform"
    assert (await aws.assume(HUB, SourceIdentity="x")).error[0] == "ValidationError"


async def test_session_tags(aws: Served) -> None:
    """They are on record with the session; one that breaks STS's pattern is refused."""
    form = {"Tags.member.1.Key": "team", "Tags.member.1.Value": "platform"}
    key = await aws.session(HUB, **form)
    session = aws.world.keyring.find(key.access_key)
    assert session is not None
    assert session.identity.tags == {"team": "platform"}
    for bad in ("a;b", "AWS:team"):
        answer = await aws.assume(HUB, **{**form, "Tags.member.1.Key": bad})
        assert answer.error[0] == "ValidationError"


def tagged(*keys: str) -> dict[str, str]:
    """The parameters of session tags."""
    pairs = [(f"Tags.member.{number}", key) for number, key in enumerate(keys, 1)]
    return {f"{name}.Key": key for name, key in pairs} | {f"{name}.Value": "" for name, _ in pairs}


async def test_session_tags_that_do_not_go_together(aws: Served) -> None:
    """STS takes fifty, and no two whose keys differ in the case of letters alone."""
    keys = [f"key-{number}" for number in range(51)]
    await aws.session(HUB, **tagged(*keys[:50]))
    assert (await aws.assume(HUB, **tagged(*keys))).error[0] == "ValidationError"
    answer = await aws.assume(HUB, **tagged("team", "Team"))
    assert answer.error[0] == "InvalidParameterValue"


async def scoped(aws: Served, key: Credentials, **form: str) -> Answer:
    return await aws.sts({"Action": "GetScopedCredentials", **form}, key=key)


async def test_a_session_can_be_narrowed_later(aws: Served) -> None:
    """The same identity, with what all its policies allow, for no longer than was left."""
    wide = await narrowed(aws, policy("ecr:Describe*", "ecr:Get*"))
    answer = await scoped(aws, wide, Policy=policy("ecr:Describe*", "ecr:Put*"))
    key = aws.credentials(answer)
    assert (await aws.ecr("DescribeRegistry", key=key)).status == 200
    for operation in ("GetRegistryPolicy", "PutRegistryPolicy"):
        assert (await aws.ecr(operation, key=key)).error[0] == "AccessDeniedException"
    identity = await aws.sts({"Action": "GetCallerIdentity"}, key=key)
    assert SESSION.encode() in identity.body


async def test_what_cannot_be_narrowed(aws: Served) -> None:
    """Keys of users, a fourth layer, and more time than is left."""
    key, error = aws.base, (await scoped(aws, aws.base, Policy=policy("*"))).error
    assert error[0] == "InvalidSubjectCredentialsException"
    key = await aws.session(HUB)
    long = await scoped(aws, key, DurationSeconds="3601")
    assert long.error[0] == "InsufficientSessionLifetimeException"
    for _ in range(3):
        key = aws.credentials(await scoped(aws, key, Policy=policy("*")))
    assert (await scoped(aws, key, Policy=policy("*"))).error[0] == "PackedPolicyTooLarge"
