"""A watch counts the deliveries that ECR reports in a queue: over HTTP against the sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import anyio
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from prometheus_client.parser import text_string_to_metric_families
from tests.support.clock import VirtualClock
from tests.support.inventories import accounts_text
from tests.support.registries import registry_of
from tests.watch.test_notifications import Receiver, receiving

from fleet_repl import Fleet, Inventory, connect, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.engine.ports import Queue
from fleet_repl.fleet.queues import open_queue
from fleet_repl.reports.documents.schemas import schema
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.sandbox import Scenario, World, serve, world_of
from fleet_repl.sandbox.scenario import AccountScenario, FaultRule, Mishap
from fleet_repl.sandbox.scenario_contents import QueueScenario
from fleet_repl.values.errors import StateError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import Secret
from fleet_repl.values.queues import QueueAddress
from fleet_repl.watch import DeliverySource, Round, WatchOptions, watch
from fleet_repl.watch.deliveries import ConnectTimed

TEXT: Final = (
    accounts_text("hub", "shop", "pay")
    + """\
[[routes]]
name = "golden"
from = { accounts = "hub" }
to = { accounts = ["shop", "pay"] }
prefixes = ["base/"]
deliver_within = "1m"
"""
)
HUB, SHOP, PAY = map(registry_of, "123")
BASE: Final = "999999999999"
URL: Final = f"https://sqs.eu-west-1.amazonaws.com/{BASE}/deliveries"
ENOUGH: Final = 60
"""Seconds that a test may take: by the machine's clock, as a net of last resort."""


class PatientClock(VirtualClock):
    """A clock on which only the first pauses between rounds end by themselves: the next round of a
    watch would else be there long before an answer of the queue."""

    def __init__(self, pauses: int = 0) -> None:
        super().__init__()
        self.pauses = pauses

    async def sleep(self, seconds: float) -> None:
        if seconds > 800:
            self.pauses -= 1
            if self.pauses < 0:
                await anyio.sleep_forever()
        await super().sleep(seconds)


@dataclass
class Counting:
    """A simulated fleet that is in place, and a watch that counts its deliveries."""

    path: Path
    world: World
    clock: VirtualClock
    endpoint: Endpoint
    stop: anyio.Event = field(default_factory=anyio.Event)
    logged: list[LogEntry] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    connect_timed: ConnectTimed | None = None
    """Connects the fleet for its deliveries, in place of `connect`."""
    page: str = ""
    metrics: str = ""

    def connect(self, inventory: Inventory) -> AbstractAsyncContextManager[Fleet]:
        return connect(inventory, endpoint=self.endpoint, clock=self.clock, purpose=None)

    def open_queue(self) -> AbstractAsyncContextManager[Queue]:
        return open_queue(
            load_inventory(self.path),
            QueueAddress.parse(URL),
            endpoint=self.endpoint,
            on_event=lambda _: None,
            clock=self.clock,
        )

    async def watch(
        self, until: Callable[[], bool], *, verify_every: int = 0, **asked: Any
    ) -> ExitCode:
        """Watch until a condition holds, then look at the page and the metrics, and stop."""
        source = DeliverySource(
            open_queue=self.open_queue,
            connect=self.connect_timed or self.connect,
            verify_every=verify_every,
        )
        code = ExitCode.ERROR
        with anyio.fail_after(ENOUGH):
            async with anyio.create_task_group() as group:
                group.start_soon(self._stop_when, until)
                code = await watch(
                    WatchOptions(every=900, listen="127.0.0.1:0", **asked),
                    load=lambda: load_inventory(self.path),
                    connect=self.connect,
                    log=self.logged.append,
                    stop=self.stop,
                    clock=self.clock,
                    uniform=lambda low, high: (low + high) / 2,
                    on_round=self.rounds.append,
                    deliveries=source,
                )
        return code

    async def _stop_when(self, until: Callable[[], bool]) -> None:
        while not (self.rounds and until()):  # noqa: ASYNC110 - any condition
            await anyio.sleep(0.01)
        (line,) = self.lines("listening")
        base = line.removeprefix("listening on ")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{base}/") as answer:
                self.page = await answer.text()
            async with session.get(f"{base}/metrics") as answer:
                self.metrics = await answer.text()
        self.stop.set()

    def lines(self, event: str) -> list[str]:
        return [entry.message for entry in self.logged if entry.event == event]

    def figure(self, name: str, **labels: str) -> float | None:
        """The value of a metric; None where it has none."""
        for family in text_string_to_metric_families(self.metrics):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return None

    @property
    def left(self) -> int:
        """Messages that are still in the queue."""
        queue = self.world.queues.at(URL, HUB.region)
        return len(queue.messages)


@asynccontextmanager
async def simulated(path: Path, clock: VirtualClock, scenario: Scenario) -> AsyncIterator[Counting]:
    world = world_of(load_inventory(path), scenario=scenario, clock=clock)
    async with serve(world) as server:
        endpoint = Endpoint(
            url=server.url,
            access_key_id=server.access_key_id,
            secret_access_key=Secret(server.secret_access_key),
            region=server.region,
            world="sim",
        )
        inventory = load_inventory(path)
        async with connect(inventory, endpoint=endpoint, clock=clock) as fleet:
            await fleet.apply(await fleet.plan())
        yield Counting(path, world, clock, endpoint)


def scenario(
    *, replication_ms: float = 0, faults: Any = (), accounts: Any = (), **values: Any
) -> Scenario:
    queue = QueueScenario(account=BASE, region="eu-west-1", name="deliveries", **values)
    return Scenario(
        queues=(queue,), replication_ms=replication_ms, faults=faults, accounts=accounts
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "fleet.toml"
    file.write_text(TEXT)
    return file


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


def news_of(receiver: Receiver) -> list[dict[str, Any]]:
    """The notifications about deliveries, and not those about drift."""
    schemas = "fleet-repl/delivery-news/1"
    return [post for post in receiver.posts if post["schema"] == schemas]


def problems(document: dict[str, Any]) -> list[str]:
    checker = Draft202012Validator(schema("delivery-news"), format_checker=FormatChecker())
    return [error.message for error in checker.iter_errors(document)]


async def test_an_image_that_arrives_is_timed(path: Path) -> None:
    """From its push until it arrived, for its route: in the histogram and on the page. Each event
    counts once, although the queue brings it twice, and nothing is left in the queue."""
    async with simulated(path, PatientClock(), scenario(replication_ms=7_000, copies=2)) as run:
        run.world.push(HUB, "base/go", "1.25")
        run.clock.seconds += 10
        assert await run.watch(lambda: run.left == 0) is ExitCode.OK
        name = "fleet_repl_delivery_seconds"
        assert run.figure(f"{name}_count", fleet="prod", route="golden") == 2
        assert run.figure(f"{name}_sum", route="golden") == pytest.approx(14)
        buckets = [run.figure(f"{name}_bucket", route="golden", le=le) for le in ("5.0", "10.0")]
        assert buckets == [0, 2]
        events = "fleet_repl_delivery_events_total"
        assert run.figure(events, result="counted") == 2
        assert run.figure(events, result="duplicate") == 2
        assert run.figure("fleet_repl_deliveries_late_total", route="golden") == 0
        assert run.figure("fleet_repl_delivery_queue_readable") == 1
        assert "Deliveries of golden" in run.page
        assert "2 arrived (median 7.0 s), 0 late, 0 failed" in run.page
        assert run.world.calls["DescribeImages"] == 1


async def test_a_copy_that_failed_is_news_with_the_reason(path: Path, receiver: Receiver) -> None:
    """The counter has ECR's code, the notification what explain says; the next image that fails on
    the same link in the same way is no news, and one that arrives is."""
    async with simulated(path, PatientClock(), scenario()) as run:
        granted: Any = run.world.policy(SHOP)
        run.world.set_policy(SHOP, None)
        for tag in ("1.25", "1.26"):
            run.world.push(HUB, "base/go", tag)

        def told() -> bool:
            if len(news_of(receiver)) == 1 and run.left == 0:
                run.world.set_policy(SHOP, granted)
                run.world.push(HUB, "base/go", "1.27")
            return len(news_of(receiver)) > 1

        await run.watch(told, notify=receiver.url)
        code = "DESTINATION_REGISTRY_ACCESS_DENIED"
        failures = "fleet_repl_delivery_failures_total"
        assert run.figure(failures, route="golden", code=code) == 2
    news = news_of(receiver)
    assert [post["news"] for post in news] == ["failed", "recovered"]
    assert [problem for post in news for problem in problems(post)] == []
    (failed,) = news[0]["deliveries"]
    assert (failed["from"], failed["to"], failed["code"]) == (str(HUB), str(SHOP), code)
    assert (failed["result"], failed["routes"]) == ("failed", ["golden"])
    (why,) = failed["explanation"]["not_carried"]
    assert why["reason"] == "not-granted"
    assert "fleet-repl apply" in failed["explanation"]["remedy"]
    assert news[0]["text"] == (
        f"prod: base/go:1.25 from {HUB} to {SHOP} failed ({code}); its registry policy does not "
        "grant ecr:ReplicateImage and ecr:CreateRepository"
    )
    assert len(run.lines("delivery-failed")) == 2


async def test_a_late_image_misses_the_objective(path: Path, receiver: Receiver) -> None:
    """It has arrived, and later than deliver_within: counted as both, and news."""
    async with simulated(path, PatientClock(), scenario(replication_ms=90_000)) as run:
        run.world.push(HUB, "base/go", "1.25")
        run.clock.seconds += 100
        await run.watch(lambda: bool(receiver.posts) and run.left == 0, notify=receiver.url)
        assert run.figure("fleet_repl_deliveries_late_total", route="golden") == 2
        assert run.figure("fleet_repl_delivery_seconds_count", route="golden") == 2
    (post,) = receiver.posts
    assert (post["news"], problems(post)) == ("late", [])
    assert [delivery["seconds"] for delivery in post["deliveries"]] == [90, 90]
    assert post["text"] == (
        f"prod: base/go:1.25 from {HUB} to {SHOP} arrived late after 1 min 30 s, objective "
        "1 min 00 s and 1 more"
    )


async def test_a_queue_that_cannot_be_read_stops_no_round(path: Path) -> None:
    """It is said once, with what to add; the page and a metric show it."""
    denying = AccountScenario(id=BASE, denied_actions=("sqs:*",))
    async with simulated(path, PatientClock(5), scenario(accounts=(denying,))) as run:
        await run.watch(lambda: len(run.rounds) > 3 and bool(run.lines("deliveries-unread")))
        assert [round_.verdict.value for round_ in run.rounds[:3]] == ["in-sync"] * 3
        (line,) = run.lines("deliveries-unread")
        assert line.startswith("deliveries are not counted: ReceiveMessage: access-denied")
        (entry,) = [entry for entry in run.logged if entry.event == "deliveries-unread"]
        assert '"sqs:ReceiveMessage"' in str(entry.fields["remedy"])
        assert run.figure("fleet_repl_delivery_queue_readable") == 0
        assert "deliveries are not counted" in run.page


async def test_a_queue_is_read_again(path: Path) -> None:
    """After a while, once whatever was wrong is over."""
    fault = FaultRule(kind=Mishap.DENIED, first=2, operations=("ReceiveMessage",))
    async with simulated(path, PatientClock(), scenario(faults=(fault,))) as run:
        run.world.push(HUB, "base/go", "1.25")
        await run.watch(lambda: run.left == 0)
        assert run.lines("deliveries-read") == ["the queue of deliveries is read again"]
        assert run.figure("fleet_repl_delivery_seconds_count", route="golden") == 2


async def test_messages_of_others_are_passed_over(path: Path) -> None:
    """What is no event is deleted and said; an event of another fleet is counted as unknown."""
    foreign = {"detail-type": "ECR Image Action", "source": "aws.ecr", "detail": {}}
    messages = ("not JSON", json.dumps(foreign))
    async with simulated(path, PatientClock(), scenario(messages=messages)) as run:
        rules = {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": PAY.account}]}]}
        run.world.set_replication(SHOP, rules)
        run.world.push(SHOP, "other/tool", "1")
        await run.watch(lambda: run.left == 0)
        events = "fleet_repl_delivery_events_total"
        assert run.figure(events, result="malformed") == 2
        assert run.figure(events, result="unknown") == 1
        lines = run.lines("delivery-malformed")
        assert len(lines) == 2
        assert all(line.endswith("is no replication event: it is deleted") for line in lines)


async def test_a_sample_finds_what_no_event_has_reported(path: Path, receiver: Receiver) -> None:
    """Events are best effort. What a sample finds counts once, however often it is found, and one
    that is missing beyond the objective is late."""
    async with simulated(path, PatientClock(5), scenario(events=False)) as run:
        run.world.push(HUB, "base/go", "1.25")
        run.world.set_policy(PAY, None)
        run.world.push(HUB, "base/go", "1.26")
        sampled = "fleet_repl_deliveries_sampled_total"
        await run.watch(
            lambda: len(run.rounds) > 4 and bool(news_of(receiver)),
            verify_every=1,
            notify=receiver.url,
        )
        assert run.figure(sampled, fleet="prod") == 4
        assert run.figure("fleet_repl_delivery_seconds_count", route="golden") == 3
        code = "DESTINATION_REGISTRY_ACCESS_DENIED"
        assert run.figure("fleet_repl_delivery_failures_total", code=code) == 1
    news = news_of(receiver)
    assert [post["news"] for post in news] == ["failed"]


async def test_an_image_that_does_not_arrive_is_late(path: Path, receiver: Receiver) -> None:
    """No event says so: a sample finds it under way, its objective over. It is told once."""
    async with simulated(path, PatientClock(4), scenario(replication_ms=1e9)) as run:
        run.world.push(HUB, "base/go", "1.25")
        await run.watch(
            lambda: len(run.rounds) > 4 and bool(news_of(receiver)),
            verify_every=2,
            notify=receiver.url,
        )
        assert run.figure("fleet_repl_deliveries_late_total", route="golden") == 2
        assert run.figure("fleet_repl_delivery_seconds_count", route="golden") is None
    (post,) = news_of(receiver)
    assert (post["news"], problems(post)) == ("late", [])
    assert [delivery["result"] for delivery in post["deliveries"]] == ["missing", "missing"]
    assert re.search(r" has not arrived for \d+ min \d\d s, objective 1 min 00 s", post["text"])


@pytest.mark.parametrize("failure", [StateError("no bucket"), RuntimeError("a secret")])
async def test_what_could_not_be_counted_comes_again(path: Path, failure: Exception) -> None:
    """A fleet that cannot be connected, and a defect of ours: it is said without what an unforeseen
    error says, rounds go on, and the event counts once it can be counted."""
    async with simulated(path, PatientClock(), scenario()) as run:
        failures, connect_fleet = [failure], run.connect
        run.world.push(HUB, "base/go", "1.25")

        @asynccontextmanager
        async def failing(inventory: Inventory) -> AsyncIterator[Fleet]:
            if failures:
                raise failures.pop()
            async with connect_fleet(inventory) as fleet:
                yield fleet

        run.connect_timed = failing
        await run.watch(lambda: run.left == 0 and not failures)
        assert run.figure("fleet_repl_delivery_seconds_count", route="golden") == 2
        for line in run.lines("deliveries-unread"):
            assert line.startswith("deliveries are not counted: ")
            assert "secret" not in line
