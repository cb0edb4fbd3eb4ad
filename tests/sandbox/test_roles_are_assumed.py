"""AssumeRole: which role, by whom, with which external id, for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.served import Serve, Served

from fleet_repl.inventory.model import Inventory
from fleet_repl.values.names import AccountId, Partition, RoleArn, Secret

HUB, SPOKE, BASE = "1" * 12, "2" * 12, "9" * 12
USER = f"arn:aws:iam::{BASE}:user/sandbox"


def role(account: str, path: str) -> RoleArn:
    return RoleArn(partition=Partition.AWS, account=AccountId(account), path=path)


def denied(caller: str, account: str, path: str = "ops/fleet-replication") -> tuple[str, str]:
    return (
        "AccessDenied",
        (
            f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: "
            f"arn:aws:iam::{account}:role/{path}"
        ),
    )


@pytest.mark.parametrize("path", ["fleet-replication", "ops/fleet", "OPS/fleet-replication"])
async def test_the_role_has_the_right_name_and_path(aws: Served, path: str) -> None:
    """Another name or path is a role that does not exist, which AWS tells as access denied."""
    answer = await aws.assume(HUB, path=path)
    assert (answer.status, answer.error) == (403, denied(USER, HUB, path))


@pytest.mark.parametrize("account", ["4" * 12, "5" * 12, BASE])
async def test_accounts_without_a_role(aws: Served, account: str) -> None:
    """External accounts, unknown ones and the base identity's own have none to assume."""
    assert (await aws.assume(account)).error == denied(USER, account)


@pytest.mark.parametrize("external_id", ["", "open-sesamE"])
async def test_the_external_id_has_to_be_right(aws: Served, external_id: str) -> None:
    """None or another one looks like any other refusal, and no message quotes one."""
    answer = await aws.assume(HUB, ExternalId=external_id)
    assert (answer.status, answer.error) == (403, denied(USER, HUB))


async def test_a_role_that_asks_for_no_external_id_takes_any(
    served: Serve, inventory: Inventory
) -> None:
    """IAM looks at it only where the trust policy does."""
    open_hub = replace(inventory.accounts[0], external_id=None)
    async with served(of=replace(inventory, accounts=(open_hub,))) as aws:
        for external_id in ("", "whatever"):
            assert (await aws.assume(HUB, ExternalId=external_id)).status == 200


async def test_a_session_cannot_assume_what_trusts_the_base_identity(aws: Served) -> None:
    """Without `via`, roles trust the base identity only."""
    answer = await aws.assume(SPOKE, key=await aws.session(HUB))
    session = f"arn:aws:sts::{HUB}:assumed-role/fleet-replication/fleet-run1"
    assert answer.error == denied(session, SPOKE)


async def test_a_chain_is_gone_through_in_order(served: Serve, inventory: Inventory) -> None:
    """With `via`, each role trusts the one before it, and account roles trust the last."""
    via = (role(BASE, "hub"), role("8" * 12, "team/relay"))
    chained = replace(inventory, aws=replace(inventory.aws, via=via, external_id=Secret("chain")))
    async with served(of=chained) as aws:
        assert (await aws.assume(HUB)).error == denied(USER, HUB)
        skipped = await aws.assume("8" * 12, path="team/relay", ExternalId="chain")
        assert skipped.error == denied(USER, "8" * 12, "team/relay")
        wrong_id = await aws.assume(BASE, path="hub")
        assert wrong_id.error == denied(USER, BASE, "hub")
        first = await aws.session(BASE, path="hub", ExternalId="chain")
        second = await aws.session("8" * 12, path="team/relay", key=first, ExternalId="chain")
        assert (await aws.assume(HUB, key=first)).status == 403
        assert (await aws.assume(HUB, key=second)).status == 200


async def test_the_base_identity_of_an_account_without_role(
    served: Serve, inventory: Inventory
) -> None:
    """With role "none" the base identity belongs to that account and acts there itself."""
    own = replace(inventory.accounts[0], role=None)
    async with served(of=replace(inventory, accounts=(own, inventory.accounts[1]))) as aws:
        described = await aws.ecr("DescribeRegistry", key=aws.base)
        assert described.json["registryId"] == HUB
        user = f"arn:aws:iam::{HUB}:user/sandbox"
        assert (await aws.assume(HUB)).error == denied(user, HUB)
        assert (await aws.assume(SPOKE)).status == 200


@pytest.mark.parametrize(
    ("seconds", "constraint"),
    [
        ("899", "Member must have value greater than or equal to 900"),
        ("43201", "Member must have value less than or equal to 43200"),
    ],
)
async def test_the_duration_has_bounds(aws: Served, seconds: str, constraint: str) -> None:
    """From 15 minutes to 12 hours."""
    message = (
        f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy "
        f"constraint: {constraint}"
    )
    answer = await aws.assume(HUB, DurationSeconds=seconds)
    assert (answer.status, answer.error) == (400, ("ValidationError", message))


async def test_a_duration_that_is_no_number(aws: Served) -> None:
    """It cannot be converted."""
    answer = await aws.assume(HUB, DurationSeconds="1h")
    assert answer.error == ("MalformedInput", "'1h' can not be converted to an Integer")


async def test_a_chained_session_lasts_an_hour_at_most(served: Serve, inventory: Inventory) -> None:
    """AWS refuses more, in these words."""
    chained = replace(inventory, aws=replace(inventory.aws, via=(role(BASE, "hub"),)))
    async with served(of=chained) as aws:
        hub = await aws.session(BASE, path="hub", ExternalId="", DurationSeconds="43200")
        answer = await aws.assume(SPOKE, key=hub, DurationSeconds="3601")
        assert answer.error == (
            "ValidationError",
            (
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed "
                "by role chaining"
            ),
        )
        assert (await aws.assume(SPOKE, key=hub, DurationSeconds="3600")).status == 200


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            {"RoleSessionName": "a b"},
            (
                "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy "
                r"constraint: must satisfy regular expression '[\w+=,.@-]*'"
            ),
        ),
        (
            {"RoleSessionName": ""},
            (
                "1 validation error detected: Value null at 'roleSessionName' failed to satisfy "
                "constraint: Member must not be null"
            ),
        ),
        (
            {"RoleSessionName": "x" * 65},
            (
                f"1 validation error detected: Value '{'x' * 65}' at 'roleSessionName' failed to "
                "satisfy constraint: Member must have length less than or equal to 64"
            ),
        ),
        (
            {"RoleArn": "arn:aws:iam::1:role/x"},
            "arn:aws:iam::1:role/x is invalid",
        ),
        (
            {"ExternalId": "sécret"},
            (
                "1 validation error detected: Value '***' at 'externalId' failed to satisfy "
                r"constraint: must satisfy regular expression '[\w+=,.@:\/-]*'"
            ),
        ),
        ({"PolicyArns.member.1.arn": "x"}, "The sandbox does not speak PolicyArns.member.1.arn"),
    ],
)
async def test_what_sts_does_not_take(aws: Served, form: dict[str, str], message: str) -> None:
    """Malformed parameters, and those that would change what a session may do."""
    answer = await aws.assume(HUB, **form)
    assert (answer.status, answer.error) == (400, ("ValidationError", message))


async def test_a_session_ends_when_its_time_is_up(aws: Served) -> None:
    """By the world's clock, to the second; AWS's code differs by service."""
    session = await aws.session(HUB, DurationSeconds="900")
    aws.clock.seconds += 899
    assert (await aws.ecr("DescribeRegistry", key=session)).status == 200
    aws.clock.seconds += 1
    message = "The security token included in the request is expired"
    by_ecr = await aws.ecr("DescribeRegistry", key=session)
    by_sts = await aws.sts({"Action": "GetCallerIdentity"}, key=session)
    assert (by_ecr.status, by_ecr.error) == (400, ("ExpiredTokenException", message))
    assert (by_sts.status, by_sts.error) == (403, ("ExpiredToken", message))
    assert aws.world.calls["DescribeRegistry"] == 2


async def test_a_region_of_another_partition_has_no_sts(aws: Served) -> None:
    """STS says that the region is not activated."""
    answer = await aws.sts({"Action": "GetCallerIdentity"}, region="cn-north-1")
    assert (answer.status, answer.error[0]) == (403, "RegionDisabledException")


async def test_a_code_of_an_mfa_device_is_taken_once(aws: Served) -> None:
    """Six digits, and no code of a device twice; another device may show the same code."""
    form = {"SerialNumber": "arn:aws:iam::999999999999:mfa/me", "TokenCode": "123456"}
    assert (await aws.assume(HUB, **form)).status == 200
    message = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    for code in ("123456", "12345"):
        answer = await aws.assume(HUB, **{**form, "TokenCode": code})
        assert (answer.status, answer.error) == (403, ("AccessDenied", message))
    assert (await aws.assume(HUB, **{**form, "SerialNumber": "another-device"})).status == 200
