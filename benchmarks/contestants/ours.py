"""fleet-repl's library: the registries of an inventory, read as a plan reads them."""

from __future__ import annotations

import asyncio
import random
import sys

from fleet_repl.aws import open_aws
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.workers import work_through
from fleet_repl.inventory import Account, Apply, Inventory
from fleet_repl.values.clock import SYSTEM
from fleet_repl.values.names import AccountId, Partition, Region, Registry, RoleArn

REGION = Region("us-east-1")


def account(number: int) -> Account:
    """An account of one region, reached by its role `bench`."""
    identifier = AccountId(f"{number + 1:012}")
    role = RoleArn(partition=Partition.AWS, account=identifier, path="bench")
    return Account(id=identifier, name=identifier, regions=(REGION,), role=role)


def fleet(accounts: int, concurrency: int) -> Inventory:
    """So many such accounts, whose roles are assumed as fast as they can be."""
    return Inventory(
        path="",
        digest="",
        name="bench",
        accounts=tuple(map(account, range(accounts))),
        apply=Apply(concurrency=concurrency, sts_rate=10_000),
    )


def pace() -> Pace:
    """The pace of a run with the defaults of an inventory."""
    return Pace(
        attempts=8,
        timeout=30,
        deadline=SYSTEM.monotonic() + 3600,
        clock=SYSTEM,
        uniform=random.uniform,
    )


async def main(accounts: int, concurrency: int) -> None:
    inventory = fleet(accounts, concurrency)
    async with open_aws(inventory, run_id="bench", pace=pace()) as registries:

        async def read(registry: Registry) -> None:
            await registries.describe(registry)
            await registries.read_policy(registry)

        listed = [Registry(account.id, REGION) for account in inventory.accounts]
        await work_through(listed, read, concurrency=concurrency, stop=None)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
