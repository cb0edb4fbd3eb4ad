"""`doctor` looks at the queue of deliveries, and receives no message from it."""

from __future__ import annotations

from typing import Final

import pytest
from tests.support.inventories import fleet_text
from tests.support.simulated import Simulated, simulate

from fleet_repl import DoctorReport, FleetError
from fleet_repl.reports.exit_codes import doctor_exit
from fleet_repl.reports.text.doctor import doctor_text
from fleet_repl.sandbox import AccountScenario, Scenario
from fleet_repl.sandbox.scenario_contents import QueueScenario
from fleet_repl.values.exit_code import ExitCode

BASE: Final = "999999999999"
URL: Final = f"https://sqs.eu-west-1.amazonaws.com/{BASE}/deliveries"
QUEUE: Final = QueueScenario(
    account=BASE, region="eu-west-1", name="deliveries", messages=("a", "b")
)


async def examined(aws: Simulated, url: str = URL) -> DoctorReport:
    async with aws.connected(purpose=None) as fleet:
        return await fleet.doctor(deliveries=url)


async def test_a_queue_is_looked_at() -> None:
    """How many messages wait is a note; none is received, so none is hidden from the watch."""
    async with simulate(fleet_text("1>2 base/"), Scenario(queues=(QUEUE,))) as aws:
        report = await examined(aws)
        assert (report.problems, doctor_exit(report)) == ((), ExitCode.OK)
        note = (
            "about 2 messages in the queue of deliveries; whether it may be read cannot be known "
            "without receiving one"
        )
        assert note in report.notes
        assert note in " ".join(doctor_text(report).split())
        assert [name for name in aws.world.calls if "Message" in name] == []
        queue = aws.world.queues.at(URL, aws.at(1).region)
        assert len(queue.visible()) == 2


@pytest.mark.parametrize(
    ("scenario", "because", "remedy"),
    [
        (
            Scenario(
                queues=(QUEUE,),
                accounts=(AccountScenario(id=BASE, denied_actions=("sqs:GetQueueAttributes",)),),
            ),
            "access-denied on GetQueueAttributes: ",
            '"Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes"]',
        ),
        (Scenario(), "invalid on GetQueueAttributes: ", "correct --deliveries: "),
    ],
)
async def test_a_queue_that_cannot_be_looked_at_is_a_problem(
    scenario: Scenario, because: str, remedy: str
) -> None:
    """With its remedy, and exit code 4; accounts are examined all the same."""
    async with simulate(fleet_text("1>2 base/"), scenario) as aws:
        report = await examined(aws)
    (problem,) = report.problems
    assert problem.kind == "queue"
    assert problem.message.startswith(f"the queue of deliveries cannot be looked at: {because}")
    assert remedy in problem.remedy
    assert ("a policy of the base identity" in problem.remedy) is because.startswith("access")
    assert doctor_exit(report) is ExitCode.PARTIAL
    assert len(report.registries) == 4


async def test_a_queue_of_another_account() -> None:
    """It is asked by the base identity all the same."""
    other = "000000000004"
    queue = QUEUE.model_copy(update={"account": other})
    async with simulate(fleet_text("1>2 base/"), Scenario(queues=(queue,))) as aws:
        report = await examined(aws, URL.replace(BASE, other))
    assert report.problems == ()
    assert any(note.startswith("about 2 messages in the queue") for note in report.notes)


async def test_what_is_no_queue_is_refused() -> None:
    """Before anything is examined."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        with pytest.raises(FleetError, match="is no URL of an SQS queue"):
            await examined(aws, "https://example.com/")
        assert not aws.world.calls["DescribeRegistry"]
