"""Roles on the way: each assumed once, in order, with its own external id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.session_names import session_name
from fleet_repl.values.errors import CallError, FaultKind
from fleet_repl.values.names import Secret

if TYPE_CHECKING:
    from tests.aws.conftest import Edge

    from fleet_repl.inventory.model import Inventory


def chained(edge: Edge) -> Inventory:
    """Two accounts behind two roles."""
    via = (edge.role(800000000001, "gate"), edge.role(800000000002, "hub"))
    return edge.inventory(
        edge.account(1, external_id=Secret("for-one"), session_seconds=43_200),
        edge.account(2, session_seconds=900),
        aws=Aws(via=via, external_id=Secret("for-the-way")),
    )


async def test_each_role_is_assumed_by_the_one_before(edge: Edge) -> None:
    """The way is gone once for all accounts; a chained session gets an hour at most."""
    async with edge.open(chained(edge)) as registries:
        for number in (1, 2):
            await registries.describe(edge.registry(number))
    assumed = [
        (call.key, call.parameters["RoleArn"], call.parameters.get("ExternalId"), seconds)
        for call in edge.aws.calls("AssumeRole")
        if (seconds := call.parameters["DurationSeconds"])
    ]
    assert assumed == [
        ("AKIABASEBASEBASEBASE", "arn:aws:iam::800000000001:role/gate", "for-the-way", "3600"),
        ("ASIA0000000000000001", "arn:aws:iam::800000000002:role/hub", "for-the-way", "3600"),
        ("ASIA0000000000000002", "arn:aws:iam::000000000001:role/fleet", "for-one", "3600"),
        ("ASIA0000000000000002", "arn:aws:iam::000000000002:role/fleet", None, "900"),
    ]


async def test_a_base_identity_that_is_an_assumed_role_chains_too(edge: Edge) -> None:
    """Without `via`, its sessions are as short."""
    arn = "arn:aws:sts::999999999999:assumed-role/ops/me"
    edge.aws.identities["AKIABASEBASEBASEBASE"] = arn
    inventory = edge.inventory(edge.account(1, session_seconds=7200))
    async with edge.open(inventory) as registries:
        assert registries.identity.arn == arn
        await registries.describe(edge.registry())
    (request,) = edge.aws.calls("AssumeRole")
    assert request.parameters["DurationSeconds"] == "3600"


async def test_a_plain_base_identity_gets_what_the_inventory_asks(edge: Edge) -> None:
    """Up to STS's twelve hours."""
    inventory = edge.inventory(edge.account(1, session_seconds=43_200))
    async with edge.open(inventory) as registries:
        await registries.describe(edge.registry())
    (request,) = edge.aws.calls("AssumeRole")
    assert request.parameters["DurationSeconds"] == "43200"


async def test_an_expired_session_on_the_way_is_renewed(edge: Edge) -> None:
    """The next account finds out; the one before it stays as it is."""
    async with edge.open(chained(edge)) as registries:
        await registries.describe(edge.registry(1))
        edge.aws.script("AssumeRole", edge.aws.refuse("ExpiredToken", "expired", 403))
        await registries.describe(edge.registry(2))
        assert registries.attempts(edge.registry(1)) == 2
        assert registries.attempts(edge.registry(2)) == 3
    names = [str(call.parameters["RoleArn"])[-6:] for call in edge.aws.calls("AssumeRole")]
    assert names == ["e/gate", "le/hub", "/fleet", "/fleet", "le/hub", "/fleet"]


async def test_a_way_that_is_closed_is_tried_twice(edge: Edge) -> None:
    """Every account fails by it, and says which role it was. None of them counts as gone: their
    own roles were never asked for."""
    edge.aws.script("AssumeRole", *[edge.aws.refuse("AccessDenied", "no", 403)] * 2)
    async with edge.open(chained(edge)) as registries:
        for number in (1, 1, 1, 2, 2, 2):
            with pytest.raises(CallError) as caught:
                await registries.describe(edge.registry(number))
            fault = caught.value.fault
            assert (fault.kind, fault.operation) == (FaultKind.ACCESS_DENIED, "AssumeRole")
            assert not fault.role_refused
            assert fault.hint == (
                "see that arn:aws:iam::800000000001:role/gate exists and trusts "
                "arn:aws:iam::999999999999:user/ops and asks for the external id of the inventory, "
                "that the latter may sts:AssumeRole it, and that no SCP or RCP denies it; this "
                "prints what makes the role:\nfleet-repl bootstrap prod.toml --format iam"
            )
    assert len(edge.aws.calls("AssumeRole")) == 2


@pytest.mark.parametrize(
    ("fleet", "name"),
    [
        ("prod", "fleet-repl-prod-20261123T080000Z-abc123"),
        ("Größe & co", "fleet-repl-Gr--e---co-20261123T080000Z-abc123"),
        ("x" * 70, "fleet-repl-" + "x" * 29 + "-20261123T080000Z-abc123"),
    ],
)
def test_session_names_are_what_sts_takes(fleet: str, name: str) -> None:
    """Up to 64 characters of its alphabet; the run id is never cut."""
    assert session_name(fleet, "20261123T080000Z-abc123") == name
    assert len(name) <= 64
