"""Observe registries: read each, and return its contents or its error.

Reads may be spread over a time, so that a large fleet causes no burst of calls.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TypeAlias

from fleet_repl.ecr.policy import Owner, as_composed, parse_policy
from fleet_repl.ecr.policy.lint import scope_matters
from fleet_repl.ecr.rules import Outgoing, parse_answer
from fleet_repl.engine.ports import EventSink, RegistryReader, RepositoryReader
from fleet_repl.engine.read_order import with_sessions_ahead
from fleet_repl.engine.repository_names import repository_names
from fleet_repl.engine.shards import Shard, ShardContext, ShardReaders, shards_of
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.plan import Effort
from fleet_repl.runs.events import Event, ReadStarted, RegistryRead
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.clock import Clock
from fleet_repl.values.errors import CallError, Fault, unforeseen
from fleet_repl.values.names import AccountId, Registry

POLICY_SCOPE = "REGISTRY_POLICY_SCOPE"
"""ECR's setting that decides which actions a registry policy governs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveContext:
    """Everything that reading registries needs besides the registries."""

    reader: RegistryReader
    owner: Owner | None
    """The fleet whose own statements are recognized in policies; None: policies are not read."""
    with_templates: Collection[Registry]
    """Registries whose creation templates are read too."""
    concurrency: int
    stop: Stop
    clock: Clock
    on_event: EventSink
    repositories: RepositoryReader | None = None
    """None where no names of repositories are read."""
    with_repositories: Collection[Registry] = ()
    """Registries of which the names of all repositories are read too: their routes depend on them.
    """
    over: float = 0.0
    """Seconds that the reads are spread over; never past the deadline."""
    uniform: Callable[[float, float], float] = random.uniform
    """A random number between two: the seconds after which an account is read."""
    workers: ShardReaders | None = None
    """Other processes that read; None: this process reads itself."""
    excusable: Collection[AccountId] = ()
    """Accounts whose refused roles say more than that they cannot be read. A worker may have
    another base identity, so this process asks for such a role too before the refusal counts."""


Observations: TypeAlias = tuple[dict[Registry, Observed | Unreadable], dict[Registry, Effort]]
"""The answer of every registry, and the effort of reading it."""


async def observe(registries: Collection[Registry], how: ObserveContext) -> Observations:
    """Read every registry; returns the contents or the error of each, and what that took.

    A registry whose fresh role or session AWS has refused is read once more after all others: by
    then the session has spread, without anybody waiting for it. After a deadline, every registry
    not yet read gets a timeout fault. After an interruption it is missing from the result.
    """
    looks = _Looks(how)
    with how.stop.abandonable():
        if how.workers is None:
            await _observe_here(registries, how, looks)
        else:
            await _observe_in_shards(registries, how, how.workers, looks)
    if not how.stop.interrupted:
        late = Unreadable(error=how.stop.timeout("DescribeRegistry"))
        for registry in registries:
            looks.observed.setdefault(registry, late)
    return looks.observed, looks.efforts


async def _observe_here(
    registries: Collection[Registry], how: ObserveContext, looks: _Looks
) -> None:
    """Read the registries in this process."""
    starts = _starts(registries, how)
    began = how.clock.monotonic()

    async def read(registry: Registry) -> None:
        if (wait := began + starts[registry] - how.clock.monotonic()) > 0.0:
            await how.clock.sleep(wait)
        if how.stop.requested:
            return
        how.on_event(ReadStarted(registry=registry))
        await looks.first(registry)

    order = sorted(registries, key=lambda registry: (starts[registry], registry))
    if how.over <= 0.0:
        order = with_sessions_ahead(order, how.concurrency - 1)
    await work_through(order, read, concurrency=how.concurrency, stop=how.stop)
    await work_through(tuple(looks.passing), looks.last, concurrency=how.concurrency, stop=how.stop)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserveShard:
    """Registries that one worker observes."""

    registries: tuple[Registry, ...]
    owner: Owner | None
    with_templates: frozenset[Registry]
    with_repositories: frozenset[Registry]
    over: float

    async def read(self, context: ShardContext) -> Observations:
        how = ObserveContext(
            reader=context.reader,
            owner=self.owner,
            with_templates=self.with_templates,
            repositories=context.reader,
            with_repositories=self.with_repositories,
            concurrency=context.concurrency,
            stop=context.stop,
            clock=context.clock,
            on_event=context.on_event,
            over=self.over,
        )
        return await observe(self.registries, how)


async def _observe_in_shards(
    registries: Collection[Registry], how: ObserveContext, workers: ShardReaders, looks: _Looks
) -> None:
    parts = shards_of(registries, workers.width)
    # Each worker reads its shards one after the other, each over its part of the time.
    over = how.over * min(1.0, workers.width / max(1, len(parts)))
    templates, repositories = frozenset(how.with_templates), frozenset(how.with_repositories)
    shards = [
        ObserveShard(
            registries=part,
            owner=how.owner,
            with_templates=templates.intersection(part),
            with_repositories=repositories.intersection(part),
            over=over,
        )
        for part in parts
    ]

    refused: list[Registry] = []

    async def take(shard: Shard[Observations], answer: Observations | Fault) -> None:
        if isinstance(answer, Fault):
            lost = Unreadable(error=answer)
            looks.observed |= dict.fromkeys(shard.registries, lost)
            return
        looks.observed |= answer[0]
        looks.efforts |= answer[1]
        for registry, result in answer[0].items():
            if isinstance(result, Unreadable) and _is_excusable(registry, result.error, how):
                refused.append(registry)
                del looks.observed[registry], looks.efforts[registry]

    def pass_on(event: Event) -> None:
        if not isinstance(event, RegistryRead) or not _is_excusable(
            event.registry, event.error, how
        ):
            how.on_event(event)

    await workers.read(shards, take, how.stop, pass_on)
    await work_through(refused, looks.first, concurrency=how.concurrency, stop=how.stop)
    await work_through(tuple(looks.passing), looks.last, concurrency=how.concurrency, stop=how.stop)


def _is_excusable(registry: Registry, error: Fault | None, how: ObserveContext) -> bool:
    return error is not None and error.role_refused and registry.account in how.excusable


async def read_rules(
    registries: Collection[Registry], how: ObserveContext
) -> dict[Registry, Outgoing | Fault]:
    """Read the links that are in place out of each registry, and nothing else of it. A registry
    that cannot be read gets its fault, as for `observe`."""
    only_rules = replace(how, owner=None, with_templates=(), with_repositories=())
    observed, _ = await observe(registries, only_rules)
    return {
        registry: result.error if isinstance(result, Unreadable) else result.replication.outgoing
        for registry, result in observed.items()
    }


class _Looks:
    def __init__(self, how: ObserveContext) -> None:
        self._how = how
        self.observed: dict[Registry, Observed | Unreadable] = {}
        self.efforts: dict[Registry, Effort] = {}
        self.passing: list[Registry] = []
        """Registries whose failure may pass by itself."""

    async def first(self, registry: Registry) -> None:
        if await self._look(registry):
            self.passing.append(registry)
        else:
            self._announce(registry)

    async def last(self, registry: Registry) -> None:
        await self._look(registry)
        self._announce(registry)

    async def _look(self, registry: Registry) -> bool:
        """Read a registry; returns whether that failed in a way that may pass."""
        how = self._how
        started, calls = how.clock.monotonic(), how.reader.attempts(registry)
        self.observed[registry], passing = await _read(registry, how)
        took = Effort(how.reader.attempts(registry) - calls, how.clock.monotonic() - started)
        self.efforts[registry] = self.efforts.get(registry, Effort()) + took
        return passing

    def _announce(self, registry: Registry) -> None:
        result = self.observed[registry]
        error = result.error if isinstance(result, Unreadable) else None
        self._how.on_event(RegistryRead(registry=registry, error=error))


def _starts(registries: Collection[Registry], how: ObserveContext) -> dict[Registry, float]:
    """The seconds from now after which each registry is read. All registries of an account are
    read together, so that one session serves them."""
    over = max(0.0, min(how.over, how.stop.remaining))
    accounts = sorted({registry.account for registry in registries})
    offsets = {account: how.uniform(0.0, over) for account in accounts}
    return {registry: offsets[registry.account] for registry in registries}


async def _read(registry: Registry, how: ObserveContext) -> tuple[Observed | Unreadable, bool]:
    """Read a registry; returns its contents or error, and whether a failure may pass by itself."""
    try:
        replication = parse_answer(await how.reader.describe(registry))
        policy = scope = None
        if how.owner is not None:
            document = await how.reader.read_policy(registry)
            read = parse_policy(document, how.owner, registry)
            policy = as_composed(read, how.owner, registry)
            if scope_matters(policy):
                scope = await how.reader.account_setting(registry, POLICY_SCOPE)
        repositories = None
        if how.repositories is not None and registry in how.with_repositories:
            # Rules follow from these names, so without them the registry counts as unreadable.
            repositories = await repository_names(registry, how.repositories)
        templates = await _templates(registry, how)
    except CallError as error:
        return Unreadable(error=error.fault), error.transient
    except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
        return Unreadable(error=unforeseen("DescribeRegistry", error)), False
    observed = Observed(
        replication=replication,
        policy=policy,
        policy_scope=scope,
        repositories=repositories,
        templates=None if isinstance(templates, Fault) else templates,
        templates_error=templates if isinstance(templates, Fault) else None,
    )
    return observed, False


async def _templates(
    registry: Registry, how: ObserveContext
) -> tuple[JsonObject, ...] | Fault | None:
    """The templates of a registry, or why they cannot be read: rules and grants are planned all
    the same. None: they are not wanted."""
    if registry not in how.with_templates:
        return None
    try:
        return await how.reader.read_templates(registry)
    except CallError as error:
        return error.fault
