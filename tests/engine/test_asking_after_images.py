"""Verifying: which calls are made, how many, and that what fails is a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio
import pytest
from tests.support.clock import MORNING
from tests.support.desired import desired_of
from tests.support.engine import Bench
from tests.support.links import make_link

from fleet_repl.engine.stop import Stop
from fleet_repl.engine.verify import Verified, VerifyContext, verify
from fleet_repl.runs.delivery import LOOKS, DeliveryState
from fleet_repl.runs.events import Event, ReadStarted, RegistryRead
from fleet_repl.topology import Link
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind
from fleet_repl.values.names import AccountId, Region, Registry

EU = Region("eu-west-1")
HUB = Registry(AccountId("1" * 12), EU)
HUB2 = Registry(AccountId("2" * 12), EU)
SPOKE = Registry(AccountId("3" * 12), EU)
PARTNER = Registry(AccountId("4" * 12), EU)
NOW = MORNING.timestamp()
DENIED = "DESTINATION_REGISTRY_ACCESS_DENIED"
TO_SPOKE = {"rules": [{"destinations": [{"region": EU, "registryId": SPOKE.account}]}]}


def failure(kind: FaultKind, code: str | None = None) -> CallError:
    return CallError(Fault(kind=kind, operation="Call", message="scripted", code=code))


@dataclass
class Images:
    """Registries in memory: what they hold, where it went, and what goes wrong."""

    holding: dict[Registry, dict[str, list[JsonObject]]] = field(default_factory=dict)
    statuses: dict[tuple[Registry, str], list[JsonObject]] = field(default_factory=dict)
    """By source and digest."""
    rules: Mapping[Registry, JsonObject] = field(default_factory=dict)
    wrong: dict[tuple[str, Registry], Exception] = field(default_factory=dict)
    log: list[tuple[str, Registry]] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    at_work: int = 0
    most: int = 0

    def push(
        self, registry: Registry, repository: str, digest: str, *, seconds_ago: float = 60
    ) -> None:
        image: JsonObject = {
            "imageDigest": digest,
            "imageTags": ["1"],
            "imagePushedAt": NOW - seconds_ago,
        }
        self.holding.setdefault(registry, {}).setdefault(repository, []).append(image)

    def tell(self, source: Registry, digest: str, end: Registry, status: str) -> None:
        said: dict[str, str] = {"registryId": end.account, "region": end.region, "status": status}
        if status == "FAILED":
            said["failureCode"] = DENIED
        self.statuses.setdefault((source, digest), []).append(said)

    async def _called(self, operation: str, registry: Registry) -> None:
        self.log.append((operation, registry))
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        try:
            self.meanwhile()
            await anyio.lowlevel.checkpoint()
        finally:
            self.at_work -= 1
        if error := self.wrong.get((operation, registry)):
            raise error

    def attempts(self, registry: Registry) -> int:
        return len(self.log)

    async def describe(self, registry: Registry) -> JsonObject:
        await self._called("rules", registry)
        rules = self.rules.get(registry, {"rules": []})
        return {"registryId": registry.account, "replicationConfiguration": rules}

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        await self._called("policy", registry)
        return None

    async def read_templates(self, registry: Registry) -> tuple[JsonObject, ...]:
        raise NotImplementedError

    async def account_setting(self, registry: Registry, name: str) -> str | None:
        raise NotImplementedError

    async def describe_repositories(self, registry: Registry) -> tuple[JsonObject, ...]:
        await self._called("repositories", registry)
        return tuple({"repositoryName": name} for name in self.holding.get(registry, {}))

    async def describe_images(
        self, registry: Registry, repository: str
    ) -> AsyncIterator[tuple[JsonObject, ...]]:
        """In pages of two."""
        every = self.holding[registry][repository]
        for start in range(0, max(len(every), 1), 2):
            await self._called("images", registry)
            yield tuple(every[start : start + 2])

    async def find_image(
        self, registry: Registry, repository: str, digest: str
    ) -> JsonObject | None:
        await self._called("find", registry)
        there = self.holding.get(registry, {}).get(repository, ())
        return next((item for item in there if item["imageDigest"] == digest), None)

    async def replication_statuses(
        self, registry: Registry, repository: str, digest: str
    ) -> tuple[JsonObject, ...]:
        await self._called("statuses", registry)
        return tuple(self.statuses.get((registry, digest), ()))


@dataclass
class Asking:
    """A fleet to be asked: two hubs with a link to a spoke each, one also to a partner."""

    aws: Images
    desired: Any
    links: dict[Registry, tuple[Link, ...]]
    stop: Stop
    clock: Any
    events: list[Event] = field(default_factory=list)
    concurrency: int = 8
    count: int = 10

    async def __call__(self) -> Verified:
        how = VerifyContext(
            images=self.aws,
            reader=self.aws,
            desired=self.desired,
            count=self.count,
            since=self.clock.now() - timedelta(days=7),
            concurrency=self.concurrency,
            stop=self.stop,
            clock=self.clock,
            on_event=self.events.append,
        )
        return await verify(self.links, how)


@pytest.fixture
def ask(bench: Bench) -> Asking:
    def link(source: Registry, destination: Registry) -> Link:
        return make_link(
            source=source, destination=destination, prefixes=("base/",), routes=("golden",)
        )

    links = {HUB: (link(HUB, SPOKE), link(HUB, PARTNER)), HUB2: (link(HUB2, SPOKE),)}
    every = [item for some in links.values() for item in some]
    return Asking(
        aws=Images(rules={HUB: TO_SPOKE, HUB2: TO_SPOKE}),
        desired=desired_of(every, (HUB, HUB2, SPOKE)),
        links=links,
        stop=bench.stop,
        clock=bench.clock,
    )


def states(verified: Verified) -> list[DeliveryState]:
    return [link.state for link in verified.links]


async def test_what_became_of_an_image_at_each_end(ask: Asking) -> None:
    """Complete with its time at the spoke; nothing is looked up at the external partner."""
    ask.aws.push(HUB, "base/app", "sha256:a", seconds_ago=60)
    ask.aws.push(HUB, "team/app", "sha256:b")
    ask.aws.push(SPOKE, "base/app", "sha256:a", seconds_ago=48)
    ask.aws.tell(HUB, "sha256:a", SPOKE, "COMPLETE")
    ask.aws.tell(HUB, "sha256:a", PARTNER, "IN_PROGRESS")
    verified = await ask()
    assert (verified.sampled, verified.unreadable) == (1, ())
    assert [(link.source, link.destination, link.external) for link in verified.links] == [
        (HUB, SPOKE, False),
        (HUB, PARTNER, True),
        (HUB2, SPOKE, False),
    ]
    assert states(verified) == ["complete", "in-progress", "idle"]
    assert [image.seconds for link in verified.links for image in link.images] == [12.0, 60.0]
    assert Counter(ask.aws.log) == Counter(
        [
            ("rules", HUB),
            ("repositories", HUB),
            ("images", HUB),
            ("statuses", HUB),
            ("rules", HUB2),
            ("repositories", HUB2),
            ("find", SPOKE),
        ]
    )
    assert [event for event in ask.events if isinstance(event, ReadStarted)] == [
        ReadStarted(registry=HUB),
        ReadStarted(registry=HUB2),
    ]
    assert {event for event in ask.events if isinstance(event, RegistryRead)} == {
        RegistryRead(registry=HUB),
        RegistryRead(registry=HUB2),
    }


async def test_a_source_that_cannot_be_read(ask: Asking) -> None:
    """Its links are unknown, its error is told, and the others are asked all the same."""
    ask.aws.push(HUB2, "base/app", "sha256:a")
    ask.aws.tell(HUB2, "sha256:a", SPOKE, "IN_PROGRESS")
    ask.aws.wrong["repositories", HUB] = error = failure(FaultKind.ACCESS_DENIED)
    verified = await ask()
    assert states(verified) == ["unknown", "unknown", "in-progress"]
    assert [(entry.registry, entry.name, entry.error) for entry in verified.unreadable] == [
        (HUB, "name-111", error.fault)
    ]
    assert RegistryRead(registry=HUB, error=error.fault) in ask.events


@pytest.mark.parametrize(("transient", "unreadable"), [(True, 0), (False, 1)])
async def test_a_source_that_is_refused_once_is_asked_again(
    ask: Asking, transient: bool, unreadable: int
) -> None:
    """Its role or its session may be fresh, if the refusal says so."""
    fault = Fault(kind=FaultKind.ACCESS_DENIED, operation="AssumeRole", message="no")
    ask.aws.wrong["rules", HUB] = CallError(fault, transient=transient)

    def pass_by() -> None:
        if ask.aws.log.count(("rules", HUB)) == 2:
            ask.aws.wrong.clear()

    ask.aws.meanwhile = pass_by
    assert len((await ask()).unreadable) == unreadable


async def test_what_nobody_foresaw_is_a_value_too(ask: Asking) -> None:
    """At a source, at a destination, at its policy."""
    ask.aws.push(HUB, "base/app", "sha256:a")
    ask.aws.tell(HUB, "sha256:a", SPOKE, "COMPLETE")
    for operation, place in (("statuses", HUB), ("find", SPOKE)):
        ask.aws.wrong = {(operation, place): ValueError("a secret")}
        verified = await ask()
        assert [(entry.registry, entry.error.kind) for entry in verified.unreadable] == [
            (place, "internal")
        ]
        assert "secret" not in repr(verified)
    ask.aws.tell(HUB, "sha256:a", SPOKE, "FAILED")
    ask.aws.wrong = {("policy", SPOKE): ValueError("a secret")}
    verified = await ask()
    assert [item.error.operation for item in verified.unreadable] == ["GetRegistryPolicy"]
    assert verified.links[0].images[0].because == "its registry policy was not read (internal)"


async def test_a_destination_that_fails_is_asked_once(ask: Asking) -> None:
    """What ECR says at the source stands; only the time is not known."""
    for number in range(5):
        ask.aws.push(HUB, "base/app", f"sha256:{number}")
        ask.aws.tell(HUB, f"sha256:{number}", SPOKE, "COMPLETE")
    ask.aws.wrong["find", SPOKE] = failure(FaultKind.ACCESS_DENIED)
    ask.concurrency = 1
    verified = await ask()
    assert states(verified)[0] == "complete"
    assert {image.seconds for image in verified.links[0].images} == {None}
    assert [entry.registry for entry in verified.unreadable] == [SPOKE]
    assert ask.aws.log.count(("find", SPOKE)) == 1


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("images", "RepositoryNotFoundException"),
        ("statuses", "ImageNotFoundException"),
        ("statuses", "RepositoryNotFoundException"),
    ],
)
async def test_what_has_gone_since_it_was_listed(ask: Asking, operation: str, code: str) -> None:
    """It is no failure, just no image."""
    ask.aws.push(HUB, "base/app", "sha256:a")
    ask.aws.wrong[operation, HUB] = failure(FaultKind.INVALID, code)
    verified = await ask()
    assert (verified.sampled, states(verified), verified.unreadable) == (0, ["idle"] * 3, ())


async def test_a_policy_is_read_once_for_all_its_sources(ask: Asking) -> None:
    """It explains every image that the destination did not let in."""
    for hub in (HUB, HUB2):
        for digest in ("sha256:a", "sha256:b"):
            ask.aws.push(hub, "base/app", digest)
            ask.aws.tell(hub, digest, SPOKE, "FAILED")
    verified = await ask()
    assert ask.aws.log.count(("policy", SPOKE)) == 1
    assert {image.because for link in verified.links for image in link.images if image.code} == {
        "its registry policy does not grant ecr:ReplicateImage and ecr:CreateRepository"
    }


async def test_a_policy_that_cannot_be_read(ask: Asking) -> None:
    """The destination is told to be unreadable; what its policy needs is known."""
    ask.aws.push(HUB, "base/app", "sha256:a")
    ask.aws.tell(HUB, "sha256:a", SPOKE, "FAILED")
    ask.aws.wrong["policy", SPOKE] = failure(FaultKind.THROTTLED)
    verified = await ask()
    assert [entry.registry for entry in verified.unreadable] == [SPOKE]
    assert verified.links[0].images[0].because == "its registry policy was not read (throttled)"


async def test_an_image_that_is_there_although_it_was_not_sent(ask: Asking) -> None:
    """Looked up where a rule would carry it; where none does, that is what is wrong."""
    ask.aws.push(HUB, "base/app", "sha256:a")
    ask.aws.push(SPOKE, "base/app", "sha256:a", seconds_ago=1)
    verified = await ask()
    assert states(verified) == ["complete", "no-rule", "idle"]
    assert ask.aws.log.count(("find", SPOKE)) == 1


async def test_quiet_repositories_do_not_cost_without_end(ask: Asking) -> None:
    """Of a thousand in which nothing is recent, only so many are looked into."""
    for number in range(1_000):
        ask.aws.push(HUB, f"base/{number}", "sha256:old", seconds_ago=8 * 86_400)
    ask.count = 3
    assert (await ask()).sampled == 0
    assert ask.aws.log.count(("images", HUB)) == 3 * LOOKS


async def test_busy_repositories_are_not_looked_into_in_vain(ask: Asking) -> None:
    """Once there are enough recent images, no more are looked for; lookups have a bound, too."""
    for number in range(100):
        ask.aws.push(HUB, f"base/{number}", f"sha256:{number}")
        ask.aws.tell(HUB, f"sha256:{number}", SPOKE, "COMPLETE")
    ask.count = 4
    assert (await ask()).sampled == 4
    calls = Counter(operation for operation, registry in ask.aws.log if registry != HUB2)
    assert calls == {"rules": 1, "repositories": 1, "images": 4, "statuses": 4, "find": 4}


async def test_no_more_at_a_time_than_the_crew(ask: Asking) -> None:
    """In every part of it."""
    for hub in (HUB, HUB2):
        for number in range(20):
            ask.aws.push(hub, "base/app", f"sha256:{number}")
            ask.aws.tell(hub, f"sha256:{number}", SPOKE, "COMPLETE")
    ask.concurrency = 2
    await ask()
    assert ask.aws.most == 2


async def test_an_interruption_keeps_what_is_known(ask: Asking) -> None:
    """What was not asked is unknown, and no error of anybody's."""
    for digest in ("sha256:a", "sha256:b"):
        ask.aws.push(HUB, "base/app", digest, seconds_ago=60)
        ask.aws.push(SPOKE, "base/app", digest, seconds_ago=50)
        ask.aws.tell(HUB, digest, SPOKE, "COMPLETE")
    ask.concurrency = 1
    for last, seconds in ((("find", SPOKE), {10.0, None}), (("rules", HUB2), {10.0})):
        ask.aws.log.clear()
        ask.stop.interrupted = False

        def stop_there(last: tuple[str, Registry] = last) -> None:
            if ask.aws.log[-1] == last and ask.aws.log.count(last) == (last[0] == "find") + 1:
                ask.stop.interrupt()

        ask.aws.meanwhile = stop_there
        verified = await ask()
        assert states(verified) == ["complete", "no-rule", "unknown"]
        assert {image.seconds for image in verified.links[0].images} == seconds
        assert (verified.sampled, verified.unreadable) == (2, ())
        assert ask.aws.log[-1] == last


async def test_a_deadline_is_an_error_of_what_it_left_unread(ask: Asking) -> None:
    """In the report each such source says so."""
    ask.clock.seconds = 7_201
    verified = await ask()
    assert (states(verified), ask.aws.log) == (["unknown"] * 3, [])
    assert [
        (entry.registry, entry.error.kind, entry.error.message) for entry in verified.unreadable
    ] == [
        (registry, FaultKind.TIMEOUT, "the run's deadline of 7200 s had passed")
        for registry in (HUB, HUB2)
    ]


async def test_a_deadline_while_looking_up_is_reported(ask: Asking) -> None:
    """The destination says so, and what seemed to be missing is not judged as if it were known."""
    ask.aws.push(HUB, "base/app", "sha256:older", seconds_ago=600)
    ask.aws.tell(HUB, "sha256:older", SPOKE, "COMPLETE")
    ask.aws.push(HUB, "base/app", "sha256:newer")
    ask.concurrency = 1

    def pass_it() -> None:
        if ask.aws.log[-1] == ("statuses", HUB):
            ask.clock.seconds = 7_201

    ask.aws.meanwhile = pass_it
    verified = await ask()
    assert states(verified) == ["complete", "no-rule", "unknown"]
    assert [
        (entry.registry, entry.error.kind, entry.error.operation) for entry in verified.unreadable
    ] == [
        (HUB2, FaultKind.TIMEOUT, "DescribeRegistry"),
        (SPOKE, FaultKind.TIMEOUT, "DescribeImages"),
    ]
    newer, older = verified.links[0].images
    assert (newer.state, older.state, older.seconds) == ("not-sent", "complete", None)
    assert newer.because is not None
    assert newer.because.endswith("this one was not; it could not be looked up there")
    assert ("find", SPOKE) not in ask.aws.log


async def test_a_deadline_before_the_policies_is_reported(ask: Asking) -> None:
    """Each destination whose policy would have explained a failure says so."""
    ask.aws.push(HUB, "base/app", "sha256:a")
    ask.aws.tell(HUB, "sha256:a", SPOKE, "FAILED")
    del ask.links[HUB2]
    ask.aws.meanwhile = lambda: setattr(
        ask.clock, "seconds", 7_201 if ask.aws.log[-1][0] == "statuses" else 0
    )
    verified = await ask()
    assert [
        (entry.registry, entry.error.kind, entry.error.operation) for entry in verified.unreadable
    ] == [(SPOKE, FaultKind.TIMEOUT, "GetRegistryPolicy")]
    assert verified.links[0].images[0].because == "its registry policy was not read (timeout)"
    assert ("policy", SPOKE) not in ask.aws.log


async def test_a_destination_is_timed_only_so_often(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is beyond arrived as well, no matter when. What decides something is looked up."""
    monkeypatch.setattr("fleet_repl.engine.image_arrivals.TIMINGS", 3)
    for hub in (HUB, HUB2):
        for number in range(2):
            digest = f"sha256:{hub.account}{number}"
            ask.aws.push(hub, "base/app", digest, seconds_ago=60)
            ask.aws.push(SPOKE, "base/app", digest, seconds_ago=50)
            ask.aws.tell(hub, digest, SPOKE, "COMPLETE")
    ask.concurrency = 1
    verified = await ask()
    every = [image for link in verified.links for image in link.images if image.state == "complete"]
    assert sorted(str(item.seconds) for item in every) == ["10.0"] * 3 + ["None"]
    ask.aws.statuses.clear()
    ask.aws.log.clear()
    assert states(await ask()) == ["complete", "no-rule", "complete"]
    assert ask.aws.log.count(("find", SPOKE)) == 4


async def test_the_newest_images_of_many_pages(ask: Asking) -> None:
    """Every page is read, since ECR does not sort, and the newest of all are asked about."""
    for number in (5, 1, 4, 2, 3):
        ask.aws.push(HUB, "base/app", f"sha256:{number}", seconds_ago=60 * number)
    ask.count = 2
    verified = await ask()
    assert [image.image.digest for image in verified.links[0].images] == ["sha256:1", "sha256:2"]
    assert ask.aws.log.count(("images", HUB)) == 3
