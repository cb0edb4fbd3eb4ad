"""The set-up that a fleet needs before it can be reached: roles, their trust and their permissions.

An external id is known here by its number alone: its value goes into no output.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from typing import Final

from fleet_repl.ecr.permissions import Feature, account_statements, assuming_actions
from fleet_repl.ecr.statements import Statement
from fleet_repl.inventory import Account, External, Inventory, unlisted_accounts
from fleet_repl.values.errors import FleetError
from fleet_repl.values.names import AccountId, Partition, RoleArn
from fleet_repl.values.queues import QueueAddress

ACCOUNT: Final = "{account}"
"""In the path of a role: the id of the account that has it."""

_PRINCIPAL: Final = re.compile(
    r"arn:(?P<partition>[a-z-]+):iam::[0-9]{12}:(?:root|(?:role|user)/[\x21-\x7e]{1,512})"
)
_ANY_ACCOUNT: Final = AccountId("000000000000")
_STATE_BUCKET: Final = "s3://"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRole:
    """A role that is alike in each of its accounts."""

    path: str
    """IAM's path without its leading slash, and the name, with `{account}` where an account's own
    id stands."""
    external_id: int | None
    """The number of the external id that it asks for, from 1."""
    accounts: tuple[AccountId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """Everything that is to be set up for one fleet."""

    fleet: str
    partition: Partition
    roles: tuple[AccountRole, ...]
    """The role of most accounts first. None where every account is the base identity's own."""
    session_seconds: int
    """The longest session that is asked of a role."""
    assuming: tuple[str, ...]
    """The actions that the trust policy of each role allows: assuming the role, with the tags that
    a session carries."""
    permissions: tuple[Statement, ...]
    """The permissions of each role, and of the base identity in its own account."""
    base_identity: str | None
    """The ARN of the base identity, where that is known."""
    hubs: tuple[RoleArn, ...]
    """Roles that are assumed one after the other before the role of an account."""
    hub_external_id: int | None
    """The number of the external id that hubs and `organization_role` are assumed with."""
    organization_role: RoleArn | None
    """The role that lists the accounts of the organization, which the base identity assumes."""
    lists_organization: bool
    """Whether the base identity itself lists the accounts of the organization."""
    organization: str | None
    """The id of the organization that every principal here belongs to, where that is known."""
    units: tuple[str, ...]
    """The organizational units that hold the accounts, where they are known."""
    own_accounts: tuple[AccountId, ...]
    """The accounts in which the base identity acts itself."""
    externals: tuple[External, ...]
    bucket: str | None
    """`bucket/prefix` of the state; None for a folder."""
    queue: str | None
    """The ARN of the queue of deliveries, which the base identity reads; None for none."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of the roles, each once."""
        return tuple(dict.fromkeys(role.path for role in self.roles))

    @property
    def principal(self) -> str | None:
        """Whom the roles trust: the last hub, else the base identity; None where unknown."""
        return str(self.hubs[-1]) if self.hubs else self.base_identity


def name_of(path: str) -> str:
    """The name of the role with this path and name."""
    return path.rpartition("/")[2]


def folder_of(path: str) -> str:
    """Returns the path of a role as IAM has it, from slash to slash."""
    return f"/{path.removesuffix(name_of(path))}"


def bootstrap_of(
    inventory: Inventory,
    *,
    base_identity: str | None = None,
    organization: str | None = None,
    units: Iterable[str] = (),
    more: Collection[Feature] = (),
    deliveries: QueueAddress | None = None,
    read_only: bool = False,
) -> Bootstrap:
    """Returns the roles and policies that a fleet needs. Retired accounts need them too, to be
    taken out of the fleet.

    `more` features are allowed than the inventory uses. Raises FleetError for a base identity that
    no trust policy can name, and a queue of no known region or of another partition.
    """
    partition = inventory.aws.partition
    if base_identity is not None:
        _check_principal(base_identity, partition)
    ids = _ExternalIds(inventory)
    # Numbered first, as it is the one that most roles ask for.
    lister = None if inventory.organization is None else inventory.organization.role
    hub_external_id = ids.of_hubs() if inventory.aws.via or lister else None
    everybody = (*inventory.accounts, *_discovered(inventory))
    assumed = [account for account in everybody if account.role is not None]
    return Bootstrap(
        fleet=inventory.name,
        partition=partition,
        roles=_roles(inventory, ids),
        session_seconds=max((account.session_seconds for account in assumed), default=0),
        assuming=assuming_actions(inventory.aws),
        permissions=account_statements(inventory, more=more, read_only=read_only),
        base_identity=base_identity,
        hubs=inventory.aws.via,
        hub_external_id=hub_external_id,
        organization_role=lister,
        lists_organization=inventory.organization is not None and lister is None,
        organization=organization,
        units=tuple(units),
        own_accounts=tuple(account.id for account in inventory.accounts if account.role is None),
        externals=inventory.externals,
        bucket=_bucket(inventory.state.location),
        queue=None if deliveries is None else _queue(deliveries, partition),
    )


def _bucket(location: str) -> str | None:
    """The bucket and prefix of a state; None for a folder."""
    if not location.startswith(_STATE_BUCKET):
        return None
    return location.removeprefix(_STATE_BUCKET).rstrip("/")


def _queue(address: QueueAddress, partition: Partition) -> str:
    if address.region is None or not partition.holds(address.region):
        raise FleetError(
            f"{address.url} names no region of partition {partition}\n    write the URL that SQS "
            "gives out, such as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
        )
    return address.arn(partition, address.region)


class _ExternalIds:
    """Numbers the external ids of an inventory, those too whose variables are not set."""

    def __init__(self, inventory: Inventory) -> None:
        self._unset = {problem.key: problem.message for problem in inventory.unset}
        self._of_all = self._unset.get("aws.external_id") or inventory.aws.external_id
        self._numbers: dict[Hashable, int] = {}

    def of_hubs(self) -> int | None:
        return self._number(self._of_all)

    def of_account(self, position: int, account: Account) -> int | None:
        """`position`: the account's in the inventory, from 0."""
        own = self._unset.get(f"accounts[{position}].external_id")
        return self._number(own or account.external_id or self._of_all)

    def _number(self, external_id: Hashable | None) -> int | None:
        if external_id is None:
            return None
        return self._numbers.setdefault(external_id, len(self._numbers) + 1)


def _roles(inventory: Inventory, ids: _ExternalIds) -> tuple[AccountRole, ...]:
    accounts: dict[tuple[str, int], list[AccountId]] = {}
    discovered = None
    for account in _discovered(inventory):
        if account.role is not None:
            discovered = (_path(account, account.role), ids.of_hubs() or 0)
            accounts[discovered] = []
    for position, account in enumerate(inventory.accounts):
        if account.role is not None:
            number = ids.of_account(position, account) or 0
            accounts.setdefault((_path(account, account.role), number), []).append(account.id)
    ordered = sorted(
        accounts.items(),
        key=lambda entry: (entry[0] != discovered, -len(entry[1]), entry[0]),
    )
    return tuple(
        AccountRole(path=path, external_id=number or None, accounts=tuple(members))
        for (path, number), members in ordered
    )


def _discovered(inventory: Inventory) -> tuple[Account, ...]:
    """An account as every discovered one is, but for its id; none where none is discovered."""
    return unlisted_accounts(inventory, [_ANY_ACCOUNT])


def _path(account: Account, role: RoleArn) -> str:
    return role.path.replace(account.id, ACCOUNT)


def _check_principal(arn: str, partition: Partition) -> None:
    match = _PRINCIPAL.fullmatch(arn)
    if match is None:
        raise FleetError(
            f"{arn} is no principal that a trust policy can name\n    write the ARN of a role, a "
            f"user or a whole account: arn:{partition}:iam::111122223333:role/platform-deploy; of "
            "an assumed role, that of the role behind it"
        )
    if match["partition"] != partition:
        raise FleetError(
            f"{arn} is of partition {match['partition']}, and the inventory of {partition}\n    "
            "name a principal of that partition, or set [aws] partition"
        )
