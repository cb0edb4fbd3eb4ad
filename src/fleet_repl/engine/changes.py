"""Carry out single changes of a plan, each by its phase.

Only the consequences of failures are decided here, with the functions that made the plan: links
whose grant failed are held, and grants whose rules failed stay.
"""

from __future__ import annotations

from typing import TypeAlias

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Policy
from fleet_repl.ecr.rules import Replication, prefixes_of
from fleet_repl.ecr.templates import TemplateState
from fleet_repl.engine.blocked import CHANGED, BlockedDestinations, GrantCheck
from fleet_repl.engine.document_write import WriteResult
from fleet_repl.engine.earlier_writes import FoundRules, PolicyWrites, RuleWrites
from fleet_repl.engine.last_look import LastLook
from fleet_repl.engine.ledger import Ledger
from fleet_repl.engine.reasons import policy_left_out, rules_left_out, still_used
from fleet_repl.engine.registry_documents import DocumentWriter
from fleet_repl.planning.change import Change, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.ownership import OurPart
from fleet_repl.planning.plan import Effort, RegistryPlan
from fleet_repl.planning.revocations import withhold
from fleet_repl.runs.events import WriteSettled, WriteStarted
from fleet_repl.runs.outcomes import AS_PLANNED, Outcome
from fleet_repl.values.errors import Fault, unforeseen
from fleet_repl.values.names import Registry

_Result: TypeAlias = WriteResult[Policy] | WriteResult[FoundRules] | WriteResult[TemplateState]


class ChangeWriter:
    """Carries out the changes of one plan, and records their outcomes in the ledger."""

    def __init__(
        self, desired: Desired, documents: DocumentWriter, ledger: Ledger, last_look: LastLook
    ) -> None:
        self._desired = desired
        self._documents = documents
        self._stop, self._on_event = documents.stop, documents.on_event
        self._ledger = ledger
        self._last_look = last_look
        self._blocked = BlockedDestinations(desired)
        self._policies = PolicyWrites(desired.owner)
        self._rules = RuleWrites()
        self.grant_check = GrantCheck(desired, documents, self._blocked)
        """The check of destinations whose policies new rules need and this run has not written."""

    async def carry_out(self, planned: RegistryPlan, change: Change) -> None:
        """Carry out a change to its end. Its failure is a value."""
        registry = planned.registry
        clock, attempts = self._documents.pace.clock, self._documents.reader.attempts
        started, calls = clock.monotonic(), attempts(registry)
        try:
            await self._step(planned, change)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._refuse(registry, change, unforeseen("apply", error), None, in_doubt=True)
        effort = Effort(attempts(registry) - calls, clock.monotonic() - started)
        self._ledger.spend(registry, effort)
        self._ledger.conclude_finished(registry)

    def name_ungranted(self, planned: RegistryPlan) -> None:
        """Record as held also the links that stay in place although their grant was not written."""
        registry = planned.registry
        rewritten = any(
            change.phase is Phase.RULES and not self._ledger.has_outcome(registry, change)
            for change in planned.changes
        )
        held = self._ledger.held(registry)
        if not rewritten and (more := self._blocked.ungranted(planned, held)):
            self._ledger.hold(registry, (*held, *more))
        self._ledger.note_links_known(registry)

    def leave_out(self, planned: RegistryPlan, change: Change) -> None:
        """Block the destination of a planned grant that will not be written."""
        if self._policies.failed(planned.registry) is None:
            before, _ = contents(self._policies.due(planned.registry, change), Policy)
            self._blocked.add(planned.registry, None, before)

    async def _step(self, planned: RegistryPlan, change: Change) -> None:
        if (refusal := planned.refused.get(change.resource)) is not None:
            present = None
            if change.resource is Resource.REGISTRY_POLICY:
                present, _ = contents(change, Policy)
            self._refuse(planned.registry, change, refusal, present)
            return
        match change.phase:
            case Phase.TEMPLATES:
                self._started(planned.registry, change)
                result = await self._documents.template(planned.registry, change)
                self._ended(planned.registry, change, result)
            case Phase.GRANTS:
                if not self._left_out(planned.registry, change):
                    due = self._policies.due(planned.registry, change)
                    await self._write_policy(planned, change, due)
            case Phase.RULES:
                await self._write_rules(planned, change)
            case Phase.WITHDRAWALS:
                await self._revoke(planned, change)

    def due_rules(self, registry: Registry, change: Change) -> Change:
        """A planned write of rules on top of the rules that the writes before it have left."""
        return self._rules.due(registry, change)

    async def _write_rules(self, planned: RegistryPlan, change: Change) -> None:
        """Writes the rules without links whose grant failed, if no earlier write of them failed."""
        registry = planned.registry
        if not self._ledger.is_as_planned(registry, change.resource):
            because = rules_left_out(in_doubt=self._ledger.in_doubt(registry))
            self._ledger.record(registry, change, Outcome.SKIPPED, because=because)
            return
        due = self._rules.due(registry, change)
        narrowed, held = self._blocked.narrowed(planned, due)
        self._ledger.hold(registry, held)
        if isinstance(narrowed, Fault):
            self._refuse(registry, change, narrowed, None)
            return
        before, after = contents(narrowed, Replication)
        if before.same_as(after):
            self._rules.unwritten(registry, due)
            self._ledger.record(registry, narrowed, Outcome.UNCHANGED)
        else:
            await self._put_rules(planned, change, narrowed)

    async def _put_rules(self, planned: RegistryPlan, change: Change, narrowed: Change) -> None:
        registry, rules = planned.registry, self._rules
        self._started(registry, narrowed)
        requested = prefixes_of(self._desired.links_out(registry))
        sharing = OurPart(owned=planned.owned.links, links=requested)
        result = await self._documents.rules(
            registry,
            narrowed,
            rules.replaced(registry),
            rules.ahead(planned, change),
            sharing=sharing if self._desired.is_additive(registry) else None,
        )
        rules.written(registry, change, narrowed, _sent(narrowed, result), result)
        self._ended(registry, narrowed, result)

    async def _revoke(self, planned: RegistryPlan, change: Change) -> None:
        """Revoke grants, but none of an account whose rules were not written after all."""
        registry = planned.registry
        if self._left_out(registry, change):
            return
        due = self._policies.due(registry, change)
        failed = frozenset(source for source in change.needs if not self._ledger.has_rules(source))
        if not failed:
            await self._write_policy(planned, change, due)
            return
        owner = self._desired.owner
        rest = withhold(due, failed, owner, registry)
        unknown = frozenset(source for source in failed if self._ledger.in_doubt(source))
        because = still_used(failed - unknown, unknown)
        if rest.after == withhold(due, change.needs, owner, registry).after:
            self._policies.withheld(registry, due)
            self._ledger.record(registry, due, Outcome.SKIPPED, because=because)
        else:
            await self._write_policy(planned, change, rest, because)

    def _left_out(self, registry: Registry, change: Change) -> bool:
        """Skips a change of a policy after a failed write of it; returns whether it was skipped."""
        failed = self._policies.failed(registry)
        if failed is None:
            return False
        in_doubt = self._ledger.in_doubt(registry, Resource.REGISTRY_POLICY)
        because = policy_left_out(failed, in_doubt=in_doubt)
        self._ledger.record(registry, change, Outcome.SKIPPED, because=because)
        return True

    async def _write_policy(
        self, planned: RegistryPlan, change: Change, due: Change, because: str | None = None
    ) -> None:
        """Write `due`, the planned change on top of the policy that is in place."""
        registry, policies = planned.registry, self._policies
        self._started(registry, due)
        result = await self._documents.policy(
            registry, due, policies.replaced(registry), policies.ahead(planned, change)
        )
        policies.written(registry, change, _sent(due, result), result)
        self._ended(registry, due, result, because)
        if result.outcome not in AS_PLANNED:
            self._blocked.add(registry, result.error, result.found, in_doubt=result.in_doubt)
            return
        self._blocked.lift(registry)
        _, expected = contents(due, Policy)
        if result.found is not None and not result.found.theirs_as(expected):
            # Statements that others have changed may deny what ours grant, or may have granted it.
            self._blocked.suspect(registry, CHANGED, result.found)

    def _started(self, registry: Registry, change: Change) -> None:
        self._on_event(
            WriteStarted(registry=registry, resource=change.resource, action=change.action)
        )

    def _ended(
        self, registry: Registry, change: Change, result: _Result, because: str | None = None
    ) -> None:
        """Record and announce the result of a write."""
        outcome, error, change = result.outcome, result.error, _sent(change, result)
        if error is None and outcome not in AS_PLANNED:
            because = self._stop.left_open if result.in_doubt else self._stop.because
        ended = self._ledger.record(
            registry,
            change,
            outcome,
            request_id=result.request_id,
            error=error,
            because=because,
            in_doubt=result.in_doubt,
        )
        self._last_look.note(registry, ended, result)
        self._on_event(
            WriteSettled(registry=registry, resource=change.resource, outcome=outcome, error=error)
        )

    def _refuse(
        self,
        registry: Registry,
        change: Change,
        fault: Fault,
        present: Policy | None,
        *,
        in_doubt: bool = False,
    ) -> None:
        """Record the failure of a change that is not written. `present`: the policy that stays in
        place; None where that is unknown."""
        if change.resource is Resource.REGISTRY_POLICY:
            self._blocked.add(registry, fault, present)
            self._policies.give_up(registry, change)
        self._ledger.record(registry, change, Outcome.FAILED, error=fault, in_doubt=in_doubt)


def _sent(change: Change, result: _Result) -> Change:
    """A change as it was made in the end, perhaps on top of changes by others."""
    return change if result.write is None else result.write.guarded.change
