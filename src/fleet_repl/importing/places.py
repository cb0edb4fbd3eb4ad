"""The fleet's registries as bits, so that sets of them are compared in one step.

Holds what selectors can tell apart: accounts, regions, labels, and what a source has in common
with its destinations. Retired accounts are not in it, because routes pass them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from functools import reduce
from operator import or_
from typing import Final

from fleet_repl.inventory import Inventory
from fleet_repl.names import AccountId, Region, Registry
from fleet_repl.topology.fleet import index

_MOST_LABELS: Final = 8
"""Labels that are tried to explain a set: those that most accounts have, in few values."""
_FEW_VALUES: Final = 5
"""A label with more values than that has to be shared by two accounts on average: otherwise it
tells accounts apart like a name, and explains nothing."""


class Frame(IntEnum):
    """What a route's destinations have in common with their source."""

    NOTHING = 0
    REGION = 1
    ACCOUNT = 2


class Places:
    """Registries by number, and masks of them: bit n stands for registry n."""

    def __init__(self, inventory: Inventory) -> None:
        fleet = index(inventory)
        known = sorted(one for places in fleet.registries.values() for one in places)
        self.registries: tuple[Registry, ...] = tuple(known)
        """Managed and external ones, sorted."""
        self.bit: Mapping[Registry, int] = {one: 1 << at for at, one in enumerate(known)}
        self.everything = (1 << len(known)) - 1
        self.by_account: Mapping[AccountId, int] = {
            account: self.mask(places) for account, places in fleet.registries.items()
        }
        self.managed = _union(self.by_account[one] for one in fleet.accounts)
        self.by_region: dict[Region, int] = {}
        for one in known:
            self.by_region[one.region] = self.by_region.get(one.region, 0) | self.bit[one]
        having = {
            label: sum(map(len, by_value.values())) for label, by_value in fleet.labels.items()
        }
        shared = [
            label
            for label, by_value in fleet.labels.items()
            if len(by_value) <= max(_FEW_VALUES, having[label] // 2)
        ]
        self.labels: Mapping[str, Mapping[str, int]] = {
            label: {
                value: _union(self.by_account[one] for one in accounts)
                for value, accounts in sorted(fleet.labels[label].items())
            }
            for label in sorted(
                shared, key=lambda one: (-having[one], len(fleet.labels[one]), one)
            )[:_MOST_LABELS]
        }
        """Label → value → registries, first the labels that say most."""
        self._reach = {frame: self._reaches(frame) for frame in Frame}

    def mask(self, registries: Iterable[Registry]) -> int:
        """These registries as bits."""
        return _union(self.bit[one] for one in registries)

    def at(self, mask: int) -> list[Registry]:
        """The registries of a mask, sorted."""
        return [self.registries[number] for number in bits(mask)]

    def reach(self, frame: Frame, source: int) -> int:
        """Everything that a route from registry number `source` may lead to, by `frame` alone."""
        return self._reach[frame][source]

    def _reaches(self, frame: Frame) -> list[int]:
        return [self._within(frame, one) & ~self.bit[one] for one in self.registries]

    def _within(self, frame: Frame, source: Registry) -> int:
        match frame:
            case Frame.NOTHING:
                return self.everything
            case Frame.REGION:
                return self.by_region[source.region]
            case Frame.ACCOUNT:
                return self.by_account[source.account]


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, from the lowest."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
