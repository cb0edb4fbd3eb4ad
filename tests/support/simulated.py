"""Whole runs against the sandbox over HTTP, on a clock that nobody waits for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from unittest import mock

from tests.support.clock import VirtualClock
from tests.support.registries import registry_of

from fleet_repl import (
    Event,
    Fleet,
    History,
    Inventory,
    Plan,
    Report,
    connect,
    load_inventory,
    open_history,
)
from fleet_repl.aws import Endpoint
from fleet_repl.engine.ports import EventSink
from fleet_repl.runs.history import Purpose
from fleet_repl.sandbox import AccountScenario, Scenario, World, serve, world_of
from fleet_repl.sandbox.policy import Access, allows
from fleet_repl.values.canonical_json import canonical_json
from fleet_repl.values.names import Partition, Registry, Secret, repositories_arn

T = TypeVar("T")
ENVIRONMENT = {"EXTERNAL_ID": "s3cr3t-external-id"}


@dataclass
class Simulated:
    """A fleet, the simulated AWS it lives in, and what has happened."""

    inventory: Inventory
    world: World
    clock: VirtualClock
    endpoint: Endpoint
    events: list[Event]
    how: dict[str, Any] = field(default_factory=dict)
    """What each connection is told beside that."""

    @asynccontextmanager
    async def connected(
        self, on_event: EventSink | None = None, **how: Any
    ) -> AsyncIterator[Fleet]:
        """A new connection, as each run of the program makes one."""
        how = {"endpoint": self.endpoint, "clock": self.clock, **self.how, **how}
        # So that runs sort by time.
        self.clock.seconds += 1
        async with connect(self.inventory, on_event=on_event or self.events.append, **how) as fleet:
            yield fleet

    def history(self) -> AbstractAsyncContextManager[History]:
        """What is remembered of this AWS."""
        return open_history(self.inventory, endpoint=self.endpoint, clock=self.clock)

    async def planned(self, text: str | None = None) -> Plan:
        """The plan of a new connection, for another version of the inventory where there is one."""
        if text is not None:
            self.rewrite(text)
        async with self.connected() as fleet:
            return await fleet.plan()

    async def applied(self, text: str | None = None, **how: Any) -> Report:
        """A whole run: a new connection, a plan, and that plan applied."""
        if text is not None:
            self.rewrite(text)
        async with self.connected() as fleet:
            return await fleet.apply(await fleet.plan(), **how)

    async def rolled_back(self, run_id: str, *, force: bool = False) -> Report:
        """A whole run that takes another one back."""
        async with self.connected(purpose=Purpose.ROLLBACK) as fleet:
            return await fleet.apply(await fleet.plan_rollback(run_id, force=force), force=force)

    def rewrite(self, text: str) -> None:
        """Put another version of the inventory in the place of this one."""
        path = Path(self.inventory.path)
        path.write_text(text)
        self.inventory = load_inventory(path, environ=ENVIRONMENT)

    @property
    def state(self) -> Path:
        """Where the fleet keeps what it remembers."""
        return Path(self.inventory.path).parent / ".fleet-repl/.worlds/sim" / self.inventory.name

    def deny(self, number: int, *actions: str) -> None:
        """Take IAM actions from an account's role; without any, nobody may assume it."""
        denied = AccountScenario(
            id=self.at(number).account, denied=not actions, denied_actions=actions
        )
        self.world.directory._peculiar[self.at(number).account] = denied

    def relent(self) -> None:
        """Every role may do again what it could at first."""
        self.world.directory._peculiar.clear()

    @staticmethod
    def at(number: int) -> Registry:
        """The registry of an account of `fleet_text`."""
        return registry_of(number)

    def rules(self, registry: Registry) -> list[dict[str, Any]]:
        """The replication rules of a registry, as ECR has them."""
        rules: Any = self.world.replication(registry)["rules"]
        return list(rules)

    def statements(self, registry: Registry) -> list[dict[str, Any]]:
        """The statements of a registry's policy, as ECR has them."""
        policy: Any = self.world.policy(registry) or {"Statement": []}
        return list(policy["Statement"])

    def links(self, number: int) -> set[str]:
        """What the rules of an account ask for, such as `2 base/`."""
        return {
            f"{int(end['registryId'])} {filter_['filter']}"
            for rule in self.rules(self.at(number))
            for end in rule["destinations"]
            for filter_ in rule.get("repositoryFilters", [{"filter": ""}])
        }

    def policy_text(self, registry: Registry) -> str:
        """The text of a registry's policy, empty where there is none."""
        policy = self.world.registries[registry].policy.latest
        return "" if policy is None else policy.text

    def documents(self) -> dict[Registry, tuple[Any, Any]]:
        """The rules and the policy of every listed registry."""
        listed = [
            Registry(account.id, region)
            for account in self.inventory.accounts
            for region in account.regions
        ]
        return {item: (self.world.replication(item), self.world.policy(item)) for item in listed}

    def spelled(self) -> dict[Registry, str]:
        """The same as text that can be compared: neither order of keys nor kind of list counts."""
        return {registry: canonical_json(list(both)) for registry, both in self.documents().items()}

    def ungranted(self) -> set[str]:
        """Links in place that their destinations do not let in, such as `1 > 2 base/`."""
        return {
            f"{int(source.account)} > {link}"
            for source in self.documents()
            for link in self.links(int(source.account))
            if not self._let_in(source, *link.split(" "))
        }

    def _let_in(self, source: Registry, number: str, prefix: str) -> bool:
        end = self.at(int(number))
        return all(
            allows(
                self.world.policy(end),
                Access(
                    partition=Partition.AWS,
                    account=source.account,
                    action=action,
                    resource=f"{repositories_arn(Partition.AWS, end)}{prefix}image",
                ),
            )
            for action in ("ecr:ReplicateImage", "ecr:CreateRepository")
        )

    def watched(self) -> AbstractContextManager[list[set[str]]]:
        """What was ungranted after each write of rules or policies that AWS took meanwhile."""
        return self.noting(lambda registry, operation: self.ungranted())

    @contextmanager
    def noting(self, look: Callable[[Registry, str], T]) -> Iterator[list[T]]:
        """What `look` finds right after each write of rules or policies, before its answer."""
        seen: list[T] = []
        world = self.world

        def noted(write: Callable[..., None]) -> Callable[..., None]:
            def wrapped(*arguments: Any) -> None:
                write(*arguments)
                seen.append(look(*world.writes[-1]))

            return wrapped

        with (
            mock.patch.object(world, "write_replication", noted(world.write_replication)),
            mock.patch.object(world, "write_policy", noted(world.write_policy)),
        ):
            yield seen


@asynccontextmanager
async def simulate(text: str, scenario: Scenario | None = None) -> AsyncIterator[Simulated]:
    """Starts a sandbox for an inventory's text, in a folder of its own."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.toml"
        path.write_text(text)
        inventory = load_inventory(path, environ=ENVIRONMENT)
        clock = VirtualClock(datetime.now(UTC).replace(microsecond=0))
        world = world_of(inventory, scenario=scenario or Scenario(), clock=clock)
        async with serve(world) as server:
            endpoint = Endpoint(
                url=server.url,
                access_key_id=server.access_key_id,
                secret_access_key=Secret(server.secret_access_key),
                region=server.region,
                world="sim",
            )
            yield Simulated(inventory, world, clock, endpoint, [])
