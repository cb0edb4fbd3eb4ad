"""What counts as noticed: a busy machine must not flatter the share."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from tests.mutation import tested
from tests.mutation.copies import PASSED, Workshop
from tests.mutation.mutants import mutants_of
from tests.mutation.trials import NOTICED, Trials, Verdict

SOURCE = "x = a < b"
(MISTAKE,) = mutants_of(SOURCE, "src/fleet_repl/x.py")
FAILED = 1


@pytest.mark.parametrize(
    ("with_mistake", "without", "verdict"),
    [
        ([PASSED], [], Verdict.UNNOTICED),
        ([FAILED, FAILED], [PASSED], Verdict.FAILED),
        ([FAILED, FAILED], [FAILED], Verdict.UNSTEADY),
        ([FAILED, PASSED], [PASSED], Verdict.UNSTEADY),
        ([None], [], Verdict.TIMED_OUT),
    ],
)
def test_a_failure_counts_only_if_the_mistake_is_its_cause(
    with_mistake: list[int | None], without: list[int | None], verdict: Verdict
) -> None:
    """The test fails twice with the mistake and passes without, and the mistake is taken out."""
    texts = [SOURCE]
    ends = {"x = a <= b": iter(with_mistake), SOURCE: iter(without)}
    copy: Any = mock.Mock()
    copy.write.side_effect = lambda path, text: texts.append(text)
    copy.failures.return_value = ["tests/test_x.py::test_y"]
    copy.run.side_effect = lambda *_, **__: next(ends[texts[-1]])
    workshop = mock.Mock(spec=Workshop, workers=1)
    workshop.at_work.side_effect = lambda work: work(copy)
    trials = Trials(workshop, tested.Tested(), ["tests/test_x.py"])
    assert trials.verdict(MISTAKE, SOURCE) is verdict
    assert texts[-1] == SOURCE
    assert [next(end, "all run") for end in ends.values()] == ["all run", "all run"]


def test_a_mistake_that_no_test_runs_is_not_noticed() -> None:
    """Nothing is tried for it."""
    verdict = Trials(mock.Mock(spec=Workshop, workers=1), tested.Tested(), []).verdict(
        MISTAKE, SOURCE
    )
    assert verdict is Verdict.UNTRIED
    assert verdict not in NOTICED
