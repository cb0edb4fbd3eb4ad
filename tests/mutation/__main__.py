"""Would the tests notice? Random mistakes, each alone in a copy of the project, and the tests run.

    python -m tests.mutation --seed 1 --count 200 --only 'src/fleet_repl/store/*'

It prints the mistakes that no test noticed, and the share of those that were. A mistake is tried on
the tests of its module first, then on all that play whole runs, and last on the rest of the suite.
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from itertools import zip_longest
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from tests.mutation.mutants import Mutant, mutants_of

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = "src/fleet_repl"
SCOPE: Final = (
    *("planning", "sourcing", "granting", "furnishing", "holding", "staging", "withdrawals"),
    *("safety", "waves", "recording", "recovery", "reverting", "rules", "leasing"),
    *("engine", "store", "ownership", "grants"),
)
"""Modules and packages where a mistake may lose or leak something."""
TESTS_OF: Final = {
    "sourcing": ("planning", "ownership"),
    "granting": ("planning",),
    "furnishing": ("planning", "templates"),
    "holding": ("planning",),
    "staging": ("planning",),
    "withdrawals": ("planning",),
    "leasing": ("leasing", "store"),
}
"""Folders of tests that are named otherwise than what they test."""
WHOLE_RUNS: Final = ("planning", "engine", "store", "workflow")
ELSEWHERE: Final = ("docs", "sandbox", "mutation", "sequences", "inventories", "lint")
"""Folders of tests that can notice nothing of that."""
COPIED: Final = ("src", "tests", "docs", "inventories", "pyproject.toml", "noxfile.py", "README.md")
_LEAST_SECONDS: Final = 60.0
_PASSED, _FAILED = 0, 1


class Copy:
    """A copy of the project in which one mistake after another is made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            ignored = shutil.ignore_patterns("__pycache__", ".fleet-repl")
            if source.is_dir():
                shutil.copytree(source, folder / name, ignore=ignored)
            else:
                shutil.copy(source, folder / name)
        self._moment = time.time()

    def write(self, path: str, text: str) -> None:
        """Put a module in the place of what is there."""
        target = self.folder / path
        target.write_text(text)
        # Compiled modules are told apart by whole seconds.
        self._moment += 2
        os.utime(target, (self._moment, self._moment))

    def run(self, folders: Sequence[str], seconds: float | None) -> int | None:
        """How the tests end; None where they do not within that time."""
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
        chosen = [f"tests/{one}" for one in folders]
        clean = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        try:
            done = subprocess.run(
                [*command, *chosen],
                cwd=self.folder,
                env={**clean, "PYTHONPATH": str(self.folder / "src")},
                capture_output=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return None
        return done.returncode


class Stages:
    """The tests that a mistake is tried on, and how long they take without one."""

    def __init__(self, *, thorough: bool) -> None:
        self._thorough = thorough
        self._seconds: dict[tuple[str, ...], float] = {}
        self._lock = threading.Lock()

    def of(self, path: str) -> Iterator[tuple[str, ...]]:
        """Sets of folders, the likeliest to notice first; none twice."""
        head = Path(path).relative_to(PACKAGE).parts[0].removesuffix(".py")
        first = [*TESTS_OF.get(head, (head,))]
        yield tuple(first)
        yield tuple(one for one in WHOLE_RUNS if one not in first)
        if self._thorough:
            every = sorted(one.name for one in (ROOT / "tests").iterdir() if one.is_dir())
            known = {*first, *WHOLE_RUNS, *ELSEWHERE}
            yield tuple(one for one in every if one not in known and not one.startswith("_"))

    def allowed(self, folders: tuple[str, ...], copy: Copy) -> float:
        """The seconds that they may take. Raises SystemExit if they fail without a mistake."""
        with self._lock:
            if folders not in self._seconds:
                began = time.monotonic()
                if copy.run(folders, None) != _PASSED:
                    raise SystemExit(f"the tests fail without any mistake: {' '.join(folders)}")
                self._seconds[folders] = time.monotonic() - began
            return max(_LEAST_SECONDS, 4 * self._seconds[folders])


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mistakes; 1 where one was not noticed."""
    options = _options(arguments)
    every = [mutant for path in paths(options.only) for mutant in _mutants(path)]
    chosen = drawn(every, options.seed, options.count)
    print(f"seed {options.seed}: {len(chosen)} of {len(every)} mistakes", flush=True)
    stages, copies = Stages(thorough=options.thorough), SimpleQueue[Copy]()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.workers) as pool:
        for number in range(options.workers):
            copies.put(Copy(Path(folder) / str(number)))
        noticed = list(pool.map(lambda one: _try(one, copies, stages), chosen))
    share = sum(noticed) / len(noticed) if noticed else 1.0
    print(f"{sum(noticed)} of {len(noticed)} noticed: {share:.1%}")
    return 0 if all(noticed) else 1


def drawn(mutants: Sequence[Mutant], seed: int, count: int) -> list[Mutant]:
    """So many mistakes, of each kind as many as of any other: one that returns None in place of
    something is noticed by any test, and there are more of those than of all the others."""
    draw, kinds = random.Random(seed), dict[str, list[Mutant]]()
    for mutant in mutants:
        kinds.setdefault(mutant.what, []).append(mutant)
    queues = [draw.sample(found, len(found)) for _, found in sorted(kinds.items())]
    rounds = zip_longest(*queues)
    return [one for each in rounds for one in each if one is not None][:count]


def paths(only: str | None) -> Iterator[str]:
    """The modules in which mistakes are made."""
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        head = path.relative_to(ROOT / PACKAGE).parts[0].removesuffix(".py")
        if fnmatch(name, only) if only is not None else head in SCOPE:
            yield name


def _mutants(path: str) -> tuple[Mutant, ...]:
    return mutants_of((ROOT / path).read_text(), path)


def _try(mutant: Mutant, copies: SimpleQueue[Copy], stages: Stages) -> bool:
    """Whether any test notices the mistake; prints it otherwise."""
    source, copy = (ROOT / mutant.path).read_text(), copies.get()
    try:
        for folders in stages.of(mutant.path):
            seconds = stages.allowed(folders, copy)
            copy.write(mutant.path, mutant.apply(source))
            try:
                if copy.run(folders, seconds) != _PASSED:
                    return True
            finally:
                copy.write(mutant.path, source)
    finally:
        copies.put(copy)
    print(_shown(mutant, source), flush=True)
    return False


def _shown(mutant: Mutant, source: str) -> str:
    old, new = (text.splitlines() for text in (source, mutant.apply(source)))
    lines = list(difflib.unified_diff(old, new, n=0, lineterm=""))[3:]
    return "\n    ".join((f"not noticed: {mutant.path}:{mutant.line}: {mutant.what}", *lines))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--count", type=int, default=200, help="how many mistakes")
    parser.add_argument("--only", metavar="GLOB", help="in these modules, by their path")
    parser.add_argument("--workers", type=int, default=2, help="copies at the same time")
    parser.add_argument(
        "--thorough", action="store_true", help="the whole suite for those not noticed so far"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
