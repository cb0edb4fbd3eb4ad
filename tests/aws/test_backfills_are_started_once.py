"""Replication backfills: started in one attempt, found again by listing, their failures read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

ID = "01234567-89ab-cdef-0123-456789abcdef"
PLACE = {"region": "us-east-1", "registryId": "000000000002"}
STARTED = {
    "replicationBackfillId": ID,
    "registryId": "000000000001",
    "destination": PLACE,
    "status": "PREPARING",
    "startedAt": 1795420800.25,
    "tomorrow": {"more": 1},
}


async def test_a_backfill_is_started(edge: Edge) -> None:
    """For one destination; the whole answer comes back."""
    edge.aws.script("StartReplicationBackfill", edge.aws.reply(STARTED))
    async with edge.open() as registries:
        answer = await registries.start_backfill(edge.registry(), edge.registry(2, "us-east-1"))
    assert answer == STARTED
    assert edge.aws.calls("StartReplicationBackfill")[0].parameters == {"destination": PLACE}


@pytest.mark.parametrize("step", ["lose", "drop", "reset", "garbage", "empty", "ServerException"])
async def test_a_start_whose_answer_is_lost_is_uncertain(edge: Edge, step: str) -> None:
    """It is never sent twice: the list of backfills tells whether it has happened."""
    steps = {
        "garbage": edge.aws.say("<html>"),
        "empty": edge.aws.say("{}"),
        "ServerException": edge.aws.refuse("ServerException", status=500),
    }
    edge.aws.script("StartReplicationBackfill", steps.get(step) or getattr(edge.aws, step))
    edge.aws.script("ListReplicationBackfills", edge.aws.reply({"backfills": [STARTED]}))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.start_backfill(edge.registry(), edge.registry(2, "us-east-1"))
        (backfill,) = await registries.list_backfills(edge.registry())
    assert (caught.value.transient, caught.value.uncertain) == (True, True)
    assert backfill == STARTED
    assert len(edge.aws.calls("StartReplicationBackfill")) == 1


@pytest.mark.parametrize(
    "code",
    [
        "LimitExceededException",
        "ReplicationBackfillInProgressException",
        "UnknownOperationException",
        "ValidationException",
    ],
)
async def test_a_refused_start_is_certain(edge: Edge, code: str) -> None:
    """Nothing has begun; the code says whether to queue, to wait, or to give up."""
    edge.aws.script("StartReplicationBackfill", edge.aws.refuse(code))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.start_backfill(edge.registry(), edge.registry(2, "us-east-1"))
    error = caught.value
    assert (error.fault.kind, error.fault.code) == (FaultKind.INVALID, code)
    assert (error.transient, error.uncertain) == (False, False)


async def test_a_start_in_another_account_is_reported(edge: Edge) -> None:
    """The answer names it."""
    other = {**STARTED, "registryId": "000000000009"}
    edge.aws.script("StartReplicationBackfill", edge.aws.reply(other))
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.start_backfill(edge.registry(), edge.registry(2))
    assert caught.value.fault.kind is FaultKind.WRONG_ACCOUNT


async def test_the_images_that_could_not_be_copied(edge: Edge) -> None:
    """Only those are asked for; as long as it runs there are none."""
    failed = {
        "repositoryName": "base/app",
        "imageId": {"imageDigest": "sha256:0"},
        "status": "FAILED",
        "failureCode": "DESTINATION_REGISTRY_ACCESS_DENIED",
    }
    edge.aws.script(
        "DescribeReplicationBackfillResults",
        edge.aws.reply({"status": "IN_PROGRESS", "results": None}),
        edge.aws.reply({"status": "STOPPED"}),
        edge.aws.reply({"status": "FAILED", "results": [failed]}),
    )
    async with edge.open() as registries:
        results = [await registries.backfill_results(edge.registry(), ID) for _ in range(3)]
    assert results == [(), (), (failed,)]
    assert edge.aws.calls("DescribeReplicationBackfillResults")[0].parameters == {
        "replicationBackfillId": ID,
        "resultStatusFilter": "FAILED",
        "maxResults": 1000,
    }


async def test_a_backfill_that_ecr_has_forgotten(edge: Edge) -> None:
    """The code says so."""
    forgotten = edge.aws.refuse("ReplicationBackfillNotFoundException")
    edge.aws.script("DescribeReplicationBackfillResults", forgotten)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.backfill_results(edge.registry(), ID)
    assert caught.value.fault.hint == "ECR forgets a backfill 90 days after it has ended"
