"""Which version of an inventory counts as taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.support.rollbacks import Simulation

from fleet_repl.runs.history import RolledBack
from fleet_repl.runs.rollback import origin, remarked

IDS = tuple(f"20261123T12000{number}Z-abcdef" for number in range(5))


@pytest.fixture
def chain(simulation: Simulation) -> tuple[Any, ...]:
    """A run, a rollback of it, a rollback of that, and so on."""
    return tuple(
        simulation.meta_of(run_id, rolls_back=before, digest=f"sha256:{number}")
        for number, (before, run_id) in enumerate(zip((None, *IDS), IDS, strict=False))
    )


def test_every_run_goes_back_to_one_of_the_inventory(chain: tuple[Any, ...]) -> None:
    """However often it was rolled back and forth; what it leaves changes each time."""
    runs = {item.run_id: item for item in chain}
    for depth, run in enumerate(chain):
        first = origin(run, runs)
        assert first is not None
        assert (first.run, first.depth, first.in_force) == (chain[0], depth, depth % 2 == 0)


def test_a_mark_is_set_and_lifted_in_turn(simulation: Simulation, chain: tuple[Any, ...]) -> None:
    """It always is of the version that the first run applied."""
    runs = {item.run_id: item for item in chain}
    marks: tuple[RolledBack, ...] = ()
    for number, (run, by) in enumerate(zip(chain, IDS[1:], strict=False)):
        at = simulation.noon + timedelta(hours=number)
        marks = remarked(marks, run, runs, by=by, at=at)
        mark = RolledBack(inventory="sha256:0", run_id=IDS[0], by=by, at=at)
        assert marks == ((mark,) if number % 2 == 0 else ())


def test_marks_of_other_versions_and_by_other_runs_stay(
    simulation: Simulation, chain: tuple[Any, ...]
) -> None:
    """Taking one rollback back does not lift what another one has marked."""
    runs = {item.run_id: item for item in chain}
    other = RolledBack(inventory="sha256:9", run_id="x", by="y", at=simulation.noon)
    marks = remarked((other,), chain[0], runs, by="another", at=simulation.noon)
    assert [mark.by for mark in marks] == ["y", "another"]
    assert remarked(marks, chain[1], runs, by=IDS[2], at=simulation.noon) == marks


def test_a_run_whose_origin_is_forgotten_changes_no_mark(
    simulation: Simulation, chain: tuple[Any, ...]
) -> None:
    """Nor does a chain that leads nowhere."""
    other = RolledBack(inventory="sha256:9", run_id="x", by="y", at=simulation.noon)
    runs = {item.run_id: item for item in chain[1:]}
    assert origin(chain[2], runs) is None
    assert remarked((other,), chain[1], runs, by=IDS[2], at=simulation.noon) == (other,)
    loop = simulation.meta_of("a", rolls_back="b"), simulation.meta_of("b", rolls_back="a")
    assert origin(loop[0], {item.run_id: item for item in loop}) is None
