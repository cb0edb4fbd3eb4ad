"""What a run's sessions may do: no more than the run needs, whatever their roles may."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.support.inventories import fleet_text

from fleet_repl import FleetError, Inventory, Purpose, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.fleet.connect import connect
from fleet_repl.fleet.fleet import Fleet
from fleet_repl.runs.events import Event, IdentityNotNarrowed
from fleet_repl.sandbox import FaultRule, Mishap, Scenario, World, serve, world_of
from fleet_repl.sandbox.keys import AccessKey
from fleet_repl.values.names import Region, Secret

BASE: Final = "000000000001"
READS: Final = ("Describe", "Get", "List", "Lookup", "Simulate")
HUB: Final = "arn:aws:iam::999999999999:role/hub"


def written(folder: Path, aws: str = "", *, of: str | None = None) -> Inventory:
    """A fleet of two accounts with one link, and more lines in [aws]."""
    text = fleet_text("1>2 base/", accounts=2) if of is None else of
    path = folder / "fleet.toml"
    path.write_text(text.replace("[aws]\n", f"[aws]\n{aws}\n"))
    return load_inventory(path, environ={})


@asynccontextmanager
async def connected(
    inventory: Inventory, purpose: Purpose | None = Purpose.APPLY
) -> AsyncIterator[tuple[Fleet, World]]:
    world = world_of(inventory)
    async with serve(world) as server:
        endpoint = Endpoint(
            url=server.url,
            access_key_id=server.access_key_id,
            secret_access_key=Secret(server.secret_access_key),
            region=Region(server.region),
        )
        async with connect(inventory, endpoint=endpoint, purpose=purpose) as fleet:
            yield fleet, world


def sessions(world: World) -> list[AccessKey]:
    """Every session that was given, by the role's account and name."""
    keys = [key for key in world.keyring._keys.values() if key.token is not None]
    return sorted(keys, key=lambda key: key.identity.arn)


def actions(policy: Mapping[str, object]) -> set[str]:
    """The actions that a policy allows."""
    document = json.loads(json.dumps(policy))
    listed = [statement["Action"] for statement in document["Statement"]]
    return {action for some in listed for action in ([some] if isinstance(some, str) else some)}


async def test_a_plan_may_only_read(tmp_path: Path) -> None:
    """Its sessions allow reads, and the fleet refuses to write before it asks anybody."""
    inventory = written(tmp_path)
    async with connected(inventory, None) as (fleet, world):
        plan = await fleet.plan()
        assert len(plan.changes) == 2
        for key in sessions(world):
            (policy,) = key.identity.session_policies
            verbs = {action.partition(":")[2] for action in actions(policy)}
            assert all(verb.startswith(READS) for verb in verbs)
        for refused in (fleet.apply(plan), fleet.backfill()):
            with pytest.raises(FleetError, match="read-only"):
                await refused
    assert world.writes == []


async def test_a_run_that_writes_may_write(tmp_path: Path) -> None:
    """All that it has to do passes under its sessions' policies."""
    async with connected(written(tmp_path)) as (fleet, world):
        report = await fleet.apply(await fleet.plan())
    assert report.status == "ok"
    assert len(world.writes) == 2
    (policy,) = sessions(world)[0].identity.session_policies
    assert {"ecr:PutReplicationConfiguration", "iam:CreateServiceLinkedRole"} <= actions(policy)


async def test_it_can_be_switched_off(tmp_path: Path) -> None:
    """Then sessions may do what their roles may, and the library still refuses to write."""
    inventory = written(tmp_path, "session_policy = false")
    async with connected(inventory, None) as (fleet, world):
        with pytest.raises(FleetError, match="read-only"):
            await fleet.apply(await fleet.plan())
    assert {key.identity.session_policies for key in sessions(world)} == {()}


async def test_sessions_on_the_way_only_pass_on(tmp_path: Path) -> None:
    """The roles of `via` may assume roles, and nothing else."""
    async with connected(written(tmp_path, f'via = ["{HUB}"]'), None) as (fleet, world):
        await fleet.plan()
    hubs = [key for key in sessions(world) if str(key.identity.role) == HUB]
    assert len(hubs) == 1
    (policy,) = hubs[0].identity.session_policies
    assert actions(policy) == {"sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"}


async def test_sessions_say_who_started_them(tmp_path: Path) -> None:
    """Source identity and tags go with every AssumeRole, through a chain as well."""
    aws = (
        f'via = ["{HUB}"]\nsource_identity = "platform"\n'
        'session_tags = { team = "platform", "cost center" = "" }'
    )
    async with connected(written(tmp_path, aws), None) as (fleet, world):
        await fleet.plan()
    identities = [key.identity for key in sessions(world)]
    assert len(identities) == 3
    for identity in identities:
        assert identity.source_identity == "platform"
        assert identity.tags == {"team": "platform", "cost center": ""}


@asynccontextmanager
async def as_session(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *faults: FaultRule
) -> AsyncIterator[tuple[Inventory, World, AccessKey]]:
    """A fleet whose base identity has temporary credentials, and no role in its own account."""
    text = fleet_text("1>2 base/", accounts=2)
    own = text.replace(f'id = "{BASE}"\n', f'id = "{BASE}"\nrole = "none"\n')
    inventory = written(folder, of=own)
    world = world_of(inventory, scenario=Scenario(faults=faults))
    key = world.keyring.open_session(world.keyring.base.identity, 3600)
    async with serve(world) as server:
        environment = {
            **server.environment(),
            "AWS_ACCESS_KEY_ID": key.id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_SESSION_TOKEN": key.token or "",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield inventory, world, key


async def test_a_temporary_base_identity_is_narrowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it acts in an account itself, STS narrows it once, and it reads with that."""
    async with (
        as_session(tmp_path, monkeypatch) as (inventory, world, key),
        connect(inventory, purpose=None) as fleet,
    ):
        await fleet.plan()
    assert world.calls["GetScopedCredentials"] == 1
    narrow = [
        session
        for session in sessions(world)
        if session.identity.role is None and session is not key
    ]
    assert [len(item.identity.session_policies) for item in narrow] == [1]
    assert narrow[0].identity.account == BASE
    assert world.calls["DescribeRegistry"] == 2


async def test_an_sts_that_does_not_narrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base identity acts as it is, and one event says so."""
    unknown = FaultRule(kind=Mishap.DENIED, rate=1, operations=("GetScopedCredentials",))
    events: list[Event] = []
    async with (
        as_session(tmp_path, monkeypatch, unknown) as (inventory, world, _),
        connect(inventory, purpose=None, on_event=events.append) as fleet,
    ):
        plan = await fleet.plan()
    assert [registry.error for registry in plan.registries] == [None, None]
    assert world.calls["DescribeRegistry"] == 2
    ((account, operation),) = [
        (event.account, event.error.operation)
        for event in events
        if isinstance(event, IdentityNotNarrowed)
    ]
    assert (account, operation) == (BASE, "GetScopedCredentials")


async def test_a_lasting_base_identity_acts_as_it_is(tmp_path: Path) -> None:
    """STS narrows no user's keys, so it is not asked."""
    text = fleet_text("1>2 base/", accounts=2)
    own = text.replace(f'id = "{BASE}"\n', f'id = "{BASE}"\nrole = "none"\n')
    async with connected(written(tmp_path, of=own), None) as (fleet, world):
        plan = await fleet.plan()
    assert plan.summary.unreadable == 0
    assert world.calls["GetScopedCredentials"] == 0
