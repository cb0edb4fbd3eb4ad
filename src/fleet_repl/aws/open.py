"""Open AWS for one run: the base identity checked, clients and roles at hand, all closed after."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fleet_repl.aws.account_calls import Actor
from fleet_repl.aws.answers import Identity
from fleet_repl.aws.assume_role import Role, Sts, session_name
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.clients import Clients, open_clients
from fleet_repl.aws.configuration import Endpoint, client_config, sts_region
from fleet_repl.aws.credentials import Base, Source
from fleet_repl.aws.identity import check, open_session, usable
from fleet_repl.aws.logs import quieten_sdk
from fleet_repl.aws.quotas import Quotas
from fleet_repl.aws.registries import AwsRegistries
from fleet_repl.ecr.policy import Owner
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.events import Event
from fleet_repl.values import limits
from fleet_repl.values.names import Region


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
    quieten_sdk()
    aws, concurrency = inventory.aws, inventory.apply.concurrency
    session, base = await open_session(aws, endpoint, pace)
    region = sts_region(session, aws, endpoint)
    config = client_config(session, endpoint, concurrency=concurrency, timeout=pace.timeout)
    async with open_clients(session, config, endpoint) as clients:
        await usable(_prepare(clients, region, inventory))
        quotas = Quotas(pace.clock, sts_rate=inventory.apply.sts_rate)
        caller = Caller(clients, pace, quotas, on_event)
        identity = await check(caller, base, region, aws.partition)
        base.owned_by(identity.account)
        sts = Sts(
            caller=caller,
            region=region,
            session_name=session_name(inventory.name, run_id),
        )
        sources = _sources(sts, aws, identity, base)
        accounts = {account.id: account for account in inventory.accounts}
        actor = Actor(caller, accounts, sources)
        yield AwsRegistries(actor, identity, marks=_marks(inventory))


def _marks(inventory: Inventory) -> tuple[str, ...]:
    """What the Sids of the fleet's own statements begin with, under all names that it had."""
    names = (inventory.name, *inventory.ownership.formerly)
    return tuple(Owner(fleet=name, partition=inventory.aws.partition).mark for name in names)


def _sources(sts: Sts, aws: Aws, identity: Identity, base: Base) -> Callable[[Account], Source]:
    """Where each account's credentials come from: its role, assumed through those of `via`.

    A role assumed by an assumed role gets an hour at most, whatever it allows (AWS, "Role
    chaining").
    """
    last: Source = base
    for arn in aws.via:
        last = Role(
            sts, arn, last, seconds=limits.CHAINED_SESSION_SECONDS, external_id=aws.external_id
        )
    chained = identity.is_assumed_role or bool(aws.via)
    longest = limits.CHAINED_SESSION_SECONDS if chained else max(limits.SESSION_SECONDS)

    def source_of(account: Account) -> Source:
        if account.role is None:
            return base
        return Role(
            sts,
            account.role,
            last,
            seconds=min(account.session_seconds, longest),
            external_id=account.external_id,
            account=account.id,
        )

    return source_of


async def _prepare(clients: Clients, region: Region, inventory: Inventory) -> None:
    """The first client of each service, so that settings it cannot live with show at once."""
    await clients.prepare("sts", region)
    for registry_region in sorted({one for each in inventory.accounts for one in each.regions})[:1]:
        await clients.prepare("ecr", registry_region)
