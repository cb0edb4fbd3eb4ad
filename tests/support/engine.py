"""A clock that nobody waits for, one registry in memory that misbehaves, and a small fleet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from tests.support.clock import VirtualClock

from fleet_repl.ecr.policy import Owner, parse_policy
from fleet_repl.ecr.rules import parse_document
from fleet_repl.engine.apply import ApplyContext, apply_plan
from fleet_repl.engine.registry_documents import DocumentWriter
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.stop import Stop
from fleet_repl.inventory import Wave
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.change import Change
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.plan import Plan
from fleet_repl.planning.planner import plan_registries
from fleet_repl.planning.registry_plan import summarize
from fleet_repl.runs.events import Event
from fleet_repl.runs.outcomes import ChangeOutcome, RegistryOutcome
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError, Fault, FaultKind, HaltedError
from fleet_repl.values.names import AccountId, Partition, Region, Registry

OWNER = Owner(fleet="prod", partition=Partition.AWS)


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
    while_read: Callable[[], object] = lambda: None
    """What happens once an answer to a read is on its way."""
    while_prepared: Callable[[], object] = lambda: None
    log: list[str] = field(default_factory=list)
    _history: list[tuple[float, JsonObject, JsonObject | None]] = field(default_factory=list)

    def attempts(self, registry: Registry) -> int:
        return len(self.log)

    def _shown(self) -> tuple[JsonObject, JsonObject | None]:
        for until, document, policy in self._history:
            if self.clock.seconds < until:
                return document, policy
        return self.document, self.policy

    def _read(self) -> tuple[JsonObject, JsonObject | None]:
        self.log.append("read")
        shown = self._shown()
        self.while_read()
        return shown

    async def describe(self, registry: Registry) -> JsonObject:
        shown = self._read()[0]
        return {"registryId": registry.account, "replicationConfiguration": shown}

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        return self._read()[1]

    async def read_templates(self, registry: Registry) -> tuple[JsonObject, ...]:
        self._read()
        return self.templates

    async def account_setting(self, registry: Registry, name: str) -> str | None:
        self.log.append("read")
        return None

    async def prepare(self, registry: Registry) -> None:
        await anyio.lowlevel.checkpoint()
        self.while_prepared()

    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        return self._write(document, self.policy)

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        return self._write(self.document, document)

    async def delete_policy(self, registry: Registry) -> str | None:
        return self._write(self.document, None)

    async def create_template(self, registry: Registry, document: JsonObject) -> str | None:
        request_id = self._write(self.document, self.policy)
        self.templates = (*self.templates, document)
        return request_id

    async def update_template(self, registry: Registry, document: JsonObject) -> str | None:
        rest = (template for template in self.templates if template["prefix"] != document["prefix"])
        request_id = self._write(self.document, self.policy)
        self.templates = (*rest, document)
        return request_id

    async def delete_template(self, registry: Registry, prefix: str) -> str | None:
        request_id = self._write(self.document, self.policy)
        self.templates = tuple(
            template for template in self.templates if template["prefix"] != prefix
        )
        return request_id

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


class OpenGate:
    """Lets every write through, or refuses one; what it was asked is in `log`."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.turns: list[str] = []
        self.sent: list[Change] = []
        self.ended: list[ChangeOutcome] = []
        self.refuse_at: int | None = None
        """The number of the question that is answered with a halt."""
        self.while_asked: Callable[[], object] = lambda: None
        self.while_waiting: Callable[[], object] = lambda: None
        """What happens before a registry's turn comes."""
        self.shut = 0
        """How often it is found shut, right before a write."""

    @asynccontextmanager
    async def turn(self, registry: Registry) -> AsyncIterator[None]:
        self.while_waiting()
        await anyio.lowlevel.checkpoint()
        self.turns.append("taken")
        yield
        self.turns.append("given back")

    async def admit(self, registry: Registry, change: Change) -> None:
        await self._ask("admit")
        self.sent.append(change)

    async def admit_again(self) -> None:
        await self._ask("again")

    @property
    def is_open(self) -> bool:
        self.shut -= 1
        return self.shut < 0

    def note_end(self, registry: Registry, change: Change, outcome: ChangeOutcome) -> None:
        self.log.append(f"settled {outcome.outcome}")
        self.ended.append(outcome)

    async def _ask(self, what: str) -> None:
        self.log.append(what)
        await anyio.lowlevel.checkpoint()
        self.while_asked()
        if self.refuse_at == len(self.log):
            raise HaltedError("the lock was lost")


HERE = Registry(AccountId("1" * 12), Region("eu-west-1"))


@dataclass
class Bench:
    """One registry with everything that writing to it takes."""

    registry: Registry
    aws: OneRegistry
    clock: VirtualClock
    stop: Stop
    writing: DocumentWriter
    gate: OpenGate
    events: list[Event]


@dataclass
class SmallFleet:
    """Registries in memory whose writes can be refused, and a plan carried out on them."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    gate: OpenGate = field(default_factory=OpenGate)
    rules: dict[Registry, JsonObject] = field(default_factory=dict)
    policies: dict[Registry, JsonObject | None] = field(default_factory=dict)
    denied: set[tuple[str, Registry]] = field(default_factory=set)
    """Writes that are refused, such as ("rules", registry)."""
    silent: set[Registry] = field(default_factory=set)
    written: list[tuple[str, Registry]] = field(default_factory=list)
    read: list[Registry] = field(default_factory=list)
    """Policies that were read."""
    events: list[Event] = field(default_factory=list)
    on_event: Callable[[Event], object] = lambda event: None
    owner: Owner = OWNER

    def __post_init__(self) -> None:
        self.stop = Stop(self.clock, 7200, 7200)

    def attempts(self, registry: Registry) -> int:
        return 0

    async def describe(self, registry: Registry) -> JsonObject:
        rules = self.rules.get(registry, {"rules": []})
        return {"registryId": registry.account, "replicationConfiguration": rules}

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        self.read.append(registry)
        if registry in self.silent:
            raise failure(FaultKind.ACCESS_DENIED, transient=False)
        return self.policies.get(registry)

    async def prepare(self, registry: Registry) -> None:
        pass

    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        self._write("rules", registry)
        self.rules[registry] = document
        return "request"

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        self._write("policy", registry)
        self.policies[registry] = document
        return "request"

    async def delete_policy(self, registry: Registry) -> str | None:
        self._write("policy", registry)
        self.policies[registry] = None
        return "request"

    def _write(self, what: str, registry: Registry) -> None:
        if (what, registry) in self.denied:
            raise failure(FaultKind.ACCESS_DENIED, transient=False)
        self.written.append((what, registry))

    def granted(self, registry: Registry) -> set[tuple[str, str]]:
        """The accounts and prefixes that a policy grants."""
        policy = parse_policy(self.policies.get(registry), self.owner, registry)
        return {(grant.source, grant.prefix) for grant in policy.grants}

    def plan(self, desired: Desired) -> Plan:
        silence = failure(FaultKind.ACCESS_DENIED).fault
        observation: Observation = {
            registry: Unreadable(error=silence)
            if registry in self.silent
            else Observed(
                replication=parse_document(self.rules.get(registry, {"rules": []})),
                policy=parse_policy(self.policies.get(registry), self.owner, registry),
            )
            for registry in desired.registries
        }
        registries = plan_registries(desired, observation, desired.registries).registries
        return Plan(
            digest="sha256:0",
            created_at=self.clock.now(),
            fleet="prod",
            inventory=InventoryRef(path="prod.toml", digest="sha256:0"),
            summary=summarize(registries),
            registries=registries,
        )

    async def apply(
        self, plan: Plan, desired: Desired, *waves: Wave, until: str | None = None
    ) -> dict[Registry, RegistryOutcome]:
        pace = Pace(
            attempts=2, timeout=30, deadline=7200, clock=self.clock, uniform=lambda _, high: high
        )
        port: Any = self
        writing = DocumentWriter(
            reader=port,
            writer=port,
            owner=self.owner,
            pace=pace,
            stop=self.stop,
            guard=self.gate,
            on_event=self._record_event,
            limits=desired.limits,
        )
        how = ApplyContext(
            desired=desired,
            documents=writing,
            concurrency=4,
            waves={wave.name: wave for wave in waves},
            until=until,
        )
        return {entry.registry: entry for entry in await apply_plan(plan, how)}

    def _record_event(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)
