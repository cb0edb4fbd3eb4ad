"""The accounts of a fleet as facts: where each comes from, and what of them a plan holds on to.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from fleet_repl.inventory import Account, AccountTable, Inventory, Member, Organization
from fleet_repl.planning.discovery import Origin, discovered_labels, fleet_members
from fleet_repl.planning.enrolment import joining_until
from fleet_repl.planning.plan import PlannedAccount
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import listed

_SHOWN: Final = 5
"""Differences that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """An account of the fleet, and where each fact about it comes from."""

    account: Account
    listed: Origin
    name: Origin
    regions: Origin
    state: Origin
    labels: Mapping[str, Origin] = field(default_factory=dict)
    joining_until: datetime | None = None
    """The time until which a refusal of its role is no failure; None: it is a failure now."""


def account_facts(inventory: Inventory, now: datetime) -> tuple[AccountFacts, ...]:
    """Every account of the fleet in order of its id, and where its facts come from."""
    until = joining_until(inventory, now)
    tables = {table.id: table for table in inventory.listed}
    discovery = inventory.discovery
    members = {} if discovery is None else fleet_members(inventory, discovery)
    every = (
        _facts(account, tables.get(account.id), members.get(account.id), inventory.organization)
        for account in sorted(inventory.accounts, key=lambda account: account.id)
    )
    return tuple(replace(facts, joining_until=until.get(facts.account.id)) for facts in every)


def _facts(
    account: Account,
    table: AccountTable | None,
    member: Member | None,
    organization: Organization | None,
) -> AccountFacts:
    by_discovery = {}
    if member is not None and organization is not None:
        labels = discovered_labels(member, organization)
        by_discovery = {label: origin for label, (_, origin) in labels.items()}
    of_file = account.labels if member is None else (table.labels if table else {})
    source = Origin.FILE if member is None else Origin.ORGANIZATION
    return AccountFacts(
        account=account,
        listed=source,
        name=Origin.FILE if table is not None and table.name else source,
        regions=Origin.ACCOUNT if account.asks_regions else Origin.FILE,
        state=Origin.FILE if table is not None and table.state == "retired" else source,
        labels={
            label: Origin.FILE if label in of_file else by_discovery[label]
            for label in account.labels
        },
    )


def planned_accounts(inventory: Inventory) -> tuple[PlannedAccount, ...]:
    """The accounts of a fleet that was discovered, for its plans; none for any other fleet."""
    if inventory.discovery is None:
        return ()
    return tuple(
        PlannedAccount(
            id=account.id,
            name=account.name,
            regions=tuple(sorted(account.regions)),
            labels=dict(sorted(account.labels.items())),
            role=None if account.role is None else str(account.role),
            retired=account.retired,
        )
        for account in sorted(inventory.accounts, key=lambda account: account.id)
    )


def account_labels(
    inventory: Inventory, registries: Iterable[Registry]
) -> Mapping[AccountId, Mapping[str, str]]:
    """Returns the labels of the accounts of these registries; accounts without any are left out."""
    within = {registry.account for registry in registries}
    return {
        account.id: account.labels
        for account in inventory.accounts
        if account.labels and account.id in within
    }


def fleet_difference(
    planned: Sequence[PlannedAccount], current: Sequence[PlannedAccount]
) -> str | None:
    """Returns the difference between a plan's accounts and the present ones, or None."""
    before = {account.id: account for account in planned}
    now = {account.id: account for account in current}
    differences = [
        *(f"account {account} has come" for account in now if account not in before),
        *(f"account {account} is gone" for account in before if account not in now),
        *(
            f"account {account} has other {' and '.join(facts)}"
            for account in before.keys() & now.keys()
            if (facts := _changed(before[account], now[account]))
        ),
    ]
    return listed(sorted(differences), _SHOWN) if differences else None


def _changed(before: PlannedAccount, now: PlannedAccount) -> list[str]:
    facts = {
        "regions": before.regions != now.regions,
        "labels": before.labels != now.labels,
        "state, name or role": (before.retired, before.name, before.role)
        != (now.retired, now.name, now.role),
    }
    return [fact for fact, differs in facts.items() if differs]
