"""Whatever fell short in a round shows in its verdict, its exit code and its notification."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.watched import HUB, A, B, Stage

from fleet_repl.values.exit_code import ExitCode
from fleet_repl.watch import headline, round_document
from fleet_repl.watch.news import trouble


@pytest.mark.parametrize("fix", [False, True])
async def test_a_registry_that_cannot_be_read(stage: Stage, *, fix: bool) -> None:
    """Everything else is as wanted, and yet the round is not in sync."""
    stage.world.unreadable.add(A)
    code = await stage.watch(9, once=True, fix=fix)
    (round_,) = stage.rounds
    assert (round_.verdict, code) == ("partial", ExitCode.PARTIAL)
    assert [plan.registry for plan, _ in round_.failing] == [A]
    assert trouble(round_) is not None


@pytest.mark.parametrize("fix", [False, True])
async def test_none_can_be_read(stage: Stage, *, fix: bool) -> None:
    """Nothing is known of the fleet: that is no drift and no part."""
    stage.world.unreadable.update((HUB, A, B))
    await stage.watch(9, once=True, fix=fix)
    (round_,) = stage.rounds
    assert round_.verdict == "failed"
    assert len(round_.failing) == 3


@pytest.mark.parametrize("fix", [False, True])
async def test_a_discovery_that_is_refused(stage: Stage, *, fix: bool) -> None:
    """There is no plan, and the exit code is that of a command that is refused."""
    stage.world.lost = True
    code = await stage.watch(9, once=True, fix=fix)
    (round_,) = stage.rounds
    assert (round_.verdict, code) == ("broken", ExitCode.REFUSED)
    assert round_.error == "the discovery of fleet prod is refused: 3 accounts are gone"


@pytest.mark.parametrize("fix", [False, True])
async def test_an_account_that_is_joining(stage: Stage, *, fix: bool) -> None:
    """The round is in sync, says how many are joining, and notifies nobody."""
    stage.world.joining.add(A)
    code = await stage.watch(9, once=True, fix=fix)
    (round_,) = stage.rounds
    assert (round_.verdict, code) == ("in-sync", ExitCode.OK)
    assert trouble(round_) is None
    document: Any = round_document(round_)
    assert document["text"] == "prod: in sync, 3 registries; 1 registry joining"
    assert document["summary"]["joining"] == 1
    (joining,) = document["registries"]
    assert (joining["account"], joining["because"]) == (A.account, "it joined 3 h ago")


async def test_drift_beside_an_account_that_is_joining(stage: Stage) -> None:
    """The drift is corrected, and nothing is partial."""
    stage.world.joining.add(A)
    stage.world.tamper(HUB)
    code = await stage.watch(9, once=True, fix=True)
    (round_,) = stage.rounds
    assert (round_.verdict, code) == ("corrected", ExitCode.OK)
    assert headline(round_) == (
        "prod: 3 registries: 1 corrected, 1 unreadable, 1 as wanted; 1 registry joining"
    )


async def test_drift_beside_a_registry_that_cannot_be_read(stage: Stage) -> None:
    """Without `--fix` it is drift, by an exit code that says that not all was read."""
    stage.world.tamper(HUB)
    stage.world.unreadable.add(A)
    code = await stage.watch(9, once=True)
    (round_,) = stage.rounds
    assert (round_.verdict, code) == ("drift", ExitCode.PARTIAL)
    assert [plan.registry for plan, _ in round_.failing] == [A]


async def test_a_correction_that_failed(stage: Stage) -> None:
    """The others were corrected; the one that failed still differs, and is told of by name."""
    stage.world.tamper(HUB, A)
    stage.world.failing.add(A)
    stage.world.unreadable.add(B)
    code = await stage.watch(9, once=True, fix=True)
    (round_,) = stage.rounds
    assert (round_.verdict, code) == ("partial", ExitCode.PARTIAL)
    assert [plan.registry for plan, _ in round_.failing] == [A, B]
    assert [plan.registry for plan in round_.differing] == [A]
    assert round_.counts == {"applied": 1, "failed": 1, "unreadable": 1}
    assert round_.drift_since is not None


async def test_other_failures_are_other_trouble(stage: Stage) -> None:
    """Which registries fail is a part of what is told: a new one is news."""
    troubles = []
    for failing in ((HUB,), (HUB, A), (A,)):
        stage.world.unreadable = set(failing)
        await stage.watch(9, once=True)
        troubles.append(trouble(stage.rounds[-1]))
    assert len(set(troubles)) == 3
