"""A queue of SQS is read as the base identity: against moto, and against the sandbox where things
go wrong."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest
from hypothesis import given, strategies as st
from tests.support.moto import moto_client, moto_server

from fleet_repl.aws import Endpoint, open_aws
from fleet_repl.aws.queues import open_queue
from fleet_repl.engine.retry import Pace
from fleet_repl.sandbox import Scenario, serve, world_of
from fleet_repl.sandbox.scenario import AccountScenario, FaultRule, Mishap
from fleet_repl.sandbox.scenario_contents import QueueScenario
from fleet_repl.values.errors import CallError, FaultKind, FleetError
from fleet_repl.values.names import Region, Secret
from fleet_repl.values.queues import QueueAddress

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.aws.conftest import Edge

    from fleet_repl.aws.queues import AwsQueue

BASE: Final = "999999999999"
URL: Final = f"https://sqs.eu-west-1.amazonaws.com/{BASE}/deliveries"

moto = pytest.fixture(scope="module")(moto_server)


@asynccontextmanager
async def opened(edge: Edge, url: str, endpoint: Endpoint, **pace: Any) -> AsyncIterator[AwsQueue]:
    values = {"attempts": 3, "timeout": 30.0, "deadline": float("inf"), **pace}
    paced = Pace(clock=edge.clock, uniform=lambda low, high: high, **values)
    address, log = QueueAddress.parse(url), edge.events.append
    aws = edge.inventory().aws
    async with open_queue(aws, address, pace=paced, on_event=log, endpoint=endpoint) as queue:
        yield queue


async def test_messages_are_received_and_deleted(edge: Edge, moto: str) -> None:
    """As moto has it, which somebody else wrote: more than a batch, and each gone once deleted."""
    name, client = f"q{uuid4().hex}", moto_client("sqs", moto, region="us-east-1")
    client.create_queue(QueueName=name)
    url = f"{moto}/123456789012/{name}"
    for number in range(12):
        client.send_message(QueueUrl=url, MessageBody=f"{number}")
    endpoint = Endpoint(
        url=moto, access_key_id="AKIA", secret_access_key=Secret("x"), region=Region("us-east-1")
    )
    bodies: list[str] = []
    async with opened(edge, url, endpoint) as queue:
        while messages := await queue.receive(wait=False):
            bodies += [message.body for message in messages]
            assert await queue.delete(messages) == 0
    assert sorted(map(int, bodies)) == list(range(12))
    left = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    assert left["Attributes"]["ApproximateNumberOfMessagesNotVisible"] == "0"


async def test_waiting_messages_are_counted(edge: Edge, moto: str) -> None:
    """By the queue's attributes, as moto has them; all messages can be received afterwards."""
    name, client = f"q{uuid4().hex}", moto_client("sqs", moto, region="us-east-1")
    client.create_queue(QueueName=name)
    url = f"{moto}/123456789012/{name}"
    for number in range(3):
        client.send_message(QueueUrl=url, MessageBody=f"{number}")
    endpoint = Endpoint(
        url=moto, access_key_id="AKIA", secret_access_key=Secret("x"), region=Region("us-east-1")
    )
    pace = Pace(
        attempts=3,
        timeout=30.0,
        deadline=float("inf"),
        clock=edge.clock,
        uniform=lambda low, high: high,
    )
    async with open_aws(edge.inventory(), run_id="r", pace=pace, endpoint=endpoint) as registries:
        assert await registries.access.waiting_messages(QueueAddress.parse(url)) == 3
    async with opened(edge, url, endpoint) as queue:
        assert len(await queue.receive(wait=False)) == 3


async def test_a_queue_that_is_not_there(edge: Edge, moto: str) -> None:
    """Moto answers with the code that SQS had before it spoke JSON; the remedy is the same."""
    endpoint = Endpoint(
        url=moto, access_key_id="AKIA", secret_access_key=Secret("x"), region=Region("us-east-1")
    )
    async with opened(edge, f"{moto}/123456789012/none", endpoint) as queue:
        with pytest.raises(CallError) as raised:
            await queue.receive(wait=False)
    fault = raised.value.fault
    assert (fault.kind, fault.operation) == (FaultKind.INVALID, "ReceiveMessage")
    assert str(fault.hint).startswith("correct --deliveries: ")


@asynccontextmanager
async def simulated(edge: Edge, scenario: Scenario) -> AsyncIterator[AwsQueue]:
    """The queue in a sandbox."""
    queue = QueueScenario(account=BASE, region="eu-west-1", name="deliveries", messages=("a",))
    scenario = scenario.model_copy(update={"queues": (queue,)})
    world = world_of(edge.inventory(), scenario=scenario, clock=edge.clock)
    async with serve(world) as server:
        endpoint = Endpoint(
            url=server.url,
            access_key_id=server.access_key_id,
            secret_access_key=Secret(server.secret_access_key),
            region=server.region,
        )
        async with opened(edge, URL, endpoint) as opened_queue:
            yield opened_queue


async def test_a_denial_has_the_statement_that_is_missing(edge: Edge) -> None:
    """For the base identity, with the queue's own ARN."""
    denying = AccountScenario(id=BASE, denied_actions=("sqs:ReceiveMessage",))
    async with simulated(edge, Scenario(accounts=(denying,))) as queue:
        with pytest.raises(CallError) as raised:
            await queue.receive()
    assert raised.value.fault.kind is FaultKind.ACCESS_DENIED
    assert raised.value.fault.hint == (
        "add this to a policy of the base identity, and see that no SCP, RCP or permissions "
        "boundary denies it:\n"
        '{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage"],'
        '"Resource":"arn:aws:sqs:eu-west-1:999999999999:deliveries"}'
    )


@pytest.mark.parametrize("kind", [Mishap.THROTTLED, Mishap.SERVER_ERROR, Mishap.GARBAGE])
async def test_passing_trouble_is_waited_out(edge: Edge, kind: Mishap) -> None:
    """A throttle, a failure of the service, and a proxy's page: the call is made again."""
    fault = FaultRule(kind=kind, first=1, operations=("ReceiveMessage",))
    async with simulated(edge, Scenario(faults=(fault,))) as queue:
        assert [message.body for message in await queue.receive()] == ["a"]
        assert await queue.receive(wait=False) == ()


@pytest.mark.parametrize(
    "document", [{"Messages": None}, {"Messages": "x"}, {"Messages": [{"Body": "x"}]}]
)
async def test_garbage_is_no_message(edge: Edge, document: Any) -> None:
    """An answer that holds no messages where it should is a failure."""
    edge.aws.script("ReceiveMessage", *[edge.aws.reply(document)] * 3)
    endpoint = Endpoint(
        url=edge.aws.url,
        access_key_id="AKIA",
        secret_access_key=Secret("x"),
        region=Region("eu-west-1"),
    )
    async with opened(edge, URL, endpoint) as queue:
        with pytest.raises(CallError):
            await queue.receive()


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (URL, "eu-west-1"),
        (f"https://sqs.cn-north-1.amazonaws.com.cn/{BASE}/q", "cn-north-1"),
        (f"https://eu-west-1.queue.amazonaws.com/{BASE}/q", "eu-west-1"),
        (f"https://queue.amazonaws.com/{BASE}/q", "us-east-1"),
        (f"https://vpce-1-a.sqs.us-gov-west-1.vpce.amazonaws.com/{BASE}/q", "us-gov-west-1"),
        (f"http://127.0.0.1:4566/{BASE}/q.fifo", None),
    ],
)
def test_a_url_names_the_region(url: str, region: str | None) -> None:
    """In each form that AWS has given out; a simulated AWS names none."""
    address = QueueAddress.parse(url)
    assert (address.region, address.account, address.url) == (region, BASE, url)


@given(st.one_of(st.text(), st.from_regex(r"https?://[a-z@:/.0-9\[\]?#-]{0,40}")))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    """With an example, and never with another exception; none of it holds a password."""
    refusal, address = None, None
    try:
        address = QueueAddress.parse(text)
    except FleetError as error:
        refusal = str(error)
    if address is not None:
        assert "@" not in address.url
    else:
        assert str(refusal).endswith("; one is " + URL.replace(BASE, "111111111111"))
