"""Carry out single changes of a plan, each by its phase.

It decides nothing but what follows from a failure, and that with the functions that made the
plan: links whose grant failed are held, and grants whose rules failed stay.
"""

from __future__ import annotations

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Policy
from fleet_repl.ecr.rules import Replication, prefixes_of
from fleet_repl.ecr.templates import TemplateState
from fleet_repl.engine.blocked import CHANGED, Blocked, Rechecking
from fleet_repl.engine.last_look import LastLook
from fleet_repl.engine.ledger import Ledger
from fleet_repl.engine.policies import Policies
from fleet_repl.engine.ports import EventSink
from fleet_repl.engine.registry_documents import FoundRules, Writing
from fleet_repl.engine.results import still_used
from fleet_repl.engine.slots import Settled
from fleet_repl.engine.stop import Stop
from fleet_repl.engine.written_rules import WrittenRules
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.ownership import OurPart
from fleet_repl.planning.plan import Change, Effort, Phase, RegistryPlan, Resource
from fleet_repl.planning.revocations import withhold
from fleet_repl.runs.events import WriteSettled, WriteStarted
from fleet_repl.runs.outcomes import SETTLED, Outcome
from fleet_repl.values.errors import Fault, unforeseen
from fleet_repl.values.names import Registry


class Carrier:
    """Carries out the changes of one plan; what becomes of them is in the ledger."""

    def __init__(
        self,
        desired: Desired,
        writing: Writing,
        stop: Stop,
        ledger: Ledger,
        last_look: LastLook,
        on_event: EventSink,
    ) -> None:
        self._desired = desired
        self._writing = writing
        self._stop = stop
        self._ledger = ledger
        self._last_look = last_look
        self._on_event = on_event
        self._blocked = Blocked(desired)
        self._policies = Policies(desired.owner)
        self._rules = WrittenRules()
        self.rechecking = Rechecking(desired, writing, self._blocked)
        """For destinations that rules count on unwritten."""

    async def carry_out(self, one: RegistryPlan, change: Change) -> None:
        """One change, to its end. Its failure is a value."""
        clock, attempts = self._writing.pace.clock, self._writing.reader.attempts
        started, calls = clock.monotonic(), attempts(one.registry)
        try:
            await self._step(one, change)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._refuse(one.registry, change, unforeseen("apply", error), None, in_doubt=True)
        effort = Effort(attempts(one.registry) - calls, clock.monotonic() - started)
        self._ledger.spend(one.registry, effort)
        self._ledger.conclude_finished(one.registry)

    def name_ungranted(self, one: RegistryPlan) -> None:
        """A link that is in place and stays is named too when its grant was not put."""
        rewritten = any(
            change.phase is Phase.RULES and not self._ledger.behind(one.registry, change)
            for change in one.changes
        )
        held = self._ledger.held(one.registry)
        if not rewritten and (more := self._blocked.ungranted(one, held)):
            self._ledger.hold(one.registry, (*held, *more))
        self._ledger.links_told(one.registry)

    def leave_out(self, one: RegistryPlan, change: Change) -> None:
        """A grant that was to be put, and will not be: what is there instead is known."""
        if self._policies.failed(one.registry) is None:
            before, _ = contents(self._policies.due(one.registry, change), Policy)
            self._blocked.add(one.registry, None, before)

    async def _step(self, one: RegistryPlan, change: Change) -> None:
        if (refusal := one.refused.get(change.resource)) is not None:
            found = None
            if change.resource is Resource.REGISTRY_POLICY:
                found, _ = contents(change, Policy)
            self._refuse(one.registry, change, refusal, found)
            return
        match change.phase:
            case Phase.TEMPLATES:
                await self._write_template(one.registry, change)
            case Phase.GRANTS:
                await self._grant(one, change)
            case Phase.RULES:
                await self._write_rules(one, change)
            case Phase.WITHDRAWALS:
                await self._withdraw(one, change)

    async def _write_template(self, registry: Registry, change: Change) -> None:
        self._started(registry, change)
        self._settled(registry, change, await self._writing.template(registry, change))

    async def _grant(self, one: RegistryPlan, change: Change) -> None:
        """Put new grants, unless an earlier write of the policy has failed."""
        if not self._left_out(one, change):
            due = self._policies.due(one.registry, change)
            await self._write_policy(one, change, due)

    def due_rules(self, registry: Registry, change: Change) -> Change:
        """A planned write of rules on top of what the ones before it have left."""
        return self._rules.due(registry, change)

    async def _write_rules(self, one: RegistryPlan, change: Change) -> None:
        """Write the rules, without new links whose grant has failed since the plan, unless an
        earlier write of them has failed."""
        registry = one.registry
        if not self._ledger.settled(registry, change.resource):
            because = (
                "it is not known whether an earlier change of its rules was written"
                if self._ledger.in_doubt(registry)
                else "an earlier change of its rules was not written"
            )
            self._ledger.record(registry, change, Outcome.SKIPPED, because=because)
            return
        due = self._rules.due(registry, change)
        narrowed, held = self._blocked.narrowed(one, due)
        self._ledger.hold(registry, held)
        if isinstance(narrowed, Fault):
            self._refuse(registry, change, narrowed, None)
            return
        before, after = contents(narrowed, Replication)
        if before.same_as(after):
            self._rules.unwritten(registry, due)
            self._ledger.record(registry, narrowed, Outcome.UNCHANGED)
        else:
            await self._put_rules(one, change, narrowed)

    async def _put_rules(self, one: RegistryPlan, planned: Change, change: Change) -> None:
        registry, rules = one.registry, self._rules
        self._started(registry, change)
        requested = prefixes_of(self._desired.links_out(registry))
        sharing = OurPart(owned=one.owned.links, links=requested)
        settled = await self._writing.rules(
            registry,
            change,
            rules.replaced(registry),
            rules.ahead(one, planned),
            sharing=sharing if self._desired.is_additive(registry) else None,
        )
        rules.written(registry, planned, change, _sent(change, settled), settled)
        self._settled(registry, change, settled)

    async def _withdraw(self, one: RegistryPlan, change: Change) -> None:
        """Withdraw grants, but none of an account whose rules were not written after all."""
        registry = one.registry
        if self._left_out(one, change):
            return
        due = self._policies.due(registry, change)
        failed = frozenset(one for one in change.needs if not self._rules_written(one))
        if not failed:
            await self._write_policy(one, change, due)
            return
        owner = self._desired.owner
        rest = withhold(due, failed, owner, registry)
        unknown = frozenset(one for one in failed if self._ledger.in_doubt(one))
        because = still_used(failed - unknown, unknown)
        if rest.after == withhold(due, change.needs, owner, registry).after:
            self._policies.withheld(registry, due)
            self._ledger.record(registry, due, Outcome.SKIPPED, because=because)
        else:
            await self._write_policy(one, change, rest, because)

    def _left_out(self, one: RegistryPlan, change: Change) -> bool:
        """Whether an earlier write of a policy has failed, so that this one cannot build on it."""
        failed = self._policies.failed(one.registry)
        if failed is None:
            return False
        if self._ledger.in_doubt(one.registry, Resource.REGISTRY_POLICY):
            because = "it is not known whether an earlier change of its registry policy was written"
        elif failed is Phase.GRANTS:
            because = "the new grants of its registry policy were not written"
        else:
            because = "an earlier withdrawal from its registry policy failed"
        self._ledger.record(one.registry, change, Outcome.SKIPPED, because=because)
        return True

    def _rules_written(self, source: Registry) -> bool:
        resource = Resource.REPLICATION_CONFIGURATION
        written = any(one.resource is resource for one in self._ledger.done(source))
        return written and self._ledger.settled(source, resource)

    async def _write_policy(
        self, one: RegistryPlan, planned: Change, change: Change, because: str | None = None
    ) -> None:
        registry, policies = one.registry, self._policies
        self._started(registry, change)
        settled = await self._writing.policy(
            registry, change, policies.replaced(registry), policies.ahead(one, planned)
        )
        sent = _sent(change, settled)
        policies.written(registry, planned, sent, settled)
        self._settled(registry, change, settled, because)
        if settled.outcome not in SETTLED:
            self._blocked.add(registry, settled.error, settled.found, in_doubt=settled.in_doubt)
            return
        self._blocked.lift(registry)
        _, expected = contents(change, Policy)
        if settled.found is not None and not settled.found.theirs_as(expected):
            # What others have changed meanwhile may deny what ours grant, or have granted it.
            self._blocked.suspect(registry, CHANGED, settled.found)

    def _started(self, registry: Registry, change: Change) -> None:
        self._on_event(
            WriteStarted(registry=registry, resource=change.resource, action=change.action)
        )

    def _settled(
        self,
        registry: Registry,
        change: Change,
        settled: Settled[Policy] | Settled[FoundRules] | Settled[TemplateState],
        because: str | None = None,
    ) -> None:
        outcome, error, change = settled.outcome, settled.error, _sent(change, settled)
        if error is None and outcome not in SETTLED:
            because = self._stop.left_open if settled.in_doubt else self._stop.because
        ended = self._ledger.record(
            registry,
            change,
            outcome,
            request_id=settled.request_id,
            error=error,
            because=because,
            in_doubt=settled.in_doubt,
        )
        self._last_look.note(registry, ended, settled)
        self._on_event(
            WriteSettled(registry=registry, resource=change.resource, outcome=outcome, error=error)
        )

    def _refuse(
        self,
        registry: Registry,
        change: Change,
        fault: Fault,
        found: Policy | None,
        *,
        in_doubt: bool = False,
    ) -> None:
        """A change that is not written. `found`: the policy that stays, None if nobody knows."""
        if change.resource is Resource.REGISTRY_POLICY:
            self._blocked.add(registry, fault, found)
            self._policies.give_up(registry, change)
        self._ledger.record(registry, change, Outcome.FAILED, error=fault, in_doubt=in_doubt)


def _sent(
    change: Change, settled: Settled[Policy] | Settled[FoundRules] | Settled[TemplateState]
) -> Change:
    """A change as it was made in the end: others may have made another one of it."""
    return change if settled.slot is None else settled.slot.passage.change
