"""The real fleet over HTTP against the sandbox, on a clock that nobody waits for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.support.inventories import accounts_text
from tests.support.registries import registry_of
from tests.support.watched import Stage

from fleet_repl import Fleet, Inventory, connect, load_inventory
from fleet_repl.aws import Endpoint
from fleet_repl.reports.log_entry import LogEntry
from fleet_repl.runs.history import Purpose
from fleet_repl.sandbox import Scenario, World, serve, world_of
from fleet_repl.values.errors import RefusedError
from fleet_repl.values.exit_code import ExitCode
from fleet_repl.values.names import Registry, Secret
from fleet_repl.watch import Round, WatchOptions, headline, round_document, watch
from fleet_repl.watch.documents import document_of_round
from fleet_repl.watch.news import trouble
from fleet_repl.watch.registry_rows import registry_rows

TEXT = (
    accounts_text("hub", "shop", "search", "pay")
    + """\
[[routes]]
name = "golden"
from = { accounts = "hub" }
to = { accounts = ["shop", "search", "pay"] }
prefixes = ["base/"]
"""
)
HUB, *SPOKES = map(registry_of, "1234")
FOREIGN: dict[str, Any] = {
    "Sid": "TheirOwn",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
    "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
    "Resource": "arn:aws:ecr:eu-west-1:*:repository/theirs/*",
}


@dataclass
class Looked:
    """A simulated fleet and the watch that looks after it."""

    path: Path
    world: World
    clock: Any
    endpoint: Endpoint
    before: int = 0
    """Writes that set the fleet up."""
    stop: anyio.Event = field(default_factory=anyio.Event)
    logged: list[LogEntry] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)

    def connect(self, inventory: Inventory) -> AbstractAsyncContextManager[Fleet]:
        return connect(inventory, endpoint=self.endpoint, clock=self.clock, purpose=Purpose.WATCH)

    async def watch(
        self, rounds: int, between: Any = lambda number: None, **asked: Any
    ) -> ExitCode:
        """So many rounds; `between` is called after each one with its number."""

        def ended(round_: Round) -> None:
            self.rounds.append(round_)
            between(len(self.rounds))
            if len(self.rounds) >= rounds:
                self.stop.set()

        return await watch(
            WatchOptions(every=900, fix=True, **asked),
            load=lambda: load_inventory(self.path),
            connect=self.connect,
            log=self.logged.append,
            stop=self.stop,
            clock=self.clock,
            uniform=lambda low, high: (low + high) / 2,
            on_round=ended,
        )

    @property
    def verdicts(self) -> list[str]:
        return [round_.verdict.value for round_ in self.rounds]


@asynccontextmanager
async def looked_after(path: Path, clock: Any) -> AsyncIterator[Looked]:
    world = world_of(load_inventory(path), scenario=Scenario(), clock=clock)
    for spoke in SPOKES:
        take_grant(world, spoke)
    async with serve(world) as server:
        endpoint = Endpoint(
            url=server.url,
            access_key_id=server.access_key_id,
            secret_access_key=Secret(server.secret_access_key),
            region=server.region,
            world="sim",
        )
        looked = Looked(path, world, clock, endpoint)
        async with looked.connect(load_inventory(path)) as fleet:
            await fleet.apply(await fleet.plan())
        looked.before = len(world.writes)
        yield looked


@pytest.fixture
def inventory_file(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.toml"
    path.write_text(TEXT)
    return path


@pytest.fixture
async def looked(inventory_file: Path, stage: Stage) -> AsyncIterator[Looked]:
    async with looked_after(inventory_file, stage.clock) as stage_:
        yield stage_


def in_place(world: World) -> list[Any]:
    """The rules and the policy of every registry."""
    return [(world.replication(registry), world.policy(registry)) for registry in (HUB, *SPOKES)]


def take_grant(world: World, registry: Registry) -> None:
    """Leave nothing in a registry's policy but what is somebody else's."""
    world.set_policy(registry, {"Version": "2012-10-17", "Statement": [FOREIGN]})


async def test_ten_rounds_with_tampering_between_correct_each(looked: Looked) -> None:
    """Turn by turn a grant or the rules are gone; after each round all is in place again, and
    what is somebody else's still there."""
    world, after = looked.world, list[Any]()
    wanted = in_place(world)

    def tamper(number: int) -> None:
        after.append(in_place(world))
        turn = number % 4
        if turn == 3:
            world.set_replication(HUB, {"rules": []})
        else:
            take_grant(world, SPOKES[turn])

    tamper(0)
    assert await looked.watch(10, tamper) is ExitCode.OK
    assert looked.verdicts == ["corrected"] * 10
    assert after == [wanted] * 11
    policies: list[Any] = [world.policy(spoke) for spoke in SPOKES]
    assert all(FOREIGN in policy["Statement"] for policy in policies)
    moved = [item.moved for round_ in looked.rounds for item in round_.drifted]
    assert [item.by for item in moved if item is not None] == ["fleet"] * 10
    assert {write[0] for write in world.writes[looked.before :]} == {HUB, *SPOKES}


async def test_a_flapper_is_left_alone_for_ten_rounds(looked: Looked) -> None:
    """It is corrected three times and then only told of; grants of others are put back each
    time, and statements of others stay."""
    world, after = looked.world, list[Any]()
    (wanted, _), *spokes = in_place(world)

    def tamper(number: int) -> None:
        after.append(in_place(world))
        world.set_replication(HUB, {"rules": []})
        take_grant(world, SPOKES[number % 3])

    tamper(0)
    assert await looked.watch(10, tamper) is ExitCode.OK
    assert looked.verdicts == ["corrected"] * 3 + ["partial"] * 7
    assert [round_.left_alone for round_ in looked.rounds] == [()] * 2 + [(HUB,)] * 8
    assert [hub[0] for hub, *_ in after[1:]] == [wanted] * 3 + [{"rules": []}] * 7
    assert [rest for _, *rest in after] == [spokes] * 11
    assert [item.event for item in looked.logged].count("left-alone") == 1
    writes = world.writes[looked.before :]
    assert len([write for write in writes if write[0] == HUB]) == 3
    assert len(writes) == 3 + 10


async def test_others_are_notified_that_a_watch_writes(looked: Looked) -> None:
    """Whoever has to wait for it knows what it is."""
    inventory = load_inventory(looked.path)
    by_hand = connect(inventory, endpoint=looked.endpoint, clock=looked.clock)
    async with looked.connect(inventory) as watching, watching.writing(), by_hand as other:
        with pytest.raises(RefusedError, match=f"watch.*{watching.run_id}"):
            async with other.writing():
                raise AssertionError


async def test_what_is_remembered_lies_beside_the_record(looked: Looked) -> None:
    """So that restarts do not forget it; and each correction is a run of its own."""
    looked.world.set_replication(HUB, {"rules": []})
    assert await looked.watch(9, once=True) is ExitCode.OK
    state = looked.path.parent / ".fleet-repl/.worlds/sim/prod"
    note = json.loads((state / "watch.json").read_text())
    assert note["recent"] == {str(HUB): "c"}
    assert (state / "runs" / str(looked.rounds[0].run_id) / "report.json").is_file()


async def test_a_lock_that_is_held_is_sat_out(looked: Looked) -> None:
    """The watch goes on once the other run is done."""
    looked.world.set_replication(HUB, {"rules": []})
    async with looked.connect(load_inventory(looked.path)) as other, other.writing():
        assert await looked.watch(9, once=True) is ExitCode.PENDING
    assert looked.verdicts == ["busy"]
    assert await looked.watch(9, once=True) is ExitCode.OK
    assert looked.verdicts == ["busy", "corrected"]


async def test_links_of_nobody_are_left_to_a_person(looked: Looked) -> None:
    """A watch never forces."""
    stray = {"rules": [{"destinations": [{"region": "eu-west-2", "registryId": "1" * 12}]}]}
    looked.world.set_replication(HUB, stray)
    assert await looked.watch(9, once=True) is ExitCode.REFUSED
    assert looked.world.replication(HUB) == stray
    assert [objection.kind for objection in looked.rounds[0].objections] == ["foreign-rules"]


EDGE = registry_of("5")
STRAY = {"rules": [{"destinations": [{"region": "eu-west-2", "registryId": "1" * 12}]}]}
FIFTH = '[[accounts]]\nid = "555555555555"\nname = "edge"\n[[routes]]'


@pytest.mark.parametrize(
    ("protected", "kinds"),
    [
        ("", ["foreign-rules"]),
        ('[safety]\nprotected = [{ accounts = "edge" }]\n', ["foreign-rules", "protected"]),
    ],
)
async def test_a_foreign_rule_in_one_registry_stops_nobody_else(
    tmp_path: Path, stage: Stage, protected: str, kinds: list[str]
) -> None:
    """The other four are corrected, and the fifth is named with what speaks against it; the same
    once nobody else is left to correct, as the trouble that it was."""
    path = tmp_path / "five.toml"
    path.write_text(TEXT.replace("[[routes]]", FIFTH) + protected)
    async with looked_after(path, stage.clock) as looked:
        world, wanted = looked.world, in_place(looked.world)
        world.set_replication(HUB, {"rules": []})
        for spoke in SPOKES:
            take_grant(world, spoke)
        world.set_replication(EDGE, STRAY)
        assert await looked.watch(9, once=True) is ExitCode.PARTIAL
        assert in_place(world) == wanted
        assert world.replication(EDGE) == STRAY
        assert await looked.watch(9, once=True) is ExitCode.REFUSED
        assert world.replication(EDGE) == STRAY
    first, second = looked.rounds
    assert looked.verdicts == ["partial", "refused"]
    assert trouble(first) == trouble(second)
    for round_ in looked.rounds:
        document: Any = round_document(round_)
        (named,) = document["excluded"]
        assert (named["account"], named["region"]) == (EDGE.account, EDGE.region)
        assert [objection["kind"] for objection in named["objections"]] == kinds
        assert "555555555555/eu-west-1 → 111111111111/eu-west-2" in str(named["objections"])
    assert headline(first) == (
        "prod: 5 registries: 4 corrected, 1 failed; "
        f"excluded: 555555555555/eu-west-1 ({', '.join(kinds)})"
    )
    assert headline(second) == (
        f"prod: 1 of 5 registries differs; refused: {', '.join(kinds)}; "
        f"excluded: 555555555555/eu-west-1 ({', '.join(kinds)})"
    )
    lines = [item for item in looked.logged if item.event == "round-finished"]
    assert [line.fields["excluded"] for line in lines] == [
        round_document(round_)["excluded"] for round_ in looked.rounds
    ]


async def test_reading_is_spread_but_for_the_first_round(looked: Looked) -> None:
    """A later round takes its time, and less than half the interval."""
    await looked.watch(2)
    first, second = (round_.finished_at - round_.started_at for round_ in looked.rounds)
    assert first.total_seconds() < 1
    assert 1 < second.total_seconds() <= 450


async def test_a_round_says_who_it_was(looked: Looked) -> None:
    """Its line, a line of the log, the notification and the page name role, session and tool; an
    at sign, which chats take for a mention, is none in the line."""
    record: dict[str, Any] = {
        "userIdentity": {
            "arn": "arn:aws:sts::111111111111:assumed-role/ops@here/jenkins-42",
            "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111111111111:role/ops@here"}},
        },
        "eventSource": "ecr.amazonaws.com",
        "eventName": "PutReplicationConfiguration",
        "userAgent": "Terraform/1.9.8",
        "eventID": "5f6ec62b-0000-4000-8000-9ed1b7e6cd10",
    }
    looked.clock.seconds += 60
    looked.world.set_replication(HUB, {"rules": []})
    looked.world.trail.record(HUB, record)
    assert await looked.watch(1) is ExitCode.OK
    (round_,) = looked.rounds
    assert headline(round_) == (
        "prod: 4 registries: 1 corrected, 3 as wanted; changed outside by role ops(at)here "
        "(Terraform)"
    )
    (entry,) = [entry for entry in looked.logged if entry.event == "changed-outside"]
    moment = f"{looked.clock.now():%Y-%m-%d at %H:%M} UTC"
    assert entry.message == (
        "111111111111/eu-west-1: changed by role ops@here, session jenkins-42 (Terraform): "
        f"PutReplicationConfiguration on {moment}"
    )
    assert entry.fields["account"] == "111111111111"
    document: Any = round_document(round_)
    (call,) = document["registries"][0]["moved"]["calls"]
    assert (call["session"], call["event_id"]) == ("jenkins-42", record["eventID"])
    (row,) = registry_rows(document_of_round(round_))
    assert row.reasons[1].startswith("changed by role ops@here, session jenkins-42 (Terraform)")
