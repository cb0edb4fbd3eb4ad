"""Regions, checked against the form of regions and the fleet's partition.

Nothing is looked up: a region that is well-formed and of the partition may still not exist.
"""

from __future__ import annotations

import re

from fleet_repl.inventory.fields import REGION, REGION_LENGTH
from fleet_repl.inventory.findings import BadValueError
from fleet_repl.values.names import Partition, Region


class Regions:
    """Checks regions of one inventory; without a partition only their form."""

    def __init__(self, partition: Partition | None) -> None:
        self.partition = partition
        self._good: dict[str, Region] = {}

    @property
    def example(self) -> Region:
        """A good region, for remedies to show."""
        return (self.partition or Partition.AWS).first_region

    def region(self, text: str) -> Region:
        """The region that `text` names. Raises BadValueError."""
        if text not in self._good:
            fault = self._fault(text)
            if fault is not None:
                raise BadValueError(fault, f'write it like "{self.example}"')
            self._good[text] = Region(text)
        return self._good[text]

    def _fault(self, text: str) -> str | None:
        shortest, longest = REGION_LENGTH
        if not shortest <= len(text) <= longest or re.fullmatch(REGION, text) is None:
            return "is not a region"
        if self.partition is None or self.partition.holds(text):
            return None
        home = next((partition for partition in Partition if partition.holds(text)), None)
        if home is None:
            return f"is not a region of the partition {self.partition}"
        return f"is a region of the partition {home}, and this fleet is in {self.partition}"
