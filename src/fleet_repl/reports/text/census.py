"""What a set of registries is called: by the labels that describe it exactly, or by its members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from fleet_repl.reports.text.page import EXAMPLES, FEW, Page
from fleet_repl.reports.text.wording import label
from fleet_repl.topology import names, registries
from fleet_repl.topology.index import index
from fleet_repl.topology.waves import protect
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.text import and_more, counted

if TYPE_CHECKING:
    from fleet_repl.inventory import Inventory, Route
    from fleet_repl.planning.plan import Plan

EXCEPTIONS: Final = 3
"""Registries that a description may leave out by name."""
VALUES: Final = 3
"""Values of a label that a description may name."""

_Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """The registries of a fleet, and what is known of them beside a plan."""

    names: Mapping[AccountId, str]
    registries: frozenset[Registry]
    labels: Mapping[AccountId, _Labels] = field(default_factory=dict)
    routes: Mapping[str, Route] = field(default_factory=dict)
    protected: frozenset[Registry] = frozenset()

    def label(self, registry: Registry) -> str:
        """Returns the registry's id, region and name."""
        return label(registry, self.names.get(registry.account))

    def members(self, page: Page, group: Collection[Registry], *, whole: bool) -> str | None:
        """Returns the names of a group's registries; None where a description has said it all.

        `whole`: none may be left out. Otherwise the page leaves some of many out.
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
        """Returns `118 registries of env=dev`, or their number alone where no label fits.

        `others`: each member means all others of the group.
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
        found = [
            (len(rest), which, tuple(sorted(rest)))
            for which, everyone in self._candidates(members)
            if len(rest := everyone - members) <= min(EXCEPTIONS, len(members) // EXCEPTIONS)
        ]
        if not found:
            return None
        _, which, exceptions = min(found, key=lambda one: one[0])
        if not exceptions:
            return which
        return f"{which} but {', '.join(map(self.label, exceptions))}"

    def _candidates(
        self, members: frozenset[Registry]
    ) -> Iterator[tuple[str, frozenset[Registry]]]:
        """Yields descriptions that hold for all of them, with everything they hold for."""
        regions = sorted({one.region for one in members})
        for which, everyone in self._labelled(members):
            yield which, everyone
            if len(regions) <= VALUES and any(one.region not in regions for one in everyone):
                within = frozenset(one for one in everyone if one.region in regions)
                yield f"{which} in {', '.join(regions)}", within

    def _labelled(self, members: frozenset[Registry]) -> Iterator[tuple[str, frozenset[Registry]]]:
        accounts = {one.account for one in members}
        yield f", all of the {'fleet' if self.labels else 'plan'}", self.registries
        values: dict[str, set[str]] = defaultdict(set)
        for account in accounts:
            for key, value in self.labels.get(account, {}).items():
                values[key].add(value)
        fitting = {
            key: found
            for key, found in values.items()
            if len(found) <= VALUES and all(key in self.labels[one] for one in accounts)
        }
        for key, found in sorted(fitting.items()):
            yield f" of {key}={'|'.join(sorted(found))}", self._having({key: found})
        single = {key: found for key, found in sorted(fitting.items()) if len(found) == 1}
        if len(single) > 1:
            told = ", ".join(f"{key}={next(iter(found))}" for key, found in single.items())
            yield f" of {told}", self._having(single)

    def _having(self, wanted: Mapping[str, Collection[str]]) -> frozenset[Registry]:
        return frozenset(
            one
            for one in self.registries
            if (own := self.labels.get(one.account)) is not None
            and all(own.get(key) in found for key, found in wanted.items())
        )


def census_of(plan: Plan, inventory: Inventory | None) -> Census:
    """Returns what an inventory says of a plan's fleet; without one, what the plan itself does."""
    planned = {one.registry.account: one.name for one in plan.registries}
    if inventory is None:
        return Census(names=planned, registries=frozenset(one.registry for one in plan.registries))
    guarded = (
        protect(inventory, index(inventory, with_retired=True)).registries
        if inventory.safety.protected
        else frozenset()
    )
    return Census(
        names={**planned, **names(inventory)},
        registries=frozenset(registries(inventory)),
        labels={one.id: one.labels for one in inventory.accounts},
        routes={one.name: one for one in inventory.routes},
        protected=guarded,
    )


def _by_region(ordered: Collection[Registry]) -> Iterator[str]:
    """Yields each region with its accounts."""
    places: dict[str, list[str]] = {}
    for one in ordered:
        places.setdefault(one.region, []).append(one.account)
    return (f"{region} {', '.join(accounts)}" for region, accounts in sorted(places.items()))
