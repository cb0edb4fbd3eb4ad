"""Discovery: which accounts a fleet has, out of what was discovered and what its file says.

Pure. It decides what labels and names discovered accounts get, and which of them count as retired.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from fleet_repl.inventory import (
    Account,
    AccountTable,
    Discovery,
    Inventory,
    Member,
    Organization,
    with_discovery,
)
from fleet_repl.planning.enrolment import young_accounts
from fleet_repl.planning.plan import UNKNOWN_REGIONS, Warning
from fleet_repl.topology import EVERYTHING, Selection, selected_accounts
from fleet_repl.values import limits
from fleet_repl.values.errors import Problem
from fleet_repl.values.names import AccountId, is_account_id
from fleet_repl.values.text import counted, day_and_time, is_plain, listed, visible

_ROOT: Final = ("Root",)
"""In place of the units of an account that is in none."""
NOT_YET: Final = "PENDING_ACTIVATION"
GONE: Final = frozenset({"SUSPENDED", "PENDING_CLOSURE", "CLOSED"})
SHOWN: Final = 5
"""Accounts that a message names."""


class Origin(StrEnum):
    """The origin of a fact about an account."""

    FILE = "file"
    ORGANIZATION = "organization"
    TAG = "tag"
    UNIT = "ou"
    NAME = "name"
    """The name of the account, by `labels_from_name`."""
    ACCOUNT = "account"
    """The account itself was asked."""


def resolved(inventory: Inventory, discovery: Discovery) -> Inventory:
    """The inventory with the accounts that were discovered; entries of its file override them by
    id. Raises InventoryError for what is wrong with the file now that the accounts are known.

    For example, `labels_from_tags = ["env"]` and an entry with `labels = { env = "prod" }` make an
    account that has the tag `env = dev` one with the label `env = prod`.
    """
    members, names = fleet_members(inventory, discovery), _names(inventory, discovery)
    in_file = {table.id for table in inventory.listed}
    others = (AccountTable(id=member) for member in sorted(members.keys() - in_file))
    tables = (
        _overriding(table, members[table.id], names, inventory.organization)
        if table.id in members
        else table
        for table in (*inventory.listed, *others)
    )
    return with_discovery(inventory, tuple(tables), discovery)


def discovery_warnings(
    inventory: Inventory, selection: Selection = EVERYTHING, *, now: datetime | None = None
) -> Iterator[Warning]:
    """Yields warnings about the way the accounts were discovered: of those that did not say their
    regions, about the accounts in the selection. `now`: the time at which accounts count as joining
    or not; None: that of the discovery."""
    discovery = inventory.discovery
    if discovery is None:
        return
    if discovery.cached:
        yield Warning(
            kind="cached-discovery",
            message=f"the accounts are those that were discovered on {day_and_time(discovery.at)}",
        )
    if discovery.not_kept is not None:
        yield Warning(
            kind="discovery-not-kept",
            message=f"the discovered accounts could not be kept, so that nobody notices if some "
            f"are lost next time: {discovery.not_kept}",
        )
    selected = selected_accounts(inventory, selection)
    unanswered = [account for account in selected if account.id in discovery.unanswered]
    joining = _joining(unanswered, discovery, young_accounts(inventory, now or discovery.at))
    for sentence in joining.values():
        message = f"{sentence}. It has no registries in this run, and links to it stay as they are"
        yield Warning(kind="joining", message=message)
    for has_regions, consequence in (
        (True, "the regions that they had enabled last count"),
        (False, "they have no registries in this run, and links to them stay as they are"),
    ):
        accounts = [
            account
            for account in unanswered
            if account.id not in joining and bool(account.regions) is has_regions
        ]
        if accounts:
            message = _unknown(accounts, discovery, consequence)
            yield Warning(kind=UNKNOWN_REGIONS, message=message)


def _joining(
    unanswered: Iterable[Account], discovery: Discovery, young: Mapping[AccountId, str]
) -> Mapping[AccountId, str]:
    """Returns the accounts that did not say their regions because they are joining, each with a
    sentence. One that said them before has had its role, so that it is not joining any more."""
    return {
        account.id: young[account.id]
        for account in unanswered
        if account.id in young and not account.regions
        if (fault := discovery.unanswered[account.id]) is None or fault.role_refused
    }


def unknown_regions_problems(inventory: Inventory) -> Iterator[Problem]:
    """Yields the problem with accounts that have not said which regions they have enabled: what
    else is wrong with the inventory may be because of that."""
    discovery = inventory.discovery
    if discovery is None:
        return
    accounts = [
        account
        for account in inventory.accounts
        if account.id in discovery.unanswered and not account.regions
    ]
    if accounts:
        fault = discovery.unanswered[accounts[0].id]
        hint = None if fault is None or fault.hint is None else " ".join(fault.hint.splitlines())
        message = _unknown(accounts, discovery, "they have no registries")
        yield inventory.problem("aws.regions", message, hint or "run without --cached once")


def _unknown(accounts: Sequence[Account], discovery: Discovery, consequence: str) -> str:
    reason = discovery.unanswered[accounts[0].id] or "it was not asked before"
    names = listed([f"{visible(account.name)} ({account.id})" for account in accounts], SHOWN)
    return (
        f"{counted(len(accounts), 'account')} did not say which regions are enabled, so "
        f"{consequence}: {names}; the first one: {reason}"
    )


def fleet_members(inventory: Inventory, discovery: Discovery) -> Mapping[AccountId, Member]:
    """The discovered accounts that the fleet takes. An external account is not the fleet's to
    manage, and an account that is not active yet cannot be named in a policy."""
    if inventory.organization is None:
        return {}
    others = left_out(inventory)
    return {
        member.id: member
        for member in discovery.members
        if member.id not in others and member.state != NOT_YET
    }


def left_out(inventory: Inventory) -> frozenset[AccountId]:
    """The accounts that the fleet does not take, though they may be members."""
    excluded = () if inventory.organization is None else inventory.organization.exclude
    return frozenset((*excluded, *(external.id for external in inventory.externals)))


def _names(inventory: Inventory, discovery: Discovery) -> Mapping[AccountId, str]:
    """The names of discovered accounts that can mean nothing else. AWS lets several accounts of an
    organization have the same name; such accounts go by their ids."""
    members = fleet_members(inventory, discovery)
    in_file = {table.id: table.name for table in inventory.listed}
    taken = Counter(
        [
            *(name for name in in_file.values() if name),
            *(external.name for external in inventory.externals),
            *(member.name for member in members.values() if not in_file.get(member.id)),
        ]
    )
    return {
        member.id: member.name
        for member in members.values()
        if taken[member.name] == 1
        and member.name.strip()
        and is_plain(member.name)
        and not is_account_id(member.name)
    }


def _overriding(
    table: AccountTable,
    member: Member,
    names: Mapping[AccountId, str],
    organization: Organization | None,
) -> AccountTable:
    """The entry of an account, with what was discovered where the file says nothing."""
    labels = {} if organization is None else discovered_labels(member, organization)
    return replace(
        table,
        name=table.name or names.get(member.id),
        labels={**{label: value for label, (value, _) in labels.items()}, **table.labels},
        state="retired" if member.state in GONE else table.state,
    )


def discovered_labels(
    member: Member, organization: Organization
) -> Mapping[str, tuple[str, Origin]]:
    """Label → its value and origin. A tag counts before the name of the account."""
    units = [visible(unit) for unit in member.units or _ROOT]
    labels = {"ou": (units[-1], Origin.UNIT), "ou_path": ("/".join(units), Origin.UNIT)}
    pattern = organization.labels_from_name
    match = None if pattern is None else pattern.search(member.name, 0, limits.ACCOUNT_NAME_LENGTH)
    for label, value in ({} if match is None else match.groupdict()).items():
        if value:
            labels[label] = (visible(value), Origin.NAME)
    for tag in organization.labels_from_tags:
        if tag in member.tags:
            labels[tag] = (visible(member.tags[tag]), Origin.TAG)
    return labels
