"""Sequences are drawn from their seed alone, and everything that can happen is drawn at times."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.sequences.generation import EDITS, Edit, Rewritten, Run, Step, Together, sequence_of
from tests.sequences.texts import inventory_text

from fleet_repl import load_inventory

SEEDS = range(300)


def runs(step: Step) -> Iterator[Run]:
    match step:
        case Run():
            yield step
        case Together(runs=both):
            yield from both


def test_a_seed_is_a_sequence() -> None:
    """The same one each time, and another seed another one."""
    assert sequence_of(7) == sequence_of(7)
    assert sequence_of(7).steps != sequence_of(8).steps


def test_everything_happens() -> None:
    """Within the sequences of one evening: each kind of run and edit, and each trouble."""
    steps = [step for seed in SEEDS for step in sequence_of(seed).steps]
    drawn_runs = [run for step in steps for run in runs(step)]
    assert {warning.kind for warning in drawn_runs} == {
        "apply",
        "keep",
        "kept",
        "watch",
        "rollback",
    }
    between = {step.kind for step in steps if isinstance(step, Edit)}
    during = {edit.kind for item in drawn_runs for _, edit in item.trouble.edits}
    assert between == set(EDITS)
    assert during == {*EDITS, "last-read"}
    for trouble in ("faults", "lag_ms", "state_ms", "denied", "killed", "stopped", "overtaken"):
        assert any(getattr(item.trouble, trouble) for item in drawn_runs), trouble
    assert any(item.force for item in drawn_runs)
    assert any(item.accounts for item in drawn_runs)


def test_no_two_edits_are_alike() -> None:
    """ECR takes no two statements of one Sid, so what is added has a number of its own."""
    for seed in SEEDS:
        steps = sequence_of(seed).steps
        during = [edit for step in steps for run in runs(step) for _, edit in run.trouble.edits]
        numbers = [item.number for item in (*during, *(s for s in steps if isinstance(s, Edit)))]
        assert len(numbers) == len(set(numbers))


def test_every_inventory_is_good(tmp_path: Path) -> None:
    """Those that a sequence begins with, and those that come later."""
    path = tmp_path / "fleet.toml"
    for seed in SEEDS[:60]:
        story = sequence_of(seed)
        texts = [
            *story.fleets,
            *(step.text for step in story.steps if isinstance(step, Rewritten)),
        ]
        for text in texts:
            path.write_text(inventory_text(text))
            assert load_inventory(path, environ={}).name == text.name
