"""Play sequences of two fleets and say what was wrong in any: `python -m tests.sequences`."""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final

import anyio
from tests.sequences.generation import sequence_of
from tests.sequences.invariants import violations
from tests.sequences.playing import play
from tests.sequences.trace import Edited, Ended, Happening, Read, Rested, Wrote, meaning

_SHOWN: Final = 5
"""Of one sequence: one mistake mostly shows in many ways."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what was asked for; 1 where anything was wrong."""
    options = _options(arguments)
    first = options.seed if options.seed is not None else random.randrange(1_000_000)
    seeds = range(first, first + options.count)
    if options.tell:
        story = sequence_of(first)
        trace = anyio.run(play, story)
        print(*story.steps, *lines_of(trace), *violations(trace), sep="\n")
        return 0
    began, wrong, writes = time.monotonic(), 0, 0
    with ProcessPoolExecutor(options.workers) as pool:
        for seed, (broken, wrote) in zip(seeds, pool.map(played, seeds), strict=True):
            writes += wrote
            wrong += bool(broken)
            for text in broken[:_SHOWN]:
                print(f"seed {seed}: {text}", flush=True)
            if len(broken) > _SHOWN:
                print(f"seed {seed}: … and {len(broken) - _SHOWN} more", flush=True)
    took = time.monotonic() - began
    print(
        f"{len(seeds)} sequences, seeds {seeds[0]} to {seeds[-1]}: {writes} writes, {wrong} "
        f"sequences with something wrong, {took:.0f} s"
    )
    return 1 if wrong else 0


def lines_of(trace: Sequence[Happening]) -> Iterator[str]:
    """What happened, a line each, documents in short."""
    for at, happening in enumerate(trace):
        match happening:
            case Read():
                yield f"{at:4} {happening.run} reads {happening.resource} of {happening.place}"
            case Wrote(before=before, after=after, resource=resource):
                less, more = _difference(before, after, resource)
                run, fleet, place = happening.run, happening.fleet, happening.place
                yield f"{at:4} {run} ({fleet}) writes {resource} of {place}{less}{more}"
            case Edited(before=before, after=after, resource=resource):
                less, more = _difference(before, after, resource)
                yield f"{at:4} a stranger changes {resource} of {happening.place}{less}{more}"
            case Ended(changes=changes):
                ends = [f"{change.place} {change.resource} {change.outcome}" for change in changes]
                yield f"{at:4} {happening.run} ends: {', '.join(ends) or 'nothing to do'}"
            case Rested():
                yield f"{at:4} {happening.fleet} rests; on record {sorted(happening.recorded)}"
            case _:
                yield f"{at:4} {happening}"


def _difference(before: Any, after: Any, resource: str) -> tuple[str, str]:
    old, new = meaning(before, resource), meaning(after, resource)
    less = "".join(f"\n       - {item}" for item in sorted(old - new))
    return less, "".join(f"\n       + {item}" for item in sorted(new - old))


def played(seed: int) -> tuple[list[str], int]:
    """What was wrong in the sequence of a seed, and how many writes AWS took in it."""
    logging.disable(logging.CRITICAL)
    try:
        trace = anyio.run(play, sequence_of(seed))
    except Exception as error:  # noqa: BLE001 - one sequence that cannot be played stops no other
        return [f"it could not be played: {type(error).__name__}: {error}"], 0
    return violations(trace), sum(isinstance(item, Wrote) for item in trace)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.sequences", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the first sequence; any unless given")
    parser.add_argument("--count", type=int, default=300, help="how many, one seed each")
    parser.add_argument("--workers", type=int, default=2, help="processes at the same time")
    parser.add_argument(
        "--tell", action="store_true", help="tell all that happens in the first one, and no more"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
