"""A policy that AWS takes to be invalid: perhaps only for now, but not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_repl.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

    from fleet_repl.aws import AwsRegistries
    from fleet_repl.canonical import JsonObject

SAID = (
    "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
    "'Invalid registry policy provided'"
)


def policy(*principals: object) -> JsonObject:
    statements = [{"Effect": "Allow", "Principal": one} for one in principals]
    return {"Version": "2012-10-17", "Statement": statements}  # type: ignore[dict-item]


async def put(registries: AwsRegistries, edge: Edge, document: JsonObject) -> CallError:
    with pytest.raises(CallError) as caught:
        await registries.put_policy(edge.registry(), document)
    return caught.value


async def test_it_is_transient_a_few_times_and_then_invalid(edge: Edge) -> None:
    """A principal that has not spread yet passes; a dead one would be tried for ever."""
    edge.aws.script("PutRegistryPolicy", *[edge.aws.refuse("InvalidParameterException", SAID)] * 6)
    root = "arn:aws:iam::{}:root"
    document = policy(
        {"AWS": [root.format("222222222222"), "333333333333"]},
        {"AWS": root.format("111111111111")},
        {"Service": "replication.ecr.amazonaws.com"},
        "*",
    )
    async with edge.open() as registries:
        errors = [await put(registries, edge, document) for _ in range(6)]
    assert [error.transient for error in errors] == [True, True, True, True, False, True]
    assert not any(error.uncertain for error in errors)
    (fault,) = {error.fault.hint for error in errors}
    assert errors[4].fault.kind is FaultKind.INVALID
    assert errors[4].fault.message == SAID
    assert fault == (
        "one of its principals may not exist: see whether one of these accounts has been closed, "
        "and take it out of the inventory, or out of the foreign statements: 111111111111, "
        "222222222222, 333333333333"
    )


async def test_success_forgets_the_failures_before_it(edge: Edge) -> None:
    """The next change of the same registry has as much patience."""
    refuse = edge.aws.refuse("InvalidParameterException", SAID)
    edge.aws.script("PutRegistryPolicy", *[refuse] * 4, edge.aws.answer, *[refuse] * 4)
    async with edge.open() as registries:
        first = [await put(registries, edge, policy()) for _ in range(4)]
        await registries.put_policy(edge.registry(), policy())
        second = [await put(registries, edge, policy()) for _ in range(4)]
    assert all(error.transient for error in first + second)
    assert first[0].fault.hint == "one of its principals may not exist"


async def test_a_hub_of_many_sources_gets_a_short_hint(edge: Edge) -> None:
    """Ten are named, the others counted."""
    edge.aws.script("PutRegistryPolicy", edge.aws.refuse("InvalidParameterException", SAID))
    sources = [f"{number:012d}" for number in range(100, 113)]
    async with edge.open() as registries:
        error = await put(registries, edge, policy({"AWS": sources}))
    assert error.fault.hint is not None
    assert error.fault.hint.endswith("000000000108, 000000000109 and 3 more")


async def test_other_invalid_parameters_fail_at_once(edge: Edge) -> None:
    """Only that one message can pass."""
    said = "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Too long'"
    edge.aws.script("PutRegistryPolicy", edge.aws.refuse("InvalidParameterException", said))
    async with edge.open() as registries:
        error = await put(registries, edge, policy())
    assert (error.fault.kind, error.transient) == (FaultKind.INVALID, False)
