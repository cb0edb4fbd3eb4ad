"""No write goes to an account that was not meant, whoever mixes up or forges credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleet_repl.inventory.settings import Aws
from fleet_repl.values.errors import CallError, Fault, FaultKind

if TYPE_CHECKING:
    from aiohttp import web
    from tests.aws.conftest import Edge, Request, Step

    from fleet_repl.aws import AwsRegistries

STRANGER = "666666666666"
MIXED_UP = f"account 000000000001 was meant, and it is account {STRANGER}"
TEMPLATE = {"prefix": "base/", "appliedFor": ["REPLICATION"]}
WRITES: dict[str, tuple[str, tuple[object, ...]]] = {
    "put_replication": ("PutReplicationConfiguration", ({"rules": []},)),
    "put_policy": ("PutRegistryPolicy", ({"Statement": []},)),
    "delete_policy": ("DeleteRegistryPolicy", ()),
    "create_template": ("CreateRepositoryCreationTemplate", (TEMPLATE,)),
    "update_template": ("UpdateRepositoryCreationTemplate", (TEMPLATE,)),
    "delete_template": ("DeleteRepositoryCreationTemplate", ("base/",)),
    "start_backfill": ("StartReplicationBackfill", ()),
}


def other_session(edge: Edge, *, admitted: bool) -> Step:
    """An AssumeRole that gives a session of an account which no inventory lists.

    `admitted`: whether AssumedRoleUser says so, or lies.
    """

    async def step(request: Request) -> web.Response:
        answer = await edge.aws.answer(request)
        key, arn = list(edge.aws.identities.items())[-1]
        edge.aws.identities[key] = actual = arn.replace("000000000001", STRANGER)
        assert answer.text is not None
        if admitted:
            answer.text = answer.text.replace(arn, actual)
        return answer

    return step


async def fault_of(
    registries: AwsRegistries, edge: Edge, write: str, *, sent: bool = False
) -> Fault:
    """Of a write to the first registry, which fails for good. Unless it was sent it has surely
    not happened."""
    arguments: Any = WRITES[write][1]
    if write == "start_backfill":
        arguments = (edge.registry(2, "us-east-1"),)
    with pytest.raises(CallError) as caught:
        await getattr(registries, write)(edge.registry(), *arguments)
    assert (caught.value.transient, caught.value.uncertain) == (False, sent)
    return caught.value.fault


@pytest.mark.parametrize("admitted", [True, False])
@pytest.mark.parametrize("write", WRITES)
async def test_no_write_by_a_session_of_another_account(
    edge: Edge, write: str, admitted: bool
) -> None:
    """Whether STS tells or lies: every kind of write is kept back."""
    edge.aws.script("AssumeRole", other_session(edge, admitted=admitted))
    async with edge.open() as registries:
        fault = await fault_of(registries, edge, write)
    assert (fault.kind, fault.message) == (FaultKind.WRONG_ACCOUNT, MIXED_UP)
    assert fault.operation == ("AssumeRole" if admitted else "DescribeRegistry")
    assert edge.aws.calls(WRITES[write][0]) == []


@pytest.mark.parametrize("expired", [True, False])
@pytest.mark.parametrize("admitted", [True, False])
async def test_no_write_by_a_renewed_session_of_another_account(
    edge: Edge, admitted: bool, expired: bool
) -> None:
    """Credentials that change hands in mid-run: when they are renewed in time, and after AWS has
    said that they have expired."""
    async with edge.open() as registries:
        await registries.describe(edge.registry())
        await registries.prepare(edge.registry())
        await registries.put_policy(edge.registry(), {"Statement": []})
        edge.aws.script("AssumeRole", other_session(edge, admitted=admitted))
        if expired:
            refusal = edge.aws.refuse("ExpiredTokenException", "expired")
            edge.aws.script("PutRegistryPolicy", refusal)
            with pytest.raises(CallError) as caught:
                await registries.put_policy(edge.registry(), {"Statement": []})
            assert caught.value.transient
        else:
            edge.clock.seconds += 3250
        with pytest.raises(CallError) as caught:
            await registries.prepare(edge.registry())
        assert caught.value.fault.kind is FaultKind.WRONG_ACCOUNT
        fault = await fault_of(registries, edge, "put_policy")
    assert fault.kind is FaultKind.WRONG_ACCOUNT
    assert set(edge.aws.policies) == {("000000000001", "eu-west-1")}


async def test_a_role_on_the_way_of_another_account(edge: Edge) -> None:
    """From a hub that answers as another account no role is assumed."""
    inventory = edge.inventory(edge.account(2), aws=Aws(via=(edge.role(1),)))
    edge.aws.script("AssumeRole", other_session(edge, admitted=True))
    async with edge.open(inventory) as registries:
        with pytest.raises(CallError) as caught:
            await registries.describe(edge.registry(2))
    assert caught.value.fault.message == MIXED_UP
    assert len(edge.aws.calls("AssumeRole")) == 1


async def test_the_base_identity_proves_it_too(edge: Edge) -> None:
    """For an account without a role, whose credentials have come to be of another account."""
    own = "arn:aws:iam::000000000001:user/ops"
    edge.aws.identities = dict.fromkeys(edge.aws.identities, own)
    async with edge.open(edge.inventory(edge.account(1, role=None))) as registries:
        edge.aws.identities = dict.fromkeys(
            edge.aws.identities, own.replace("0" * 11 + "1", STRANGER)
        )
        fault = await fault_of(registries, edge, "put_policy")
    assert (fault.kind, fault.message) == (FaultKind.WRONG_ACCOUNT, MIXED_UP)
    assert edge.aws.calls("PutRegistryPolicy") == []


async def test_a_session_proves_it_once(edge: Edge) -> None:
    """Whoever has read the registry's rules is asked nothing more before the writes after it."""
    async with edge.open() as registries:
        await registries.describe(edge.registry())
        for region in ("eu-west-1", "us-east-1"):
            for _ in range(3):
                await registries.prepare(edge.registry(1, region))
                await registries.put_policy(edge.registry(1, region), {"Statement": []})
    assert len(edge.aws.calls("DescribeRegistry")) == 1


async def test_a_proof_that_fails_leaves_nothing_uncertain(edge: Edge) -> None:
    """The write was not sent: it can be tried again, and need not be looked for."""
    edge.aws.script("DescribeRegistry", edge.aws.lose)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.put_policy(edge.registry(), {"Statement": []})
        assert (caught.value.transient, caught.value.uncertain) == (True, False)
        await registries.put_policy(edge.registry(), {"Statement": []})
    assert len(edge.aws.calls("PutRegistryPolicy")) == 1


@pytest.mark.parametrize("write", WRITES)
async def test_an_answer_that_names_another_account_is_none(edge: Edge, write: str) -> None:
    """A write's too, whatever else it holds: it was made, and only a read can tell where."""
    operation = WRITES[write][0]
    edge.aws.script(operation, edge.aws.reply({"registryId": STRANGER}))
    async with edge.open() as registries:
        fault = await fault_of(registries, edge, write, sent=True)
    assert (fault.kind, fault.operation) == (FaultKind.WRONG_ACCOUNT, operation)
    assert fault.message == MIXED_UP


async def test_nothing_is_waited_for_between_a_read_and_a_write(edge: Edge) -> None:
    """After `prepare` there is room for both, and the session is not about to end."""
    throttle = edge.aws.refuse("ThrottlingException")
    async with edge.open(deadline=0.0) as registries:
        for number in range(200):
            edge.aws.script("GetRegistryPolicy", throttle)
            with pytest.raises(CallError):
                await registries.read_policy(edge.registry())
            await registries.prepare(edge.registry())
            slept, sessions = list(edge.clock.slept), len(edge.aws.calls("AssumeRole"))
            # The journal takes its time, now and then.
            edge.clock.seconds += 60 * (number % 3 == 0)
            await registries.describe(edge.registry())
            await registries.put_policy(edge.registry(), {"Statement": []})
            assert edge.clock.slept == slept
            assert len(edge.aws.calls("AssumeRole")) == sessions
    assert len(edge.aws.calls("AssumeRole")) == 2
    assert edge.clock.slept != []
    assert len(edge.aws.calls("PutRegistryPolicy")) == 200
