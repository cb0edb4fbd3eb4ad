"""Names come from outside: what a terminal or a viewer would obey is spelled out."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.text.page import Page
from fleet_repl.reports.text.plans import plan_text
from fleet_repl.reports.text.reports import report_text
from fleet_repl.runs.outcomes import Report
from fleet_repl.values.text import visible

HOSTILE = "[red]x[/red]\x1b[2J\x9b31m\u202eevil\u2066\r\nok\x7f"
SPELLED = "[red]x[/red]\\x1b[2J\\x9b31m\\u202eevil\\u2066\\x0d\\x0aok\\x7f"


def test_controls_are_spelled_out() -> None:
    """Escape codes (C0 and C1), bidirectional controls and line ends lose their force."""
    assert visible(HOSTILE) == SPELLED
    assert visible("\u2028\ud800\ufeff\uffff\U000e0001") == (
        "\\u2028\\ud800\\ufeff\\uffff\\U000e0001"
    )


def test_what_can_be_read_stays() -> None:
    """Letters of every script, and signs, are left as they are."""
    assert visible("Größe 東京 💡 [a] \\x") == "Größe 東京 💡 [a] \\x"


def test_a_hostile_account_name_in_a_plan(plan: Plan) -> None:
    """Markup and escape codes in a name come out as the characters they are."""
    first = replace(plan.registries[0], name=HOSTILE)
    text = plan_text(replace(plan, registries=(first, *plan.registries[1:])))
    assert text.splitlines()[2] == f"111111111111 us-east-1 ({SPELLED})"


def test_a_hostile_account_name_in_colour(report: Report) -> None:
    """With colours, the only escape codes are the colours' own."""
    first = replace(report.registries[0], name=HOSTILE)
    text = report_text(replace(report, registries=(first,)), colour=True)
    assert f"  111111111111 us-east-1 ({SPELLED}): ~ replication configuration\n" in text
    codes = {part.split("m")[0] for part in text.split("\x1b[")[1:]}
    assert codes <= {"0", "1", "2", "1;31", "31", "32", "33"}


@given(data=st.data())
def test_no_plan_or_report_holds_a_control(
    data: DataObject, plans: SearchStrategy[Plan], reports: SearchStrategy[Report]
) -> None:
    """Whatever a plan or report holds, its text has no hidden character but line ends."""
    text = plan_text(data.draw(plans), full=True) + report_text(data.draw(reports), full=True)
    categories = {unicodedata.category(char) for char in text if char != "\n"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(lines=st.lists(st.text(), min_size=1), colour=st.booleans())
def test_a_line_stays_one_line(lines: list[str], *, colour: bool) -> None:
    """A page has as many lines as were added to it, however long each is."""
    page = Page()
    for line in lines:
        page.add(line * 50)
    assert page.render(colour=colour).count("\n") == len(lines)
