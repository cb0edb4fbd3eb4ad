"""The repositories of registries by name, and where the rules of sources carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from fleet_repl.ecr.rules import parse_answer
from fleet_repl.engine.answers import answer_of, asked_again
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.repository_names import repository_names
from fleet_repl.engine.shards import Reader, ShardContext
from fleet_repl.engine.workers import work_through
from fleet_repl.runs.events import ReadStarted, RegistryRead
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NOTHING, Prefixes, selects


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The contents of a registry, as far as names and rules tell."""

    repositories: frozenset[str]
    carried: Mapping[Registry, Prefixes]
    """Destination → the prefixes that rules in place may carry there."""

    def has_rule(self, destination: Registry, repository: str) -> bool:
        """Returns whether a rule carries the repository to the destination."""
        return selects(self.carried.get(destination, NOTHING), repository)


Survey: TypeAlias = dict[Registry, Contents | Fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyShard:
    """Registries whose repositories one worker lists."""

    registries: tuple[Registry, ...]

    async def read(self, context: ShardContext) -> Survey:
        """List the repositories of each registry."""
        survey: Survey = {}

        async def take(registry: Registry) -> None:
            survey[registry] = await surveyed(registry, context.reader, context.on_event)

        await work_through(
            self.registries, take, concurrency=context.concurrency, stop=context.stop
        )
        return survey


async def surveyed(registry: Registry, reader: Reader, on_event: EventSink) -> Contents | Fault:
    """The contents of a registry, or why they are not known."""
    on_event(ReadStarted(registry=registry))
    contents = await answer_of("DescribeRepositories", _contents(registry, reader))
    fault = contents if isinstance(contents, Fault) else None
    on_event(RegistryRead(registry=registry, error=fault))
    return contents


async def _contents(registry: Registry, reader: Reader) -> Contents:
    # The rules come first: that call proves that the session is the account's.
    document = await asked_again(partial(reader.describe, registry))
    return Contents(
        repositories=frozenset(await repository_names(registry, reader)),
        carried=parse_answer(document).may_use,
    )
