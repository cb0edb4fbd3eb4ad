"""A clock that nobody waits for, and one registry in memory that can be made to misbehave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from fleet_repl.canonical import JsonObject
from fleet_repl.engine import Stop, Writing
from fleet_repl.errors import CallError, Fault, FaultKind
from fleet_repl.grants import Owner
from fleet_repl.names import AccountId, Partition, Region, Registry
from fleet_repl.outcomes import Event
from fleet_repl.pacing import Pace


class VirtualClock:
    """Time passes only by sleeping, and sleeping takes none."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await anyio.lowlevel.checkpoint()


def failure(kind: FaultKind, *, transient: bool = True, uncertain: bool = False) -> CallError:
    fault = Fault(kind=kind, operation="Call", message=f"scripted {kind}")
    return CallError(fault, transient=transient, uncertain=uncertain)


@dataclass
class OneRegistry:
    """Answers like ECR, with reads that lag and writes that follow a script.

    Each entry of `script` is for one write: "ok", "lost" (written, the answer is lost), "dropped"
    (not written, the answer is lost too), "throttled", or "denied".
    """

    clock: VirtualClock
    document: JsonObject = field(default_factory=lambda: {"rules": []})
    policy: JsonObject | None = None
    templates: tuple[JsonObject, ...] = ()
    lag: float = 0
    script: list[str] = field(default_factory=list)
    before_write: Callable[[], object] = lambda: None
    log: list[str] = field(default_factory=list)
    _history: list[tuple[float, JsonObject, JsonObject | None]] = field(default_factory=list)

    def attempts(self, registry: Registry) -> int:
        return len(self.log)

    def _shown(self) -> tuple[JsonObject, JsonObject | None]:
        for until, document, policy in self._history:
            if self.clock.seconds < until:
                return document, policy
        return self.document, self.policy

    async def describe(self, registry: Registry) -> JsonObject:
        self.log.append("read")
        return {"registryId": registry.account, "replicationConfiguration": self._shown()[0]}

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        self.log.append("read")
        return self._shown()[1]

    async def read_templates(self, registry: Registry) -> tuple[JsonObject, ...]:
        self.log.append("read")
        return self.templates

    async def account_setting(self, registry: Registry, name: str) -> str | None:
        self.log.append("read")
        return None

    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        return self._write(document, self.policy)

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        return self._write(self.document, document)

    async def delete_policy(self, registry: Registry) -> str | None:
        return self._write(self.document, None)

    async def create_template(self, registry: Registry, document: JsonObject) -> str | None:
        self.templates = (*self.templates, document)
        return self._write(self.document, self.policy)

    async def update_template(self, registry: Registry, document: JsonObject) -> str | None:
        await self.delete_template(registry, str(document["prefix"]))
        return await self.create_template(registry, document)

    async def delete_template(self, registry: Registry, prefix: str) -> str | None:
        self.templates = tuple(one for one in self.templates if one["prefix"] != prefix)
        return self._write(self.document, self.policy)

    def _write(self, document: JsonObject, policy: JsonObject | None) -> str:
        self.before_write()
        how = self.script.pop(0) if self.script else "ok"
        self.log.append(how)
        if how in ("ok", "lost"):
            self._history.append((self.clock.seconds + self.lag, self.document, self.policy))
            self.document, self.policy = document, policy
        match how:
            case "throttled":
                raise failure(FaultKind.THROTTLED)
            case "denied":
                raise failure(FaultKind.ACCESS_DENIED, transient=False)
            case "lost" | "dropped":
                raise failure(FaultKind.NETWORK, uncertain=True)
        return f"request-{len(self.log)}"


HERE = Registry(AccountId("1" * 12), Region("eu-west-1"))


@dataclass
class Bench:
    """One registry with everything that writing to it takes."""

    registry: Registry
    aws: OneRegistry
    clock: VirtualClock
    stop: Stop
    writing: Writing
    events: list[Event]


@pytest.fixture
def bench() -> Bench:
    clock = VirtualClock()
    aws = OneRegistry(clock)
    stop = Stop(clock, 7200, 7200)
    events: list[Event] = []
    pace = Pace(attempts=5, timeout=30, deadline=7200, clock=clock, uniform=lambda low, high: high)
    writing = Writing(
        reader=aws,
        writer=aws,
        owner=Owner(fleet="prod", partition=Partition.AWS),
        pace=pace,
        stop=stop,
        on_event=events.append,
    )
    return Bench(registry=HERE, aws=aws, clock=clock, stop=stop, writing=writing, events=events)
