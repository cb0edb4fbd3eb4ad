"""The two documents of a registry as something that can be settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_repl.canonical import JsonObject
from fleet_repl.engine.settling import Settled, Slot, settle
from fleet_repl.engine.stopping import Stop
from fleet_repl.errors import CallError
from fleet_repl.grants import Owner, Policy, parse_policy
from fleet_repl.names import Registry
from fleet_repl.outcomes import CallRetried
from fleet_repl.pacing import OnRetry, Pace
from fleet_repl.plan import Change
from fleet_repl.ports import EventSink, RegistryReader, RegistryWriter
from fleet_repl.rules import Replication, parse_answer, parse_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Writes changes to registries, one at a time and each to its end."""

    reader: RegistryReader
    writer: RegistryWriter
    owner: Owner
    pace: Pace
    stop: Stop
    on_event: EventSink

    async def rules(self, registry: Registry, change: Change) -> Settled[Replication]:
        """Write a replication configuration."""
        after = change.after or {"rules": []}

        async def read() -> Replication:
            return parse_answer(await self.reader.describe(registry))

        async def put() -> str | None:
            return await self.writer.put_replication(registry, after)

        slot = Slot(
            operation="PutReplicationConfiguration",
            read=read,
            put=put,
            before=parse_document(change.before or {"rules": []}),
            after=parse_document(after),
            on_retry=self._announce(registry),
        )
        return await settle(slot, self.pace, self.stop)

    async def policy(
        self,
        registry: Registry,
        change: Change,
        earlier: Sequence[JsonObject | None],
    ) -> Settled[Policy]:
        """Write or delete a registry policy. `earlier`: what this run has replaced already."""
        after = change.after

        async def read() -> Policy:
            return self.parse(await self.reader.read_policy(registry), registry)

        async def put() -> str | None:
            if after is None:
                return await self.writer.delete_policy(registry)
            return await self.writer.put_policy(registry, after)

        slot = Slot(
            operation="DeleteRegistryPolicy" if after is None else "PutRegistryPolicy",
            read=read,
            put=put,
            before=self.parse(change.before, registry),
            after=self.parse(after, registry),
            superseded=tuple(self.parse(one, registry) for one in earlier),
            on_retry=self._announce(registry),
        )
        return await settle(slot, self.pace, self.stop)

    def _announce(self, registry: Registry) -> OnRetry:
        def announce(error: CallError, attempt: int, delay: float) -> None:
            self.on_event(
                CallRetried(
                    account=registry.account,
                    operation=error.fault.operation,
                    error=error.fault,
                    attempt=attempt,
                    delay=delay,
                )
            )

        return announce

    def parse(self, document: JsonObject | None, registry: Registry) -> Policy:
        """A registry policy as this fleet reads it."""
        return parse_policy(document, self.owner, registry)
