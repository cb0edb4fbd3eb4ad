"""Registries that whoever asks for a plan wants left alone: shown, not written, in nobody's way."""

from __future__ import annotations

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate

from fleet_repl import Fault, FaultKind, Outcome, PlanError, Status

ALONE = Fault(kind=FaultKind.CONFLICT, operation="watch", message="somebody else writes it")


async def test_they_do_not_stop_later_waves() -> None:
    """A canary that is left alone has not failed: everything else is corrected."""
    text = fleet_text("1>2 base/", "3>4 base/", waves={"canary": ("1",)})
    async with simulate(text) as aws:
        await aws.applied()
        for number in (1, 3):
            aws.world.set_replication(aws.at(number), {"rules": []})
        async with aws.connected() as fleet:
            plan = await fleet.plan(spare={aws.at(1): ALONE})
            report = await fleet.apply(plan)
        assert (aws.links(1), aws.links(3)) == (set(), {"4 base/"})
    spared, *others = report.registries
    assert (spared.outcome, spared.error and spared.error.message) == (
        Outcome.FAILED,
        "somebody else writes it",
    )
    assert spared.error is not None
    assert spared.error.operation == "PutReplicationConfiguration"
    assert {other.outcome for other in others} == {Outcome.APPLIED, Outcome.UNCHANGED}
    assert report.status is Status.PARTIAL


async def test_what_is_on_record_elsewhere_stays() -> None:
    """A plan that was made before another version was applied and taken out again knows nothing
    of what that version made: it is refused, and nothing is forgotten."""
    additive = '[ownership]\nrules = "additive"\n'
    async with simulate(fleet_text("1>2 base/", more=additive)) as aws:
        early = await aws.planned()
        assert (
            await aws.applied(fleet_text("1>2 base/", "3>4 team/", more=additive))
        ).status is Status.OK
        aws.rewrite(fleet_text("1>2 base/", more=additive))
        async with aws.connected() as fleet:
            with pytest.raises(PlanError, match="the plan is stale"):
                await fleet.apply(early)
        report = await aws.applied()
        assert report.status is Status.OK
        assert (aws.links(1), aws.links(3)) == ({"2 base/"}, set())
