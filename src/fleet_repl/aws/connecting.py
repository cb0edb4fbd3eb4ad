"""Open AWS for one run: the base identity checked, clients and roles at hand, all closed after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fleet_repl import limits
from fleet_repl.aws.answers import Identity
from fleet_repl.aws.calling import Caller
from fleet_repl.aws.clients import open_clients
from fleet_repl.aws.configuration import Endpoint, client_config, make_session, sts_region
from fleet_repl.aws.credentials import Base, Source
from fleet_repl.aws.identity import check, resolve, usable_identity
from fleet_repl.aws.registries import AwsRegistries
from fleet_repl.aws.roles import Role, Sts, session_name
from fleet_repl.inventory.model import Account, Aws, Inventory
from fleet_repl.outcomes import Event
from fleet_repl.pacing import Pace, TokenBucket
from fleet_repl.ports import EventSink


def _unheard(event: Event) -> None:
    """Where events go that nobody asked for."""


@asynccontextmanager
async def open_aws(
    inventory: Inventory,
    *,
    run_id: str,
    pace: Pace,
    endpoint: Endpoint | None = None,
    on_event: EventSink = _unheard,
) -> AsyncIterator[AwsRegistries]:
    """The inventory's registries on AWS, or on a simulated one at `endpoint`.

    The base identity is resolved and checked first; IdentityError says what is wrong with it, or
    with the SDK's settings. Without `endpoint`, every setting that the SDK reads from the
    environment and the profile holds.
    """
    aws = inventory.aws
    with usable_identity():
        session = make_session(aws, endpoint)
        region = sts_region(session, aws, endpoint)
        config = client_config(
            session, endpoint, concurrency=inventory.apply.concurrency, timeout=pace.timeout
        )
    credentials = await resolve(session, endpoint)
    async with open_clients(session, config, endpoint) as clients:
        with usable_identity():
            await clients.prepare("sts", region)
            for registry_region in sorted(_regions(inventory))[:1]:
                await clients.prepare("ecr", registry_region)
        caller = Caller(clients, pace, on_event)
        identity = await check(caller, Base(credentials), region, aws.partition)
        sts = Sts(
            caller=caller,
            region=region,
            session_name=session_name(inventory.name, run_id),
            limit=TokenBucket(inventory.apply.sts_rate, pace.clock),
        )
        base = Base(credentials, identity.account)
        sources = _Sources(sts, aws, identity, base)
        accounts = {account.id: account for account in inventory.accounts}
        yield AwsRegistries(caller, identity, accounts, sources.of)


def _regions(inventory: Inventory) -> set[str]:
    return {region for account in inventory.accounts for region in account.regions}
