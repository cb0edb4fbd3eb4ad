"""Sets of registries → the plainest selectors that match exactly as much.

What must be matched and what may be are told apart, because a selector may well match registries
for which it makes no difference. Labels come first, then regions, then names of accounts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations
from typing import Final, NamedTuple, TypeAlias

from fleet_repl.inventory import Match
from fleet_repl.planning.importing.bitsets import Frame, Registries, union
from fleet_repl.values.names import AccountId, Region

ANOTHER_ROUTE: Final = 4.0
"""The cost of another route, in words."""
_ACCOUNT: Final = 1.5
_MOST_VALUES: Final = 12
"""Values of one label that a selector may list."""

_Labels: TypeAlias = tuple[tuple[str, tuple[str, ...]], ...]
_Regions: TypeAlias = tuple[Region, ...]


class Conditions(NamedTuple):
    """The conditions of a selector, in the order they are written; None and no labels: none."""

    accounts: tuple[AccountId, ...] | None = None
    labels: _Labels = ()
    regions: _Regions | None = None

    @property
    def match(self) -> Match:
        """The selector as an inventory holds it."""
        return Match(
            accounts=None if self.accounts is None else frozenset(self.accounts),
            labels={label: frozenset(values) for label, values in self.labels},
            regions=None if self.regions is None else frozenset(self.regions),
        )


class Pick(NamedTuple):
    """Conditions with what they match and what they cost a reader, in words."""

    conditions: Conditions
    mask: int
    cost: float


Picks: TypeAlias = tuple[Pick, ...]


class Describer:
    """Describes sets of one fleet, each once."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries
        self.describe = cache(self._describe)
        """Selectors that match all of `must` together and nothing beyond `may`."""

    def by_name(self, must: int, may: int) -> Picks:
        """Returns selectors by accounts and regions alone: one selector where that is exact."""
        own_regions: dict[AccountId, _Regions] = {}
        for registry in self._registries.at(must):
            known = own_regions.get(registry.account, ())
            own_regions[registry.account] = (*known, registry.region)
        by_account = self._registries.by_account
        whole = {account for account in own_regions if not by_account[account] & ~may}
        if len(whole) == len(own_regions):
            return (self._named(tuple(own_regions), None),)
        together = self._named(tuple(own_regions), self._regions(must))
        if not together.mask & ~may:
            return (together,)
        alike: dict[_Regions | None, list[AccountId]] = {}
        for account, regions in own_regions.items():
            alike.setdefault(None if account in whole else regions, []).append(account)
        return tuple(self._named(tuple(some), regions) for regions, some in alike.items())

    def _describe(self, must: int, may: int, frame: Frame) -> Picks:
        managed = self._registries.managed
        if not must & managed:
            return self.by_name(must, may)
        best = min(self._ways(must & managed, may, frame), key=_cost)
        if not must & ~managed:
            return best
        # Externals are matched by name alone: either beside the others, or with all by name.
        beside = (*best, *self.by_name(must & ~managed, may))
        return min(beside, self.by_name(must, may), key=_cost)

    def _ways(self, must: int, may: int, frame: Frame) -> Iterator[Picks]:
        regions = self._regions(must)
        for pick in self._plain(must, regions, frame):
            if not must & ~pick.mask and not pick.mask & ~may:
                yield (pick,)
        if frame is not Frame.ACCOUNT:
            yield from self._by_labels(must, may, regions)
        yield self.by_name(must, may)

    def _plain(self, must: int, regions: _Regions, frame: Frame) -> Iterator[Pick]:
        """By regions, or without any condition: the less that is matched needlessly the better."""
        managed, own = self._registries.managed, frame is Frame.ACCOUNT
        there = self._in_regions(regions) & managed
        extra = 2.5 if there != must and not own else 0.0
        yield Pick(Conditions(regions=regions), there, 1 + len(regions) + extra)
        yield Pick(Conditions(), managed, 1.0 if managed == must else 3.5 if own else 6.0)

    def _by_labels(self, must: int, may: int, regions: _Regions) -> Iterator[Picks]:
        labels: list[tuple[str, tuple[str, ...]]] = []
        for label, by_value in self._registries.labels.items():
            values = tuple(value for value, mask in by_value.items() if mask & must)
            if 0 < len(values) <= _MOST_VALUES:
                labels.append((label, values))
        for explained in labels:
            yield from self._exact((explained,), must, may, regions)
            yield from self._in_part(*explained, must, may)
        for pair in combinations(labels, 2):
            yield from self._exact(pair, must, may, regions)

    def _exact(self, labels: _Labels, must: int, may: int, regions: _Regions) -> Iterator[Picks]:
        """Yields picks of these labels, within the regions where that is needed."""
        mask = self._registries.managed
        for label, values in labels:
            mask &= self._having(label, values)
        if must & ~mask:
            return
        cost = sum(1.0 + len(values) for _, values in labels)
        if not mask & ~may:
            yield (Pick(Conditions(labels=labels), mask, cost),)
        elif not (mask := mask & self._in_regions(regions)) & ~may:
            conditions = Conditions(labels=labels, regions=regions)
            yield (Pick(conditions, mask, cost + len(regions)),)

    def _in_part(self, label: str, values: tuple[str, ...], must: int, may: int) -> Iterator[Picks]:
        """The values of a label that fit by themselves, and the rest by name."""
        fitting = tuple(value for value in values if not self._having(label, (value,)) & ~may)
        mask = self._having(label, fitting)
        if fitting and must & ~mask:
            first = Pick(Conditions(labels=((label, fitting),)), mask, 1.0 + len(fitting))
            yield (first, *self.by_name(must & ~mask, may))

    def _having(self, label: str, values: Sequence[str]) -> int:
        return union(self._registries.labels[label][value] for value in values)

    def _regions(self, mask: int) -> _Regions:
        by_region = self._registries.by_region
        return tuple(sorted(region for region, there in by_region.items() if there & mask))

    def _in_regions(self, regions: _Regions) -> int:
        return union(self._registries.by_region[region] for region in regions)

    def _named(self, accounts: tuple[AccountId, ...], regions: _Regions | None) -> Pick:
        mask = union(self._registries.by_account[account] for account in accounts)
        if regions is not None:
            mask &= self._in_regions(regions)
        cost = 1 + _ACCOUNT * len(accounts) + len(regions or ())
        return Pick(Conditions(accounts=accounts, regions=regions), mask, cost)


def _cost(picks: Picks) -> float:
    return sum(pick.cost for pick in picks) + ANOTHER_ROUTE * (len(picks) - 1)
