"""[organization]: the accounts of a fleet are discovered, and what they are labelled by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from fleet_repl.inventory.accounts import Account
from fleet_repl.inventory.fields import IdOfAccount, Plain, text_like
from fleet_repl.inventory.findings import MISSING, BadValueError, Findings, KeyPath
from fleet_repl.inventory.kinds import DISTINCT, NOT_EMPTY, Kind, text_schema
from fleet_repl.inventory.match_paths import most_paths
from fleet_repl.inventory.roles import BASE_IDENTITY, ViaRole, read_role
from fleet_repl.inventory.settings import AwsTable
from fleet_repl.inventory.tables import Table
from fleet_repl.values import limits
from fleet_repl.values.names import Partition

UNIT_LABELS: Final = ("ou", "ou_path")
"""Labels that every discovered account has: the name of its unit, and the names of all units that
hold it, from the root."""

_LACKING: Final = f"{MISSING}, and discovered accounts have no other"
_ORGANIZATION: Final = "o-[a-z0-9]{10,32}"
_UNIT: Final = "ou-[0-9a-z]{4,32}-[a-z0-9]{8,32}"
_GROUPS: Final = 'write each label as a group: "^(?P<team>[a-z]+)-(?P<env>dev|prod)$"'

_MOST_PATHS: Final = 100_000_000
"""The most ways to match a name: Python tries so many in about a second."""
_NO_NESTED_REPEATS: Final = (
    'write no repeat within another: "[a-z-]+" in place of "[a-z]+(-[a-z]+)*"'
)


def _label(text: str) -> str:
    if text in UNIT_LABELS:
        raise BadValueError("is a label that every discovered account has already")
    return text


def _name_pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadValueError(f"is not a regular expression: {error}", _GROUPS) from None
    if most_paths(text, limits.ACCOUNT_NAME_LENGTH) > _MOST_PATHS:
        fault = "can take for ever to find that a name does not match"
        raise BadValueError(fault, _NO_NESTED_REPEATS)
    if not pattern.groupindex:
        raise BadValueError("names no label", _GROUPS)
    for name in pattern.groupindex:
        if name in UNIT_LABELS:
            fault = f"names the label {name}, which every discovered account has already"
            raise BadValueError(fault)
    return pattern


_organization_id: Final = text_like(
    _ORGANIZATION, "is not the id of an organization", 'write it like "o-abcde12345"'
)
_unit_id: Final = text_like(
    _UNIT,
    "is not the id of an organizational unit",
    'write it like "ou-abcd-11111111"; leave ous out for the whole organization',
)
_Unit: TypeAlias = Annotated[str, Kind(_unit_id, **text_schema(_UNIT))]
_Tag: TypeAlias = Annotated[Plain, Kind(_label)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization(Table):
    """The accounts are those of an AWS organization; [[accounts]] entries override, by id, what is
    discovered."""

    id: Annotated[str, Kind(_organization_id, **text_schema(_ORGANIZATION))] | None = None
    """The id of the organization that must answer. Default: any."""
    ous: Annotated[tuple[_Unit, ...], NOT_EMPTY, DISTINCT] = ()
    """Only accounts below these organizational units, however deep. Default: all accounts."""
    exclude: Annotated[tuple[IdOfAccount, ...], NOT_EMPTY, DISTINCT] = ()
    """Ids of accounts that are left out."""
    labels_from_tags: Annotated[tuple[_Tag, ...], NOT_EMPTY, DISTINCT] = ()
    """Keys of account tags that become labels. The labels ou and ou_path are always there."""
    labels_from_name: Annotated[re.Pattern[str], Kind(_name_pattern, reads=str)] | None = None
    """A regular expression for the whole name of an account, whose named groups become labels."""
    role: ViaRole | None = None
    """The ARN of the role that may list the organization. Default: the base identity."""


def check_organization(
    organization: Organization,
    accounts: Sequence[Account],
    aws: AwsTable,
    findings: Findings,
    partition: Partition | None,
) -> None:
    """Report what discovered accounts lack, and accounts that are both listed and left out."""
    example = (partition or Partition.AWS).first_region
    path: KeyPath = ("aws", "role")
    if not aws.regions:
        remedy = f'write regions = ["{example}"], or regions = "enabled" to ask each account'
        findings.report(("aws", "regions"), _LACKING, remedy=remedy)
    if aws.role is None:
        findings.report(path, _LACKING, remedy='write role = "fleet-replication"')
    elif aws.role == BASE_IDENTITY:
        fault = "means the base identity, which acts in one account only"
        findings.report(path, fault, remedy="name a role that every discovered account has")
    elif partition is None or findings.has_problem(path):
        pass
    elif read_role(aws.role, partition).account is not None:
        fault = "is the ARN of one account, and discovered accounts take it too"
        findings.report(path, fault, remedy="write {account} in place of the account id")
    listed = [account.id for account in accounts]
    for index, account in enumerate(organization.exclude):
        if account in listed:
            place = findings.place(("accounts", listed.index(account), "id"))
            where: KeyPath = ("organization", "exclude", index)
            findings.report(where, f"is left out here, and listed in {place}")
