"""Would the tests notice? Random mistakes, each alone in a copy of the project, and the tests run.

    python -m tests.mutation --seed 1 --count 200 --only 'src/fleet_repl/state/*'

First it finds out which tests run which lines, which takes as long as the suite; `--map FILE` keeps
that. Each mistake is then tried on the tests that run its line. It prints the mistakes that none of
them noticed, and the share of those that were. `--at PATH:LINE` tries all mistakes at one line.
"""

from __future__ import annotations

import argparse
import difflib
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Final

from tests.mutation.copies import ROOT, Workshop
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.tested import PACKAGE, Contexts, Tested, folders, measured
from tests.mutation.trials import IN_DOUBT, NOTICED, Trials, Verdict

SCOPE: Final = ("planning", "ecr", "runs", "engine", "state")
"""Rooms where a mistake may lose or leak something."""
_OFTEN: Final = 20
"""After so many mistakes it says how far it is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mistakes; 1 where one was not noticed."""
    options = _options(arguments)
    every = [mutant for path in paths(options.only) for mutant in _mutants(path)]
    chosen = _at(every, options.at) if options.at else drawn(every, options.seed, options.count)
    print(f"seed {options.seed}: {len(chosen)} of {len(every)} mistakes", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder), options.workers)
        tested = Tested() if options.tests else _tested(workshop, options.map)
        return 0 if _try_all(chosen, Trials(workshop, tested, options.tests)) else 1


def _try_all(mutants: Sequence[Mutant], trials: Trials) -> bool:
    """Whether tests notice every mistake. What is in doubt is tried again alone at the end."""

    def verdict(mutant: Mutant) -> Verdict:
        source = _source(mutant.path)
        reached = trials.verdict(mutant, source)
        if reached is not Verdict.FAILED:
            print(_shown(mutant, source, reached), flush=True)
        return reached

    verdicts = dict[Mutant, Verdict]()
    with ThreadPoolExecutor(trials.workers) as pool:
        for mutant, reached in zip(mutants, pool.map(verdict, mutants), strict=True):
            verdicts[mutant] = reached
            if len(verdicts) % _OFTEN == 0:
                print(f"… {_counted(verdicts.values())}", flush=True)
    doubtful = [mutant for mutant, reached in verdicts.items() if reached in IN_DOUBT]
    print(f"{len(doubtful)} in doubt are tried again, alone", flush=True)
    verdicts |= {mutant: verdict(mutant) for mutant in doubtful}
    noticed = sum(reached in NOTICED for reached in verdicts.values())
    print(f"{len(verdicts)}: {_counted(verdicts.values())}")
    print(f"{noticed} of {len(verdicts)} noticed: {noticed / max(1, len(verdicts)):.1%}")
    return noticed == len(verdicts)


def _counted(verdicts: Collection[Verdict]) -> str:
    counts = Counter(verdicts)
    return ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict])


def _shown(mutant: Mutant, source: str, verdict: Verdict) -> str:
    old, new = (text.splitlines() for text in (source, mutant.apply(source)))
    lines = list(difflib.unified_diff(old, new, n=0, lineterm=""))[3:]
    place = f"{mutant.path}:{mutant.lines[0]}"
    return "\n    ".join((f"{place}: {verdict}: {mutant.what}", *lines))


def paths(only: Sequence[str]) -> Iterator[str]:
    """The modules in which mistakes are made: those of any glob, without those of a `!` glob."""
    left_out = [glob[1:] for glob in only if glob.startswith("!")]
    chosen = [glob for glob in only if not glob.startswith("!")]
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        head = path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")
        wanted = any(fnmatch(name, glob) for glob in chosen) if chosen else head in SCOPE
        if wanted and not any(fnmatch(name, glob) for glob in left_out):
            yield name


def drawn(mutants: Sequence[Mutant], seed: int, count: int) -> list[Mutant]:
    """So many mistakes, of each kind as many as of any other: one that returns None in place of
    something is noticed by any test, and there are more of those than of all the others."""
    draw, kinds = random.Random(seed), dict[str, list[Mutant]]()
    for mutant in mutants:
        kinds.setdefault(mutant.what, []).append(mutant)
    queues = [draw.sample(of_kind, len(of_kind)) for _, of_kind in sorted(kinds.items())]
    rounds = zip_longest(*queues)
    return [item for drawn_mutants in rounds for item in drawn_mutants if item is not None][:count]


def _at(mutants: Sequence[Mutant], places: Collection[str]) -> list[Mutant]:
    """All mistakes at these lines, given as they are printed."""
    return [
        mutant
        for mutant in mutants
        if any(f"{mutant.path}:{line}" in places for line in mutant.lines)
    ]


@cache
def _source(path: str) -> str:
    """A module as it was at first: somebody may go on working on it meanwhile."""
    return (ROOT / path).read_text()


def _mutants(path: str) -> tuple[Mutant, ...]:
    return mutants_of(_source(path), path)


def _tested(workshop: Workshop, kept: Path | None) -> Tested:
    """Which tests run which lines: as it was kept, or found out now."""
    if kept is not None and kept.exists():
        return Tested.load(kept)
    tested = Tested()

    def measure(folder: str) -> Contexts:
        return workshop.at_work(lambda copy: measured(folder, copy))

    with ThreadPoolExecutor(workshop.workers) as pool:
        for measured_contexts in pool.map(measure, folders()):
            tested.add(measured_contexts)
    if kept is not None:
        tested.save(kept)
    return tested


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--count", type=int, default=200, help="how many mistakes")
    parser.add_argument(
        "--only",
        metavar="GLOB",
        action="append",
        default=[],
        help="in these modules, by their path; !GLOB leaves some out",
    )
    parser.add_argument(
        "--at", metavar="PATH:LINE", action="append", default=[], help="all at this line, not drawn"
    )
    parser.add_argument(
        "--tests", metavar="PATH", action="append", default=[], help="try these tests alone"
    )
    parser.add_argument("--workers", type=int, default=2, help="copies at the same time")
    parser.add_argument(
        "--map", type=Path, metavar="FILE", help="keeps which tests run which lines"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
