"""The small ports behind which AWS lives. Every call raises `CallError` when it fails.

Reads are retried behind the port; a write is one attempt, because only its caller can
settle one whose answer was lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from fleet_repl.canonical import JsonObject
from fleet_repl.names import Registry
from fleet_repl.outcomes import Event

EventSink: TypeAlias = Callable[[Event], object]


class RegistryReader(Protocol):
    async def describe(self, registry: Registry) -> JsonObject:
        """DescribeRegistry's whole answer as it came over the wire, every field kept.

        It answered with the account that was meant; otherwise the fault is `wrong-account`.
        """
        ...

    async def read_policy(self, registry: Registry) -> JsonObject | None:
        """The registry policy's document, or None where there is none."""
        ...

    def attempts(self, registry: Registry) -> int:
        """Calls made so far for the registry, retries and its account's AssumeRole included."""
        ...


class RegistryWriter(Protocol):
    async def put_replication(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the replication configuration; the request id. One attempt."""
        ...

    async def put_policy(self, registry: Registry, document: JsonObject) -> str | None:
        """Overwrite the registry policy; the request id. One attempt."""
        ...

    async def delete_policy(self, registry: Registry) -> str | None:
        """Delete the registry policy (it not being there is fine); the request id. One attempt."""
        ...
