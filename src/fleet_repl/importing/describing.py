"""Describing: a set of registries → the plainest selectors that match exactly as much.

What must be matched and what may be are told apart, because a selector may well match registries
for which it makes no difference. Labels come first, then regions, then names of accounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Final, NamedTuple, TypeAlias

from fleet_repl.importing.places import Frame, Places
from fleet_repl.inventory import Match
from fleet_repl.names import AccountId, Region, Registry

ANOTHER_ROUTE: Final = 4.0
"""What one more route costs, in words."""
_ACCOUNT: Final = 1.5
_MOST_VALUES: Final = 12
"""Values of one label that a selector may list."""


class Choice(NamedTuple):
    """The conditions of a selector; None and no labels: none."""

    accounts: tuple[AccountId, ...] | None = None
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    regions: tuple[Region, ...] | None = None

    @property
    def match(self) -> Match:
        """The same for the inventory."""
        return Match(
            accounts=None if self.accounts is None else frozenset(self.accounts),
            labels={label: frozenset(values) for label, values in self.labels},
            regions=None if self.regions is None else frozenset(self.regions),
        )


class Pick(NamedTuple):
    """A selector with what it matches and what it costs a reader, in words."""

    choice: Choice
    mask: int
    cost: float


Picks: TypeAlias = tuple[Pick, ...]


class Describer:
    """Describes sets of one fleet, each once."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._known: dict[tuple[int, int, Frame], Picks] = {}

    def sources(self, must: int, may: int) -> Picks:
        """Selectors for `from` that match all of `must` together and nothing beyond `may`."""
        return self._described(must, may & self._places.managed, Frame.NOTHING)

    def destinations(self, must: int, may: int, frame: Frame) -> Picks:
        """The same for `to`."""
        return self._described(must, may, frame)

    def by_name(self, must: int, may: int) -> Picks:
        """The same by names of accounts and regions alone: one selector where that is exact."""
        places = self._places
        accounts: dict[AccountId, list[Registry]] = {}
        for one in places.at(must):
            accounts.setdefault(one.account, []).append(one)
        whole = {one for one in accounts if not places.by_account[one] & ~may}
        if len(whole) == len(accounts):
            return (self._named(tuple(accounts), None),)
        regions = self._regions(must)
        if not self._in_accounts(tuple(accounts)) & self._in_regions(regions) & ~may:
            return (self._named(tuple(accounts), regions),)
        apart: dict[tuple[Region, ...] | None, list[AccountId]] = {}
        for account, found in accounts.items():
            alike = None if account in whole else tuple(one.region for one in found)
            apart.setdefault(alike, []).append(account)
        return tuple(self._named(tuple(some), alike) for alike, some in apart.items())

    def _described(self, must: int, may: int, frame: Frame) -> Picks:
        key = (must, may, frame)
        if key not in self._known:
            self._known[key] = self._describe(must, may, frame)
        return self._known[key]

    def _describe(self, must: int, may: int, frame: Frame) -> Picks:
        managed = self._places.managed
        if not must & managed:
            return self.by_name(must, may)
        best = min(self._ways(must & managed, may, frame), key=_cost)
        if not must & ~managed:
            return best
        # Externals are matched by name alone: either beside the others, or with all by name.
        return min((*best, *self.by_name(must & ~managed, may)), self.by_name(must, may), key=_cost)

    def _ways(self, must: int, may: int, frame: Frame) -> Iterator[Picks]:
        regions = self._regions(must)
        for pick in self._plain(must, regions, frame):
            if not must & ~pick.mask and not pick.mask & ~may:
                yield (pick,)
        if frame is not Frame.ACCOUNT:
            yield from self._by_labels(must, may, regions)
        yield self.by_name(must, may)

    def _plain(self, must: int, regions: tuple[Region, ...], frame: Frame) -> Iterator[Pick]:
        """By regions, or without any condition: the less that is matched needlessly the better."""
        managed, there = self._places.managed, self._in_regions(regions) & self._places.managed
        own = frame is Frame.ACCOUNT
        extra = 2.5 if there != must and not own else 0.0
        yield Pick(Choice(regions=regions), there, 1 + len(regions) + extra)
        yield Pick(Choice(), managed, 1.0 if managed == must else 3.5 if own else 6.0)

    def _by_labels(self, must: int, may: int, regions: tuple[Region, ...]) -> Iterator[Picks]:
        single = {
            label: values for label in self._places.labels if (values := self._values(label, must))
        }
        for label, values in single.items():
            yield from self._exact(((label, values),), must, may, regions)
            yield from self._in_part(label, values, must, may)
        for pair in combinations(single.items(), 2):
            yield from self._exact(pair, must, may, regions)

    def _exact(
        self,
        labels: tuple[tuple[str, tuple[str, ...]], ...],
        must: int,
        may: int,
        regions: tuple[Region, ...],
    ) -> Iterator[Picks]:
        """These labels, within the regions where that is needed."""
        mask = self._places.managed
        for label, values in labels:
            mask &= self._having(label, values)
        if must & ~mask:
            return
        cost = sum(1.0 + len(values) for _, values in labels)
        if not mask & ~may:
            yield (Pick(Choice(labels=labels), mask, cost),)
        elif not (mask := mask & self._in_regions(regions)) & ~may:
            yield (Pick(Choice(labels=labels, regions=regions), mask, cost + len(regions)),)

    def _in_part(self, label: str, values: tuple[str, ...], must: int, may: int) -> Iterator[Picks]:
        """The values of a label that fit by themselves, and the rest by name."""
        fitting = tuple(one for one in values if not self._having(label, (one,)) & ~may)
        mask = self._having(label, fitting)
        if fitting and must & ~mask:
            first = Pick(Choice(labels=((label, fitting),)), mask, 1.0 + len(fitting))
            yield (first, *self.by_name(must & ~mask, may))

    def _values(self, label: str, must: int) -> tuple[str, ...]:
        """The values that a label has in some of `must`."""
        by_value = self._places.labels[label]
        found = tuple(value for value, mask in by_value.items() if mask & must)
        return found if len(found) <= _MOST_VALUES else ()

    def _having(self, label: str, values: tuple[str, ...]) -> int:
        mask = 0
        for value in values:
            mask |= self._places.labels[label][value]
        return mask

    def _regions(self, mask: int) -> tuple[Region, ...]:
        by_region = self._places.by_region
        return tuple(sorted(region for region, there in by_region.items() if there & mask))

    def _in_regions(self, regions: tuple[Region, ...]) -> int:
        mask = 0
        for region in regions:
            mask |= self._places.by_region[region]
        return mask

    def _in_accounts(self, accounts: tuple[AccountId, ...]) -> int:
        mask = 0
        for account in accounts:
            mask |= self._places.by_account[account]
        return mask

    def _named(self, accounts: tuple[AccountId, ...], regions: tuple[Region, ...] | None) -> Pick:
        mask = self._in_accounts(accounts)
        if regions is not None:
            mask &= self._in_regions(regions)
        cost = 1 + _ACCOUNT * len(accounts) + len(regions or ())
        return Pick(Choice(accounts=accounts, regions=regions), mask, cost)


def _cost(picks: Picks) -> float:
    return sum(one.cost for one in picks) + ANOTHER_ROUTE * (len(picks) - 1)
