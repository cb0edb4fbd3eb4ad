"""The quotas of registries: a large fleet has one for each, and only those that matter stay."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.support.clock import VirtualClock

from fleet_repl.aws.quotas import Quota, Quotas
from fleet_repl.aws.request import Call
from fleet_repl.values.names import AccountId, Region

SOURCE: Any = SimpleNamespace()


def call(service: Any = "ecr") -> Call:
    return Call(
        service=service,
        operation="DescribeRegistry",
        region=Region("eu-west-1"),
        account=AccountId("1" * 12),
    )


async def one_call(quotas: Quotas, clock: VirtualClock, *, throttled: bool = False) -> Quota:
    """Makes a call that takes a tenth of a second; returns the quota that it counted for."""
    with quotas.of(call(), SOURCE) as quota:
        token = await quota.take()
        clock.seconds += 0.1
        (quota.throttled if throttled else quota.answered)(token)
    return quota


async def test_a_registry_whose_calls_are_over_has_no_quota() -> None:
    """Nothing is lost with it: the next call would have to wait no longer."""
    clock = VirtualClock()
    quotas = Quotas(clock)
    assert await one_call(quotas, clock) is not await one_call(quotas, clock)


async def test_throttles_and_room_for_a_write_are_remembered() -> None:
    """A throttle counts towards a lower rate, and tokens that were reserved are for the write that
    follows."""
    clock = VirtualClock()
    quotas = Quotas(clock)
    assert await one_call(quotas, clock, throttled=True) is await one_call(quotas, clock)
    quotas = Quotas(clock)
    with quotas.of(call(), SOURCE) as quota:
        await quota.reserve(2)
    clock.seconds += 1
    assert [await one_call(quotas, clock) is quota for _ in range(3)] == [True, True, False]


async def test_calls_at_the_same_time_share_a_quota() -> None:
    """Also when the first of them is over: a later call counts for the same."""
    clock = VirtualClock()
    quotas = Quotas(clock)
    with quotas.of(call(), SOURCE) as quota:
        assert await one_call(quotas, clock) is quota
        assert await one_call(quotas, clock) is quota


async def test_a_quota_of_the_whole_run_stays() -> None:
    """That of STS is one for all accounts, and its calls are counted together."""
    quotas = Quotas(VirtualClock())
    with quotas.of(call("sts"), SOURCE) as quota:
        pass
    with quotas.of(call("sts"), SOURCE) as again:
        assert again is quota


async def test_a_burst_is_not_begun_anew() -> None:
    """A quota whose tokens are used up stays until they would be there again."""
    quotas = Quotas(VirtualClock())
    with quotas.of(call(), SOURCE) as quota:
        for _ in range(60):
            quota.answered(await quota.take())
    with quotas.of(call(), SOURCE) as again:
        assert again is quota
