"""Regions, checked one by one against the form of regions and the fleet's partition.

Nothing is looked up: a region that is well-formed and of the partition may still not exist.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fleet_repl.inventory.findings import Findings
from fleet_repl.inventory.paths import KeyPath
from fleet_repl.inventory.patterns import REGION, REGION_LENGTH
from fleet_repl.names import Partition, Region

_REGION: Final = re.compile(REGION)


class Regions:
    """Checks regions of one inventory; without a partition only their form."""

    def __init__(self, partition: Partition | None, findings: Findings) -> None:
        self._partition = partition
        self._findings = findings
        self._good: dict[str, Region] = {}

    @property
    def example(self) -> Region:
        """A region that would do."""
        return (self._partition or Partition.AWS).first_region

    def one(self, path: KeyPath, text: str) -> Region:
        """The region; what is wrong with it is told."""
        known = self._good.get(text)
        if known is not None:
            return known
        region = Region(text)
        fault = self._fault(text)
        if fault is None:
            self._good[text] = region
        else:
            self._findings.tell(path, fault, remedy=f'write it like "{self.example}"')
        return region

    def each(self, path: KeyPath, texts: Sequence[str]) -> tuple[Region, ...]:
        """A list of regions without repeats."""
        regions = tuple(self.one((*path, index), text) for index, text in enumerate(texts))
        if len(set(regions)) < len(regions):
            for index, region in enumerate(regions):
                if region in regions[:index]:
                    self._findings.tell((*path, index), "is in the list twice")
        return regions

    def _fault(self, text: str) -> str | None:
        shortest, longest = REGION_LENGTH
        if not shortest <= len(text) <= longest or _REGION.fullmatch(text) is None:
            return "is not a region"
        if self._partition is None or self._partition.holds(text):
            return None
        home = next((one for one in Partition if one.holds(text)), None)
        if home is None:
            return f"is not a region of the partition {self._partition}"
        return f"is a region of the partition {home}, and this fleet is in {self._partition}"
