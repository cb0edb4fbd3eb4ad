"""The documents of a registry, and their writes: rules, registry policy, creation templates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Owner, Policy, parse_policy
from fleet_repl.ecr.rules import NO_RULES, Replication, parse_answer
from fleet_repl.ecr.templates import (
    TemplateState,
    clearing_hint,
    parse_template,
    template_at,
    update_request,
)
from fleet_repl.engine.confirmed_write import confirm_write
from fleet_repl.engine.document_write import DocumentWrite, GuardedWrite, V, WriteResult
from fleet_repl.engine.earlier_writes import FoundRules
from fleet_repl.engine.ports import EventSink, RegistryReader, RegistryWriter, WriteGuard
from fleet_repl.engine.retry import Pace
from fleet_repl.engine.retry_events import retry_event
from fleet_repl.engine.stop import Stop
from fleet_repl.inventory import Limits
from fleet_repl.planning.change import Change
from fleet_repl.planning.ownership import OurPart, SharedWrite
from fleet_repl.planning.revocations import merged
from fleet_repl.values.names import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document(Generic[V]):
    """A document of a registry with the change that is to be made in it; see `DocumentWrite`."""

    operation: str
    before: V
    after: V
    read: Callable[[], Awaitable[V]]
    put: Callable[[], Awaitable[str | None]]
    in_place: Callable[[V], bool]
    rebased: Callable[[V], Change | None] = lambda _: None
    """The same change on top of a document in which others have changed only their part; None
    where more has changed, or the result would exceed ECR's limits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentWriter:
    """Makes changes of registries, each as one confirmed write. A failure is a value."""

    reader: RegistryReader
    writer: RegistryWriter
    owner: Owner
    pace: Pace
    stop: Stop
    guard: WriteGuard
    """The write guard that every write has to pass before it is sent."""
    on_event: EventSink
    limits: Limits
    """ECR's limits: changes by others may leave too little room."""

    async def rules(
        self,
        registry: Registry,
        change: Change,
        replaced: Sequence[Replication] = (),
        ahead: Sequence[Replication] = (),
        *,
        sharing: OurPart | None = None,
    ) -> WriteResult[FoundRules]:
        """Write a replication configuration.

        `replaced`: the rules that this run has replaced in the registry before. `ahead`: the rules
        that its later writes will leave, which are no conflict. `sharing`: others have rules in
        the configuration too, and each of them must be as the plan saw it, or have nothing to do
        with ours.
        """
        superseded, later = (
            tuple(FoundRules(rules, sharing is not None) for rules in some)
            for some in (replaced, ahead)
        )
        describe = partial(self._rules, registry, sharing)
        write = self._write(registry, change, describe, superseded, later)
        return await confirm_write(write, self.pace, self.stop)

    def _rules(
        self,
        registry: Registry,
        sharing: OurPart | None,
        change: Change,
        ahead: Sequence[FoundRules],
    ) -> _Document[FoundRules]:
        shared = sharing is not None
        before, after = (FoundRules(rules, shared) for rules in contents(change, Replication))
        document = after.replication.document or NO_RULES
        write = sharing and SharedWrite(
            before=before.replication,
            after=after.replication,
            later=tuple(rules.replication for rules in ahead),
            sharing=sharing,
        )

        async def read() -> FoundRules:
            return FoundRules(parse_answer(await self.reader.describe(registry)), shared)

        def in_place(present: FoundRules) -> bool:
            return write.is_done(present.replication) if write else present.shows(after)

        def rebased(present: FoundRules) -> Change | None:
            rules = write.rebased(present.replication) if write else None
            if rules is None or self._has_too_many(rules):
                return None
            return replace(change, before=present.replication, after=rules)

        return _Document(
            operation="PutReplicationConfiguration",
            before=before,
            after=after,
            read=read,
            put=partial(self.writer.put_replication, registry, document),
            in_place=in_place,
            rebased=rebased,
        )

    def _has_too_many(self, replication: Replication) -> bool:
        """Returns whether there are more rules or destinations than ECR takes."""
        rules, ends = len(replication.rules), len(replication.links)
        return rules > self.limits.rules or ends > self.limits.destinations

    async def policy(
        self,
        registry: Registry,
        change: Change,
        replaced: Sequence[Policy],
        ahead: Sequence[Policy] = (),
    ) -> WriteResult[Policy]:
        """Write or delete a registry policy; `replaced` and `ahead` as for `rules`."""
        write = self._write(registry, change, partial(self._policy, registry), replaced, ahead)
        return await confirm_write(write, self.pace, self.stop)

    def _policy(
        self, registry: Registry, change: Change, _ahead: Sequence[Policy]
    ) -> _Document[Policy]:
        before, after = contents(change, Policy)
        document = after.document

        async def put() -> str | None:
            if document is None:
                return await self.writer.delete_policy(registry)
            return await self.writer.put_policy(registry, document)

        def in_place(present: Policy) -> bool:
            return present.ours_as(after) if after.theirs_as(before) else present.shows(after)

        def rebased(present: Policy) -> Change | None:
            anew = merged(change, present, self.owner, registry)
            if anew is None or contents(anew, Policy)[1].size > self.limits.policy_bytes:
                return None
            return anew

        return _Document(
            operation="DeleteRegistryPolicy" if document is None else "PutRegistryPolicy",
            before=before,
            after=after,
            read=partial(self.read_policy, registry),
            put=put,
            in_place=in_place,
            rebased=rebased,
        )

    async def template(self, registry: Registry, change: Change) -> WriteResult[TemplateState]:
        """Create, update or delete a creation template."""
        write = self._write(registry, change, partial(self._template, registry))
        result = await confirm_write(write, self.pace, self.stop)
        hint = clearing_hint(write.before.document, write.after.document)
        if result.error is None or hint is None or result.request_id is None:
            return result
        return replace(result, error=replace(result.error, hint=hint))

    def _template(
        self, registry: Registry, change: Change, _ahead: Sequence[TemplateState]
    ) -> _Document[TemplateState]:
        was, wanted = contents(change, TemplateState)
        before, after = was.document, wanted.document
        prefix = str((after if after is not None else before or {})["prefix"])

        async def read() -> TemplateState:
            return parse_template(template_at(await self.reader.read_templates(registry), prefix))

        async def put() -> str | None:
            if after is None:
                return await self.writer.delete_template(registry, prefix)
            if before is None:
                return await self.writer.create_template(registry, after)
            return await self.writer.update_template(registry, update_request(before, after))

        return _Document(
            operation=f"{change.action.value.capitalize()}RepositoryCreationTemplate",
            before=was,
            after=wanted,
            read=read,
            put=put,
            in_place=lambda present: present.shows(wanted),
        )

    def _write(
        self,
        registry: Registry,
        change: Change,
        describe: Callable[[Change, Sequence[V]], _Document[V]],
        superseded: Sequence[V] = (),
        ahead: Sequence[V] = (),
    ) -> DocumentWrite[V]:
        """The write of a change. `describe`: the document of a change, which may be a change that
        was rebased on changes by others."""
        document = describe(change, ahead)

        def merge(present: V) -> DocumentWrite[V] | None:
            anew = document.rebased(present)
            if anew is None:
                return None
            replaced = (*superseded, document.before, document.after)
            return self._write(registry, anew, describe, replaced)

        return DocumentWrite(
            operation=document.operation,
            prepare=partial(self.writer.prepare, registry),
            read=document.read,
            put=document.put,
            guarded=GuardedWrite(self.guard, registry, change),
            before=document.before,
            after=document.after,
            superseded=superseded,
            ahead=ahead,
            on_retry=lambda error, attempt, delay: self.on_event(
                retry_event(registry, error.fault.operation, error, attempt, delay)
            ),
            in_place=document.in_place,
            merge=merge,
        )

    async def read_policy(self, registry: Registry) -> Policy:
        """A registry policy as this fleet reads it. Raises CallError."""
        return parse_policy(await self.reader.read_policy(registry), self.owner, registry)
