"""Warnings in plans and reports: what several have in common is told once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from fleet_repl.planning.plan import Plan, Warning
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.runs.outcomes import Report

ENDING = "means no link, so nobody can tell what ECR makes of it, and it is kept as it is"


def warned(plan: Plan, messages: Sequence[str], *, full: bool = False) -> str:
    """The block of a plan with these warnings of one kind."""
    warnings = tuple(Warning(kind="unknown-rule", message=message) for message in messages)
    text = plan_text(replace(plan, warnings=warnings), full=full)
    return text.partition("\nWarnings\n")[2].partition("\n\n")[0]


def test_a_single_warning_is_a_line(plan: Plan) -> None:
    """As it is."""
    assert warned(plan, [f"a {ENDING}"]) == f"  unknown-rule: a {ENDING}"


def test_equal_warnings_are_one(plan: Plan) -> None:
    """Nothing is said twice."""
    assert warned(plan, [f"a {ENDING}"] * 9) == f"  unknown-rule: a {ENDING}"


def test_how_all_end_is_reported_once(plan: Plan) -> None:
    """What differs stands above it; words stay whole."""
    assert warned(plan, [f"rule {name} {ENDING}" for name in ("ab", "cb")]) == (
        f"  unknown-rule: 2 times\n    rule ab …\n    rule cb …\n    … {ENDING}"
    )


def test_short_endings_are_left_where_they_are(plan: Plan) -> None:
    """To take them apart would help nobody."""
    assert warned(plan, ["a is odd", "b is odd"]) == (
        "  unknown-rule: 2 times\n    a is odd\n    b is odd"
    )


def test_many_are_cut(plan: Plan) -> None:
    """A few as examples; a full page has each as it is."""
    messages = [f"rule {number} {ENDING}" for number in range(30)]
    assert warned(plan, messages).splitlines() == [
        "  unknown-rule: 30 times",
        "    rule 0 …",
        "    rule 1 …",
        "    rule 2 …",
        "    … and 27 more",
        f"    … {ENDING}",
    ]
    assert warned(plan, messages, full=True).splitlines() == [
        f"  unknown-rule: {message}" for message in messages
    ]


@pytest.mark.parametrize("messages", [["", "a"], ["", ""], [ENDING, f"x {ENDING}"]])
def test_odd_messages_are_reported_too(plan: Plan, messages: list[str]) -> None:
    """Empty ones, and one that is the end of another."""
    assert warned(plan, messages).startswith("  unknown-rule: ")


def test_reports_tell_them_in_the_same_way(report: Report) -> None:
    """It is the same block."""
    warnings = tuple(Warning(kind="k", message=f"{name} {ENDING}") for name in "abc")
    assert f"\n    b …\n    c …\n    … {ENDING}\n" in report_text(
        replace(report, warnings=warnings)
    )
