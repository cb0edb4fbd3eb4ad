"""Runs that are stopped: nothing new starts, what is in flight finishes, all is named."""

from __future__ import annotations

import anyio
import pytest
from tests.support.simulated import simulate

from fleet_repl import Event, Fleet, Interrupted, Outcome, RegistryRead, Status, WriteStarted
from fleet_repl.reports.exit_codes import report_exit

FLEET = """
version = 1
name = "stop"
[aws]
role = "fleet"
regions = ["eu-west-1"]
[apply]
concurrency = 2
{settings}
{accounts}
[[routes]]
name = "mesh"
from = {{}}
to = {{}}
prefixes = ["base/"]
""".format(
    settings="{settings}",
    accounts="\n".join(f'[[accounts]]\nid = "{number:012}"' for number in range(1, 9)),
)


def fleet_text(settings: str = "") -> str:
    return FLEET.replace("{settings}", settings)


async def test_stopping_an_apply_finishes_what_is_in_flight() -> None:
    """The writes that had begun are applied and read back, the others are cancelled by name."""
    async with simulate(fleet_text()) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        started = []

        def stop_at_third(event: Event) -> None:
            if isinstance(event, WriteStarted):
                started.append(event.registry)
                if len(started) == 3:
                    fleet.stop()

        report = await fleet.apply(plan, on_event=stop_at_third)
        assert report.status is Status.INTERRUPTED
        assert report_exit(report) == 130
        assert len(report.registries) == 8
        outcomes = {registry.registry: registry for registry in report.registries}
        written = [registry for registry, _ in aws.world.writes]
        assert 2 <= len(written) <= 3
        for registry, outcome in outcomes.items():
            begun = registry in written
            assert outcome.outcome is (Outcome.PARTIAL if begun else Outcome.CANCELLED)
            assert outcome.because == "interrupted before it was started"
            applied = [change for change in outcome.changes if change.outcome is Outcome.APPLIED]
            assert len(applied) == written.count(registry)
        assert report.writes.applied == len(written)
        assert report.writes.applied + report.writes.cancelled == report.writes.total
        report = await aws.applied()
        assert report.status is Status.OK


async def test_stopping_a_plan_leaves_every_registry_cancelled() -> None:
    """Nothing was written; the report still names every registry."""
    fleets: list[Fleet] = []

    def stop_at_first(event: Event) -> None:
        if isinstance(event, RegistryRead):
            fleets[0].stop()

    async with simulate(fleet_text()) as aws, aws.connected(stop_at_first) as fleet:
        fleets.append(fleet)
        with pytest.raises(Interrupted):
            await fleet.plan()
        report = fleet.interrupted()
        assert (report.status, len(report.registries)) == (Status.INTERRUPTED, 8)
        assert {registry.outcome for registry in report.registries} == {Outcome.CANCELLED}
        assert aws.world.writes == []


async def test_a_deadline_that_passes_skips_the_rest() -> None:
    """Retries do not reach past the deadline, and what was not started says why."""
    async with simulate(fleet_text('deadline = "60s"')) as aws, aws.connected() as fleet:
        plan = await fleet.plan()

        def late(event: Event) -> None:
            if isinstance(event, WriteStarted):
                aws.clock.seconds += 61

        report = await fleet.apply(plan, on_event=late)
        assert report.status is not Status.OK
        assert report_exit(report) == 4
        assert Outcome.SKIPPED in {registry.outcome for registry in report.registries}
        assert {
            registry.because
            for registry in report.registries
            if registry.outcome is Outcome.SKIPPED
        } == {"the run's deadline of 60 s had passed"}


async def test_cancellation_escapes() -> None:
    """A caller that gives up gets its scope back at once; nothing is turned into a value."""
    async with simulate(fleet_text()) as aws, aws.connected() as fleet:
        plan = await fleet.plan()
        with anyio.CancelScope() as scope:

            def cancel(event: Event) -> None:
                if isinstance(event, WriteStarted):
                    scope.cancel()

            await fleet.apply(plan, on_event=cancel)
            pytest.fail("apply returned although its scope was cancelled")
        assert scope.cancelled_caught
