"""What a queue of deliveries may bring: bursts, floods of garbage, and messages in any order."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import anyio
import pytest
from hypothesis import given, strategies as st
from tests.runs.test_replication_events import event
from tests.support.clock import VirtualClock
from tests.support.inventories import fleet_text
from tests.support.simulated import simulate
from tests.watch.test_deliveries_are_counted import TEXT
from tests.watch.test_notices_outlive_a_restart import NotingFleet
from tests.watch.test_which_deliveries_are_news import DELIVERIES, FAILED, IN_TIME, MORNING

from fleet_repl import Inventory, load_inventory
from fleet_repl.engine.ports import Queue, QueueMessage
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.replication_events import ReplicationEvent
from fleet_repl.runs.timed_deliveries import TimedDelivery
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.watch import deliveries
from fleet_repl.watch.deliveries import DeliveryContext, DeliverySource, DeliveryWatch
from fleet_repl.watch.delivery_news import LinkTroubles
from fleet_repl.watch.delivery_totals import EventCounts
from fleet_repl.watch.timed_fleet import TimedFleet


@dataclass
class FakeQueue:
    """Messages that are there at once."""

    bodies: list[str]
    deleted: int = 0
    empty: anyio.Event = field(default_factory=anyio.Event)

    async def receive(self, *, wait: bool = True) -> tuple[QueueMessage, ...]:
        await anyio.lowlevel.checkpoint()
        if not self.bodies and wait:
            self.empty.set()
            await anyio.sleep_forever()
        batch, self.bodies = self.bodies[:10], self.bodies[10:]
        return tuple(
            QueueMessage(id=f"m{number}", receipt="r", body=body)
            for number, body in enumerate(batch)
        )

    async def delete(self, messages: Sequence[QueueMessage]) -> int:
        self.deleted += len(messages)
        return 0


@dataclass
class FakeFleet(NotingFleet):
    """A fleet in which every event is a failed delivery of its own."""

    async def time_deliveries(
        self, events: Sequence[ReplicationEvent]
    ) -> tuple[TimedDelivery | None, ...]:
        return tuple(replace(FAILED, digest=event.digest) for event in events)

    async def verify(self, *, count: int = 0, age: object = None) -> DeliveryReport:
        return mock.Mock(spec=DeliveryReport)


@dataclass
class Counting:
    """A watch of deliveries, and what it has done."""

    inventory: Inventory
    queue: FakeQueue
    publish: Callable[[JsonObject], Awaitable[bool]]
    fleet: FakeFleet = field(default_factory=FakeFleet)
    connections: int = 0
    logged: list[LogEntry] = field(default_factory=list)
    counts: list[EventCounts] = field(default_factory=list)

    def watch(self) -> DeliveryWatch:
        @asynccontextmanager
        async def open_queue() -> AsyncIterator[Queue]:
            yield self.queue

        @asynccontextmanager
        async def connect(_: Inventory) -> AsyncIterator[TimedFleet]:
            self.connections += 1
            yield self.fleet

        context = DeliveryContext(
            log=self.logged.append,
            clock=VirtualClock(),
            inventory=lambda: self.inventory,
            publish=self.publish,
        )
        watch = DeliveryWatch(DeliverySource(open_queue=open_queue, connect=connect), context)
        watch.totals.meter = mock.Mock(received=self.counts.append)
        return watch

    async def run(self) -> DeliveryWatch:
        """Count until the queue is empty."""
        watch = self.watch()

        async def until_empty() -> None:
            await self.queue.empty.wait()

        await watch.beside(until_empty)
        return watch


@pytest.fixture
def inventory(tmp_path: Path) -> Inventory:
    (tmp_path / "fleet.toml").write_text(TEXT)
    return load_inventory(tmp_path / "fleet.toml")


async def published(_: JsonObject) -> bool:
    return True


def failed(number: int) -> str:
    return json.dumps(event(**{"result": "FAILED", "image-digest": f"sha256:{number:064}"}))


async def test_a_burst_is_counted_by_one_connection(inventory: Inventory) -> None:
    """To connect a fleet for every hundred messages would take longer than to count them."""
    queue = FakeQueue([failed(number) for number in range(1_234)])
    counting = Counting(inventory, queue, published)
    watch = await counting.run()
    (route,) = watch.totals.note.routes
    assert (route.failed, queue.deleted, counting.connections) == (1_234, 1_234, 1)


async def test_a_connection_does_not_last_for_ever(inventory: Inventory) -> None:
    """However fast messages come: a run has a deadline, and the inventory may change."""
    queue = FakeQueue([failed(number) for number in range(10_100)])
    counting = Counting(inventory, queue, published)
    await counting.run()
    assert (queue.deleted, counting.connections) == (10_100, 3)


async def test_a_flood_of_garbage_does_not_flood_the_log(inventory: Inventory) -> None:
    """Of a hundred messages at once three are named; all are counted and deleted."""
    queue = FakeQueue(["garbage"] * 200)
    counting = Counting(inventory, queue, published)
    await counting.run()
    lines = [entry.message for entry in counting.logged]
    because = "in the queue is no replication event: it is deleted"
    assert lines[:4] == [
        *(f"message m{number} {because}" for number in range(3)),
        f"each of 97 more messages {because}",
    ]
    assert len(lines) == 8
    assert sum(counts.malformed for counts in counting.counts) == queue.deleted == 200


async def test_a_sample_and_an_event_at_once_are_one_delivery(inventory: Inventory) -> None:
    """The sample comes while somebody is being notified of what the event has reported."""
    notifying, sampled, posts = anyio.Event(), anyio.Event(), list[object]()

    async def publish(document: JsonObject) -> bool:
        posts.append(document["news"])
        notifying.set()
        await sampled.wait()
        return True

    counting = Counting(inventory, FakeQueue([failed(1)]), publish)
    watch = counting.watch()
    same = replace(FAILED, digest=f"sha256:{1:064}")

    async def sample() -> None:
        await notifying.wait()
        with mock.patch.object(deliveries, "sampled_deliveries", return_value=[same]):
            async with anyio.create_task_group() as group:
                group.start_soon(watch.sample)
                await anyio.wait_all_tasks_blocked()
                sampled.set()
        await counting.queue.empty.wait()

    await watch.beside(sample)
    (route,) = watch.totals.note.routes
    assert (route.failed, posts) == (1, ["failed"])


@given(DELIVERIES, st.data())
def test_news_of_a_link_goes_forward(history: list[TimedDelivery], data: st.DataObject) -> None:
    """However late, often and out of order deliveries come, with restarts between: what is told of
    a link is never older than what was told before, and never the same twice in a row."""
    arriving = data.draw(
        st.permutations(
            history + data.draw(st.lists(st.sampled_from(history), max_size=4)) if history else []
        )
    )
    note, told = b"[]", dict[object, list[tuple[str, object]]]()
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        batch, arriving = arriving[:size], arriving[size:]
        troubles = LinkTroubles.parse(note)
        news = troubles.news_in(batch)
        for delivery in (*news.problems, *news.recovered):
            kind = f"{delivery.result} {delivery.code} {delivery.is_problem}"
            told.setdefault(delivery.destination, []).append((kind, delivery.at))
        note = troubles.after(news).kept()
    for events in told.values():
        assert [at for _, at in events] == sorted(at for _, at in events)  # type: ignore[type-var]
        assert all(first[0] != second[0] for first, second in itertools.pairwise(events))


async def test_an_event_of_the_future_is_of_now() -> None:
    """Whoever forges one would else keep the link from being told of until then."""
    async with simulate(fleet_text("1>2 base/")) as aws:
        await aws.applied()
        image = aws.world.push(aws.at(1), "base/go", "1.25")
        forged = ReplicationEvent(
            source=aws.at(1),
            destination=aws.at(2),
            repository="base/go",
            digest=image.digest,
            tag="1.25",
            succeeded=False,
            at=datetime(9999, 12, 31, tzinfo=UTC),
        )
        async with aws.connected(purpose=None) as fleet:
            (delivery,) = await fleet.time_deliveries([forged])
        assert delivery is not None
        assert delivery.at == aws.clock.now()


@pytest.mark.parametrize(("before", "seconds"), [(0.9, 0), (59, 0), (61, None), (86_400, None)])
def test_an_arrival_before_its_push_has_no_time(before: float, seconds: float | None) -> None:
    """It is of an earlier push of that image, or its event is forged; clocks differ a little."""
    assert IN_TIME.pushed(MORNING + timedelta(seconds=before)).seconds == seconds
