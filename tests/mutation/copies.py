"""Copies of the project in which one mistake after another is made, and tests run there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeVar

T = TypeVar("T")

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("src", "tests", "docs", "inventories", "pyproject.toml", "noxfile.py", "README.md")
PASSED: Final = 0
"""How pytest ends when all tests pass."""
_SOME_FAILED: Final = 1
_ONE_TEST: Final = (
    *("-o", "faulthandler_timeout=60"),
    *("-o", "faulthandler_exit_on_timeout=true"),
)
"""A test that takes longer ends pytest at once, and is not among the failures."""


class Copy:
    """One copy, for one test run at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__", ".fleet-repl")
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

    def forget_failures(self) -> None:
        """Have `failures` mean tests that fail from now on."""
        self._failures.unlink(missing_ok=True)

    def failures(self) -> list[str]:
        """The tests that failed, or modules that could not be collected."""
        return list(json.loads(self._failures.read_text())) if self._failures.exists() else []

    @property
    def _failures(self) -> Path:
        return self.folder / ".pytest_cache/v/cache/lastfailed"

    def run(
        self,
        tests: Sequence[str],
        *options: str,
        seconds: float | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> int | None:
        """How these tests end; None where they do not within that time, nor one within a minute."""
        listed = self.folder / "chosen.txt"
        listed.write_text("\n".join(tests))
        clean = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        clean.pop("PYTHONDONTWRITEBYTECODE", None)
        common = [sys.executable, "-m", "pytest", "-q", "--tb=no"]
        if seconds is not None:
            common += _ONE_TEST
        try:
            done = subprocess.run(
                [*common, *options, f"@{listed.name}"],
                cwd=self.folder,
                env={
                    **clean,
                    "PYTHONPATH": str(self.folder / "src"),
                    **(environment or {}),
                },
                capture_output=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired:
            return None
        stuck = done.returncode == _SOME_FAILED and not self.failures()
        return None if stuck else done.returncode


class Workshop:
    """Copies of the project, as many as work is done at the same time."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.workers = workers
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
