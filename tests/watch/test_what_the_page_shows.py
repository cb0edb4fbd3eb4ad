"""What the page of a watch shows of its last rounds, to the word and to the pixel."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st
from msgspec import structs
from tests.support.watched import HUB, START, A, B, Stage

from fleet_repl.planning.plan import Mover, Objection
from fleet_repl.reports.html.marks import FAILED, Tone
from fleet_repl.reports.html.model import Fact, Problem
from fleet_repl.reports.html.watch_model import Bar, Plot, WatchPage
from fleet_repl.values.errors import InventoryError, Problem as InventoryProblem
from fleet_repl.watch.drift_plot import drift_plot
from fleet_repl.watch.recent_rounds import KEPT, RecentRounds, RoundCounts, RoundNote, WatchState
from fleet_repl.watch.round import Verdict
from fleet_repl.watch.status_page import watch_page


async def recent_of(stage: Stage, rounds: int = 1, **options: Any) -> RecentRounds:
    await stage.watch(rounds, every=60, **options)
    recent = RecentRounds()
    for round_ in stage.rounds:
        recent = recent.after(round_)
    return recent


def shown(recent: RecentRounds, *, writing: bool = False, stuck: bool = False) -> WatchPage:
    """The page 90 seconds after the last round."""
    end = recent.notes[-1].finished_at if recent.notes else START
    return watch_page(
        WatchState(
            fleet="prod",
            now=end + timedelta(seconds=90),
            recent=recent,
            writing=writing,
            stuck=stuck,
        )
    )


def facts(page: WatchPage) -> dict[str, str]:
    return {fact.term: fact.value for fact in page.facts}


def rows(page: WatchPage) -> dict[str, tuple[list[str], tuple[str, ...]]]:
    return {row.name: ([mark.word for mark in row.marks], row.reasons) for row in page.registries}


def numbers(page: WatchPage) -> dict[str, int]:
    return {tile.label: tile.number for tile in page.tiles}


def test_before_the_first_round() -> None:
    """It says so, and nothing else."""
    page = shown(RecentRounds())
    assert page == WatchPage(fleet="prod", status=page.status, sentence=page.sentence)
    assert page.status.word == "waiting"
    assert page.sentence == "No round has ended yet: the first one is under way."


async def test_a_round_that_only_looks(stage: Stage) -> None:
    """Registries that differ and cannot be read have their reasons."""
    stage.world.tamper(HUB)
    stage.world.unreadable.add(A)
    stage.world.joining.add(B)
    recent = await recent_of(stage)
    page = shown(recent)
    assert page.sentence == f"Round 1 of {recent.last.text if recent.last else ''}."
    assert page.status.word == "drift"
    assert numbers(page) == {
        "registries": 3,
        "drifted": 1,
        "corrected": 0,
        "failed": 1,
        "held": 0,
    }
    run = "run 20261122T080000Z-000000 at 2026-11-22T08:00:00Z"
    assert rows(page) == {
        "account 1": (["differs"], (f"somebody has changed it since {run} wrote it",)),
        "account 2": (["unreadable"], ("DescribeRegistry: not allowed",)),
        "account 3": (["joining"], ("DescribeRegistry: not allowed", "it joined 3 h ago")),
    }
    assert page.facts == (
        Fact(term="Ended", value="2026-11-23T08:00:01Z, 1 min 30 s ago"),
        Fact(term="Drift since", value="2026-11-23T08:00:00Z"),
        Fact(term="Corrects", value="no, it only looks"),
        Fact(term="Lock", value="not held by this watch"),
        Fact(term="Freeze", value="not looked for: only corrections meet it"),
        Fact(term="Run", value="20261123T080000Z-ab12cd"),
        Fact(term="Inventory", value="prod.toml"),
        Fact(term="Inventory digest", value=f"sha256:{'a' * 64}"),
    )
    assert (page.problems, page.plot, page.more, page.has_report) == ((), None, (), True)


async def test_a_round_that_corrects(stage: Stage) -> None:
    """What was corrected and what failed; the lock while a later round writes."""
    stage.world.tamper(HUB, A)
    stage.world.moved = {HUB: Mover.UNKNOWN, A: Mover.INVENTORY}
    stage.world.failing.add(A)
    page = shown(await recent_of(stage, fix=True), writing=True)
    assert numbers(page)["corrected"] == numbers(page)["failed"] == 1
    run = "run 20261122T080000Z-000000 at 2026-11-22T08:00:00Z"
    assert rows(page) == {
        "account 1": (["corrected"], ("no run has written it",)),
        "account 2": (
            [FAILED.word],
            ("PutRegistryPolicy: no", f"the inventory has changed since {run} wrote it"),
        ),
    }
    assert facts(page)["Lock"] == "held by this watch, which is writing"
    assert facts(page)["Freeze"] == "the last round met none"


async def test_a_registry_that_flaps_and_differs(stage: Stage) -> None:
    """The reason for leaving it alone stands there once."""

    def between(number: int) -> None:
        stage.world.tamper(HUB)

    stage.world.tamper(HUB)
    await stage.watch(4, between, every=60, fix=True)
    marks, reasons = rows(shown(RecentRounds().after(stage.rounds[-1])))["account 1"]
    assert marks == ["flaps", "differs"]
    assert [reason[:14] for reason in reasons] == [
        "left alone: co",
        "see in CloudTr",
        "somebody has c",
    ]


async def test_a_registry_that_flaps_and_a_registry_that_is_excluded(stage: Stage) -> None:
    """Both with the reason, also where the flapping registry is as wanted for now."""

    def between(number: int) -> None:
        if number < 3:
            stage.world.tamper(HUB)

    stage.world.tamper(HUB, A)
    stage.world.objected[A] = Objection(kind="foreign-rules", message="somebody else's rules")
    await stage.watch(4, between, every=60, fix=True)
    page = shown(RecentRounds().after(stage.rounds[-1]))
    alone = "left alone: corrected 3 times within 6 rounds, so someone else is writing too"
    marks, reasons = rows(page)[HUB.account]
    assert (marks, reasons[0]) == (["flaps"], alone)
    assert [reason[:14] for reason in reasons[1:]] == ["see in CloudTr"]
    marks, reasons = rows(page)["account 2"]
    assert marks == ["excluded", "differs"]
    assert reasons[0] == "foreign-rules: somebody else's rules"


@pytest.mark.parametrize(
    ("trouble", "term", "value", "tone"),
    [
        ("busy", "Lock", "the fleet is being written to: apply 20261123T075900Z-ffffff", Tone.HELD),
        ("frozen", "Freeze", "the fleet is frozen by ops: an incident", Tone.HELD),
    ],
)
async def test_who_holds_the_lock_or_froze_the_fleet(
    stage: Stage, trouble: str, term: str, value: str, tone: Tone
) -> None:
    """As far as the round met it."""
    stage.world.tamper(HUB)
    setattr(stage.world, trouble, True)
    page = shown(await recent_of(stage, fix=True))
    assert facts(page)[term] == value
    assert page.problems == (Problem(tone=tone, kind=trouble, title=value),)


async def test_a_round_without_a_plan(stage: Stage) -> None:
    """The error with its remedy, no numbers, and no report; the inventory's error beside it."""
    stage.world.no_identity = True
    recent = await recent_of(stage)
    page = shown(recent)
    assert page.problems == (
        Problem(
            tone=Tone.BAD, kind="broken", title="there are no credentials", remedy=("sign in",)
        ),
    )
    assert (page.tiles, page.has_report) == ((), False)
    assert [row.numbers for row in page.rounds] == [()]
    assert "Run" not in facts(page)


async def test_a_broken_inventory_and_objections(stage: Stage) -> None:
    """Each is a problem of its own; the error of a refused round only repeats the objections."""
    broken = InventoryError(
        [InventoryProblem(file="prod.toml", line=1, key="name", message="is missing")]
    )

    def between(number: int) -> None:
        stage.broken = broken
        stage.world.tamper(HUB)

    stage.world.objections = (Objection(kind="shrink", message="too many links would go"),)
    await stage.watch(2, between, every=60, fix=True)
    page = shown(RecentRounds().after(stage.rounds[-1]))
    assert page.status.word == "refused"
    assert [problem.kind for problem in page.problems] == ["inventory", "shrink"]
    assert page.problems[1].title == "too many links would go"


async def test_a_watch_that_is_stuck(stage: Stage) -> None:
    """The verdict of a round long ago does not hide it."""
    page = shown(await recent_of(stage), stuck=True)
    assert page.status.word == "stuck"
    assert [problem.kind for problem in page.problems] == ["stuck"]
    assert shown(RecentRounds(), stuck=True).status.word == "stuck"


async def test_only_the_last_rounds_are_kept(stage: Stage) -> None:
    """Fifty, as a few numbers; of the last alone the document and the result."""
    recent = await recent_of(stage, 60)
    assert [note.number for note in recent.notes] == list(range(11, 61))
    assert recent.result is stage.rounds[-1].plan
    assert [row.number for row in shown(recent).rounds] == list(range(60, 10, -1))
    assert all(sys.getsizeof(note) < 200 for note in recent.notes)


def noted(number: int, drifted: int | None, still: int = 0) -> RoundNote:
    counts = None
    if drifted is not None:
        counts = RoundCounts(
            drifted=drifted, still_differing=still, corrected=drifted - still, failed=0, held=0
        )
    at = START + timedelta(minutes=number)
    return RoundNote(
        number=number, verdict=Verdict.DRIFT, started_at=at, finished_at=at, counts=counts
    )


def test_the_plot_of_drift() -> None:
    """Four rounds: as wanted, 4 drifted of which 1 still differs, 2, and no plan."""
    notes = [noted(1, 0), noted(2, 4, 1), noted(3, 2, 2), noted(4, None)]
    second = "round 2, 2026-11-23T08:02:00Z: 4 drifted, 1 still differing"
    third = "round 3, 2026-11-23T08:03:00Z: 2 drifted, 2 still differing"
    fourth = "round 4, 2026-11-23T08:04:00Z: there was no plan"
    assert drift_plot(notes) == Plot(
        width=80,
        height=120,
        bar_width=15,
        bars=(
            Bar(x=20, y=90, height=30, tone=Tone.CHANGED, text=second),
            Bar(x=20, y=0, height=90, tone=Tone.ADDED, text=second),
            Bar(x=40, y=60, height=60, tone=Tone.CHANGED, text=third),
            Bar(x=60, y=114, height=6, tone=Tone.BAD, text=fourth),
        ),
        most="4 registries",
        first="2026-11-23T08:01:00Z",
        last="2026-11-23T08:04:00Z",
        text="Registries that differed in the last 4 rounds: 0 at the least, 4 at the most",
    )


@given(
    st.lists(
        st.none() | st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)),
        min_size=2,
        max_size=KEPT,
    )
)
def test_every_bar_is_within_the_plot(rounds: list[tuple[int, int] | None]) -> None:
    """And a round with drift has a bar, however few of how many."""
    notes = [
        noted(number, None if counts is None else max(counts), min(counts or (0,)))
        for number, counts in enumerate(rounds, 1)
    ]
    plot = drift_plot(notes)
    assert plot is not None
    for bar in plot.bars:
        assert 0 <= bar.x <= plot.width - plot.bar_width
        assert bar.height > 0
        assert 0 <= bar.y <= plot.height - bar.height
    drifting = [note for note in notes if note.counts is None or note.counts.drifted]
    assert len({bar.x for bar in plot.bars}) == len(drifting)


async def test_what_is_not_listed_is_counted(stage: Stage) -> None:
    """Of lists that the round's document cuts short."""
    stage.world.tamper(HUB)
    recent = await recent_of(stage)
    assert recent.last is not None
    last = structs.replace(recent.last, more_registries=1200, more_excluded=2, more_left_alone=1)
    cut = replace(recent, last=last)
    assert shown(cut).more == (
        "and 1,200 more that differ, failed, are joining or have links held",
        "and 2 more that are excluded",
        "and 1 more that flap",
    )
