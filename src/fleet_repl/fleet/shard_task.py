"""A shard as it is sent to a worker: everything to read it with, and no secret.

A worker resolves its own base identity, as the process of the run does, and fills in external ids
from its own environment. Its sessions may make no call that writes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from fleet_repl._version import __version__
from fleet_repl.engine.shards import Shard
from fleet_repl.inventory import Account, Apply, Aws, Inventory, Ownership, filled_in
from fleet_repl.runs.events import Event
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import AccountId, Region, Secret

if TYPE_CHECKING:
    from fleet_repl.aws import Endpoint
    from fleet_repl.aws.account_calls import Reads

A = TypeVar("A")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedAws:
    """A simulated AWS, whose made-up credentials are no secret."""

    url: str
    access_key_id: str
    secret_access_key: str
    region: Region


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """The settings that all shards of a run are read with."""

    version: str = __version__
    run_id: str
    fleet: str
    path: str
    """The path of the inventory in the process of the run, for the commands in hints."""
    aws: Aws
    """Without the external id."""
    external_id: str | None
    """The external id of [aws] as the inventory spells it, such as `${NAME}`."""
    ownership: Ownership
    apply: Apply
    """With the concurrency and the rate of AssumeRole calls of one worker."""
    endpoint: SimulatedAws | None

    @property
    def simulated(self) -> Endpoint | None:
        """The simulated AWS; None for AWS itself."""
        from fleet_repl.aws import Endpoint  # noqa: PLC0415 - loads the SDK

        if self.endpoint is None:
            return None
        return Endpoint(
            url=self.endpoint.url,
            access_key_id=self.endpoint.access_key_id,
            secret_access_key=Secret(self.endpoint.secret_access_key),
            region=self.endpoint.region,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask(Generic[A]):
    """A shard, and the accounts that it is about."""

    setup: WorkerSetup
    shard: Shard[A]
    accounts: tuple[Account, ...]
    """Without their external ids."""
    external_ids: Mapping[AccountId, str]
    """The external ids of their own, as the inventory spells them."""
    seconds: float
    """The seconds until the run's deadline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardAnswer(Generic[A]):
    """The answer of a worker."""

    answer: A
    events: tuple[Event, ...]
    reads: Reads


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRefusal:
    """The reason why a worker reads nothing: its version, its base identity, or a variable that is
    not set."""

    because: str


def worker_setup(
    inventory: Inventory, run_id: str, endpoint: Endpoint | None, width: int
) -> WorkerSetup:
    """Returns the settings of each of `width` workers: its part of the concurrency, and of the rate
    of AssumeRole calls."""
    apply = inventory.apply
    return WorkerSetup(
        run_id=run_id,
        fleet=inventory.name,
        path=inventory.path,
        aws=replace(inventory.aws, external_id=None),
        external_id=spelled_ids(inventory).get(None),
        ownership=inventory.ownership,
        apply=replace(
            apply,
            concurrency=max(1, apply.concurrency // width),
            sts_rate=apply.sts_rate / width,
        ),
        endpoint=None if endpoint is None else _simulated(endpoint),
    )


def _simulated(endpoint: Endpoint) -> SimulatedAws:
    return SimulatedAws(
        url=endpoint.url,
        access_key_id=endpoint.access_key_id,
        secret_access_key=endpoint.secret_access_key.reveal(),
        region=endpoint.region,
    )


def spelled_ids(inventory: Inventory) -> dict[AccountId | None, str]:
    """The external ids as the inventory spells them, by account; under None that of [aws]."""
    return {account: spelled.reveal() for account, spelled in inventory.external_ids.items()}


def worker_inventory(setup: WorkerSetup) -> Inventory:
    """The inventory that a worker opens AWS with; accounts come with each shard.

    Raises FleetError for a variable that is not set in the worker's environment.
    """
    return Inventory(
        path=setup.path,
        digest="",
        name=setup.fleet,
        aws=replace(setup.aws, external_id=_filled(setup.external_id)),
        accounts=(),
        ownership=setup.ownership,
        apply=setup.apply,
    )


def accounts_of(task: ShardTask[A], default: Secret | None) -> tuple[Account, ...]:
    """The accounts of a shard with their external ids, `default` for accounts without an external
    id of their own. Raises FleetError for a variable that is not set."""
    ids = {account: _filled(spelled) for account, spelled in task.external_ids.items()}
    return tuple(
        account
        if account.role is None
        else replace(account, external_id=ids.get(account.id, default))
        for account in task.accounts
    )


def _filled(spelled: str | None) -> Secret | None:
    if spelled is None:
        return None
    text, unset = filled_in(spelled, os.environ)
    if unset:
        raise FleetError(
            f"the environment variable {unset[0]} is not set, which an external id is read from\n"
            f"    set {unset[0]} where the workers run"
        )
    return Secret(text)
