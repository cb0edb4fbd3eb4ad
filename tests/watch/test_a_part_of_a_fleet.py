"""A watch of a part of a fleet looks after that part, and leaves alone what others remember."""

from __future__ import annotations

import pytest
from tests.support.watched import HUB, A, Stage

from fleet_repl.topology import Selection
from fleet_repl.values.errors import SelectionError
from fleet_repl.watch import Memory
from fleet_repl.watch.memory import note_of, parse_memory

PART = Selection(accounts=("222222222222",))


async def test_only_that_part_is_corrected(stage: Stage) -> None:
    """What differs elsewhere is neither told of nor written."""
    stage.world.tamper(HUB, A)
    await stage.watch(2, every=60, fix=True, selection=PART)
    assert stage.verdicts == ["corrected", "in-sync"]
    assert stage.world.writes == [A]
    assert [round_.counts for round_ in stage.rounds] == [{"applied": 1}, {"unchanged": 1}]


async def test_its_drift_has_an_end(stage: Stage) -> None:
    """Its rounds see all that it is about."""
    stage.world.tamper(A)
    await stage.watch(2, lambda number: stage.world.differing.clear(), every=60, selection=PART)
    assert [round_.drift_since for round_ in stage.rounds] == [stage.rounds[0].started_at, None]


async def test_it_has_a_memory_of_its_own(stage: Stage) -> None:
    """That of a watch of the whole fleet stays as it is."""
    stage.world.tamper(HUB)
    await stage.watch(9, once=True, fix=True)
    before = stage.world.notes["watch.json"]
    for _ in range(4):
        stage.world.tamper(A)
        await stage.watch(9, once=True, fix=True, selection=PART)
    assert stage.rounds[-1].left_alone == (A,)
    assert stage.world.notes["watch.json"] == before
    assert stage.world.notes.keys() == {"watch.json", note_of(PART)}
    assert A in parse_memory(stage.world.notes[note_of(PART)]).suppression.left_alone


def test_the_order_of_flags_makes_no_other_part() -> None:
    """Nor are an account and a region of the same name one."""
    assert note_of(Selection(accounts=("a", "b"))) == note_of(Selection(accounts=("b", "a")))
    assert note_of(Selection(accounts=("a",))) != note_of(Selection(regions=("a",)))
    assert note_of(Selection()) == "watch.json"


@pytest.mark.parametrize("once", [True, False])
async def test_a_part_that_is_none(stage: Stage, once: bool) -> None:
    """It is found before anything is called."""
    with pytest.raises(SelectionError, match="nobody"):
        await stage.watch(1, every=60, once=once, selection=Selection(accounts=("nobody",)))
    assert stage.world.spread == []


def test_what_is_remembered_is_compared_by_what_it_says() -> None:
    """Not by where it lies."""
    assert Memory(kept=False) == Memory()
