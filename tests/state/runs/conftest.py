"""A store in memory that counts and fails when it is told to, and a small run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import pytest
from tests.support.changes import change_of
from tests.support.clock import VirtualClock
from tests.support.plans import plan_of, registry_outcome, report_of, with_digest
from tests.support.registries import registry_of

from fleet_repl.engine.stores import Stored
from fleet_repl.inventory.model import InventoryRef
from fleet_repl.planning.change import Action, Change, Phase, Resource
from fleet_repl.planning.plan import Plan, RegistryPlan, State
from fleet_repl.runs.history import Holder, Purpose, RunMeta
from fleet_repl.runs.outcomes import Outcome, Report, Status
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import StateError

RUN = "20261123T081500Z-ab12cd"
NOON = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
HUB, SPOKE = registry_of("1"), registry_of("2")


class MemoryStore:
    """Documents in memory. `appends` holds what each append brought."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.order: list[str] = []
        self.appends: list[bytes] = []
        self.versions = 0
        self.broken: StateError | None = None
        self.torn = False
        """Whether an append that fails leaves half of its content behind."""
        self.gate: anyio.Event | None = None
        """What appends wait for before they write."""
        self.meddle: Callable[[], None] | None = None
        """Somebody else, who is at work between a look and a swap."""

    def __str__(self) -> str:
        return "memory"

    async def read(self, name: str) -> bytes | None:
        await anyio.lowlevel.checkpoint()
        return self.documents.get(name)

    async def find(self, name: str) -> Stored | None:
        content = self.documents.get(name)
        stored = None
        if content is not None:
            stored = Stored(content=content, version=str(self.versions), age=0)
        if self.meddle is not None:
            self.meddle()
        return stored

    async def replace(self, name: str, content: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        if self.broken is not None:
            raise self.broken
        self.documents[name] = content
        self.order.append(name)

    async def replace_in_pieces(self, name: str, pieces: Iterable[bytes]) -> None:
        await self.replace(name, b"".join(pieces))

    async def swap(self, name: str, content: bytes, expected: str | None) -> str | None:
        there = str(self.versions) if name in self.documents else None
        if there != expected:
            return None
        self.documents[name] = content
        self.versions += 1
        return str(self.versions)

    async def append(self, name: str, content: bytes) -> None:
        if self.gate is not None:
            await self.gate.wait()
        await anyio.lowlevel.checkpoint()
        before = self.documents.get(name, b"")
        if self.broken is not None:
            if self.torn:
                self.documents[name] = before + content[: len(content) // 2]
            raise self.broken
        self.appends.append(content)
        self.documents[name] = before + content

    async def read_grown(self, name: str) -> bytes | None:
        return await self.read(name)

    async def names(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(name for name in self.documents if name.startswith(prefix)))

    async def remove(self, name: str) -> None:
        self.documents.pop(name, None)

    async def remove_all(self, folder: str) -> None:
        for name in await self.names(folder):
            await self.remove(name)


@pytest.fixture
def store() -> MemoryStore:
    """Nothing is remembered yet."""
    return MemoryStore()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def meta(plan: Plan) -> RunMeta:
    """An apply of ann's."""
    return RunMeta(
        run_id=RUN,
        fleet="prod",
        purpose=Purpose.APPLY,
        holder=Holder(
            run_id=RUN,
            purpose=Purpose.APPLY,
            user="ann",
            host="build-1",
            pid=4711,
            process="boot-7:123",
        ),
        started_at=NOON,
        inventory=plan.inventory,
        plan_digest=plan.digest,
        forced=True,
        allowed=("protected",),
        rolls_back="20261122T081500Z-ab12cd",
        changes=4,
    )


def change(
    resource: Resource, phase: Phase, before: JsonObject | None, after: JsonObject
) -> Change:
    action = Action.CREATE if before is None else Action.UPDATE
    return change_of(resource=resource, action=action, phase=phase, before=before, after=after)


@pytest.fixture
def plan() -> Plan:
    """A hub with a template and rules, a spoke whose policy is written twice, and one that is
    refused."""
    rules, policy = Resource.REPLICATION_CONFIGURATION, Resource.REGISTRY_POLICY
    template = Resource.CREATION_TEMPLATE
    hub = RegistryPlan(
        registry=HUB,
        name="hub",
        state=State.CHANGED,
        changes=(
            change(template, Phase.TEMPLATES, None, {"prefix": "base"}),
            change(rules, Phase.RULES, {"rules": [], "kept": "é"}, {"rules": ["new"]}),
        ),
    )
    spoke = RegistryPlan(
        registry=SPOKE,
        name="spoke",
        state=State.CHANGED,
        changes=(
            change(policy, Phase.GRANTS, None, {"Statement": ["one"]}),
            change(policy, Phase.WITHDRAWALS, {"Statement": ["one"]}, {"Statement": []}),
        ),
    )
    inventory = InventoryRef(path="prod.toml", digest="sha256:" + "1" * 64)
    return with_digest(plan_of(hub, spoke, inventory=inventory))


@pytest.fixture
def report(plan: Plan) -> Report:
    """The hub was written, the spoke was not."""
    hub, spoke = plan.registries
    applied, failed = (
        registry_outcome(hub, Outcome.APPLIED),
        registry_outcome(spoke, Outcome.FAILED),
    )
    return report_of(plan, applied, failed, status=Status.PARTIAL, run_id=RUN)
