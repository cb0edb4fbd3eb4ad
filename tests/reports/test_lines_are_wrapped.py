"""Lines at a terminal: broken between words only, and what follows stands further in."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from hypothesis.strategies import DataObject, SearchStrategy
from rich.cells import cell_len

from fleet_repl.planning.plan import Plan
from fleet_repl.reports.text.page import Page, Style
from fleet_repl.reports.text.plans import plan_text

WORDS = st.text("aé東-/:", min_size=1, max_size=12)


def test_a_plan_at_a_narrow_terminal(plan: Plan) -> None:
    """Ids and prefixes stay whole, and what belongs to a line is to be seen."""
    bare = replace(plan, registries=plan.registries[:2], objections=(), warnings=())
    bare = replace(
        bare, registries=tuple(replace(registry, held=()) for registry in bare.registries)
    )
    assert plan_text(bare, width=50).splitlines()[:10] == [
        "Plan for prod (inventories/prod.toml)",
        "",
        "111111111111 us-east-1 (build)",
        "  ~ replication configuration",
        "      - to 444444444444 eu-west-1: every",
        "          repository (no route)",
        "      + to 222222222222 eu-west-1 (spoke): base/,",
        "          golden/ (route golden)",
        "",
        "222222222222 eu-west-1 (spoke)",
    ]


@given(
    words=st.lists(WORDS, min_size=1, max_size=30),
    width=st.integers(8, 60),
    indent=st.integers(0, 3),
    colour=st.booleans(),
)
def test_no_word_is_broken(words: list[str], width: int, indent: int, colour: bool) -> None:
    """The words are the same, and a line is too long only where a single word is."""
    page = Page(full=True)
    page.add(("+ ", Style.ADDED), " ".join(words), indent=indent)
    text = page.render(colour=colour, width=width)
    if colour:
        text = text.replace("\x1b[32m", "").replace("\x1b[0m", "")
    first, *others = text.splitlines()
    assert text.split() == ["+", *words]
    assert all(line.startswith("  " * indent + "    ") for line in others)
    for line in (first, *others):
        assert cell_len(line) <= width or len(line.split()) <= 2
        assert line == line.rstrip()


@given(data=st.data(), width=st.integers(20, 200))
def test_wrapping_changes_nothing_else(
    plans: SearchStrategy[Plan], data: DataObject, width: int
) -> None:
    """Of any plan, whatever names are in it."""
    plan = data.draw(plans)
    assert plan_text(plan, width=width).split() == plan_text(plan).split()


@pytest.mark.parametrize("width", [None, 10_000])
def test_where_there_is_room_nothing_is_wrapped(plan: Plan, width: int | None) -> None:
    """In a file or a pipe a line is whole, however long."""
    assert plan_text(plan, width=width) == plan_text(plan)
