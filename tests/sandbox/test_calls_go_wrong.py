"""Faults of a scenario as a client meets them, and what they leave behind."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from tests.support.served import Serve

from fleet_repl.sandbox import FaultRule, Mishap, Scenario
from fleet_repl.sandbox.faults import Faults
from fleet_repl.values.names import AccountId, Region

HUB, SPOKE = AccountId("1" * 12), AccountId("2" * 12)
EAST, WEST = Region("us-east-1"), Region("eu-west-1")
RULES = {"rules": [{"destinations": [{"region": WEST, "registryId": HUB}]}]}
PUT = {"replicationConfiguration": RULES}
WRITE = "PutReplicationConfiguration"


def every(kind: Mishap, operation: str, **more: Any) -> Scenario:
    return Scenario(faults=(FaultRule(kind=kind, rate=1, operations=(operation,), **more),))


async def test_throttling(served: Serve) -> None:
    """Rate exceeded, with the code each service has for it; nothing happens."""
    async with served(every(Mishap.THROTTLED, WRITE)) as aws:
        answer = await aws.ecr(WRITE, PUT)
        assert (answer.status, answer.error) == (400, ("ThrottlingException", "Rate exceeded"))
        assert aws.world.writes == []
    async with served(every(Mishap.THROTTLED, "AssumeRole")) as aws:
        answer = await aws.assume(HUB)
        assert (answer.status, answer.error) == (400, ("Throttling", "Rate exceeded"))


async def test_a_quota_is_kept_for_each_account_and_region(served: Serve) -> None:
    """A second's worth at once, then as many as the rate; others have quotas of their own."""
    async with served(Scenario(ecr_rate=2, sts_rate=3)) as aws:
        for elapsed, calls in ((0, [True, True, False]), (0.5, [True, False]), (9, [True, True])):
            aws.clock.seconds += elapsed
            answers = [await aws.ecr("DescribeRegistry", {}) for _ in calls]
            assert [answer.status == 200 for answer in answers] == calls
        assert (await aws.ecr("DescribeRegistry", {})).error[0] == "ThrottlingException"
        assert (await aws.ecr("DescribeRegistry", {}, region=WEST)).status == 200
        assert (await aws.ecr("DescribeRegistry", {}, account=SPOKE)).status == 200
        answers = [await aws.sts({"Action": "GetCallerIdentity"}) for _ in range(3)]
        assert answers[-1].error == ("Throttling", "Rate exceeded")


async def test_server_errors(served: Serve) -> None:
    """A 500 from ECR, a 503 from STS; nothing happens."""
    message = "The service is unavailable. Please try again."
    async with served(every(Mishap.SERVER_ERROR, WRITE)) as aws:
        answer = await aws.ecr(WRITE, PUT)
        assert (answer.status, answer.error) == (500, ("ServerException", message))
        assert aws.world.writes == []
    async with served(every(Mishap.SERVER_ERROR, "GetCallerIdentity")) as aws:
        answer = await aws.sts({"Action": "GetCallerIdentity"})
        assert (answer.status, answer.error) == (503, ("ServiceUnavailable", message))
        assert b"<Type>Receiver</Type>" in answer.body


@pytest.mark.parametrize(("kind", "written"), [(Mishap.DROPPED, False), (Mishap.LOST_ANSWER, True)])
async def test_connections_close(
    served: Serve, kind: Mishap, written: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Dropped before anything happened, or with the write done and its answer lost."""
    caplog.set_level(logging.DEBUG, logger="aiohttp")
    async with served(every(kind, WRITE)) as aws:
        with pytest.raises(aiohttp.ClientConnectionError):
            await aws.ecr(WRITE, PUT)
        assert aws.world.calls[WRITE] == 1
        assert bool(aws.world.writes) is written
        shown = (await aws.ecr("DescribeRegistry")).json["replicationConfiguration"]
        assert shown == (RULES if written else {"rules": []})
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_client_sees_a_closed_connection(served: Serve) -> None:
    """What an SDK makes of it is a connection error, not an answer."""
    async with (
        served(every(Mishap.LOST_ANSWER, "DescribeRegistry")) as aws,
        aws.client("ecr", await aws.session(HUB)) as ecr,
    ):
        with pytest.raises(ConnectionClosedError):
            await ecr.describe_registry()


async def test_garbage(served: Serve) -> None:
    """A 200 with a page of HTML: botocore reads it as an empty answer, and nothing happened."""
    async with served(every(Mishap.GARBAGE, WRITE)) as aws:
        answer = await aws.ecr(WRITE, PUT)
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
        assert answer.body.startswith(b"<!DOCTYPE html>")
        assert "x-amzn-RequestId" not in answer.headers
        async with aws.client("ecr", await aws.session(HUB)) as ecr:
            empty = await ecr.put_replication_configuration(**PUT)
        assert empty.keys() == {"ResponseMetadata"}
        assert aws.world.writes == []


async def test_an_expired_token_stays_expired(served: Serve) -> None:
    """The session is over for good; a new one works, and the base identity never expires."""
    operations = ("AssumeRole", "DescribeRegistry")
    once = FaultRule(kind=Mishap.EXPIRED_TOKEN, first=1, operations=operations)
    async with served(Scenario(faults=(once,))) as aws:
        old = await aws.session(HUB)
        for operation in ("DescribeRegistry", "DescribeRepositories"):
            answer = await aws.ecr(operation, key=old)
            assert answer.error[0] == "ExpiredTokenException"
        new = await aws.session(HUB)
        assert (await aws.ecr("DescribeRegistry", key=new)).status == 200
        assert (await aws.ecr("DescribeRepositories", key=new)).status == 200


async def test_sessions_end_after_so_many_calls(served: Serve) -> None:
    """Every session is good for that many calls, each for itself."""
    async with served(Scenario(sessions_expire_after_calls=2)) as aws:
        for _ in range(2):
            session = await aws.session(HUB)
            statuses = [(await aws.ecr("DescribeRegistry", key=session)).status for _ in range(3)]
            assert statuses == [200, 200, 400]


async def test_sessions_end_sooner_than_was_announced(served: Serve) -> None:
    """The scenario's seconds count, whatever expiration the answer named."""
    async with served(Scenario(sessions_expire_after_seconds=30)) as aws:
        answer = await aws.assume(HUB, DurationSeconds="3600")
        assert b"<Expiration>2026-11-23T09:00:00Z</Expiration>" in answer.body
        session = await aws.session(HUB)
        aws.clock.seconds += 29
        assert (await aws.ecr("DescribeRegistry", key=session)).status == 200
        aws.clock.seconds += 1
        expired = await aws.ecr("DescribeRegistry", key=session)
        assert expired.error[0] == "ExpiredTokenException"


async def test_the_first_calls_fail(served: Serve) -> None:
    """`first` counts for each account, region and operation by itself."""
    rule = FaultRule(kind=Mishap.THROTTLED, first=2, operations=(WRITE,), accounts=(HUB,))
    async with served(Scenario(faults=(rule,))) as aws:
        for region in (EAST, "us-west-2"):
            statuses = [(await aws.ecr(WRITE, PUT, region=region)).status for _ in range(3)]
            assert statuses == [400, 400, 200]
        assert (await aws.ecr(WRITE, PUT, account=SPOKE)).status == 200


async def test_faults_of_an_account_reach_its_role(served: Serve) -> None:
    """AssumeRole counts for the account it leads into, whoever calls."""
    rule = FaultRule(kind=Mishap.THROTTLED, rate=1, accounts=(HUB,))
    async with served(Scenario(faults=(rule,))) as aws:
        assert (await aws.assume(HUB)).error[0] == "Throttling"
        assert (await aws.assume(SPOKE)).status == 200


async def test_the_first_fault_that_hits_is_the_one(served: Serve) -> None:
    """Rules are tried in order, and a call suffers one."""
    scenario = Scenario(
        faults=(
            FaultRule(kind=Mishap.SERVER_ERROR, rate=1, regions=(WEST,)),
            FaultRule(kind=Mishap.THROTTLED, rate=1, operations=("DescribeRegistry",)),
        )
    )
    async with served(scenario) as aws:
        assert (await aws.ecr("DescribeRegistry", region=WEST)).status == 500
        assert (await aws.ecr("DescribeRegistry")).error[0] == "ThrottlingException"


async def test_a_client_gets_aws_errors(served: Serve) -> None:
    """To an SDK a throttled call is a ClientError like any other."""
    async with (
        served(every(Mishap.THROTTLED, "DescribeRegistry")) as aws,
        aws.client("ecr", await aws.session(HUB)) as ecr,
    ):
        with pytest.raises(ClientError, match="ThrottlingException"):
            await ecr.describe_registry()


async def test_latency_is_slept_on_the_worlds_clock(served: Serve) -> None:
    """A number is exact; a range is drawn from; a refused signature waits for nothing."""
    async with served(Scenario(latency_ms=(30, 30))) as aws:
        await aws.ecr("DescribeRegistry")
        assert aws.clock.slept == [0.03, 0.03]
    async with served(Scenario(latency_ms=(20, 60))) as aws:
        aws.clock.slept.clear()
        for _ in range(20):
            await aws.ecr("DescribeRegistry")
        assert len(set(aws.clock.slept)) > 10
        assert 0.02 <= min(aws.clock.slept) < max(aws.clock.slept) < 0.06
        aws.clock.slept.clear()
        await aws.send(b"", {})
        assert aws.clock.slept == []


STORM = (FaultRule(kind=Mishap.THROTTLED, rate=0.2), FaultRule(kind=Mishap.DROPPED, rate=0.1))
PLACES = [(AccountId(f"{number:012}"), EAST, WRITE) for number in range(50)]


def lots(seed: int, calls: Iterable[tuple[AccountId, Region, str]]) -> dict[Any, list[Any]]:
    faults = Faults(Scenario(seed=seed, faults=STORM, latency_ms=(1, 9)))
    drawn: dict[Any, list[Any]] = {}
    for place in calls:
        drawn.setdefault(place, []).append(faults.draw(*place))
    return drawn


def test_a_seed_repeats_whatever_the_order_of_calls() -> None:
    """Concurrency changes when calls arrive; whose call fails stays the same."""
    by_round = lots(7, [place for _ in range(20) for place in PLACES])
    by_place = lots(7, [place for place in reversed(PLACES) for _ in range(20)])
    assert by_round == by_place
    assert by_round != lots(8, [place for _ in range(20) for place in PLACES])


def test_rates_are_shares_of_the_calls() -> None:
    """Of a thousand calls about a fifth is throttled, and a tenth of the rest dropped."""
    drawn = [item.mishap for faults in lots(7, PLACES * 20).values() for item in faults]
    assert 150 < drawn.count(Mishap.THROTTLED) < 250
    assert 50 < drawn.count(Mishap.DROPPED) < 110


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        (Mishap.DENIED, ("AccessDeniedException", "AccessDenied")),
        (Mishap.UNKNOWN_KEY, ("UnrecognizedClientException", "InvalidClientTokenId")),
    ],
)
async def test_refusals_that_pass(served: Serve, kind: Mishap, codes: tuple[str, str]) -> None:
    """As a role or a session that is fresh is refused; nothing happens, and later it does."""
    async with served(
        Scenario(faults=(FaultRule(kind=kind, first=1, operations=(WRITE,)),))
    ) as aws:
        answer = await aws.ecr(WRITE, PUT)
        assert (answer.status, answer.error[0], aws.world.writes) == (400, codes[0], [])
        assert (await aws.ecr(WRITE, PUT)).status == 200
    rule = FaultRule(kind=kind, first=1, operations=("AssumeRole",))
    async with served(Scenario(faults=(rule,))) as aws:
        answer = await aws.assume(HUB)
        assert (answer.status, answer.error[0]) == (403, codes[1])
        assert (await aws.assume(HUB)).status == 200
