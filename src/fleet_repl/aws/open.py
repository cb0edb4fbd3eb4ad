"""Open AWS for one run: clients and credentials, closed after.

Registries are read and written by the roles of their accounts.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from fleet_repl.aws.account_access import AccountAccess
from fleet_repl.aws.account_calls import AccountCalls
from fleet_repl.aws.answers import Identity
from fleet_repl.aws.assume_role import Role, Sts, audit_parameters
from fleet_repl.aws.caller import Caller
from fleet_repl.aws.clients import Clients, open_clients
from fleet_repl.aws.configuration import Endpoint, client_config, quieten_sdk, sts_region
from fleet_repl.aws.credentials import Base, Source
from fleet_repl.aws.endpoints import way_to_aws
from fleet_repl.aws.identity import check, open_session, usable
from fleet_repl.aws.quotas import Quotas
from fleet_repl.aws.registries import AwsRegistries
from fleet_repl.aws.sources import Sources
from fleet_repl.ecr.policy import Owner
from fleet_repl.ecr.session_policies import organization_policy, passing_policy, session_policy
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.retry import Pace
from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.model import Inventory
from fleet_repl.inventory.settings import Aws
from fleet_repl.runs.events import Event
from fleet_repl.runs.session_names import session_name
from fleet_repl.values import limits
from fleet_repl.values.names import AccountId, Partition, Region, RoleArn

if TYPE_CHECKING:
    from fleet_repl.aws.enabled_regions import EnabledRegions
    from fleet_repl.aws.organizations import Organizations
    from fleet_repl.runs.doctor import Way

GLOBAL_REGIONS: Final = {
    Partition.AWS: Region("us-east-1"),
    Partition.CN: Region("cn-northwest-1"),
    Partition.US_GOV: Region("us-gov-west-1"),
}
"""The regions of services that are one for a whole partition, such as Organizations."""


def _unheard(event: Event) -> None:
    """Drop an event: the default of callers that want none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Connection:
    """The caller of a run, and the credentials that it calls with."""

    caller: Caller
    sts: Sts
    base: Base
    identity: Identity
    source_of: Callable[[Account], Source]
    way: Callable[[], Way]


@asynccontextmanager
async def open_aws(
    inventory: Inventory,
    *,
    run_id: str,
    pace: Pace,
    endpoint: Endpoint | None = None,
    on_event: EventSink = _unheard,
    read_only: bool = False,
    puts_images: bool = False,
) -> AsyncIterator[AwsRegistries]:
    """The inventory's registries on AWS, or on the simulated AWS at `endpoint`.

    The base identity is resolved and checked first. Without `endpoint`, every setting that the SDK
    reads from the environment and the profile holds. `read_only` and `puts_images` decide on the
    policy of its sessions.

    Raises IdentityError for a base identity or settings of the SDK that cannot be used.
    """
    partition = inventory.aws.partition
    policy = session_policy(partition=partition, read_only=read_only, puts_images=puts_images)
    opened = _open(inventory, run_id, pace, endpoint, on_event, policy)
    async with opened as connection:
        accounts = {account.id: account for account in inventory.accounts}
        calls = AccountCalls(connection.caller, accounts, connection.source_of)
        access = AccountAccess(
            connection.caller,
            calls,
            connection.identity,
            connection.base,
            connection.way,
            connection.sts.region,
        )
        names = (inventory.name, *inventory.ownership.formerly)
        owners = (Owner(fleet=name, partition=partition) for name in names)
        sid_prefixes = tuple(owner.sid_prefix for owner in owners)
        yield AwsRegistries(calls, access, sid_prefixes=sid_prefixes)


@asynccontextmanager
async def open_discovery(
    inventory: Inventory,
    *,
    run_id: str,
    pace: Pace,
    endpoint: Endpoint | None = None,
    on_event: EventSink = _unheard,
) -> AsyncIterator[tuple[Organizations, EnabledRegions]]:
    """Opens the readers that discover an inventory's accounts and their regions; neither writes.

    Raises IdentityError for a base identity or settings of the SDK that cannot be used.
    """
    # Most fleets list their accounts.
    from fleet_repl.aws.enabled_regions import EnabledRegions  # noqa: PLC0415
    from fleet_repl.aws.organizations import Organizations  # noqa: PLC0415

    aws = inventory.aws
    region = GLOBAL_REGIONS.get(aws.partition, aws.partition.first_region)
    policy = session_policy(partition=aws.partition, read_only=True)
    async with _open(inventory, run_id, pace, endpoint, on_event, policy) as connection:
        role = None if inventory.organization is None else inventory.organization.role
        source, account = _of_organization(connection, aws, role)
        yield (
            Organizations(
                caller=connection.caller, source=source, region=region, account=account, role=role
            ),
            EnabledRegions(caller=connection.caller, source_of=connection.source_of, region=region),
        )


@asynccontextmanager
async def _open(
    inventory: Inventory,
    run_id: str,
    pace: Pace,
    endpoint: Endpoint | None,
    on_event: EventSink,
    policy: str,
) -> AsyncIterator[_Connection]:
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
            inventory=inventory.path,
            audit=audit_parameters(aws),
            session_policy=policy if aws.session_policy else None,
            passing_policy=passing_policy(partition=aws.partition) if aws.session_policy else None,
        )

        async def of_profile(profile: str) -> Base:
            """The base identity of a profile, checked. Raises IdentityError."""
            _, own = await open_session(replace(aws, profile=profile), endpoint, pace)
            own.owned_by((await check(caller, own, region, aws.partition)).account)
            return own

        yield _Connection(
            caller=caller,
            sts=sts,
            base=base,
            identity=identity,
            source_of=Sources(sts, aws, identity, base, of_profile).of,
            way=partial(way_to_aws, session, region, endpoint),
        )


def _of_organization(
    connection: _Connection, aws: Aws, role: RoleArn | None
) -> tuple[Source, AccountId]:
    """Returns the source of the credentials that list the organization, and their account."""
    if role is None:
        return connection.base, connection.identity.account
    policy = organization_policy() if aws.session_policy else None
    source = Role(
        replace(connection.sts, session_policy=policy),
        role,
        connection.base,
        assumer=connection.identity.arn,
        seconds=min(limits.SESSION_SECONDS),
        external_id=aws.external_id,
        account=role.account,
    )
    return source, role.account


async def _prepare(clients: Clients, region: Region, inventory: Inventory) -> None:
    """Make the first client of each service, so that settings that it cannot use show at once."""
    await clients.prepare("sts", region)
    regions = {region for account in inventory.accounts for region in account.regions}
    if regions:
        await clients.prepare("ecr", min(regions))
