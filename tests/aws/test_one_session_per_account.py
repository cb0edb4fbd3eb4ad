"""One AssumeRole for all who need a role: shared, renewed in time, never poisoned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest

from fleet_repl.ecr.session_policies import session_policy
from fleet_repl.inventory.settings import Apply
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import Partition

if TYPE_CHECKING:
    from aiohttp import web
    from tests.aws.conftest import Edge, Request

    from fleet_repl.aws import AwsRegistries
    from fleet_repl.values.names import Registry


async def describe_all(registries: AwsRegistries, *asked: Registry) -> list[Fault | None]:
    """Describe them all at once; the fault of each that failed, in order."""
    faults: dict[int, Fault | None] = {}

    async def describe(place: int, registry: Registry) -> None:
        try:
            await registries.describe(registry)
        except CallError as error:
            faults[place] = error.fault
        else:
            faults[place] = None

    async with anyio.create_task_group() as group:
        for place, registry in enumerate(asked):
            group.start_soon(describe, place, registry)
    return [faults[place] for place in range(len(asked))]


async def test_all_regions_and_tasks_share_one_session(edge: Edge) -> None:
    """Twenty calls at once in two regions, one AssumeRole."""
    asked = [edge.registry(1, "eu-west-1"), edge.registry(1, "us-east-1")] * 10
    async with edge.open() as registries:
        assert await describe_all(registries, *asked) == [None] * 20
    assert len(edge.aws.calls("AssumeRole")) == 1
    assert {call.key for call in edge.aws.calls("DescribeRegistry")} == {"ASIA0000000000000001"}


async def test_the_session_is_named_for_the_run(edge: Edge) -> None:
    """CloudTrail then tells which run did what; STS's own limits hold."""
    async with edge.open() as registries:
        await registries.describe(edge.registry())
    (request,) = edge.aws.calls("AssumeRole")
    assert request.region == "eu-central-1"
    assert request.parameters.pop("Policy") == session_policy(
        partition=Partition.AWS, read_only=False
    )
    assert {key: value for key, value in request.parameters.items() if key != "Version"} == {
        "Action": "AssumeRole",
        "RoleArn": "arn:aws:iam::000000000001:role/fleet",
        "RoleSessionName": "fleet-repl-prod-20261123T080000Z-abc123",
        "DurationSeconds": "3600",
    }


async def test_a_refusal_is_shared_and_asked_for_twice(edge: Edge) -> None:
    """A denied account fails each of its registries, at the price of two calls."""
    edge.aws.script("AssumeRole", *[edge.aws.refuse("AccessDenied", "not you", 403)] * 2)
    async with edge.open() as registries:
        await describe_all(registries, *[edge.registry()] * 5)
        faults = await describe_all(registries, *[edge.registry()] * 5)
        faults += await describe_all(registries, edge.registry(1, "us-east-1"))
        assert registries.attempts(edge.registry()) == 2
    assert set(faults) == {
        Fault(
            kind=FaultKind.ACCESS_DENIED,
            operation="AssumeRole",
            code="AccessDenied",
            message="not you",
            request_id="request-3",
            hint="see that arn:aws:iam::000000000001:role/fleet exists and trusts "
            "arn:aws:iam::999999999999:user/ops without an external id (the inventory has none), "
            "that the latter may sts:AssumeRole it, and that no SCP or RCP denies it; this prints "
            "what makes the role:\nfleet-repl bootstrap prod.toml",
        )
    }
    assert len(edge.aws.calls("AssumeRole")) == 2


async def test_a_failure_that_can_pass_is_shared_by_those_who_wait_and_no_longer(
    edge: Edge,
) -> None:
    """Who comes later asks anew."""
    go, begun = anyio.Event(), anyio.Event()
    refuse = edge.aws.refuse("InternalFailure", "Oh.", 500)

    async def refuse_later(request: Request) -> web.Response:
        begun.set()
        await go.wait()
        return await refuse(request)

    edge.aws.script("AssumeRole", refuse_later, refuse, refuse, refuse)

    async def release() -> None:
        await begun.wait()
        go.set()

    async with edge.open() as registries:
        async with anyio.create_task_group() as group:
            group.start_soon(release)
            faults = await describe_all(registries, *[edge.registry()] * 5)
        assert [fault and fault.kind for fault in faults] == [FaultKind.SERVICE] * 5
        assert len(edge.aws.calls("AssumeRole")) == 4
        assert await describe_all(registries, edge.registry()) == [None]
    assert len(edge.aws.calls("AssumeRole")) == 5


async def test_a_cancelled_leader_does_not_take_the_others_with_it(edge: Edge) -> None:
    """The next who waits asks in its place."""
    never, begun = anyio.Event(), anyio.Event()
    edge.aws.script("AssumeRole", edge.aws.hold(never, begun))
    async with edge.open() as registries:
        async with anyio.create_task_group() as group:
            leader = anyio.CancelScope()

            async def lead() -> None:
                with leader:
                    await registries.describe(edge.registry())

            group.start_soon(lead)
            await begun.wait()

            async def cancel() -> None:
                # By now the followers wait.
                for _ in range(10):
                    await anyio.lowlevel.checkpoint()
                leader.cancel()

            group.start_soon(cancel)
            assert await describe_all(registries, *[edge.registry()] * 3) == [None] * 3
        never.set()
        assert leader.cancelled_caught
    assert len(edge.aws.calls("AssumeRole")) == 2


@pytest.mark.parametrize(("seconds", "margin"), [(3600, 300), (900, 90)])
async def test_a_session_is_renewed_before_it_expires(
    edge: Edge, seconds: int, margin: int
) -> None:
    """Five minutes before, or a tenth of a short one's time."""
    inventory = edge.inventory(edge.account(1, session_seconds=seconds))
    async with edge.open(inventory) as registries:
        for wait, sessions in ((0, 1), (seconds - margin - 1, 1), (2, 2), (1, 2)):
            edge.clock.seconds += wait
            await registries.describe(edge.registry())
            assert len(edge.aws.calls("AssumeRole")) == sessions


async def test_an_expired_session_is_renewed_once_for_all_who_find_out(edge: Edge) -> None:
    """Ten answers of ExpiredToken for the same session, one AssumeRole more."""
    async with edge.open() as registries:
        await registries.describe(edge.registry())
        expired = edge.aws.refuse("ExpiredTokenException", "The security token is expired")
        edge.aws.script("DescribeRegistry", *[expired] * 10)
        assert await describe_all(registries, *[edge.registry()] * 10) == [None] * 10
    assert len(edge.aws.calls("AssumeRole")) == 2
    assert len(edge.aws.calls("DescribeRegistry")) == 21


async def test_expired_for_good_is_reported_as_that(edge: Edge) -> None:
    """Each attempt has a session of its own, and all are refused."""
    expired = edge.aws.refuse("ExpiredToken", "The security token is expired")
    edge.aws.script("DescribeRegistry", *[expired] * 4)
    async with edge.open() as registries:
        (fault,) = await describe_all(registries, edge.registry())
    assert fault is not None
    assert (fault.kind, fault.code) == (FaultKind.EXPIRED, "ExpiredToken")
    assert len({call.key for call in edge.aws.calls("DescribeRegistry")}) == 4


async def test_the_base_identitys_own_credentials_cannot_be_renewed(edge: Edge) -> None:
    """They expired under way: every account fails at once, and is told what to do."""
    edge.aws.script("AssumeRole", edge.aws.refuse("ExpiredToken", "expired", 403))
    async with edge.open() as registries:
        (fault,) = await describe_all(registries, edge.registry())
    assert fault is not None
    assert (fault.kind, fault.operation) == (FaultKind.EXPIRED, "AssumeRole")
    assert fault.hint == (
        "renew the base identity's credentials, for instance with `aws sso login`, and run again"
    )
    assert len(edge.aws.calls("AssumeRole")) == 1


async def test_a_session_longer_than_the_role_allows(edge: Edge) -> None:
    """STS says so by a validation error; the reader learns which two numbers disagree."""
    edge.aws.script(
        "AssumeRole",
        edge.aws.refuse(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ),
    )
    inventory = edge.inventory(edge.account(1, session_seconds=7200))
    async with edge.open(inventory) as registries:
        (fault,) = await describe_all(registries, edge.registry())
    assert fault is not None
    assert fault.kind is FaultKind.INVALID
    assert fault.hint == (
        "lower session_duration, or raise the maximum session duration of "
        "arn:aws:iam::000000000001:role/fleet"
    )


async def test_roles_are_assumed_no_faster_than_the_rate(edge: Edge) -> None:
    """AWS charges the quota to the base identity's account."""
    inventory = edge.inventory(*(edge.account(number) for number in range(1, 31)))
    inventory = replace(inventory, apply=Apply(sts_rate=20))
    async with edge.open(inventory) as registries:
        asked = [edge.registry(number) for number in range(1, 31)]
        assert await describe_all(registries, *asked) == [None] * 30
    # After the GetCallerIdentity, each a twentieth of a second apart.
    assert sum(edge.clock.slept) == pytest.approx(30 / 20)
