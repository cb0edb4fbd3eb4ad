"""How few rules links take, against grouping them, and what finding that out costs.

    python benchmarks/cover_rules.py --samples 20

Links come from a number of routes, each from some prefixes to some destinations, as they do in
an inventory; or from no route at all, where little overlaps. Every sample is timed cold, and once
more when its shape is known.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from statistics import mean
from typing import NamedTuple, TypeAlias

from fleet_repl.ecr.grouping import by_member, by_prefix, fewest_groups
from fleet_repl.values.limits import DESTINATIONS_PER_RULE, FILTERS
from fleet_repl.values.prefixes import Prefixes

Links: TypeAlias = dict[str, Prefixes]


class Size(NamedTuple):
    destinations: int
    prefixes: int
    routes: int
    """0: no routes, every second link is there by chance."""


SIZES = (
    Size(3, 4, 2),
    Size(10, 8, 3),
    Size(10, 20, 6),
    Size(25, 50, 6),
    Size(25, 200, 10),
    Size(25, 200, 15),
    Size(8, 8, 0),
    Size(12, 12, 0),
    Size(25, 200, 0),
)
LIMITS = {"most_prefixes": FILTERS * 10, "most_members": DESTINATIONS_PER_RULE}


def links(size: Size, source: random.Random, sample: int) -> Links:
    """Links out of one registry. No two samples share a prefix, so none is known from before."""
    prefixes = [f"sample{sample}/team{number:03}/" for number in range(size.prefixes)]
    found: dict[str, set[str]] = {}
    for row in range(0 if size.routes else size.destinations):
        found[f"D{row:02}"] = {prefix for prefix in prefixes if source.random() < 0.5}
    for _ in range(size.routes):
        some = {prefix for prefix in prefixes if source.random() < 0.25}
        for row in range(size.destinations):
            if source.random() < 0.3:
                found.setdefault(f"D{row:02}", set()).update(some)
    return {there: tuple(sorted(some)) for there, some in found.items() if some}


def sampled(size: Size, samples: int) -> Iterator[tuple[int, int, float, float]]:
    """Rules, rules of the better plain grouping, seconds at first and once known."""
    source = random.Random(str(size))
    for sample in range(samples):
        these = links(size, source, sample)
        started = time.perf_counter()
        count = len(fewest_groups(these, **LIMITS))
        covered = time.perf_counter()
        fewest_groups(these, **LIMITS)
        again = time.perf_counter() - covered
        grouped = min(len(by_member(these)), len(by_prefix(these)))
        yield count, grouped, covered - started, again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20)
    samples = parser.parse_args().samples
    print("destinations x prefixes, routes    rules of grouped  first ms   (most)  again ms")
    for size in SIZES:
        counts, groups, first, again = zip(*sampled(size, samples), strict=True)
        print(
            f"{size.destinations:>12} x {size.prefixes:<8}, {size.routes or 'none':<6} "
            f"{mean(counts):8.1f} {sum(counts) / sum(groups):10.0%} "
            f"{1e3 * mean(first):9.2f} {f'({1e3 * max(first):.1f})':>8} {1e3 * mean(again):9.3f}"
        )


if __name__ == "__main__":
    main()
