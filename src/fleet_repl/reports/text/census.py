"""A name for a set of registries: by labels that exactly its members have, or by its members.

For example, 118 of the 120 registries with the label env=dev are called `118 registries of env=dev
but 333333333333 eu-west-1 (a), 444444444444 eu-west-1 (b)`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from fleet_repl.reports.text.labels import label
from fleet_repl.reports.text.page import EXAMPLES, FEW, Page
from fleet_repl.topology import names, registries
from fleet_repl.topology.index import index
from fleet_repl.topology.waves import protect
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import and_more, counted

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory, Route
    from fleet_repl.planning.plan import Plan

EXCEPTIONS: Final = 3
"""The most registries that a description may except by name."""
VALUES: Final = 3
"""The most values of a label, and the most regions, that a description may name."""

_Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """The registries of a fleet with their names, labels, routes and protection."""

    names: Mapping[AccountId, str]
    registries: frozenset[Registry]
    labels: Mapping[AccountId, _Labels] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    protected: frozenset[Registry] = frozenset()
    _by_label: dict[tuple[str, str], frozenset[Registry]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """The registries of each label and value, once a description has needed them. A page of a large
    fleet has hundreds of descriptions."""
    _by_region: dict[tuple[str, ...], frozenset[Registry]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """The registries of candidates within some regions."""

    def label(self, registry: Registry) -> str:
        """Returns the registry's id, region and name."""
        return label(registry, self.names.get(registry.account))

    def members(self, page: Page, group: Collection[Registry], *, whole: bool) -> str | None:
        """Returns the names of a group's registries; None where labels describe the group.

        `whole`: every name is listed. Otherwise the page lists a few of many.
        """
        if len(group) > EXAMPLES and self._description(group) is not None:
            return None
        ordered = sorted(group)
        if len(ordered) <= FEW:
            return ", ".join(map(self.label, ordered))
        if whole:
            return "; ".join(_by_region(ordered))
        page.cut = True
        shown = ordered[:EXAMPLES]
        return f"{', '.join(map(self.label, shown))}{and_more(len(ordered) - len(shown))}"

    def count(self, group: Collection[Registry], *, others: bool = False) -> str:
        """Returns `118 registries of env=dev`, or the number alone where no label fits.

        `others`: each member of the group means all members but itself.
        """
        described = self._description(group) if len(group) > EXAMPLES else None
        number = counted(len(group) - others, "registry")
        which = "" if described is None else described
        return f"the other {number}{which}" if others else f"{number}{which}"

    def _description(self, group: Collection[Registry]) -> str | None:
        """Returns the shortest exact description of a group, or None."""
        members = frozenset(group)
        if not members <= self.registries:
            return None
        # All of the members are in each candidate, so its size says how many others are.
        most = len(members) + min(EXCEPTIONS, len(members) // EXCEPTIONS)
        candidates = [
            (len(everyone) - len(members), which, tuple(sorted(everyone - members)))
            for which, everyone in self._candidates(members)
            if len(everyone) <= most
        ]
        if not candidates:
            return None
        _, which, exceptions = min(candidates, key=lambda candidate: candidate[0])
        if not exceptions:
            return which
        return f"{which} but {', '.join(map(self.label, exceptions))}"

    def _candidates(
        self, members: frozenset[Registry]
    ) -> Iterator[tuple[str, frozenset[Registry]]]:
        """Yields descriptions that fit all members, each with all registries that it fits."""
        regions = sorted({member.region for member in members})
        for which, everyone in self._labelled(members):
            yield which, everyone
            if len(regions) > VALUES:
                continue
            within = self._within(which, everyone, regions)
            if len(within) < len(everyone):
                yield f"{which} in {', '.join(regions)}", within

    def _labelled(self, members: frozenset[Registry]) -> Iterator[tuple[str, frozenset[Registry]]]:
        accounts = {member.account for member in members}
        yield f", all of the {'fleet' if self.labels else 'plan'}", self.registries
        values: dict[str, set[str]] = defaultdict(set)
        for account in accounts:
            for key, value in self.labels.get(account, {}).items():
                values[key].add(value)
        fitting = {
            key: alternatives
            for key, alternatives in values.items()
            if len(alternatives) <= VALUES
            and all(key in self.labels[account] for account in accounts)
        }
        for key, alternatives in sorted(fitting.items()):
            yield f" of {key}={'|'.join(sorted(alternatives))}", self._having({key: alternatives})
        single = {key: fitting[key] for key in sorted(fitting) if len(fitting[key]) == 1}
        if len(single) > 1:
            pairs = ", ".join(f"{key}={value}" for key, (value,) in single.items())
            yield f" of {pairs}", self._having(single)

    def _having(self, wanted: Mapping[str, Collection[str]]) -> frozenset[Registry]:
        """The registries that have one of these values of each label."""
        first, *others = (
            frozenset[Registry]().union(*(self._with_label(key, value) for value in values))
            for key, values in wanted.items()
        )
        return first.intersection(*others)

    def _with_label(self, key: str, value: str) -> frozenset[Registry]:
        if not self._by_label:
            self._index()
        return self._by_label[key, value]

    def _index(self) -> None:
        """Collects the registries of each label and value."""
        having: dict[tuple[str, str], set[Registry]] = defaultdict(set)
        for registry in self.registries:
            for pair in self.labels.get(registry.account, {}).items():
                having[pair].add(registry)
        self._by_label.update({pair: frozenset(some) for pair, some in having.items()})

    def _within(
        self, which: str, everyone: frozenset[Registry], regions: Collection[str]
    ) -> frozenset[Registry]:
        """Those of a candidate that are in the regions."""
        key = which, *regions
        if key not in self._by_region:
            self._by_region[key] = frozenset(
                registry for registry in everyone if registry.region in regions
            )
        return self._by_region[key]


def census_of(plan: Plan, inventory: Inventory | None) -> Census:
    """Returns the fleet of a plan as its inventory describes it; without an inventory, as the plan
    itself does."""
    account_names = {planned.registry.account: planned.name for planned in plan.registries}
    if inventory is None:
        planned_registries = frozenset(planned.registry for planned in plan.registries)
        return Census(names=account_names, registries=planned_registries)
    guarded = (
        protect(inventory, index(inventory, with_retired=True)).registries
        if inventory.safety.protected
        else frozenset()
    )
    return Census(
        names={**account_names, **names(inventory)},
        registries=frozenset(registries(inventory)),
        labels={account.id: account.labels for account in inventory.accounts},
        routes={route.name: route for route in inventory.routes},
        protected=guarded,
    )


def _by_region(ordered: Collection[Registry]) -> Iterator[str]:
    """Yields each region with its accounts."""
    places: dict[str, list[str]] = {}
    for registry in ordered:
        places.setdefault(registry.region, []).append(registry.account)
    return (f"{region} {', '.join(accounts)}" for region, accounts in sorted(places.items()))
