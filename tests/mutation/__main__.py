"""Would the tests notice? Random mistakes, each alone in a copy of the project, and the tests run.

    python -m tests.mutation --seed 1 --count 200 --only 'src/fleet_repl/store/*'

First it finds out which tests run which lines, which takes as long as the suite; `--map FILE` keeps
that. Each mistake is then tried on the tests that run its line. It prints the mistakes that none of
them noticed, and the share of those that were.
"""

from __future__ import annotations

import argparse
import difflib
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from functools import cache
from itertools import zip_longest
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

from tests.mutation.copies import PASSED, ROOT, Copy
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.tested import PACKAGE, Contexts, Tested, folders, measured

T = TypeVar("T")

SCOPE: Final = (
    *("planning", "sourcing", "granting", "furnishing", "holding", "staging", "withdrawals"),
    *("safety", "waves", "recording", "recovery", "reverting", "rules", "leasing"),
    *("engine", "store", "ownership", "grants"),
)
"""Modules and packages where a mistake may lose or leak something."""
_LEAST_SECONDS: Final = 120.0
_OFTEN: Final = 20
"""After so many mistakes it says how far it is."""


class Workshop:
    """Copies of the project, as many as work is done at the same time."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._copies = SimpleQueue[Copy]()
        for number in range(workers):
            self._copies.put(Copy(folder / str(number)))

    def at_work(self, work: Callable[[Copy], T]) -> T:
        """Do something in a copy that nobody else works in."""
        copy = self._copies.get()
        try:
            return work(copy)
        finally:
            self._copies.put(copy)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mistakes; 1 where one was not noticed."""
    options = _options(arguments)
    every = [mutant for path in paths(options.only) for mutant in _mutants(path)]
    chosen = drawn(every, options.seed, options.count)
    print(f"seed {options.seed}: {len(chosen)} of {len(every)} mistakes", flush=True)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.workers) as pool:
        workshop = Workshop(Path(folder), options.workers)
        tested = _tested(workshop, pool, options.map)
        noticed: list[bool] = []
        for one in pool.map(lambda one: _is_noticed(one, workshop, tested), chosen):
            noticed.append(one)
            if len(noticed) % _OFTEN == 0:
                print(f"… {sum(noticed)} of {len(noticed)} so far", flush=True)
    share = sum(noticed) / len(noticed) if noticed else 1.0
    print(f"{sum(noticed)} of {len(noticed)} noticed: {share:.1%}")
    return 0 if all(noticed) else 1


def paths(only: str | None) -> Iterator[str]:
    """The modules in which mistakes are made."""
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        head = path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")
        if fnmatch(name, only) if only is not None else head in SCOPE:
            yield name


def drawn(mutants: Sequence[Mutant], seed: int, count: int) -> list[Mutant]:
    """So many mistakes, of each kind as many as of any other: one that returns None in place of
    something is noticed by any test, and there are more of those than of all the others."""
    draw, kinds = random.Random(seed), dict[str, list[Mutant]]()
    for mutant in mutants:
        kinds.setdefault(mutant.what, []).append(mutant)
    queues = [draw.sample(found, len(found)) for _, found in sorted(kinds.items())]
    rounds = zip_longest(*queues)
    return [one for each in rounds for one in each if one is not None][:count]


@cache
def _source(path: str) -> str:
    """A module as it was at first: somebody may go on working on it meanwhile."""
    return (ROOT / path).read_text()


def _mutants(path: str) -> tuple[Mutant, ...]:
    return mutants_of(_source(path), path)


def _tested(workshop: Workshop, pool: ThreadPoolExecutor, kept: Path | None) -> Tested:
    """Which tests run which lines: as it was kept, or found out now."""
    if kept is not None and kept.exists():
        return Tested.load(kept)
    tested = Tested()

    def measure(folder: str) -> Contexts:
        return workshop.at_work(lambda copy: measured(folder, copy))

    for found in pool.map(measure, folders()):
        tested.add(found)
    if kept is not None:
        tested.save(kept)
    return tested


def _is_noticed(mutant: Mutant, workshop: Workshop, tested: Tested) -> bool:
    """Whether any test notices the mistake; prints it otherwise."""
    source, tests = _source(mutant.path), tested.of(mutant.path, mutant.lines)

    def tried(copy: Copy) -> int | None:
        copy.write(mutant.path, mutant.apply(source))
        try:
            seconds = max(_LEAST_SECONDS, 5 * tested.time_of(tests))
            return copy.run(tests, "-x", seconds=seconds)
        finally:
            copy.write(mutant.path, source)

    if tests and workshop.at_work(tried) != PASSED:
        return True
    print(_shown(mutant, source, len(tests)), flush=True)
    return False


def _shown(mutant: Mutant, source: str, tests: int) -> str:
    old, new = (text.splitlines() for text in (source, mutant.apply(source)))
    lines = list(difflib.unified_diff(old, new, n=0, lineterm=""))[3:]
    place = f"{mutant.path}:{mutant.lines[0]}"
    return "\n    ".join((f"{place}: not noticed by {tests} tests: {mutant.what}", *lines))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--count", type=int, default=200, help="how many mistakes")
    parser.add_argument("--only", metavar="GLOB", help="in these modules, by their path")
    parser.add_argument("--workers", type=int, default=2, help="copies at the same time")
    parser.add_argument(
        "--map", type=Path, metavar="FILE", help="keeps which tests run which lines"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
