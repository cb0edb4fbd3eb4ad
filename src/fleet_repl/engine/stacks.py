"""Asks CloudFormation which stacks hold what of registries. Not knowing is no failure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

import anyio

from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.workers import work_through
from fleet_repl.planning.elsewhere import HeldResource, held_by_stacks
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry

_PATIENCE: Final = 60.0
"""Seconds, in real time, that a run waits for CloudFormation."""
_DENIALS: Final = 10
"""Denials after which nobody is asked if nobody answered: the role lacks it everywhere."""


class StackReader(Protocol):
    """CloudFormation's stacks."""

    async def stack_resources(
        self, registry: Registry, physical_id: str
    ) -> Sequence[Mapping[str, object]]:
        """Returns the resources of the stack that has the resource with this id. Raises
        CallError."""


async def stacks_of(
    registries: Mapping[Registry, Collection[str]],
    reader: StackReader,
    *,
    concurrency: int,
    stop: Stop,
) -> tuple[HeldResource, ...]:
    """Returns what stacks hold of the registries, in their order, by the ids of their resources.

    Of an account that denies the call, and of a registry whose call fails, nothing is known.
    """
    held: dict[Registry, dict[HeldResource, None]] = {}
    denied = set[str]()

    async def look(registry: Registry) -> None:
        for physical_id in registries[registry]:
            if registry.account in denied or (len(denied) >= _DENIALS and not held):
                return
            asked = reader.stack_resources(registry, physical_id)
            resources = await answer_of("DescribeStackResources", asked)
            if not isinstance(resources, Fault):
                # One stack may have several of the ids.
                found = dict.fromkeys(held_by_stacks(registry, resources))
                held[registry] = held.get(registry, {}) | found
            elif resources.kind is FaultKind.ACCESS_DENIED:
                denied.add(registry.account)

    with stop.abandonable(), anyio.move_on_after(_PATIENCE):
        await work_through(sorted(registries), look, concurrency=concurrency, stop=stop)
    return tuple(resource for registry in sorted(held) for resource in held[registry])
