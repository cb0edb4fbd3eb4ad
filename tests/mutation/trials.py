"""Whether the tests notice a mistake, and whether it was the mistake that they noticed."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from tests.mutation.copies import PASSED, Copy, Workshop
from tests.mutation.mutants import Mutant
from tests.mutation.tested import Tested

_LEAST_SECONDS: Final = 120.0


class Verdict(StrEnum):
    """What the tests say of a mistake."""

    FAILED = "failed a test"
    TIMED_OUT = "ran out of time"
    UNSTEADY = "failed a test that passes at other times"
    UNNOTICED = "not noticed"
    UNTRIED = "run by no test"


NOTICED: Final = (Verdict.FAILED, Verdict.TIMED_OUT)
IN_DOUBT: Final = (Verdict.TIMED_OUT, Verdict.UNSTEADY)
"""A busy machine may have been the cause."""


class Trials:
    """Tries mistakes, as many at the same time as there are copies of the project."""

    def __init__(self, workshop: Workshop, tested: Tested, chosen: Sequence[str]) -> None:
        self.workers = workshop.workers
        self._workshop, self._tested, self._chosen = workshop, tested, chosen

    def verdict(self, mutant: Mutant, source: str) -> Verdict:
        """What the tests of its lines say of a mistake in this text of its module."""
        tests = self._chosen or self._tested.of(mutant.path, mutant.lines)
        if not tests:
            return Verdict.UNTRIED
        return self._workshop.at_work(lambda copy: self._tried(mutant, source, tests, copy))

    def _tried(self, mutant: Mutant, source: str, tests: Sequence[str], copy: Copy) -> Verdict:
        """A test must fail twice with the mistake, and pass without."""
        seconds = max(_LEAST_SECONDS, 5 * self._tested.time_of(tests))
        copy.write(mutant.path, mutant.apply(source))
        copy.forget_failures()
        try:
            ended = copy.run(tests, "-x", seconds=seconds)
            if ended == PASSED:
                return Verdict.UNNOTICED
            if ended is None:
                return Verdict.TIMED_OUT
            failed = copy.failures() or tests
            again = copy.run(failed, "-x", seconds=seconds)
        finally:
            copy.write(mutant.path, source)
        without = copy.run(failed, "-x", seconds=seconds)
        steady = again != PASSED and without == PASSED
        return Verdict.FAILED if steady else Verdict.UNSTEADY
