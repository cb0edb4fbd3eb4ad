"""Accounts with a profile of their own: its identity acts there, or assumes the role."""

from __future__ import annotations

import anyio
import pytest
from tests.aws.conftest import BASE_KEY, Edge

from fleet_repl.inventory.model import Inventory
from fleet_repl.values.errors import CallError, FaultKind

BUILD_KEY = "AKIABUILDBUILDBUILD1"


@pytest.fixture
def keys(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The profile `build`, whose identity is of account 1, beside that of the fleet."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", edge.aws.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", BASE_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    edge.config.write_text(
        f"[profile build]\naws_access_key_id = {BUILD_KEY}\naws_secret_access_key = y\n"
    )
    edge.aws.identities[BUILD_KEY] = "arn:aws:iam::000000000001:user/build"


def fleet(edge: Edge) -> Inventory:
    """Account 1 is the profile's own; 2 is reached by it, and 3 by the fleet's base identity."""
    return edge.inventory(
        edge.account(1, profile="build", role=None),
        edge.account(2, profile="build"),
        edge.account(3),
    )


@pytest.mark.usefixtures("keys")
async def test_who_signs(edge: Edge) -> None:
    """The profile's identity in its own account, and for AssumeRole of the other; looked up and
    checked once, however many registries need it at once."""
    opened = edge.open(fleet(edge), by_environment=True)
    async with opened as registries, anyio.create_task_group() as group:
        for number in (1, 2, 3):
            for region in ("eu-west-1", "us-east-1"):
                group.start_soon(registries.describe, edge.registry(number, region))
    assert {call.key for call in edge.aws.calls("DescribeRegistry")} >= {BUILD_KEY}
    assumed = {str(call.parameters["RoleArn"]): call.key for call in edge.aws.calls("AssumeRole")}
    assert assumed == {str(edge.role(2)): BUILD_KEY, str(edge.role(3)): BASE_KEY}
    assert [call.key for call in edge.aws.calls("GetCallerIdentity")] == [BASE_KEY, BUILD_KEY]


@pytest.mark.usefixtures("keys")
async def test_a_profile_that_cannot_be_used(edge: Edge) -> None:
    """Its accounts fail, with the profile named and what to do; others are read."""
    edge.config.write_text("")
    async with edge.open(fleet(edge), by_environment=True) as registries:
        for number in (1, 2):
            with pytest.raises(CallError) as caught:
                await registries.describe(edge.registry(number))
            fault = caught.value.fault
            assert fault.kind is FaultKind.ACCESS_DENIED
            assert fault.message == (
                "profile build: there is no usable base identity: The config profile (build) could "
                "not be found"
            )
            assert fault.hint is not None
            assert fault.hint.startswith("see `aws configure list-profiles`")
        await registries.describe(edge.registry(3))


@pytest.mark.usefixtures("keys")
async def test_a_profile_of_another_account(edge: Edge) -> None:
    """What answers is compared with the account, as always: nothing is read from another one."""
    inventory = edge.inventory(edge.account(4, profile="build", role=None))
    async with edge.open(inventory, by_environment=True) as registries:
        with pytest.raises(CallError) as caught:
            await registries.describe(edge.registry(4))
    assert caught.value.fault.kind is FaultKind.WRONG_ACCOUNT
