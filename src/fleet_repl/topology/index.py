"""The fleet as an index: which registries there are, and which of them a selector matches.

Managed registries match by account, labels and regions; external ones only where a selector
names their account, and they have no labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from fleet_repl.inventory import Account, External, Inventory, Match, Selector
from fleet_repl.values.names import AccountId, Region, Registry


def registries(inventory: Inventory) -> tuple[Registry, ...]:
    """Every managed registry, in order of account and region."""
    managed = {registry for account in inventory.accounts for registry in account.registries}
    return tuple(sorted(managed))


def external_registries(inventory: Inventory) -> frozenset[Registry]:
    """Every registry of an external account: it may receive images, and is not managed."""
    return frozenset(
        Registry(account.id, region)
        for account in inventory.externals
        for region in account.regions
    )


def names(inventory: Inventory) -> Mapping[AccountId, str]:
    """The name of every account, external ones too."""
    accounts: tuple[Account | External, ...] = (*inventory.accounts, *inventory.externals)
    return {account.id: account.name for account in accounts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """An inventory's accounts, found by what selectors ask for."""

    accounts: Mapping[AccountId, Account]
    """In order of the id."""
    externals: Mapping[AccountId, External]
    registries: Mapping[AccountId, tuple[Registry, ...]]
    """The registries of each managed or external account, in order of the region."""
    labels: Mapping[str, Mapping[str, frozenset[AccountId]]]
    """Label → value → the accounts that have it."""
    regions: frozenset[Region]
    """Every region that some account lists."""

    def sources(self, selector: Selector) -> tuple[Registry, ...]:
        """The managed registries that a route's `from` matches, sorted."""
        managed = self.managed(selector.match)
        return tuple(self._registries(sorted(managed), selector))

    def destinations(self, selector: Selector) -> tuple[Registry, ...]:
        """The registries that a route's `to` matches, sorted; `same_…` is not looked at."""
        accounts = {*self.managed(selector.match), *self.named_externals(selector.match)}
        return tuple(self._registries(sorted(accounts), selector))

    def managed(self, match: Match) -> Collection[AccountId]:
        """The managed accounts that meet the conditions on accounts and labels."""
        accounts = None if match.accounts is None else match.accounts & self.accounts.keys()
        for label, values in match.labels.items():
            by_value = self.labels.get(label, {})
            having = frozenset().union(*(by_value.get(value, ()) for value in values))
            accounts = having if accounts is None else accounts & having
        return self.accounts.keys() if accounts is None else accounts

    def named_externals(self, match: Match) -> Collection[AccountId]:
        """The external accounts that meet the conditions on accounts and labels."""
        if match.accounts is None or match.labels:
            return ()
        return match.accounts & self.externals.keys()

    def matched(self, match: Match) -> Collection[AccountId]:
        """The accounts that a `not` matches: external accounts too, even unnamed."""
        if match.accounts is None and not match.labels:
            return self.registries.keys()
        return {*self.managed(match), *self.named_externals(match)}

    def _registries(
        self, accounts: Collection[AccountId], selector: Selector
    ) -> Iterator[Registry]:
        regions, exclude = selector.match.regions, selector.exclude
        excluded = frozenset() if exclude is None else self.matched(exclude)
        without = None if exclude is None else exclude.regions
        for account in accounts:
            for registry in self.registries[account]:
                if regions is not None and registry.region not in regions:
                    continue
                if account in excluded and (without is None or registry.region in without):
                    continue
                yield registry


def index(inventory: Inventory, *, with_retired: bool = False) -> Fleet:
    """Makes the index. Retired accounts are left out, as by routes, except with `with_retired`."""
    managed = [account for account in inventory.accounts if with_retired or not account.retired]
    accounts = {account.id: account for account in sorted(managed, key=lambda account: account.id)}
    externals = {account.id: account for account in inventory.externals}
    labels: dict[str, dict[str, set[AccountId]]] = defaultdict(lambda: defaultdict(set))
    for account in managed:
        for label, value in account.labels.items():
            labels[label][value].add(account.id)
    listed: tuple[Account | External, ...] = (*managed, *inventory.externals)
    return Fleet(
        accounts=accounts,
        externals=externals,
        registries={account.id: _places(account) for account in listed},
        regions=frozenset(region for account in listed for region in account.regions),
        labels={
            label: {value: frozenset(having) for value, having in by_value.items()}
            for label, by_value in labels.items()
        },
    )


def _places(account: Account | External) -> tuple[Registry, ...]:
    if isinstance(account, Account):
        return account.registries
    return tuple(Registry(account.id, region) for region in sorted(set(account.regions)))
