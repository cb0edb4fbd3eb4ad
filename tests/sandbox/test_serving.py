"""The port: loopback only, free or chosen, closed at the end; and a world of any size."""

from __future__ import annotations

import ast
import socket
import sys
from dataclasses import replace
from pathlib import Path

import aiohttp
import anyio
import pytest
from tests.support.registries import registry_of
from tests.support.served import Serve, Served

import fleet_repl.sandbox
from fleet_repl.inventory.model import Inventory
from fleet_repl.sandbox import Scenario, World, serve, world_of
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import AccountId, Partition, Region, RoleArn


async def test_the_environment_of_a_client(aws: Served) -> None:
    """What to export so that any AWS client talks to the sandbox."""
    environment = aws.server.environment()
    assert environment == {
        "AWS_ENDPOINT_URL": aws.server.url,
        "AWS_ACCESS_KEY_ID": aws.server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.server.secret_access_key,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    assert aws.server.url.startswith("http://127.0.0.1:")


async def test_the_region_of_the_inventory(served: Serve, inventory: Inventory) -> None:
    """`sts_region`, or the first of the partition."""
    elsewhere = replace(inventory, aws=replace(inventory.aws, sts_region=Region("eu-west-1")))
    async with served(of=elsewhere) as aws:
        assert aws.server.region == "eu-west-1"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.1", "::", "example.org", ""])
async def test_only_loopback_is_listened_on(world: World, host: str) -> None:
    """Nobody else's machine may reach a sandbox."""
    with pytest.raises(FleetError) as caught:
        async with serve(world, host=host):
            pass
    assert str(caught.value) == (
        f"the sandbox listens on loopback only, not on {host!r}: use 127.0.0.1 or ::1"
    )


async def test_a_port_that_is_taken(world: World) -> None:
    """The system's reason, with the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FleetError) as caught:
            async with serve(world, port=port):
                pass
    assert str(caught.value) == (
        f"the sandbox cannot listen on 127.0.0.1:{port}: Address already in use"
    )


async def test_a_port_that_cannot_be(world: World) -> None:
    """Beyond 65535 there is none."""
    with pytest.raises(FleetError) as caught:
        async with serve(world, port=70_000):
            pass
    assert str(caught.value) == "the sandbox cannot listen on 127.0.0.1:70000: no such port"


async def test_the_port_is_given_back(world: World) -> None:
    """After the block nobody listens, whoever is still connected."""
    async with aiohttp.ClientSession() as http:
        async with serve(world) as server, http.post(server.url) as answer:
            assert answer.status == 403
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.post(server.url)


async def test_the_same_seed_gives_the_same_keys(inventory: Inventory) -> None:
    """Keys and tokens repeat with the seed, and no repr shows a secret."""
    first, again = world_of(inventory), world_of(inventory)
    other = world_of(inventory, scenario=Scenario(seed=1))
    assert first.keyring.base.secret == again.keyring.base.secret
    assert first.keyring.base.secret != other.keyring.base.secret
    async with serve(first) as server:
        assert server.secret_access_key not in repr(server)
        assert first.keyring.base.secret not in repr(first.keyring.base)


async def test_registries_are_made_when_touched(served: Serve, inventory: Inventory) -> None:
    """A hundred thousand accounts cost next to nothing until somebody calls."""
    template = inventory.accounts[0]
    accounts = tuple(
        replace(template, id=account, name=account, role=role_in(account))
        for account in (AccountId(f"{number:012}") for number in range(100_000))
    )
    async with served(of=replace(inventory, accounts=accounts)) as aws:
        answer = await aws.ecr("DescribeRegistry", account=f"{77_777:012}")
        assert answer.json["registryId"] == f"{77_777:012}"
        assert len(aws.world.registries) == 1


async def test_looking_at_a_world_changes_nothing(world: World) -> None:
    """An empty registry has no policy, no rules, no repositories and no images."""
    registry = registry_of("1", "us-east-1")
    assert world.replication(registry) == {"rules": []}
    assert world.policy(registry) is None
    assert world.repositories(registry) == ()
    assert world.images(registry, "base/python") == ()
    assert world.writes == []
    assert world.calls.total() == 0


async def test_calls_in_flight_end_with_the_sandbox(
    served: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call whose latency will never pass does not keep the sandbox open."""
    async with anyio.create_task_group() as group, served(Scenario(latency_ms=(1, 1))) as aws:
        arrived = anyio.Event()

        async def never(seconds: float) -> None:
            arrived.set()
            await anyio.sleep_forever()

        async def call() -> None:
            with pytest.raises(aiohttp.ClientConnectionError):
                await aws.sts({"Action": "GetCallerIdentity"})

        monkeypatch.setattr(aws.clock, "sleep", never)
        group.start_soon(call)
        await arrived.wait()


def test_the_sandbox_judges_for_itself() -> None:
    """It shares no rule, grant or plan with the code it is there to judge."""
    allowed = {"values", "inventory", "sandbox"}
    folder = Path(fleet_repl.sandbox.__file__).parent
    imported = {
        name
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in imported_by(node)
    }
    ours = {name.split(".")[1] for name in imported if name.startswith("fleet_repl.")}
    assert ours == allowed
    others = {name.split(".")[0] for name in imported} - sys.stdlib_module_names
    assert others == {"fleet_repl", "aiohttp", "anyio", "pydantic", "pydantic_core"}


def imported_by(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [name.name for name in node.names]
        case ast.ImportFrom(module="fleet_repl"):
            return [f"fleet_repl.{name.name}" for name in node.names]
        case ast.ImportFrom():
            return [node.module or ""]
    return []


def role_in(account: AccountId) -> RoleArn:
    return RoleArn(partition=Partition.AWS, account=account, path="ops/fleet-replication")
