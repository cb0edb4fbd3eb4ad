"""A second opinion: moto's server, which somebody else wrote from AWS's documentation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.aws.conftest import Edge

    from fleet_repl.canonical import JsonObject

RULES: JsonObject = {
    "rules": [
        {
            "destinations": [{"region": "eu-west-1", "registryId": "000000000002"}],
            "repositoryFilters": [{"filter": "base/", "filterType": "PREFIX_MATCH"}],
        }
    ]
}
POLICY: JsonObject = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "one",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000001:root"},
            "Action": ["ecr:ReplicateImage"],
            "Resource": "arn:aws:ecr:eu-west-1:000000000002:repository/*",
        }
    ],
}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Where moto answers."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


async def test_registries_of_two_accounts(
    edge: Edge, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read, written, read back and emptied, each with its own account's session."""
    edge.aws.url = moto
    # moto's sessions expire by the machine's clock.
    monkeypatch.setattr(edge.clock, "now", lambda: datetime.now(UTC))
    source, destination = edge.registry(1, "us-east-1"), edge.registry(2, "eu-west-1")
    async with edge.open(edge.inventory(edge.account(1), edge.account(2))) as registries:
        assert registries.identity.partition == "aws"
        assert await registries.describe(source) == {
            "registryId": "000000000001",
            "replicationConfiguration": {"rules": []},
        }
        assert await registries.read_policy(destination) is None
        await registries.put_policy(destination, POLICY)
        await registries.put_replication(source, RULES)
        assert (await registries.describe(source))["replicationConfiguration"] == RULES
        assert await registries.read_policy(destination) == POLICY
        assert await registries.read_policy(edge.registry(1, "eu-west-1")) is None
        await registries.delete_policy(destination)
        await registries.delete_policy(destination)
        assert await registries.read_policy(destination) is None
        assert registries.attempts(source) == 1 + 3
