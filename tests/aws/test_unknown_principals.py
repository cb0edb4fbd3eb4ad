"""A policy that AWS takes to be invalid: perhaps only for now, but not for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fleet_repl.aws.policy_hints import suspects
from fleet_repl.inventory.settings import Ownership
from fleet_repl.values.canonical_json import JsonObject, short_hash
from fleet_repl.values.errors import CallError, FaultKind

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

    from fleet_repl.aws import AwsRegistries

SAID = (
    "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
    "'Invalid registry policy provided'"
)


ROOT = "arn:aws:iam::{}:root"
MARK = f"FleetRepl{short_hash('prod')}"


def statement(sid: str | None, *principals: str) -> JsonObject:
    named: JsonObject = {"Effect": "Allow", "Principal": {"AWS": list(principals)}}
    return named if sid is None else {"Sid": sid, **named}


def policy(*statements: JsonObject) -> JsonObject:
    return {"Version": "2012-10-17", "Statement": list(statements)}


async def put(registries: AwsRegistries, edge: Edge, document: JsonObject) -> CallError:
    with pytest.raises(CallError) as caught:
        await registries.put_policy(edge.registry(), document)
    return caught.value


async def test_it_is_transient_a_few_times_and_then_invalid(edge: Edge) -> None:
    """A principal that has not spread yet passes; a dead one would be tried for ever."""
    edge.aws.script("PutRegistryPolicy", *[edge.aws.refuse("InvalidParameterException", SAID)] * 6)
    ours = statement(f"{MARK}01234567", ROOT.format("222222222222"), "333333333333")
    async with edge.open() as registries:
        errors = [await put(registries, edge, policy(ours)) for _ in range(6)]
    assert [error.transient for error in errors] == [True, True, True, True, False, True]
    assert not any(error.uncertain for error in errors)
    assert errors[4].fault.kind is FaultKind.INVALID
    assert errors[4].fault.message == SAID
    (hint,) = {error.fault.hint for error in errors}
    assert hint == (
        "one of its principals may not exist: see whether one of these accounts has been closed, "
        "and take it out of the inventory: 222222222222, 333333333333"
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


async def test_a_foreign_statement_is_named_where_all_of_ours_are_sound(edge: Edge) -> None:
    """Ours name an account that answered in this run, so the likely cause is somebody else's."""
    edge.aws.script("PutRegistryPolicy", edge.aws.refuse("InvalidParameterException", SAID))
    document = policy(
        statement(f"{MARK}01234567", ROOT.format("000000000002")),
        statement("CacheTeam", "arn:aws:iam::000000000002:role/gone"),
    )
    async with edge.open(edge.inventory(edge.account(1), edge.account(2))) as registries:
        await registries.describe(edge.registry(2))
        error = await put(registries, edge, document)
    assert error.fault.hint == (
        "the fleet's own statements name only accounts that exist, so a foreign statement is the "
        "likely cause: see whether everybody it names still exists: CacheTeam"
    )


async def test_statements_under_a_former_name_of_the_fleet_are_not_foreign(edge: Edge) -> None:
    """Its mark follows from the name, and a fleet may have had others."""
    edge.aws.script("PutRegistryPolicy", edge.aws.refuse("InvalidParameterException", SAID))
    inventory = replace(edge.inventory(), ownership=Ownership(formerly=("staging",)))
    former = statement(f"FleetRepl{short_hash('staging')}01234567", "444444444444")
    async with edge.open(inventory) as registries:
        error = await put(registries, edge, policy(former))
    assert error.fault.hint is not None
    assert error.fault.hint.endswith("take it out of the inventory: 444444444444")


ALIVE, GONE = "111111111111", "222222222222"


@pytest.mark.parametrize(
    ("statements", "hint"),
    [
        (
            [statement("MineA", GONE), statement("CI", "AROAEXAMPLE"), statement("Sound", ALIVE)],
            (
                "one of its principals may not exist: see whether one of these accounts has been "
                "closed, and take it out of the inventory: 222222222222, or mend the foreign "
                "statements: CI"
            ),
        ),
        (
            [statement("MineA", GONE), statement("Sound", ALIVE)],
            (
                "one of its principals may not exist: see whether one of these accounts has been "
                "closed, and take it out of the inventory: 222222222222, or mend the foreign "
                "statements: Sound"
            ),
        ),
        (
            [statement("MineA", ALIVE), statement(None, GONE), statement("CI", ALIVE, GONE)],
            (
                "the fleet's own statements name only accounts that exist, so a foreign statement "
                "is the likely cause: see whether everybody it names still exists: CI, 1 without "
                "Sid"
            ),
        ),
        (
            [statement(None, GONE), statement(None, "*", GONE)],
            (
                "a foreign statement is the likely cause: see whether everybody it names still "
                "exists: 2 without Sid"
            ),
        ),
        (
            [statement("MineA", ALIVE), statement("CI", "*", ROOT.format(ALIVE))],
            (
                "every account that it names exists, but one may not be known everywhere yet: run "
                "again in a minute, and if that does not help look into the foreign statements: CI"
            ),
        ),
        (
            [statement("MineA", ALIVE)],
            (
                "every account that it names exists, but one may not be known everywhere yet: run "
                "again in a minute"
            ),
        ),
        (
            [statement("MineA", *(f"{number:012d}" for number in range(100, 113)))],
            (
                "one of its principals may not exist: see whether one of these accounts has been "
                "closed, and take it out of the inventory: 000000000100, 000000000101, "
                "000000000102, 000000000103, 000000000104, 000000000105, 000000000106, "
                "000000000107, 000000000108, 000000000109 and 3 more"
            ),
        ),
        (
            [statement("MineA", ALIVE), {"Sid": "Deny", "NotPrincipal": {"AWS": GONE}}],
            (
                "the fleet's own statements name only accounts that exist, so a foreign statement "
                "is the likely cause: see whether everybody it names still exists: Deny"
            ),
        ),
        (
            [{"Sid": "Cache", "Principal": {"Service": "ecr.amazonaws.com"}}, "nonsense", None],
            (
                "every account that it names exists, but one may not be known everywhere yet: run "
                "again in a minute, and if that does not help look into the foreign statements: "
                "Cache"
            ),
        ),
    ],
)
def test_who_is_suspected(statements: list[Any], hint: str) -> None:
    """Principals that nobody has seen alive: ours by account, foreign ones by statement."""
    assert suspects(policy(*statements), ("Mine",), lambda account: account == ALIVE) == hint


@pytest.mark.parametrize(
    "said",
    [
        SAID,
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Principal not found'",
        "invalid parameter at 'policyText': unacceptable",
        "",
    ],
)
async def test_it_is_reported_by_its_code_in_whatever_words(edge: Edge, said: str) -> None:
    """ECR has been seen with two wordings: each is tried again, then the suspects are named."""
    edge.aws.script("PutRegistryPolicy", *[edge.aws.refuse("InvalidParameterException", said)] * 5)
    async with edge.open() as registries:
        errors = [await put(registries, edge, policy(statement("CI", "AROA"))) for _ in range(5)]
    assert [error.transient for error in errors] == [True, True, True, True, False]
    assert errors[-1].fault.hint is not None
    assert errors[-1].fault.hint.endswith("see whether everybody it names still exists: CI")


async def test_what_is_invalid_in_another_way_fails_at_once(edge: Edge) -> None:
    """A request that does not fit the model never will."""
    edge.aws.script("PutRegistryPolicy", edge.aws.refuse("ValidationException", SAID))
    async with edge.open() as registries:
        error = await put(registries, edge, policy())
    assert (error.fault.kind, error.transient) == (FaultKind.INVALID, False)
