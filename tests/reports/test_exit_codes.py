"""Exit codes, and which one wins."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.exit_codes import exit_code, plan_exit, report_exit
from fleet_repl.runs.outcomes import Outcome, Report, Status
from fleet_repl.values.errors import Fault
from fleet_repl.values.exit_code import ExitCode

PRECEDENCE = ("interrupted", "error", "refused", "partial", "pending")
CODES = dict(zip(PRECEDENCE, (130, 1, 3, 4, 2), strict=True))


def test_the_worst_wins() -> None:
    """130 over 1 over 3 over 4 over 2 over 0, in every combination."""
    for size in range(len(PRECEDENCE) + 1):
        for codes in combinations(PRECEDENCE, size):
            expected = next((CODES[name] for name in PRECEDENCE if name in codes), 0)
            assert exit_code(**dict.fromkeys(codes, True)) == expected


def test_every_code_has_a_meaning() -> None:
    """The words of the report's last line."""
    assert {code.value: code.meaning for code in ExitCode} == {
        0: "done",
        1: "error: no registry could be attempted",
        2: "changes pending",
        3: "refused as a whole, nothing written",
        4: "partial: something failed, was skipped, is held, or could not be read",
        64: "wrong use of the command line",
        130: "interrupted",
    }


def test_a_plan(plan: Plan) -> None:
    """Changes count on demand; what is unreadable, held or refused always; objections never."""
    hub, spoke, dark, fine = plan.registries
    changed = replace(plan, registries=(spoke, fine))
    assert plan_exit(changed, detailed=False) == 0
    assert plan_exit(changed, detailed=True) == 2
    assert plan_exit(replace(plan, registries=(fine,)), detailed=True) == 0
    assert plan_exit(replace(plan, registries=(fine, dark)), detailed=False) == 4
    assert plan_exit(replace(plan, registries=(replace(hub, changes=()),)), detailed=False) == 4
    assert plan_exit(plan, detailed=True) == 4


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.APPLIED, 0),
        (Outcome.UNCHANGED, 0),
        (Outcome.PARTIAL, 4),
        (Outcome.FAILED, 4),
        (Outcome.SKIPPED, 4),
        (Outcome.CANCELLED, 4),
    ],
)
def test_a_report(report: Report, outcome: Outcome, code: int) -> None:
    """One registry that is not as it should be makes a run partial."""
    good = report.registries[4]
    ended = replace(good, outcome=outcome)
    run = replace(report, status=Status.PARTIAL, registries=(good, ended))
    assert report_exit(run) == code


@pytest.mark.parametrize(
    ("outcome", "code"),
    [(Outcome.PARTIAL, 0), (Outcome.SKIPPED, 0), (Outcome.APPLIED, 0), (Outcome.FAILED, 4)],
)
def test_a_staged_run(report: Report, outcome: Outcome, code: int) -> None:
    """What is left for later waves was not to be done; a failure is one all the same."""
    ended = replace(report.registries[4], outcome=outcome)
    assert report_exit(replace(report, status=Status.STAGED, registries=(ended,))) == code


def test_a_held_link_makes_a_run_partial(report: Report) -> None:
    """Although its registry was applied."""
    assert report_exit(replace(report, registries=report.registries[:1])) == 4


def test_the_status_comes_first(report: Report) -> None:
    """An interrupted or refused run is told as that, whatever its registries."""
    assert report_exit(replace(report, status=Status.INTERRUPTED)) == 130
    assert report_exit(replace(report, status=Status.REFUSED)) == 3


def test_a_run_that_failed_throughout(report: Report, denied: Fault) -> None:
    """Registries that were tried make it partial; where none could be, it is an error."""
    tried = replace(report.registries[2], attempts=1, error=denied)
    untried = replace(tried, attempts=0)
    assert report_exit(replace(report, status=Status.FAILED, registries=(tried, untried))) == 4
    assert report_exit(replace(report, status=Status.FAILED, registries=(untried,))) == 1
