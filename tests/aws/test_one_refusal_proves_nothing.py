"""Fresh roles and sessions are refused for seconds: a refusal counts once it has been repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from aiohttp import web
    from tests.aws.conftest import Edge, Request

    from fleet_repl.aws import AwsRegistries
    from fleet_repl.values.names import Registry

REFUSALS = [
    ("UnrecognizedClientException", FaultKind.REGION_DISABLED),
    ("InvalidClientTokenId", FaultKind.REGION_DISABLED),
    ("AccessDeniedException", FaultKind.ACCESS_DENIED),
]


async def refused(registries: AwsRegistries, registry: Registry) -> CallError:
    with pytest.raises(CallError) as caught:
        await registries.describe(registry)
    return caught.value


async def test_a_denied_role_is_asked_for_again_seconds_later(edge: Edge) -> None:
    """The first denial is handed back at once, so that nobody waits; the second is final."""
    edge.aws.script("AssumeRole", *[edge.aws.refuse("AccessDenied", "no", 403)] * 2)
    async with edge.open() as registries:
        first = await refused(registries, edge.registry())
        assert (first.transient, first.fault.role_refused, edge.clock.slept) == (True, False, [])
        second = await refused(registries, edge.registry())
        assert (second.transient, second.fault.role_refused) == (False, True)
        assert edge.clock.slept == [3.0]
    assert len(edge.aws.calls("AssumeRole")) == 2


async def test_the_regions_of_an_account_share_its_two_denials(edge: Edge) -> None:
    """The first reads of all of them wait for nothing, the second ones for the same moment."""
    edge.aws.script("AssumeRole", *[edge.aws.refuse("AccessDenied", "no", 403)] * 2)
    async with edge.open() as registries:
        for region in ("eu-west-1", "us-east-1"):
            assert (await refused(registries, edge.registry(1, region))).transient
        assert (edge.clock.slept, len(edge.aws.calls("AssumeRole"))) == ([], 1)
        for region in ("eu-west-1", "us-east-1"):
            error = await refused(registries, edge.registry(1, region))
            assert (error.transient, error.fault.role_refused) == (False, True)
    assert len(edge.aws.calls("AssumeRole")) == 2


async def test_a_fresh_role_is_there_the_second_time(edge: Edge) -> None:
    """Every other read waits for that by itself."""
    edge.aws.script("AssumeRole", edge.aws.refuse("AccessDenied", "no", 403))
    async with edge.open() as registries:
        assert await registries.read_policy(edge.registry()) is None
    assert edge.clock.seconds >= 1003.0


async def test_a_role_that_was_given_before_is_there(edge: Edge) -> None:
    """Its account has answered in this run, whatever AWS says of the role now."""
    edge.aws.script("AssumeRole", edge.aws.answer, *[edge.aws.refuse("AccessDenied", "", 403)] * 2)
    async with edge.open() as registries:
        await registries.describe(edge.registry())
        edge.clock.seconds += 3600
        await refused(registries, edge.registry())
        last = await refused(registries, edge.registry())
    assert (last.transient, last.fault.role_refused) == (False, False)


@pytest.mark.parametrize(
    ("code", "status"),
    [("InvalidClientTokenId", 403), ("RegionDisabledException", 403), ("ValidationError", 400)],
)
async def test_other_refusals_of_a_role_say_nothing_of_its_account(
    edge: Edge, code: str, status: int
) -> None:
    """They are about the caller's credentials, its region or the request."""
    edge.aws.script("AssumeRole", *[edge.aws.refuse(code, "", status)] * 2)
    async with edge.open() as registries:
        errors = [await refused(registries, edge.registry()) for _ in range(2)]
    assert not any(error.fault.role_refused for error in errors)


async def test_no_role_is_waited_for_past_the_deadline(edge: Edge) -> None:
    """The one denial is a failure then, and no proof."""
    edge.aws.script("AssumeRole", edge.aws.refuse("AccessDenied", "no", 403))
    async with edge.open(deadline=edge.clock.seconds + 2) as registries:
        error = await refused(registries, edge.registry())
    assert (error.transient, error.fault.role_refused) == (False, False)


@pytest.mark.parametrize(("code", "kind"), REFUSALS)
async def test_a_fresh_session_is_tried_again(edge: Edge, code: str, kind: FaultKind) -> None:
    """The first refusal is handed back, then it is tried again, and it passes."""
    edge.aws.script("DescribeRegistry", *[edge.aws.refuse(code)] * 3)
    async with edge.open() as registries:
        first = await refused(registries, edge.registry())
        assert (first.transient, first.fault.kind, edge.clock.slept) == (True, kind, [])
        assert (await registries.describe(edge.registry()))["registryId"] == "000000000001"
    assert len(edge.aws.calls("AssumeRole")) == 1


@pytest.mark.parametrize("code", [code for code, _ in REFUSALS])
async def test_what_stays_refused_is_final_after_ten_seconds(edge: Edge, code: str) -> None:
    """A refusal that lasts is no matter of spreading."""
    edge.aws.script("DescribeRegistry", *[edge.aws.refuse(code)] * 20)
    async with edge.open(attempts=50) as registries:
        assert (await refused(registries, edge.registry())).transient
        last = await refused(registries, edge.registry())
    assert not last.transient
    assert 10 <= edge.clock.seconds - 1000 < 20
    assert not last.fault.role_refused


@pytest.mark.parametrize("code", [code for code, _ in REFUSALS])
async def test_a_session_that_was_accepted_elsewhere_is_known(edge: Edge, code: str) -> None:
    """Then it is the region or the permission, and that is told at once."""
    async with edge.open() as registries:
        await registries.describe(edge.registry(1, "us-east-1"))
        edge.aws.script("DescribeRegistry", edge.aws.refuse(code))
        error = await refused(registries, edge.registry(1, "eu-west-1"))
    assert (error.transient, error.fault.code) == (False, code)
    assert edge.clock.slept == []


@pytest.mark.parametrize("code", [code for code, _ in REFUSALS])
@pytest.mark.parametrize(("accepted_meanwhile", "seconds"), [(True, 0), (False, 11), (True, 11)])
async def test_a_refusal_is_no_newer_than_its_call(
    edge: Edge, code: str, accepted_meanwhile: bool, seconds: float
) -> None:
    """A call that was sent before another region accepted the session may have met a region that
    the session had not reached yet, even where its refusal arrives after that acceptance, and after
    the seconds in which sessions spread."""
    late, sent = anyio.Event(), anyio.Event()

    async def refuse_late(request: Request) -> web.Response:
        sent.set()
        await late.wait()
        return await edge.aws.refuse(code)(request)

    edge.aws.script("DescribeRegistry", refuse_late)
    errors: list[CallError] = []

    async def read(region: str) -> None:
        errors.append(await refused(registries, edge.registry(1, region)))

    async with edge.open() as registries, anyio.create_task_group() as tasks:
        tasks.start_soon(read, "eu-west-1")
        await sent.wait()
        if accepted_meanwhile:
            await registries.describe(edge.registry(1, "us-east-1"))
        edge.clock.seconds += seconds
        late.set()
    assert [(error.transient, error.fault.code) for error in errors] == [(True, code)]


async def test_a_region_that_has_known_a_session_will_know_it_again(edge: Edge) -> None:
    """It is surely enabled; what the session may not do, it may not do."""
    edge.aws.script("GetRegistryPolicy", edge.aws.refuse("UnrecognizedClientException"))
    async with edge.open() as registries:
        await registries.describe(edge.registry())
        assert await registries.read_policy(edge.registry()) is None
        edge.aws.script("GetRegistryPolicy", edge.aws.refuse("AccessDeniedException"))
        with pytest.raises(CallError) as caught:
            await registries.read_policy(edge.registry())
    assert (caught.value.fault.kind, len(edge.aws.calls("GetRegistryPolicy"))) == (
        FaultKind.ACCESS_DENIED,
        3,
    )


async def test_a_renewed_session_is_fresh_again(edge: Edge) -> None:
    """What the old one was allowed tells nothing of how far the new one has spread."""
    async with edge.open() as registries:
        await registries.describe(edge.registry())
        edge.clock.seconds += 3600
        edge.aws.script("GetRegistryPolicy", edge.aws.refuse("UnrecognizedClientException"))
        assert await registries.read_policy(edge.registry()) is None
    assert len(edge.aws.calls("AssumeRole")) == 2


async def test_a_write_of_a_fresh_session_that_is_refused_may_be_tried_again(edge: Edge) -> None:
    """The session first proves whose it is: what refuses that has surely not let the write by."""
    edge.aws.script("DescribeRegistry", edge.aws.refuse("AccessDeniedException"))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.put_replication(edge.registry(), {"rules": []})
        assert (caught.value.transient, caught.value.uncertain) == (True, False)
        await registries.put_replication(edge.registry(), {"rules": []})
    assert len(edge.aws.calls("PutReplicationConfiguration")) == 1
