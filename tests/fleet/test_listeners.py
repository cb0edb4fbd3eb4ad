"""Event sinks that fail, plans of other fleets, and refusals as events."""

from __future__ import annotations

import logging

import pytest
from tests.support.simulated import simulate

from fleet_repl import (
    Event,
    Outcome,
    PlanError,
    RegistryFinished,
    RunFinished,
    Status,
    WriteStarted,
)

FLEET = """
version = 1
name = "listen"
[aws]
role = "fleet"
regions = ["eu-west-1", "eu-west-2"]
[[accounts]]
id = "111111111111"
[[routes]]
name = "dr"
from = { regions = ["eu-west-1"] }
to = { same_account = true, regions = ["eu-west-2"] }
"""


async def test_a_listener_that_raises_does_not_end_the_run(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is told once and gets no more events; the report is complete."""
    heard: list[Event] = []

    def listener(event: Event) -> None:
        heard.append(event)
        if isinstance(event, WriteStarted):
            raise OSError("the listener's own trouble")

    async with simulate(FLEET) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        with caplog.at_level(logging.ERROR, logger="fleet_repl"):
            report = await fleet.apply(plan, on_event=listener)
    assert report.status is Status.OK
    assert isinstance(heard[-1], WriteStarted)
    assert [record.getMessage() for record in caplog.records if record.name == "fleet_repl"] == [
        "an event sink failed; it gets no more events"
    ]


async def test_a_plan_of_another_inventory_is_not_applied() -> None:
    """It would be carried out with the wrong idea of what is ours."""
    async with simulate(FLEET) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        async with simulate(FLEET.replace('"listen"', '"other"')) as other:
            async with other.connected() as other_fleet:
                with pytest.raises(PlanError, match="made from another inventory"):
                    await other_fleet.apply(plan)
            assert other.world.writes == []


async def test_a_refused_plan_is_reported_to_listeners() -> None:
    """Every registry is finished as skipped or unchanged, and the run with its report."""
    stray = {"rules": [{"destinations": [{"region": "us-east-1", "registryId": "1" * 12}]}]}
    heard: list[Event] = []
    async with simulate(FLEET) as aws, aws.connected() as fleet:
        registry = (await fleet.plan()).registries[0].registry
        aws.world.set_replication(registry, stray)
        report = await fleet.apply(await fleet.plan(), on_event=heard.append)
    assert report.status is Status.REFUSED
    outcomes = [event.outcome.outcome for event in heard if isinstance(event, RegistryFinished)]
    assert outcomes == [Outcome.SKIPPED, Outcome.UNCHANGED]
    assert heard[-1] == RunFinished(report=report)
