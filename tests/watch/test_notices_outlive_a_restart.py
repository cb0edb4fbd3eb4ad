"""Which deliveries were notified of is kept in the state: a restart neither repeats nor forgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import anyio
import pytest
from hypothesis import given
from tests.support.clock import VirtualClock
from tests.support.registries import registry_of
from tests.watch.test_deliveries_are_counted import (
    HUB,
    SHOP,
    PatientClock,
    news_of,
    path as _path,
    receiver as _receiver,
    scenario,
    simulated,
)
from tests.watch.test_notifications import Receiver
from tests.watch.test_which_deliveries_are_news import DELIVERIES, FAILED, IN_TIME, LATE, later

from fleet_repl.planning.explain import Explanation
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.runs.delivery import DeliveryReport
from fleet_repl.runs.replication_events import ReplicationEvent
from fleet_repl.runs.timed_deliveries import TimedDelivery
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import FleetError, StateError
from fleet_repl.watch.delivery_news import LinkTroubles
from fleet_repl.watch.delivery_notices import NOTE, DeliveryNotices

path, receiver = _path, _receiver
DOWN: Final = StateError("the state cannot be read: s3://fleet/prod: access-denied\n    allow it")


@dataclass
class NotingFleet:
    """A fleet that explains nothing, with its notes."""

    notes: dict[str, bytes] = field(default_factory=dict)
    unreadable: StateError | None = None
    unwritable: StateError | None = None

    async def time_deliveries(
        self, events: Sequence[ReplicationEvent]
    ) -> tuple[TimedDelivery | None, ...]:
        raise NotImplementedError

    async def verify(self, *, count: int = 0, age: object = None) -> DeliveryReport:
        raise NotImplementedError

    async def explain(self, what: str, **_: str | None) -> Explanation:
        raise FleetError(f"{what} is not explained")

    async def read_note(self, name: str) -> bytes | None:
        if self.unreadable is not None:
            raise self.unreadable
        return self.notes.get(name)

    async def revise_note(self, name: str, change: Callable[[bytes | None], bytes | None]) -> None:
        if self.unwritable is not None:
            raise self.unwritable
        content = change(await self.read_note(name))
        assert content is not None
        self.notes[name] = content


@dataclass
class Process:
    """A watch, or an invocation in AWS Lambda, from its start to its end."""

    fleet: NotingFleet
    webhook: bool = True
    logged: list[LogEntry] = field(default_factory=list)
    posts: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        publish = self.publish if self.webhook else None
        self.notices = DeliveryNotices(self.logged.append, VirtualClock(), publish)

    async def publish(self, document: JsonObject) -> bool:
        self.posts.append(document["news"])
        return True

    async def tell(self, *deliveries: TimedDelivery) -> list[Any]:
        """Report deliveries; returns the kinds of the notifications."""
        self.posts.clear()
        await self.notices.report(deliveries, "prod", self.fleet)
        return [*self.posts]

    def warnings(self) -> list[str]:
        return [entry.message for entry in self.logged if entry.event == "memory"]


async def test_a_restarted_watch_goes_on(path: Path, receiver: Receiver) -> None:
    """Over HTTP: a failure that was notified of is no news after a restart, and its end is."""
    async with simulated(path, PatientClock(), scenario()) as run:
        granted: Any = run.world.policy(SHOP)
        run.world.set_policy(SHOP, None)
        for tag in ("1.25", "1.26"):
            run.world.push(HUB, "base/go", tag)
            run.stop = anyio.Event()
            await run.watch(lambda: run.left == 0, notify=receiver.url)
            run.rounds.clear()
            run.logged = [entry for entry in run.logged if entry.event != "listening"]
        assert [post["news"] for post in news_of(receiver)] == ["failed"]
        assert len(run.lines("delivery-failed")) == 2
        run.world.set_policy(SHOP, granted)
        run.world.push(HUB, "base/go", "1.27")
        run.stop = anyio.Event()
        await run.watch(lambda: run.left == 0, notify=receiver.url)
    assert [post["news"] for post in news_of(receiver)] == ["failed", "recovered"]


async def test_an_open_trouble_is_not_forgotten() -> None:
    """However often there is a restart; and what a queue brings again after the link has recovered
    is not told again."""
    fleet = NotingFleet()
    assert await Process(fleet).tell(LATE) == ["late"]
    assert await Process(fleet).tell(later(LATE)) == []
    assert await Process(fleet).tell(later(IN_TIME, 2)) == ["recovered"]
    assert await Process(fleet).tell(LATE) == []
    assert await Process(fleet).tell(later(IN_TIME, 3)) == []
    assert await Process(fleet).tell(later(LATE, 4)) == ["late"]


async def test_two_processes_lose_nothing() -> None:
    """What one of them notifies of while the other runs is known to both."""
    fleet = NotingFleet()
    first, second = Process(fleet), Process(fleet)
    other = replace(FAILED, destination=registry_of("3"))
    assert await first.tell(FAILED) == ["failed"]
    assert await second.tell(later(FAILED)) == []
    assert await second.tell(other) == ["failed"]
    assert await first.tell(later(other)) == []
    assert len(LinkTroubles.parse(fleet.notes[NOTE]).links) == 2


async def test_nothing_is_kept_where_nobody_is_notified() -> None:
    """So that a watch with a webhook begins with every trouble that is open."""
    fleet = NotingFleet()
    quiet = Process(fleet, webhook=False)
    assert await quiet.tell(FAILED) == []
    assert fleet.notes == {}
    assert await Process(fleet).tell(later(FAILED)) == ["failed"]


@pytest.mark.parametrize("broken", ["unreadable", "unwritable"])
async def test_a_state_that_is_unusable_is_said_once(broken: str) -> None:
    """The watch goes on by what it knows itself, and catches up once the state is there again."""
    fleet = NotingFleet(notes={NOTE: LinkTroubles().kept()})
    setattr(fleet, broken, DOWN)
    process = Process(fleet)
    assert await process.tell(FAILED) == ["failed"]
    assert await process.tell(later(FAILED)) == []
    (line,) = process.warnings()
    assert line.endswith("the state cannot be read: s3://fleet/prod: access-denied")
    setattr(fleet, broken, None)
    assert await process.tell(later(FAILED, 2)) == []
    assert await Process(fleet).tell(later(FAILED, 3)) == []


async def test_a_state_that_comes_back_is_not_overwritten() -> None:
    """What it knew before it was unreadable is still known."""
    fleet = NotingFleet()
    await Process(fleet).tell(FAILED)
    fleet.unreadable = DOWN
    other = replace(FAILED, destination=registry_of("3"))
    process = Process(fleet)
    assert await process.tell(other) == ["failed"]
    fleet.unreadable = None
    assert await process.tell(later(FAILED), later(other)) == []
    assert await Process(fleet).tell(later(FAILED, 2), later(other, 2)) == []


@pytest.mark.parametrize(
    "note", [b"\xff", b"{}", b'[["1"]]', b'[["1", "2", "late", "9999-12-31T23:59:59-23:59"]]']
)
async def test_a_damaged_note_is_said_once_and_begun_anew(note: bytes) -> None:
    """As the memory of rounds is."""
    fleet = NotingFleet(notes={NOTE: note})
    process = Process(fleet)
    assert await process.tell(FAILED) == ["failed"]
    assert await Process(fleet).tell(later(FAILED)) == []
    assert process.warnings() == [
        "deliveries.json in the state is damaged: what cannot be read there is notified of again"
    ]


async def test_a_note_is_bounded() -> None:
    """Of links beyond 10,000 those that are well go first, then the oldest troubles."""
    many = [
        replace(FAILED, destination=registry_of(f"{number:012}"), at=later(FAILED, number / 99).at)
        for number in range(10_001)
    ]
    fleet = NotingFleet()
    await Process(fleet).tell(IN_TIME, *many)
    links = LinkTroubles.parse(fleet.notes[NOTE]).links
    assert len(links) == 10_000
    assert many[0].destination not in {ends.destination for ends in links}
    await Process(fleet).tell(replace(many[50], result=IN_TIME.result, at=later(FAILED, 200).at))
    await Process(fleet).tell(replace(FAILED, at=later(FAILED, 300).at))
    kept = {ends.destination for ends in LinkTroubles.parse(fleet.notes[NOTE]).links}
    assert many[50].destination not in kept
    assert {FAILED.destination, many[1].destination} <= kept
    assert len(fleet.notes[NOTE]) < 2_000_000


@given(DELIVERIES, DELIVERIES)
def test_merging_is_the_same_both_ways(
    first: list[TimedDelivery], second: list[TimedDelivery]
) -> None:
    """Where the times of a link differ; and what is merged twice is merged once."""
    one, other = (
        LinkTroubles().after(LinkTroubles().news_in(deliveries)) for deliveries in (first, second)
    )
    merged = one.merged(other)
    assert merged.merged(one).links.keys() == one.links.keys() | other.links.keys()
    assert merged.merged(other) == merged
    assert all(
        trouble.at == max(known.links[ends].at for known in (one, other) if ends in known.links)
        for ends, trouble in merged.links.items()
    )
