"""STS's query protocol as a real client and as the raw wire see it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support.served import Served

HUB = "1" * 12


async def test_a_role_is_assumed(aws: Served) -> None:
    """Credentials, the assumed role's ARN under the role's name alone, and when it ends."""
    async with aws.client("sts") as sts:
        answer = await sts.assume_role(
            RoleArn=f"arn:aws:iam::{HUB}:role/ops/fleet-replication",
            RoleSessionName="fleet-run1",
            ExternalId="open-sesame",
            DurationSeconds=900,
        )
    user, credentials = answer["AssumedRoleUser"], answer["Credentials"]
    assert user["Arn"] == f"arn:aws:sts::{HUB}:assumed-role/fleet-replication/fleet-run1"
    assert user["AssumedRoleId"].startswith("AROA")
    assert user["AssumedRoleId"].endswith(":fleet-run1")
    assert credentials["AccessKeyId"].startswith("ASIA")
    assert len(credentials["AccessKeyId"]) == 20
    assert len(credentials["SecretAccessKey"]) == 40
    assert len(credentials["SessionToken"]) == 320
    assert credentials["Expiration"] == datetime(2026, 11, 23, 8, tzinfo=UTC) + timedelta(0, 900)


async def test_who_the_caller_is(aws: Served) -> None:
    """The base identity is a user of its own account, a session a role in the role's account."""
    async with aws.client("sts") as sts:
        base = await sts.get_caller_identity()
    async with aws.client("sts", await aws.session(HUB)) as sts:
        session = await sts.get_caller_identity()
    assert (base["Account"], base["Arn"]) == ("9" * 12, f"arn:aws:iam::{'9' * 12}:user/sandbox")
    assert session["Account"] == HUB
    assert session["Arn"] == f"arn:aws:sts::{HUB}:assumed-role/fleet-replication/fleet-run1"
    assert session["UserId"].endswith(":fleet-run1")


async def test_an_answer_on_the_wire(aws: Served) -> None:
    """The XML of an answer, with the request id in it and in a header."""
    answer = await aws.sts({"Action": "GetCallerIdentity"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/xml"
    assert answer.body.decode() == (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
        "<GetCallerIdentityResult><UserId>AIDASANDBOXSANDBOXSAN</UserId>"
        "<Account>999999999999</Account><Arn>arn:aws:iam::999999999999:user/sandbox</Arn>"
        "</GetCallerIdentityResult><ResponseMetadata><RequestId>"
        f"{answer.headers['x-amzn-RequestId']}"
        "</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )


async def test_an_error_on_the_wire(aws: Served) -> None:
    """The XML of an error; what it quotes is escaped."""
    answer = await aws.sts({"Action": "Assume<Role>"})
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "text/xml"
    assert answer.body.decode() == (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        "<Type>Sender</Type><Code>InvalidAction</Code><Message>The sandbox speaks AssumeRole, "
        "GetCallerIdentity, GetScopedCredentials, not 'Assume&lt;Role&gt;'</Message></Error>"
        "<RequestId>"
        f"{answer.headers['x-amzn-RequestId']}</RequestId></ErrorResponse>"
    )
