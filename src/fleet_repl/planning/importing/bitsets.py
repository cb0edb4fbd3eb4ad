"""A fleet's registries as bits, so that sets of them are compared in one step.

Bit n of a mask stands for registry n. Holds what selectors can tell apart: accounts, regions,
labels, and what a source has in common with its destinations. Retired accounts are not in it,
because routes pass them over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import IntEnum
from functools import reduce
from operator import or_
from typing import Final

from fleet_repl.inventory import Inventory
from fleet_repl.topology.index import Fleet, index
from fleet_repl.values.names import AccountId, Region, Registry

_MOST_LABELS: Final = 8
"""Labels that are tried to explain a set: those that most accounts have, in few values."""
_FEW_VALUES: Final = 5
"""A label with more values than that has to be shared by two accounts on average: otherwise it
tells accounts apart like a name, and explains nothing."""


class Frame(IntEnum):
    """The relation that a route's destinations have to their source."""

    NOTHING = 0
    REGION = 1
    ACCOUNT = 2


class Registries:
    """The registries of a fleet, managed and external ones."""

    def __init__(self, inventory: Inventory) -> None:
        fleet = index(inventory)
        self.all = tuple(sorted(registry for own in fleet.registries.values() for registry in own))
        self.bit: Mapping[Registry, int] = {
            registry: 1 << at for at, registry in enumerate(self.all)
        }
        self.everything = (1 << len(self.all)) - 1
        self.by_account: Mapping[AccountId, int] = {
            account: union(self.bit[registry] for registry in own)
            for account, own in fleet.registries.items()
        }
        self.managed = union(self.by_account[account] for account in fleet.accounts)
        self.by_region: dict[Region, int] = {}
        for registry, bit in self.bit.items():
            self.by_region[registry.region] = self.by_region.get(registry.region, 0) | bit
        self.labels: Mapping[str, Mapping[str, int]] = {
            label: {
                value: union(self.by_account[account] for account in accounts)
                for value, accounts in sorted(fleet.labels[label].items())
            }
            for label in _telling_labels(fleet)
        }
        """Label → value → registries, first the labels that say most."""

    def at(self, mask: int) -> list[Registry]:
        """The registries of a mask, sorted."""
        return [self.all[number] for number in bits(mask)]

    def reach(self, frame: Frame, source: int) -> int:
        """Everything that a route from registry number `source` may lead to, by `frame` alone."""
        registry, own = self.all[source], 1 << source
        match frame:
            case Frame.NOTHING:
                return self.everything & ~own
            case Frame.REGION:
                return self.by_region[registry.region] & ~own
            case Frame.ACCOUNT:
                return self.by_account[registry.account] & ~own


def _telling_labels(fleet: Fleet) -> list[str]:
    having = {label: sum(map(len, by_value.values())) for label, by_value in fleet.labels.items()}
    shared = [
        label
        for label, by_value in fleet.labels.items()
        if len(by_value) <= max(_FEW_VALUES, having[label] // 2)
    ]
    shared.sort(key=lambda label: (-having[label], len(fleet.labels[label]), label))
    return shared[:_MOST_LABELS]


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, from the lowest."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def union(masks: Iterable[int]) -> int:
    return reduce(or_, masks, 0)
