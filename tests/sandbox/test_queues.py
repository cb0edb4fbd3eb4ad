"""SQS: messages come at least once, and copies of pushed images are reported into queues."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError
from tests.support.served import CUSTOMER, EAST, HUB, SPOKE, WEST

from fleet_repl.sandbox import Scenario
from fleet_repl.sandbox.scenario import AccountScenario, FaultRule, Mishap
from fleet_repl.sandbox.scenario_contents import QueueScenario
from fleet_repl.values.names import Registry

if TYPE_CHECKING:
    from tests.support.served import Serve, Served

BASE: Final = "999999999999"
URL: Final = f"https://sqs.{WEST}.amazonaws.com/{BASE}/deliveries"
SOURCE: Final = Registry(HUB, EAST)


def queue(**values: Any) -> QueueScenario:
    return QueueScenario(account=BASE, region=WEST, name="deliveries", **values)


async def received(aws: Served, **how: Any) -> list[Any]:
    async with aws.client("sqs", region=WEST) as sqs:
        return list((await sqs.receive_message(QueueUrl=URL, **how)).get("Messages", []))


async def test_a_message_comes_again_until_it_is_deleted(served: Serve) -> None:
    """Hidden for a while once it is received; gone for good once it is deleted."""
    async with served(scenario=Scenario(queues=(queue(messages=("a", "b")),))) as aws:
        first = await received(aws, MaxNumberOfMessages=10)
        assert [message["Body"] for message in first] == ["a", "b"]
        assert await received(aws) == []
        aws.clock.seconds += 30
        async with aws.client("sqs", region=WEST) as sqs:
            entries = [{"Id": "0", "ReceiptHandle": first[0]["ReceiptHandle"]}]
            entries.append({"Id": "1", "ReceiptHandle": "none of it"})
            done = await sqs.delete_message_batch(QueueUrl=URL, Entries=entries)
            assert [entry["Id"] for entry in done["Successful"]] == ["0"]
            assert [entry["Code"] for entry in done["Failed"]] == ["ReceiptHandleIsInvalid"]
            (again,) = await received(aws, MaxNumberOfMessages=10)
            assert again["Body"] == "b"
            await sqs.delete_message(QueueUrl=URL, ReceiptHandle=again["ReceiptHandle"])
            assert (await sqs.send_message(QueueUrl=URL, MessageBody="c"))["MessageId"]
            names = ["All"]
            seen = await sqs.get_queue_attributes(QueueUrl=URL, AttributeNames=names)
        assert seen["Attributes"] == {
            "QueueArn": f"arn:aws:sqs:{WEST}:{BASE}:deliveries",
            "ApproximateNumberOfMessages": "1",
            "ApproximateNumberOfMessagesNotVisible": "0",
        }


async def test_a_long_poll_takes_its_time_unless_a_message_comes(served: Serve) -> None:
    """Twenty seconds of an empty queue; and no more than a message needs to arrive."""
    async with served(scenario=Scenario(queues=(queue(),), replication_ms=5_000)) as aws:
        began = aws.clock.monotonic()
        assert await received(aws, WaitTimeSeconds=20) == []
        assert aws.clock.monotonic() - began == pytest.approx(20)
        rule = {"destinations": [{"region": WEST, "registryId": HUB}]}
        aws.world.set_replication(SOURCE, {"rules": [rule]})
        aws.world.push(SOURCE, "base/go", "1")
        began = aws.clock.monotonic()
        assert len(await received(aws, WaitTimeSeconds=20)) == 1
        assert 5 <= aws.clock.monotonic() - began < 6


async def test_copies_are_reported_at_their_destination(served: Serve) -> None:
    """One that arrives, and one that the destination does not let in; twice each where the scenario
    says so. A queue for other things gets none."""
    other = QueueScenario(account=HUB, region=EAST, name="other", events=False)
    scenario = Scenario(queues=(queue(copies=2), other), replication_ms=1_000)
    async with served(scenario=scenario) as aws:
        ends = [{"region": WEST, "registryId": HUB}, {"region": EAST, "registryId": SPOKE}]
        aws.world.set_replication(SOURCE, {"rules": [{"destinations": ends}]})
        image = aws.world.push(SOURCE, "base/go", "1")
        aws.clock.seconds += 60
        bodies = [
            message["Body"]
            for message in await received(aws, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        ]
        events = [json.loads(body) for body in bodies[::2]]
        assert bodies[::2] == bodies[1::2]
        assert [event["detail"]["result"] for event in events] == ["SUCCESS", "FAILED"]
        assert [(event["account"], event["region"]) for event in events] == [
            (HUB, WEST),
            (SPOKE, EAST),
        ]
        arrived = events[0]
        assert arrived["resources"] == [f"arn:aws:ecr:{WEST}:{HUB}:repository/base/go"]
        assert arrived["time"] == f"{image.pushed_at.replace(second=1):%Y-%m-%dT%H:%M:%SZ}"
        assert arrived["detail"] == {
            "result": "SUCCESS",
            "repository-name": "base/go",
            "image-digest": image.digest,
            "source-account": HUB,
            "action-type": "REPLICATE",
            "source-region": EAST,
            "image-tag": "1",
        }
        async with aws.client("sqs", region=EAST) as sqs:
            url = f"https://sqs.{EAST}.amazonaws.com/{HUB}/other"
            assert "Messages" not in await sqs.receive_message(QueueUrl=url)


@pytest.mark.parametrize(
    ("url", "parameters", "code"),
    [
        (URL.replace("deliveries", "none"), {}, "QueueDoesNotExist"),
        ("none", {}, "QueueDoesNotExist"),
        (URL, {"MaxNumberOfMessages": 11}, "InvalidParameterValue"),
        (URL, {"WaitTimeSeconds": 21}, "InvalidParameterValue"),
    ],
)
async def test_what_is_refused(served: Serve, url: str, parameters: Any, code: str) -> None:
    """A queue that is not there, and numbers beyond what SQS takes."""
    scenario = Scenario(queues=(queue(),))
    async with served(scenario=scenario) as aws, aws.client("sqs", region=WEST) as sqs:
        with pytest.raises(ClientError) as raised:
            await sqs.receive_message(QueueUrl=url, **parameters)
    assert raised.value.response["Error"]["Code"] == code


async def test_reading_may_be_denied(served: Serve) -> None:
    """For good by the account's policies, and for now by a fault."""
    denying = AccountScenario(id=BASE, denied_actions=("sqs:Receive*",))
    fault = FaultRule(kind=Mishap.THROTTLED, first=1, operations=("ReceiveMessage",))
    scenario = Scenario(queues=(queue(),), accounts=(denying,), faults=(fault,))
    async with served(scenario=scenario) as aws:
        codes = []
        for _ in range(2):
            with pytest.raises(ClientError) as raised:
                await received(aws)
            codes.append(raised.value.response["Error"]["Code"])
    assert codes == ["ThrottlingException", "AccessDeniedException"]


def test_customers_have_queues_too() -> None:
    """The key of a queue tells it from one of the same name elsewhere."""
    names = {
        QueueScenario(account=CUSTOMER, region=region, name="q").key for region in (EAST, WEST)
    }
    assert len(names) == 2
