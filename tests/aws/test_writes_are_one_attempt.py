"""Writing a registry: one attempt, and honest about what may have happened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import anyio
import pytest
from aiohttp import web

from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge, Request

    from fleet_repl.values.canonical_json import JsonObject

RULES: JsonObject = {
    "rules": [
        {
            "destinations": [{"region": "us-east-1", "registryId": "000000000002"}],
            "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
        }
    ]
}
POLICY: JsonObject = {"Version": "2012-10-17", "Statement": [{"Sid": "ä", "Effect": "Allow"}]}


async def test_a_configuration_is_put_whole(edge: Edge) -> None:
    """The document goes as it is; the request id comes back."""
    async with edge.open() as registries:
        request_id = await registries.put_replication(edge.registry(), RULES)
    (request,) = edge.aws.calls("PutReplicationConfiguration")
    assert request.parameters == {"replicationConfiguration": RULES}
    assert request_id == f"request-{request.number}"


async def test_a_policy_is_put_as_compact_text(edge: Edge) -> None:
    """The size limit counts characters; the order of keys is the caller's."""
    async with edge.open() as registries:
        request_id = await registries.put_policy(edge.registry(), POLICY)
    (request,) = edge.aws.calls("PutRegistryPolicy")
    text = '{"Version":"2012-10-17","Statement":[{"Sid":"ä","Effect":"Allow"}]}'
    assert request.parameters == {"policyText": text}
    assert request_id == f"request-{request.number}"


async def test_a_policy_is_deleted(edge: Edge) -> None:
    """One that is not there is as good as deleted."""
    edge.aws.policies["000000000001", "eu-west-1"] = json.dumps(POLICY)
    async with edge.open() as registries:
        ids = [await registries.delete_policy(edge.registry()) for _ in range(2)]
    assert ids == [f"request-{call.number}" for call in edge.aws.calls("DeleteRegistryPolicy")]
    assert edge.aws.policies == {}


@pytest.mark.parametrize(
    ("step", "kind", "transient", "uncertain"),
    [
        ("lose", FaultKind.NETWORK, True, True),
        ("drop", FaultKind.NETWORK, True, True),
        ("reset", FaultKind.NETWORK, True, True),
        ("ServerException 500", FaultKind.SERVICE, True, True),
        ("Bad-Gateway 502", FaultKind.SERVICE, True, True),
        ("ThrottlingException 400", FaultKind.THROTTLED, True, False),
        ("ExpiredTokenException 400", FaultKind.EXPIRED, True, False),
        ("AccessDeniedException 400", FaultKind.ACCESS_DENIED, False, False),
        ("InvalidParameterException 400", FaultKind.INVALID, False, False),
    ],
)
async def test_a_failure_says_whether_the_write_may_have_happened(
    edge: Edge, step: str, kind: FaultKind, transient: bool, uncertain: bool
) -> None:
    """It is not tried again here: who settles a lost write has to read first."""
    code, _, status = step.partition(" ")
    failing = edge.aws.refuse(code, "", int(status)) if status else getattr(edge.aws, step)
    edge.aws.script("PutReplicationConfiguration", failing)
    async with edge.open() as registries:
        # So that a denial is none of a session that has not spread yet.
        await registries.describe(edge.registry())
        with pytest.raises(CallError) as caught:
            await registries.put_replication(edge.registry(), RULES)
    error = caught.value
    assert (error.fault.kind, error.transient, error.uncertain) == (kind, transient, uncertain)
    assert len(edge.aws.calls("PutReplicationConfiguration")) == 1
    assert edge.events == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_is_led_elsewhere(edge: Edge, status: int) -> None:
    """A redirect that is followed is another attempt, and hands the session's token to whoever it
    names. AWS sends none, so it says nothing of whether the write was made."""

    async def redirect(request: Request) -> web.Response:
        return web.Response(status=status, headers={"Location": f"{edge.aws.url}/"})

    edge.aws.script("PutReplicationConfiguration", redirect)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.put_replication(edge.registry(), RULES)
    error = caught.value
    assert error.fault.message == f"the answer leads elsewhere (HTTP {status})"
    assert (error.fault.kind, error.transient, error.uncertain) == (FaultKind.SERVICE, True, True)
    assert len(edge.aws.calls("PutReplicationConfiguration")) == 1
    assert edge.aws.rules == {}


async def test_a_write_that_nobody_answers_is_uncertain(edge: Edge) -> None:
    """The attempt ends after its timeout, in real time."""
    never = anyio.Event()
    async with edge.open(timeout=1.0) as registries:
        edge.aws.script("PutRegistryPolicy", edge.aws.hold(never))
        with pytest.raises(CallError) as caught:
            await registries.put_policy(edge.registry(), POLICY)
        never.set()
    error = caught.value
    assert error.fault.kind is FaultKind.TIMEOUT
    assert error.fault.hint == "raise [apply] timeout if the network is slow"
    assert (error.transient, error.uncertain) == (True, True)


async def test_assuming_the_role_first_is_no_part_of_the_attempt(edge: Edge) -> None:
    """Nothing has been written yet, so that may be retried here; and once it has failed for
    good, the write is certain not to have happened."""
    edge.aws.script("AssumeRole", edge.aws.refuse("ServiceUnavailable", "", 503))
    async with edge.open() as registries:
        await registries.put_replication(edge.registry(1), RULES)
        assert len(edge.aws.calls("AssumeRole")) == 2
    edge.aws.script("AssumeRole", *[edge.aws.drop] * 4)
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await registries.put_replication(edge.registry(1), RULES)
    error = caught.value
    assert (error.fault.kind, error.fault.operation) == (FaultKind.NETWORK, "AssumeRole")
    assert (error.transient, error.uncertain) == (False, False)
    assert len(edge.aws.calls("PutReplicationConfiguration")) == 1


@pytest.mark.parametrize(
    ("operation", "write", "document"),
    [
        ("PutRegistryPolicy", "put_policy", {"Statement": []}),
        ("DeleteRegistryPolicy", "delete_policy", None),
    ],
)
async def test_a_policy_written_to_another_account_is_reported(
    edge: Edge, operation: str, write: str, document: object
) -> None:
    """These answers name the account. The write was made, and nobody knows where."""
    edge.aws.script(operation, edge.aws.say('{"registryId": "000000000009", "policyText": "{}"}'))
    arguments = [edge.registry()] if document is None else [edge.registry(), document]
    async with edge.open() as registries:
        with pytest.raises(CallError) as caught:
            await getattr(registries, write)(*arguments)
    error = caught.value
    assert error.fault.kind is FaultKind.WRONG_ACCOUNT
    assert (error.transient, error.uncertain) == (False, True)
