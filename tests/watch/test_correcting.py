"""`--fix` corrects what others change, under the same conditions as an apply."""

from __future__ import annotations

import pytest
from tests.support.watched import HUB, A, B, Stage

from fleet_repl.planning.attribution import Mover
from fleet_repl.planning.plan import Objection
from fleet_repl.topology import Selection
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import AccountId
from fleet_repl.watch import RoundContext, RoundOptions, run_round


async def test_without_fix_nothing_is_written(stage: Stage) -> None:
    """Drift is told of, and since when."""
    stage.world.tamper(HUB)
    await stage.watch(2, every=60)
    assert stage.verdicts == ["drift", "drift"]
    assert stage.world.writes == []
    assert {round_.drift_since for round_ in stage.rounds} == {stage.rounds[0].started_at}
    assert stage.lines("round-finished")[0] == (
        "round 1: prod: 3 registries: 1 differing, 2 as wanted (1.0 s)"
    )


async def test_ten_rounds_with_tampering_correct_each(stage: Stage) -> None:
    """Turn by turn another registry; none of them flaps."""
    stage.world.tamper(HUB)
    await stage.watch(
        10, lambda number: stage.world.tamper((HUB, A, B)[number % 3]), every=60, fix=True
    )
    assert stage.verdicts == ["corrected"] * 10
    assert len(stage.world.writes) == 10
    assert stage.rounds[-1].drift_since is None


async def test_the_flapper_is_left_alone_and_the_others_are_not(stage: Stage) -> None:
    """Three corrections, and from then on it is only told of; B is corrected all the same."""

    def tamper(number: int) -> None:
        stage.world.tamper(HUB)
        if number == 5:
            stage.world.tamper(B)

    stage.world.tamper(HUB)
    await stage.watch(10, tamper, every=60, fix=True)
    assert stage.world.writes == [HUB, HUB, HUB, B]
    assert stage.verdicts == ["corrected"] * 3 + ["partial"] * 7
    assert stage.rounds[-1].left_alone == (HUB,)
    assert stage.rounds[-1].exit_code is ExitCode.PARTIAL
    (line,) = stage.lines("left-alone")
    assert line == (
        "111111111111/eu-west-1 is left alone from now on: corrected 3 times within 6 rounds, so "
        "someone else is writing too"
    )
    plan = stage.rounds[-1].plan
    assert plan is not None
    (fault,) = {planned.error for planned in plan.registries if planned.error}
    assert str(fault) == (
        "PutReplicationConfiguration: conflict: left alone: corrected 3 times within 6 rounds, so "
        "someone else is writing too"
    )
    report = stage.rounds[5].report
    assert report is not None
    assert [registry.outcome for registry in report.registries] == [
        "failed",
        "unchanged",
        "applied",
    ]
    assert A not in stage.world.writes


async def test_where_only_flappers_differ_no_run_is_made(stage: Stage) -> None:
    """The lock is not taken for a run that could write nothing."""
    stage.world.tamper(HUB)
    await stage.watch(4, lambda number: stage.world.tamper(HUB), every=60, fix=True)
    assert stage.rounds[-1].report is None
    assert stage.rounds[-1].verdict == "partial"


async def test_a_flapper_comes_back_after_six_rounds_as_wanted(stage: Stage) -> None:
    """Somebody has put it right, and nobody writes it any more."""

    def between(number: int) -> None:
        if number < 4:
            stage.world.tamper(HUB)
        elif number == 4:
            stage.world.differing.clear()
        elif number == 10:
            stage.world.tamper(HUB)

    stage.world.tamper(HUB)
    await stage.watch(11, between, every=60, fix=True)
    assert stage.verdicts[3:] == ["partial", *["in-sync"] * 6, "corrected"]
    assert stage.lines("left-alone-no-more") == ["111111111111/eu-west-1 is no longer left alone"]


@pytest.mark.parametrize("mover", [Mover.INVENTORY, Mover.UNKNOWN])
async def test_what_nobody_has_undone_is_no_flapping(stage: Stage, mover: Mover) -> None:
    """The operator wants something else each time, or the registry was never written."""
    stage.world.moved[HUB] = mover
    stage.world.tamper(HUB)
    await stage.watch(6, lambda number: stage.world.tamper(HUB), every=60, fix=True)
    assert stage.verdicts == ["corrected"] * 6


async def test_restarts_do_not_forget(stage: Stage) -> None:
    """Under cron each round is a process of its own."""
    for _ in range(4):
        stage.world.tamper(HUB)
        await stage.watch(9, once=True, fix=True)
    assert stage.verdicts == ["corrected"] * 3 + ["partial"]
    assert stage.rounds[3].left_alone == (HUB,)


async def test_what_is_remembered_is_written_when_it_changes(stage: Stage) -> None:
    """A fleet in sync leaves nothing behind."""
    await stage.watch(3, every=60, fix=True)
    assert stage.world.note_writes == 0


async def test_a_damaged_memory_is_begun_anew(stage: Stage) -> None:
    """It is told, and the round goes on."""
    stage.world.notes["watch.json"] = b'{"schema": "fleet-repl/watch/1", "recent": 7}'
    stage.world.tamper(HUB)
    assert await stage.watch(9, once=True, fix=True) is ExitCode.OK
    (line,) = stage.lines("memory-damaged")
    assert line.startswith(
        "what watches remembered cannot be used, and is begun anew: watch.json: recent: "
    )
    assert b'"recent":{"111111111111/eu-west-1":"c"}' in stage.world.notes["watch.json"]


async def test_objections_are_left_to_a_person(stage: Stage) -> None:
    """A watch never forces: nothing is written, and the reason is told."""
    stage.world.tamper(HUB)
    stage.world.objections = (Objection(kind="max-removals", message="too many links would go"),)
    assert await stage.watch(9, once=True, fix=True) is ExitCode.REFUSED
    assert stage.world.writes == []
    assert stage.lines("round-finished") == [
        "round 1: prod: 1 of 3 registries differs; refused: max-removals (1.0 s)"
    ]


async def test_a_busy_fleet_is_sat_out(stage: Stage) -> None:
    """Another run writes: that is no error, and the next round corrects what is left."""
    stage.world.tamper(HUB)
    stage.world.busy = True

    def over(number: int) -> None:
        stage.world.busy = False

    assert await stage.watch(2, over, every=60, fix=True) is ExitCode.OK
    assert stage.verdicts == ["busy", "corrected"]
    assert stage.rounds[0].exit_code is ExitCode.PENDING
    assert stage.lines("round-finished")[0] == (
        "round 1: prod: 1 of 3 registries differs; sat out: the fleet is being written to: "
        "apply 20261123T075900Z-ffffff (1.0 s)"
    )


async def test_a_frozen_fleet_is_looked_at_only(stage: Stage) -> None:
    """It is told who froze it, and nothing is written."""
    stage.world.tamper(HUB)
    stage.world.frozen = True
    assert await stage.watch(9, once=True, fix=True) is ExitCode.REFUSED
    assert stage.verdicts == ["frozen"]
    assert stage.rounds[0].error == "the fleet is frozen by ops: an incident"
    assert stage.world.writes == []


async def test_a_state_that_cannot_be_used_breaks_the_round_only(stage: Stage) -> None:
    """The watch goes on, and corrects once the state is there."""
    stage.world.tamper(HUB)
    stage.world.no_state = True

    def mend(number: int) -> None:
        stage.world.no_state = False

    await stage.watch(2, mend, every=60, fix=True)
    assert stage.verdicts == ["broken", "corrected"]
    assert stage.rounds[0].exit_code is ExitCode.ERROR
    assert stage.rounds[0].run_id is not None
    assert stage.lines("round-finished")[0] == (
        "round 1: prod: no plan: the state cannot be used: no such bucket (0.0 s)"
    )


async def test_a_look_at_one_registry_says_nothing_of_the_others(stage: Stage) -> None:
    """As an event about one registry asks for: the drift of others is still there."""
    stage.world.tamper(HUB)
    around = RoundContext(connect=stage.world.connect, log=stage.logged.append, clock=stage.clock)
    _, memory = await run_round(RoundOptions(), stage.inventory, around)
    asked = RoundOptions(selection=Selection(accounts=(AccountId(A.account),)), fix=True)
    round_, after = await run_round(asked, stage.inventory, around)
    assert round_.verdict == "in-sync"
    assert round_.counts == {"unchanged": 1}
    assert after == memory
    assert after.drift_since is not None
