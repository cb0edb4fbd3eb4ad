"""What one call costs in processor time, beside what a DescribeRegistry costs at least.

    python benchmarks/describe.py --calls 4000

The floor is aiohttp with botocore's own signature, without a client. All sides call the same
endpoint process, in turn, several times; the least of each counts. Prints milliseconds of processor
time a call, and their ratio to the floor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import cycle
from typing import Final

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from benchmarks.apply_fleet import ENVIRONMENT, endpoint
from benchmarks.contestants.ours import REGION, fleet, pace
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from fleet_repl.aws import AwsRegistries, Endpoint, Secret, open_aws
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Registry

ROUNDS: Final = 5
CONCURRENCY: Final = 32
ACCOUNT: Final = AccountId("1" * 12)
TARGET: Final = "AmazonEC2ContainerRegistry_V20150921.DescribeRegistry"


async def cpu(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """The least processor time of a call in several rounds, in milliseconds."""

    async def some(count: int) -> None:
        for _ in range(count):
            await call()

    await some(50)
    rounds = []
    for _ in range(ROUNDS):
        began = time.process_time()
        await asyncio.gather(*(some(calls // CONCURRENCY) for _ in range(CONCURRENCY)))
        rounds.append(time.process_time() - began)
    return min(rounds) / (calls // CONCURRENCY * CONCURRENCY) * 1000


async def floor(url: str, calls: int) -> float:
    """A signed request by aiohttp."""
    keys = Credentials(f"ASIA{ACCOUNT}", "secret", "token")
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def call() -> object:
            headers = {
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": TARGET,
                "User-Agent": "floor",
            }
            request = AWSRequest("POST", url + "/", data=b"{}", headers=headers)
            SigV4Auth(keys, "ecr", REGION).add_auth(request)
            signed = dict(request.headers.items())
            async with session.post(url + "/", data=b"{}", headers=signed) as response:
                return json.loads(await response.read())

        return await cpu(call, calls)


async def bare(url: str, calls: int) -> float:
    """An aiobotocore client, as its documentation has it."""
    config = AioConfig(max_pool_connections=CONCURRENCY, user_agent="bare")
    async with AioSession().create_client(
        "ecr", region_name=REGION, endpoint_url=url, config=config
    ) as client:
        return await cpu(client.describe_registry, calls)


RULES: Final[JsonObject] = {
    "rules": [{"destinations": [{"region": REGION, "registryId": "8" * 12}]}]
}
OURS: Final[Mapping[str, Callable[[AwsRegistries, Registry], Awaitable[object]]]] = {
    "DescribeRegistry": lambda registries, registry: registries.describe(registry),
    "GetRegistryPolicy, none": lambda registries, registry: registries.read_policy(registry),
    "PutReplicationConfiguration": lambda registries, registry: registries.put_replication(
        registry, RULES
    ),
}


async def ours(url: str, calls: int) -> dict[str, float]:
    """The calls as every command makes them: signed for their accounts, retried, checked."""
    # An account for each call in flight: one alone would be held to the rate of its own quota.
    inventory = fleet(CONCURRENCY, CONCURRENCY)
    turns = cycle(Registry(account.id, REGION) for account in inventory.accounts)
    place = Endpoint(
        url=url, access_key_id="AKIA", secret_access_key=Secret("secret"), region=REGION
    )
    async with open_aws(inventory, run_id="bench", pace=pace(), endpoint=place) as registries:

        async def cpu_of(make: Callable[[AwsRegistries, Registry], Awaitable[object]]) -> float:
            return await cpu(lambda: make(registries, next(turns)), calls)

        return {name: await cpu_of(make) for name, make in OURS.items()}


def main() -> None:
    """Measure all sides against one endpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=4000)
    arguments = parser.parse_args()
    os.environ |= ENVIRONMENT
    with endpoint(0) as (url, _):
        sides = {"floor": asyncio.run(floor(url, arguments.calls))}
        sides["bare"] = asyncio.run(bare(url, arguments.calls))
        sides |= asyncio.run(ours(url, arguments.calls))
    for name, milliseconds in sides.items():
        print(f"{name:<27} {milliseconds:.3f} ms  {milliseconds / sides['floor']:.2f} x the floor")


if __name__ == "__main__":
    main()
