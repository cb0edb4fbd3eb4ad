"""The documents of a registry as something that can be settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Owner, Policy, parse_policy, policy_size
from fleet_repl.ecr.rules import NO_RULES, Replication, parse_answer
from fleet_repl.ecr.templates import (
    TemplateState,
    clearing_hint,
    parse_template,
    template_at,
    update_request,
)
from fleet_repl.engine.confirmed_write import settle
from fleet_repl.engine.ports import EventSink, Gate, RegistryReader, RegistryWriter
from fleet_repl.engine.retry import OnRetry, Pace
from fleet_repl.engine.slots import Passage, Settled, Slot
from fleet_repl.engine.stop import Stop
from fleet_repl.inventory import Limits
from fleet_repl.planning.ownership import OurPart, SharedWrite, listed
from fleet_repl.planning.plan import Change
from fleet_repl.planning.revocations import merged
from fleet_repl.runs.events import CallRetried
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.errors import CallError
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True)
class FoundRules:
    """A replication configuration as something that can be settled."""

    replication: Replication
    shared: bool
    """A rule of others may mean nothing beside ours, and is not to be lost."""

    def same_as(self, other: FoundRules) -> bool:
        return self.replication.same_as(other.replication) and self._lists_as(other)

    def shows(self, written: FoundRules) -> bool:
        return self.replication.shows(written.replication) and self._lists_as(written)

    def _lists_as(self, other: FoundRules) -> bool:
        if not self.shared:
            return True
        return listed(self.replication).keys() == listed(other.replication).keys()


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
    limits: Limits
    """Of ECR: what others have made meanwhile may leave too little room."""

    async def rules(
        self,
        registry: Registry,
        change: Change,
        earlier: Sequence[Replication] = (),
        later: Sequence[Replication] = (),
        *,
        sharing: OurPart | None = None,
    ) -> Settled[FoundRules]:
        """Write a replication configuration; `earlier` and `later` as for policies. `sharing`:
        others have rules in it too, and each of them must be as the plan saw it, or have nothing
        to do with ours."""
        shared = sharing is not None
        superseded, ahead = (
            tuple(FoundRules(rules, shared) for rules in some) for some in (earlier, later)
        )
        slot = self._rules(registry, change, sharing, superseded, ahead)
        return await settle(slot, self.pace, self.stop)

    def _rules(
        self,
        registry: Registry,
        change: Change,
        sharing: OurPart | None,
        superseded: tuple[FoundRules, ...],
        ahead: tuple[FoundRules, ...] = (),
    ) -> Slot[FoundRules]:
        shared = sharing is not None
        before, after = (FoundRules(rules, shared) for rules in contents(change, Replication))
        document = after.replication.document or NO_RULES
        write = sharing and SharedWrite(
            before=before.replication,
            after=after.replication,
            later=tuple(one.replication for one in ahead),
            sharing=sharing,
        )

        async def read() -> FoundRules:
            return FoundRules(parse_answer(await self.reader.describe(registry)), shared)

        async def put() -> str | None:
            return await self.writer.put_replication(registry, document)

        def in_place(now: FoundRules) -> bool:
            return write.is_done(now.replication) if write else now.shows(after)

        def merge(now: FoundRules) -> Slot[FoundRules] | None:
            rebased = write.rebased(now.replication) if write else None
            if rebased is None or self._has_too_many(rebased):
                return None
            anew = replace(change, before=now.replication, after=rebased)
            return self._rules(registry, anew, sharing, (*superseded, before, after))

        return Slot(
            operation="PutReplicationConfiguration",
            prepare=partial(self.writer.prepare, registry),
            read=read,
            put=put,
            passage=Passage(self.gate, registry, change),
            before=before,
            after=after,
            superseded=superseded,
            ahead=ahead,
            on_retry=self._announce(registry),
            in_place=in_place,
            merge=merge,
        )

    def _has_too_many(self, rebased: Replication) -> bool:
        """Whether ECR would not take the rules, or not that many destinations."""
        rules, ends = len(rebased.rules), len(rebased.links)
        return rules > self.limits.rules or ends > self.limits.destinations

    async def policy(
        self,
        registry: Registry,
        change: Change,
        earlier: Sequence[Policy],
        later: Sequence[Policy] = (),
    ) -> Settled[Policy]:
        """Write or delete a registry policy. `earlier`: what this run has replaced already;
        `later`: what its next writes would leave, so that finding it is no conflict."""
        return await settle(self._policy(registry, change, earlier, later), self.pace, self.stop)

    def _policy(
        self,
        registry: Registry,
        change: Change,
        superseded: Sequence[Policy],
        ahead: Sequence[Policy] = (),
    ) -> Slot[Policy]:
        before, after = contents(change, Policy)
        document = after.document

        async def read() -> Policy:
            return self.parse(await self.reader.read_policy(registry), registry)

        async def put() -> str | None:
            if document is None:
                return await self.writer.delete_policy(registry)
            return await self.writer.put_policy(registry, document)

        def in_place(now: Policy) -> bool:
            return now.ours_as(after) if after.theirs_as(before) else now.shows(after)

        def merge(now: Policy) -> Slot[Policy] | None:
            anew = merged(change, now, self.owner, registry)
            if anew is None or policy_size(anew.after.document) > self.limits.policy_bytes:
                return None
            return self._policy(registry, anew, (*superseded, before, after))

        return Slot(
            operation="DeleteRegistryPolicy" if document is None else "PutRegistryPolicy",
            prepare=partial(self.writer.prepare, registry),
            read=read,
            put=put,
            passage=Passage(self.gate, registry, change),
            before=before,
            after=after,
            superseded=superseded,
            ahead=ahead,
            on_retry=self._announce(registry),
            in_place=in_place,
            merge=merge,
        )

    async def template(self, registry: Registry, change: Change) -> Settled[TemplateState]:
        """Create, update or delete a creation template."""
        was, wanted = contents(change, TemplateState)
        before, after = was.document, wanted.document
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
            before=was,
            after=wanted,
            in_place=lambda now: now.shows(wanted),
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
