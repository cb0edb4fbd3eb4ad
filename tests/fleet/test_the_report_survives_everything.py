"""After the first write the report is written and kept, whatever goes wrong around it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from unittest import mock

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import Outcome, Report, Status, open_history, to_json
from fleet_repl.aws import AwsRegistries
from fleet_repl.ecr.backfills import BackfillState
from fleet_repl.engine.changes import ChangeWriter
from fleet_repl.fleet import apply_run
from fleet_repl.fleet.backfill import Backfiller
from fleet_repl.reports.exit_codes import report_exit
from fleet_repl.state import RunRecords

ELSEWHERE = {"registryId": "9" * 12, "region": "mars-north-1"}
SECRET = "what an error's text may hold"


async def is_kept(aws: Simulated, report: Report) -> bool:
    """Whether the state has just this report of the last run."""
    async with open_history(aws.inventory, endpoint=aws.endpoint) as history:
        past = (await history.run("last", "prod")).report
    return past is not None and to_json(past) == to_json(report)


def following(text: str) -> str:
    """An inventory whose routes want backfills of new links."""
    return text.replace("[[routes]]", '[[routes]]\nbackfill = "new-links"')


@pytest.mark.parametrize("part", ["commit", "fingerprinted", "follow_up", "apply_plan"])
async def test_a_step_that_fails_unforeseen(part: str) -> None:
    """It is named in the report, without the text of the error; all other steps are made."""
    async with simulate(following(fleet_text("1>2 base/"))) as aws:
        with ExitStack() as stack:
            broken = mock.Mock(side_effect=KeyError(SECRET))
            match part:
                case "follow_up":
                    stack.enter_context(mock.patch.object(Backfiller, "follow_up", broken))
                case "apply_plan":
                    stack.enter_context(mock.patch.object(ChangeWriter, "name_ungranted", broken))
                case _:
                    stack.enter_context(mock.patch.object(apply_run, part, broken))
            report = await aws.applied()
        assert await is_kept(aws, report)
        assert SECRET not in str(report)
        if part == "apply_plan":
            assert report.status is Status.PARTIAL
            assert report.registries[0].outcome is Outcome.FAILED
            assert "unforeseen KeyError" in str(report.registries[0].error)
        else:
            assert [registry.outcome for registry in report.registries[:2]] == [Outcome.APPLIED] * 2
            (warning,) = (warning for warning in report.warnings if warning.kind == "not-recorded")
            assert "unforeseen KeyError" in warning.message
        assert report_exit(report) == (4 if part == "apply_plan" else 0)
        assert (await aws.applied()).status is Status.OK
        assert aws.links(1) == {"2 base/"}


async def test_a_report_that_cannot_be_kept_is_returned() -> None:
    """Whoever asked for the run has it; the state has the journal."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        with mock.patch.object(RunRecords, "finish", side_effect=ValueError(SECRET)):
            report = await aws.applied()
        assert report.status is Status.OK
        (warning,) = (warning for warning in report.warnings if warning.kind == "not-recorded")
        assert warning.message == (
            "the run's report could not be kept: unforeseen ValueError; its journal says what was "
            "done"
        )
        assert [warning.kind for warning in (await aws.applied()).warnings] == ["unfinished-run"]


async def test_a_backfill_of_an_unlisted_destination() -> None:
    """A start that answers for a registry nobody knows: named, left alone, and all is reported."""
    starts = AwsRegistries.start_backfill

    async def odd(self: Any, *args: Any) -> Any:
        return {**await starts(self, *args), "destination": ELSEWHERE}

    async with simulate(following(fleet_text("1>2 base/"))) as aws:
        with mock.patch.object(AwsRegistries, "start_backfill", odd):
            report = await aws.applied()
        assert await is_kept(aws, report)
        assert (report.status, report.count(Outcome.APPLIED)) == (Status.OK, 2)
        (backfill,) = report.backfills
        assert (backfill.destination, backfill.destination_name) == (aws.at(2), "000000000002")
        assert backfill.state is BackfillState.PREPARING


async def test_a_list_of_unlisted_destinations() -> None:
    """Everything that is listed goes elsewhere: waiting comes to an end, and says why."""
    lists = AwsRegistries.list_backfills

    async def odd(self: Any, *args: Any) -> Any:
        return tuple({**list_, "destination": ELSEWHERE} for list_ in await lists(self, *args))

    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        with mock.patch.object(AwsRegistries, "list_backfills", odd):
            async with aws.connected() as fleet:
                report = await fleet.backfill(wait=True)
        (backfill,) = report.backfills
        assert (report.status, backfill.state) == (Status.PARTIAL, BackfillState.UNKNOWN)
        assert backfill.because is not None
        assert "999999999999/mars-north-1" in backfill.because
