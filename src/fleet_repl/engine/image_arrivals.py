"""Look up sampled images at their destinations, until the run is stopped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.ports import ImageReader
from fleet_repl.engine.stop import Stop
from fleet_repl.runs.delivery import TIMINGS, Arrival, Lookup, Lookups, arrival_of
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalReader:
    """Asks the destinations of one run about images."""

    images: ImageReader
    stop: Stop
    faults: dict[Registry, Fault]
    """The registries that have failed. A destination that has failed once is not asked again."""
    timings: Counter[Registry] = field(default_factory=Counter)
    """Lookups only for the time of arrival so far, by destination."""

    async def look_up(self, planned: Lookups, arrivals: dict[Lookup, Arrival]) -> None:
        """Look up the images of one source, and add to `arrivals`. Destinations that a deadline
        leaves unasked get a timeout fault."""
        rest = [*planned.deciding, *self._within_bound(planned.timing)]
        for index, lookup in enumerate(rest):
            if self.stop.requested:
                late = (lookup.destination for lookup in rest[index:])
                time_out(self.faults, self.stop, "DescribeImages", late)
                return
            if lookup.destination not in self.faults:
                await self._look_up(lookup, arrivals)

    def _within_bound(self, timing: Iterable[Lookup]) -> Iterator[Lookup]:
        """The first `TIMINGS` lookups at each destination in this run; the others are left out."""
        for lookup in timing:
            self.timings[lookup.destination] += 1
            if self.timings[lookup.destination] <= TIMINGS:
                yield lookup

    async def _look_up(self, lookup: Lookup, arrivals: dict[Lookup, Arrival]) -> None:
        image = await answer_of("DescribeImages", self.images.find_image(*lookup))
        if isinstance(image, Fault):
            self.faults[lookup.destination] = image
        else:
            arrivals[lookup] = arrival_of(image)


def time_out(
    faults: dict[Registry, Fault], stop: Stop, operation: str, unread: Iterable[Registry]
) -> dict[Registry, Fault]:
    """After a deadline, give every registry not yet read a timeout fault, and add those to
    `faults` that are not in it. After an interruption, none. Returns the timeout faults."""
    if stop.interrupted:
        return {}
    late = dict.fromkeys(unread, stop.timeout(operation))
    for registry, fault in late.items():
        faults.setdefault(registry, fault)
    return late
