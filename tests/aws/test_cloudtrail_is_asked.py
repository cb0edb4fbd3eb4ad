"""LookupEvents: one page by the name of a call, in the registry's account and region."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.moto import moto_server

from fleet_repl.aws.trail import AwsTrail
from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

SINCE: Final = datetime(2026, 11, 23, 8, 15, tzinfo=UTC)
OPERATION: Final = "PutReplicationConfiguration"

moto = pytest.fixture(scope="module")(moto_server)


async def test_the_request_and_the_answer(edge: Edge) -> None:
    """One attribute, a start, and as many events as fit into a page; each record is a text."""
    record = {"eventName": OPERATION, "eventID": "1"}
    event = {"EventId": "1", "CloudTrailEvent": json.dumps(record)}
    edge.aws.script("LookupEvents", edge.aws.reply({"Events": [event], "NextToken": "more"}))
    async with edge.open() as registries:
        trail = AwsTrail(registries.calls)
        assert await trail.recorded_calls(edge.registry(1, "us-east-1"), OPERATION, SINCE) == (
            record,
        )
    (request,) = edge.aws.calls("LookupEvents")
    assert (request.service, request.region) == ("cloudtrail", "us-east-1")
    assert edge.aws.identities[request.key].split(":")[4] == "000000000001"
    assert request.parameters == {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": OPERATION}],
        "StartTime": SINCE.timestamp(),
        "MaxResults": 50,
    }


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"Events": "none"},
        {"Events": [{"EventId": "1"}]},
        {"Events": [{"CloudTrailEvent": "{"}]},
        {"Events": [{"CloudTrailEvent": "[]"}]},
        {"Events": [{"CloudTrailEvent": 7}]},
    ],
)
async def test_garbage_is_no_answer(edge: Edge, document: Any) -> None:
    """An answer without records is not one that says that nobody called."""
    edge.aws.script("LookupEvents", *[edge.aws.reply(document)] * 9)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await AwsTrail(registries.calls).recorded_calls(edge.registry(), OPERATION, SINCE)
    assert not caught.value.transient


async def test_two_a_second_from_an_account_and_region(edge: Edge) -> None:
    """A third lookup waits, and one in another region does not."""
    edge.aws.script("LookupEvents", *[edge.aws.reply({"Events": []})] * 4)
    async with edge.open() as registries:
        trail, began = AwsTrail(registries.calls), edge.clock.monotonic()
        for region in ("eu-west-1", "us-east-1"):
            await trail.recorded_calls(edge.registry(1, region), OPERATION, SINCE)
        assert edge.clock.monotonic() == began
        for _ in range(2):
            await trail.recorded_calls(edge.registry(1, "eu-west-1"), OPERATION, SINCE)
        assert edge.clock.monotonic() == began + 1


async def test_moto_does_not_have_the_call(
    edge: Edge, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its CloudTrail keeps trails and no events: a failure with a reason, and no crash."""
    edge.aws.url = moto
    async with edge.open(attempts=1) as registries:
        with pytest.raises(CallError) as caught:
            await AwsTrail(registries.calls).recorded_calls(edge.registry(), OPERATION, SINCE)
    assert caught.value.fault.operation == "LookupEvents"
    assert caught.value.fault.kind in (FaultKind.SERVICE, FaultKind.INVALID)
