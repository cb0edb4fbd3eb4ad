"""Reading a registry: the whole answer, of the account that was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

CONFIGURATION = {
    "rules": [
        {
            "destinations": [{"region": "us-east-1", "registryId": "000000000002", "mode": "x"}],
            "deleteReplication": {"enabled": True},
            "tomorrow": [1, None, {"a": 0.5}],
        }
    ],
    "also": "new",
}


async def test_fields_that_the_sdk_does_not_know_are_kept(edge: Edge) -> None:
    """The SDK's parser would drop them, and writing the rest back would turn them off."""
    edge.aws.rules["000000000001", "eu-west-1"] = CONFIGURATION
    async with edge.open() as registries:
        assert await registries.describe(edge.registry()) == {
            "registryId": "000000000001",
            "replicationConfiguration": CONFIGURATION,
        }


async def test_each_region_is_asked_with_its_accounts_own_session(edge: Edge) -> None:
    """Clients are shared by all accounts, credentials and regions are not mixed up."""
    async with edge.open(edge.inventory(edge.account(1), edge.account(2))) as registries:
        for number in (1, 2):
            for region in ("eu-west-1", "us-east-1"):
                answer = await registries.describe(edge.registry(number, region))
                assert answer["registryId"] == f"{number:012d}"
    asked = [(call.key, call.region) for call in edge.aws.calls("DescribeRegistry")]
    first, second = "ASIA0000000000000001", "ASIA0000000000000002"
    assert asked == [
        (first, "eu-west-1"),
        (first, "us-east-1"),
        (second, "eu-west-1"),
        (second, "us-east-1"),
    ]


async def test_a_policy_is_read_as_a_document(edge: Edge) -> None:
    """The text inside the answer is parsed, the order of its keys kept."""
    edge.aws.policies["000000000001", "eu-west-1"] = '{"Version":"2012-10-17","Statement":[]}'
    async with edge.open() as registries:
        document = await registries.read_policy(edge.registry())
    assert document is not None
    assert list(document.items()) == [("Version", "2012-10-17"), ("Statement", [])]


async def test_no_policy_is_none(edge: Edge) -> None:
    """AWS tells that there is none by an error, which is an answer here."""
    async with edge.open() as registries:
        assert await registries.read_policy(edge.registry()) is None


@pytest.mark.parametrize(
    ("operation", "read", "rest"),
    [
        ("DescribeRegistry", "describe", '"replicationConfiguration": {"rules": []}'),
        ("GetRegistryPolicy", "read_policy", '"policyText": "{}"'),
    ],
)
async def test_another_accounts_answer_is_an_error(
    edge: Edge, operation: str, read: str, rest: str
) -> None:
    """It names both accounts, and is not asked again."""
    edge.aws.script(operation, edge.aws.say('{"registryId": "000000000009", ' + rest + "}"))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await getattr(registries, read)(edge.registry())
    fault = caught.value.fault
    assert (fault.kind, fault.operation) == (FaultKind.WRONG_ACCOUNT, operation)
    assert fault.message == "account 000000000001 was meant, and it is account 000000000009"
    assert fault.hint == "check the account in the inventory, its role, and AWS_ENDPOINT_URL"
    assert len(edge.aws.calls(operation)) == 1


async def test_without_a_role_the_base_identity_acts_in_its_own_account(edge: Edge) -> None:
    """No AssumeRole is made for it."""
    inventory = edge.inventory(edge.account(999999999999, role=None))
    async with edge.open(inventory) as registries:
        await registries.describe(edge.registry(999999999999))
    assert [request.operation for request in edge.aws.requests] == [
        "GetCallerIdentity",
        "DescribeRegistry",
    ]


async def test_without_a_role_no_other_account_is_touched(edge: Edge) -> None:
    """Neither read nor written: the base identity is of one account."""
    async with edge.open(edge.inventory(edge.account(1, role=None))) as registries:
        for call in (
            registries.describe(edge.registry()),
            registries.put_replication(edge.registry(), {"rules": []}),
        ):
            with pytest.raises(CallError) as caught:
                await call
            assert caught.value.fault.kind is FaultKind.WRONG_ACCOUNT
    assert [request.operation for request in edge.aws.requests] == ["GetCallerIdentity"]
