"""Carry out a plan: new grants, then rules, then grants no longer needed.

It decides nothing but what follows from a failure, and that with the functions that made the
plan: links whose grant failed are held, and grants whose rules failed stay.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet_repl.canonical import JsonObject
from fleet_repl.desired import Desired
from fleet_repl.engine.blocking import Blocked
from fleet_repl.engine.concluding import unforeseen
from fleet_repl.engine.crew import work_through
from fleet_repl.engine.ledger import SETTLED, Ledger
from fleet_repl.engine.settling import Settled
from fleet_repl.engine.stopping import Stop
from fleet_repl.engine.writing import FoundRules, Writing
from fleet_repl.errors import Fault
from fleet_repl.grants import Policy
from fleet_repl.names import Registry
from fleet_repl.outcomes import Outcome, RegistryOutcome, WriteSettled, WriteStarted
from fleet_repl.plan import Change, Effort, Phase, Plan, RegistryPlan, Resource
from fleet_repl.ports import EventSink
from fleet_repl.rules import NO_RULES, parse_document
from fleet_repl.templates import TemplateState
from fleet_repl.withdrawals import withhold


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """What carrying out a plan needs beside the plan."""

    desired: Desired
    writing: Writing
    crew: int
    stop: Stop
    on_event: EventSink


async def apply_plan(plan: Plan, how: Applying) -> tuple[RegistryOutcome, ...]:
    """Do everything the plan says; every registry's outcome, in the plan's order."""
    return await _Run(plan, how).run()


class _Run:
    """One plan being carried out."""

    def __init__(self, plan: Plan, how: Applying) -> None:
        self._plan = plan
        self._how = how
        self._ledger = Ledger(plan, how.on_event)
        self._blocked = Blocked(how.desired)

    async def run(self) -> tuple[RegistryOutcome, ...]:
        how = self._how
        await self._carry_out_phase(Phase.TEMPLATES)
        await self._carry_out_phase(Phase.GRANTS)
        for one in self._plan.registries:
            self._name_ungranted(one)
            self._ledger.conclude_finished(one.registry)
        await self._carry_out_phase(Phase.RULES)
        await self._carry_out_phase(Phase.WITHDRAWALS)
        return self._ledger.conclude_all(how.stop.outcome, how.stop.because)

    async def _carry_out_phase(self, phase: Phase) -> None:
        jobs = [
            (one, changes)
            for one in self._plan.registries
            if (changes := [change for change in one.changes if change.phase is phase])
        ]
        await work_through(jobs, self._carry_out_all, crew=self._how.crew, stop=self._how.stop)

    async def _carry_out_all(self, job: tuple[RegistryPlan, list[Change]]) -> None:
        """One registry's changes of one phase, one after the other."""
        one, changes = job
        for change in changes:
            if not self._how.stop.requested:
                await self._carry_out(one, change)

    async def _carry_out(self, one: RegistryPlan, change: Change) -> None:
        clock, attempts = self._how.writing.pace.clock, self._how.writing.reader.attempts
        started, calls = clock.monotonic(), attempts(one.registry)
        try:
            await self._step(one, change)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._refuse(one.registry, change, unforeseen("apply", error), None, in_doubt=True)
        effort = Effort(attempts(one.registry) - calls, clock.monotonic() - started)
        self._ledger.spend(one.registry, effort)
        self._ledger.conclude_finished(one.registry)

    async def _step(self, one: RegistryPlan, change: Change) -> None:
        if (refusal := one.refused.get(change.resource)) is not None:
            found = None
            if change.resource is Resource.REGISTRY_POLICY:
                found = self._how.writing.parse(change.before, one.registry)
            self._refuse(one.registry, change, refusal, found)
            return
        match change.phase:
            case Phase.TEMPLATES:
                await self._write_template(one.registry, change)
            case Phase.GRANTS:
                await self._write_policy(one.registry, change)
            case Phase.RULES:
                await self._write_rules(one, change)
            case Phase.WITHDRAWALS:
                await self._withdraw(one.registry, change)

    def _name_ungranted(self, one: RegistryPlan) -> None:
        """A link that is in place and stays is named too when its grant has failed."""
        rewritten = any(change.phase is Phase.RULES for change in one.changes)
        if not rewritten and (held := self._blocked.ungranted(one)):
            self._ledger.hold(one.registry, held)

    async def _write_rules(self, one: RegistryPlan, change: Change) -> None:
        """Write the rules, without new links whose grant has failed since the plan."""
        registry = one.registry
        narrowed, held = self._blocked.narrowed(one, change)
        if held:
            self._ledger.hold(registry, held)
        if isinstance(narrowed, Fault):
            self._refuse(registry, change, narrowed, None)
        elif _means_the_same(narrowed.before, narrowed.after):
            self._ledger.record(registry, narrowed, Outcome.UNCHANGED)
        else:
            self._started(registry, narrowed)
            shared = self._how.desired.is_additive(registry)
            settled = await self._how.writing.rules(registry, narrowed, shared=shared)
            self._settled(registry, narrowed, settled)

    async def _withdraw(self, registry: Registry, change: Change) -> None:
        """Withdraw grants, but none of an account whose rules were not written after all."""
        if not self._ledger.settled(registry, Resource.REGISTRY_POLICY):
            because = "the new grants of its registry policy were not written"
            self._ledger.record(registry, change, Outcome.SKIPPED, because=because)
            return
        failed = frozenset(one for one in change.needs if not self._rules_written(one))
        if not failed:
            await self._write_policy(registry, change)
            return
        owner = self._how.desired.owner
        rest = withhold(change, failed, owner, registry)
        because = (
            f"the rules of {', '.join(map(str, sorted(failed)))} were not written and may still "
            "use its grants"
        )
        if rest.after == withhold(change, change.needs, owner, registry).after:
            self._ledger.record(registry, change, Outcome.SKIPPED, because=because)
        else:
            await self._write_policy(registry, rest, because)

    def _rules_written(self, source: Registry) -> bool:
        resource = Resource.REPLICATION_CONFIGURATION
        written = any(one.resource is resource for one in self._ledger.done(source))
        return written and self._ledger.settled(source, resource)

    async def _write_template(self, registry: Registry, change: Change) -> None:
        self._started(registry, change)
        self._settled(registry, change, await self._how.writing.template(registry, change))

    async def _write_policy(
        self, registry: Registry, change: Change, because: str | None = None
    ) -> None:
        earlier = tuple(
            done.before
            for done in self._ledger.done(registry)
            if done.resource is change.resource and done.outcome is Outcome.APPLIED
        )
        self._started(registry, change)
        settled = await self._how.writing.policy(registry, change, earlier)
        self._settled(registry, change, settled, because)
        if change.phase is Phase.GRANTS and settled.outcome not in SETTLED:
            self._blocked.add(registry, settled.error, settled.found)

    def _started(self, registry: Registry, change: Change) -> None:
        self._how.on_event(
            WriteStarted(registry=registry, resource=change.resource, action=change.action)
        )

    def _settled(
        self,
        registry: Registry,
        change: Change,
        settled: Settled[Policy] | Settled[FoundRules] | Settled[TemplateState],
        because: str | None = None,
    ) -> None:
        outcome, error = settled.outcome, settled.error
        if error is None and outcome not in SETTLED:
            because = self._how.stop.because
        self._ledger.record(
            registry,
            change,
            outcome,
            request_id=settled.request_id,
            error=error,
            because=because,
            in_doubt=settled.in_doubt,
        )
        self._how.on_event(
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
        if change.phase is Phase.GRANTS:
            self._blocked.add(registry, fault, found)
        self._ledger.record(registry, change, Outcome.FAILED, error=fault, in_doubt=in_doubt)


def _means_the_same(before: JsonObject | None, after: JsonObject | None) -> bool:
    return parse_document(before or NO_RULES).same_as(parse_document(after or NO_RULES))
