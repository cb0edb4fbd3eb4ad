"""The documents of a registry as something that can be settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from fleet_repl.canonical import JsonObject, canonical_json
from fleet_repl.engine.passing import Passage
from fleet_repl.engine.settling import settle
from fleet_repl.engine.slots import Settled, Slot
from fleet_repl.engine.stopping import Stop
from fleet_repl.errors import CallError
from fleet_repl.grants import Owner, Policy, parse_policy
from fleet_repl.names import Registry
from fleet_repl.outcomes import CallRetried
from fleet_repl.pacing import OnRetry, Pace
from fleet_repl.plan import Change
from fleet_repl.ports import EventSink, Gate, RegistryReader, RegistryWriter
from fleet_repl.rules import NO_RULES, Replication, parse_answer, parse_document, rules_of
from fleet_repl.templates import (
    TemplateState,
    clearing_hint,
    parse_template,
    template_at,
    update_request,
)


@dataclass(frozen=True, slots=True)
class FoundRules:
    """A replication configuration as something that can be settled."""

    replication: Replication
    shared: bool
    """A rule of others may mean nothing beside ours, and is not to be lost."""

    def same_as(self, other: FoundRules) -> bool:
        return self.replication.same_as(other.replication) and (
            not self.shared or self._letters() == other._letters()
        )

    def shows(self, written: FoundRules) -> bool:
        return self.replication.shows(written.replication)

    def _letters(self) -> frozenset[str]:
        return frozenset(map(canonical_json, rules_of(self.replication.document)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Writes changes to registries, one at a time and each to its end."""

    reader: RegistryReader
    writer: RegistryWriter
    owner: Owner
    pace: Pace
    stop: Stop
    gate: Gate
    """What every write has to pass before it is sent."""
    on_event: EventSink

    async def rules(
        self, registry: Registry, change: Change, *, shared: bool = False
    ) -> Settled[FoundRules]:
        """Write a replication configuration. `shared`: others have rules in it too, and every
        letter of it must be as the plan saw it."""
        after = change.after or NO_RULES

        async def read() -> FoundRules:
            return FoundRules(parse_answer(await self.reader.describe(registry)), shared)

        async def put() -> str | None:
            return await self.writer.put_replication(registry, after)

        slot = Slot(
            operation="PutReplicationConfiguration",
            prepare=partial(self.writer.prepare, registry),
            read=read,
            put=put,
            before=FoundRules(parse_document(change.before or NO_RULES), shared),
            after=FoundRules(parse_document(after), shared),
            passage=Passage(self.gate, registry, change),
            on_retry=self._announce(registry),
        )
        return await settle(slot, self.pace, self.stop)

    async def policy(
        self,
        registry: Registry,
        change: Change,
        earlier: Sequence[JsonObject | None],
        later: Sequence[JsonObject | None] = (),
    ) -> Settled[Policy]:
        """Write or delete a registry policy. `earlier`: what this run has replaced already;
        `later`: what its next writes would leave, so that finding it is no conflict."""
        after = change.after

        async def read() -> Policy:
            return self.parse(await self.reader.read_policy(registry), registry)

        async def put() -> str | None:
            if after is None:
                return await self.writer.delete_policy(registry)
            return await self.writer.put_policy(registry, after)

        slot = Slot(
            operation="DeleteRegistryPolicy" if after is None else "PutRegistryPolicy",
            prepare=partial(self.writer.prepare, registry),
            read=read,
            put=put,
            before=self.parse(change.before, registry),
            after=self.parse(after, registry),
            superseded=tuple(self.parse(one, registry) for one in earlier),
            ahead=tuple(self.parse(one, registry) for one in later),
            passage=Passage(self.gate, registry, change),
            on_retry=self._announce(registry),
        )
        return await settle(slot, self.pace, self.stop)

    async def template(self, registry: Registry, change: Change) -> Settled[TemplateState]:
        """Create, update or delete a creation template."""
        before, after = change.before, change.after
        document = after if after is not None else before or {}
        prefix = str(document["prefix"])

        async def read() -> TemplateState:
            return parse_template(template_at(await self.reader.read_templates(registry), prefix))

        async def put() -> str | None:
            if after is None:
                return await self.writer.delete_template(registry, prefix)
            if before is None:
                return await self.writer.create_template(registry, after)
            return await self.writer.update_template(registry, update_request(before, after))

        slot = Slot(
            operation=f"{change.action.value.capitalize()}RepositoryCreationTemplate",
            prepare=partial(self.writer.prepare, registry),
            read=read,
            put=put,
            before=parse_template(before),
            after=parse_template(after),
            passage=Passage(self.gate, registry, change),
            on_retry=self._announce(registry),
        )
        settled = await settle(slot, self.pace, self.stop)
        hint = clearing_hint(before, after)
        if settled.error is None or hint is None or settled.request_id is None:
            return settled
        return replace(settled, error=replace(settled.error, hint=hint))

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
