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

from fleet_repl.planning.attribution import Mover
from fleet_repl.planning.plan import Objection
from fleet_repl.reports.html.marks import FAILED, Tone
from fleet_repl.reports.html.model import Fact, Problem
from fleet_repl.reports.html.watch_model import Bar, Plot, WatchPage
from fleet_repl.runs.history import Freeze, Holder, Purpose
from fleet_repl.state import LockAndFreeze
from fleet_repl.state.lock_rules import LockDocument, SeenLock
from fleet_repl.values.errors import InventoryError, Problem as InventoryProblem
from fleet_repl.watch.drift_plot import drift_plot
from fleet_repl.watch.recent_rounds import KEPT, RecentRounds, RoundCounts, RoundNote, WatchState
from fleet_repl.watch.round import Verdict
from fleet_repl.watch.status_page import watch_page


async def recent_of(stage: Stage, rounds: int = 1, **options: Any) -> RecentRounds:
    await stage.watch(rounds, every=60, listen=":0", **options)
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
        Fact(term="Lock", value="nobody holds it"),
        Fact(term="Freeze", value="there is none"),
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
    assert facts(page)["Lock"] == "this watch holds it and writes"
    assert facts(page)["Freeze"] == "there is none"


async def test_drift_of_repositories_is_not_put_down_to_the_inventory(stage: Stage) -> None:
    """A route by name needs other prefixes, though nobody has touched the file."""
    stage.world.tamper(HUB)
    stage.world.moved = {HUB: Mover.INVENTORY}
    stage.world.by_repositories = {HUB}
    run = "run 20261122T080000Z-000000 at 2026-11-22T08:00:00Z"
    reason = f"its routes need other prefixes: repositories have changed since {run} wrote it"
    assert rows(shown(await recent_of(stage)))["account 1"] == (["differs"], (reason,))


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
    ("trouble", "value"),
    [
        ("busy", "the fleet is being written to: apply 20261123T075900Z-ffffff"),
        ("frozen", "the fleet is frozen by ops: an incident"),
    ],
)
async def test_who_kept_a_round_from_correcting(stage: Stage, trouble: str, value: str) -> None:
    """By the refusal that the round met."""
    stage.world.tamper(HUB)
    setattr(stage.world, trouble, True)
    page = shown(await recent_of(stage, fix=True))
    assert page.problems == (Problem(tone=Tone.HELD, kind=trouble, title=value),)


LOCK = SeenLock(
    document=LockDocument(fleet="prod", holder=None, taken_at=START, renewed_at=START),
    holder=Holder(
        run_id="20261123T075900Z-ffffff",
        purpose=Purpose.APPLY,
        user="anna",
        host="ci-1",
        pid=42,
        process="",
    ),
    age=3,
    version="1",
)


@pytest.mark.parametrize("options", [{}, {"fix": True}])
async def test_who_holds_the_lock_and_who_froze_the_fleet(
    stage: Stage, options: dict[str, bool]
) -> None:
    """As the state says when a round ends, whether or not the round had anything to correct."""
    freeze = Freeze(who="ops", why="an incident", since=START)
    stage.world.lock_and_freeze = LockAndFreeze(lock=LOCK, freeze=freeze)
    page = shown(await recent_of(stage, **options))
    assert facts(page)["Lock"] == (
        "apply 20261123T075900Z-ffffff of anna@ci-1 (process 42) holds the lock of fleet prod "
        "since 2026-11-23T08:00:00Z; last sign of life 3 s ago; it ends at 2026-11-23T08:01:03Z "
        "unless it is renewed"
    )
    assert facts(page)["Freeze"] == "by ops since 2026-11-23T08:00:00Z: an incident"


async def test_a_lock_that_cannot_be_read_is_unknown(stage: Stage) -> None:
    """It is not taken for a lock that nobody holds, nor is that of a round before."""
    stage.world.read_only = True
    page = shown(await recent_of(stage))
    assert (
        facts(page)["Lock"] == facts(page)["Freeze"] == "unknown: the lock cannot be read: denied"
    )
    assert page.status.word == "in-sync"


async def test_the_lock_is_unknown_after_a_round_without_a_connection(stage: Stage) -> None:
    """The lock that the round before has seen says nothing any more."""

    def between(number: int) -> None:
        stage.world.no_identity = True

    await stage.watch(2, between, every=60, listen=":0")
    recent = RecentRounds().after(stage.rounds[0])
    assert facts(shown(recent))["Lock"] == "nobody holds it"
    page = shown(recent.after(stage.rounds[1]))
    unknown = "unknown: the last round did not get to read it"
    assert facts(page)["Lock"] == facts(page)["Freeze"] == unknown


@pytest.mark.parametrize("listen", [None, ":0"])
async def test_who_need_not_know_does_not_look_at_the_lock(
    stage: Stage, listen: str | None
) -> None:
    """A watch without a page, and a round that is being stopped."""
    if listen is not None:
        stage.world.while_planning = stage.stop.set
    await stage.watch(1, every=60, listen=listen)
    assert stage.rounds[0].lock_and_freeze is None


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
