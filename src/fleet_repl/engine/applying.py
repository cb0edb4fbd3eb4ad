"""Carry out a plan: new grants, then rules, then grants no longer needed.

It decides nothing but what follows from a failure, and that with the functions that made the
plan: links whose grant failed are held, and grants whose rules failed stay.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from fleet_repl.desired import Desired
from fleet_repl.engine.concluding import change_outcome, registry_outcome
from fleet_repl.engine.crew import work_through
from fleet_repl.engine.observing import unforeseen
from fleet_repl.engine.stopping import Stop
from fleet_repl.engine.writing import Writing
from fleet_repl.errors import Fault, FaultKind
from fleet_repl.grants import Policy
from fleet_repl.holding import hold
from fleet_repl.names import Registry
from fleet_repl.outcomes import (
    ChangeOutcome,
    Outcome,
    RegistryFinished,
    RegistryOutcome,
    WriteSettled,
    WriteStarted,
)
from fleet_repl.permissions import Permissions
from fleet_repl.plan import Change, Effort, HeldLink, Phase, Plan, RegistryPlan, Resource
from fleet_repl.ports import EventSink
from fleet_repl.rules import document_of, parse_document, rules_for
from fleet_repl.withdrawals import withhold

_DONE = (Outcome.APPLIED, Outcome.UNCHANGED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """What carrying out a plan needs beside the plan."""

    desired: Desired
    writing: Writing
    crew: int
    stop: Stop
    on_event: EventSink


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blocked:
    """A destination whose new grants could not be put."""

    in_force: Permissions | None
    """What it allows all the same; None where nobody knows."""
    because: str


async def apply_plan(plan: Plan, how: Applying) -> tuple[RegistryOutcome, ...]:
    """Do everything the plan says; every registry's outcome, in the plan's order."""
    return await _Run(plan, how).run()


class _Run:
    """One plan being carried out, and what is known of it so far."""

    def __init__(self, plan: Plan, how: Applying) -> None:
        self._plan = plan
        self._how = how
        self._done: defaultdict[Registry, list[ChangeOutcome]] = defaultdict(list)
        self._held: dict[Registry, tuple[HeldLink, ...]] = {}
        self._errors: dict[Registry, Fault] = {}
        self._because: dict[Registry, str] = {}
        self._efforts: dict[Registry, Effort] = dict(plan.efforts)
        self._blocked: dict[Registry, _Blocked] = {}
        self._outcomes: dict[Registry, RegistryOutcome] = {}

    async def run(self) -> tuple[RegistryOutcome, ...]:
        for one in self._plan.registries:
            if not one.changes:
                self._conclude(one)
        for phase in Phase:
            jobs = [
                (one, change)
                for one in self._plan.registries
                for change in one.changes
                if change.phase is phase
            ]
            await work_through(jobs, self._carry_out, crew=self._how.crew, stop=self._how.stop)
        for one in self._plan.registries:
            if one.registry not in self._outcomes:
                self._leave_rest(one)
        return tuple(self._outcomes[one.registry] for one in self._plan.registries)

    async def _carry_out(self, job: tuple[RegistryPlan, Change]) -> None:
        one, change = job
        clock, attempts = self._how.writing.pace.clock, self._how.writing.reader.attempts
        started, calls = clock.monotonic(), attempts(one.registry)
        try:
            await self._step(one, change)
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._fail(one, change, unforeseen("apply", error))
        effort = Effort(attempts(one.registry) - calls, clock.monotonic() - started)
        self._efforts[one.registry] = self._efforts.get(one.registry, Effort()) + effort
        if len(self._done[one.registry]) == len(one.changes):
            self._conclude(one)

    async def _step(self, one: RegistryPlan, change: Change) -> None:
        if change.resource in one.refused and one.error is not None:
            self._block(one.registry, change, one.error, None)
            self._fail(one, change, one.error)
            return
        match change.phase:
            case Phase.GRANTS:
                await self._write(one, change)
            case Phase.RULES:
                await self._write_rules(one, change)
            case Phase.WITHDRAWALS:
                await self._withdraw(one, change)

    async def _write_rules(self, one: RegistryPlan, change: Change) -> None:
        """Write the rules, without new links whose grant has failed since the plan."""
        narrowed = self._without_blocked(one, change)
        if isinstance(narrowed, Fault):
            self._fail(one, change, narrowed)
        elif parse_document(narrowed.after or {}).same_as(parse_document(narrowed.before or {})):
            self._done[one.registry].append(change_outcome(narrowed, Outcome.UNCHANGED))
        else:
            await self._write(one, narrowed)

    def _without_blocked(self, one: RegistryPlan, change: Change) -> Change | Fault:
        wanted = parse_document(change.after or {}).outgoing
        if not self._blocked.keys() & wanted.keys():
            return change
        source = one.registry

        def lacks(destination: Registry, prefix: str) -> str | None:
            blocked = self._blocked.get(destination)
            if blocked is None or destination.account == source.account:
                return None
            if blocked.in_force is not None:
                actions = self._how.desired.actions
                if blocked.in_force.lacks(source.account, prefix, actions) is None:
                    return None
            return blocked.because

        holding = hold(wanted, parse_document(change.before or {}).outgoing, lacks)
        self._held[source] = (*one.held, *holding.held)
        limits = self._how.desired.limits
        rules = rules_for(holding.outgoing, filters=limits.filters)
        if len(rules) > limits.rules:
            return Fault(
                kind=FaultKind.INVALID,
                operation="PutReplicationConfiguration",
                message=f"with held links left out it would need {len(rules)} rules, and ECR "
                f"takes {limits.rules}",
                hint="settle the destinations of the held links first",
            )
        return replace(change, after=document_of(rules))

    async def _withdraw(self, one: RegistryPlan, change: Change) -> None:
        """Withdraw grants, but none of an account whose rules were not written after all."""
        if any(
            earlier.resource is Resource.REGISTRY_POLICY and earlier.outcome not in _DONE
            for earlier in self._done[one.registry]
        ):
            self._skip(one, change, "the new grants of its registry policy were not written")
            return
        failed = frozenset(one for one in change.needs if not self._rules_written(one))
        if not failed:
            await self._write(one, change)
            return
        owner = self._how.desired.owner
        self._because[one.registry] = (
            f"the rules of {', '.join(map(str, sorted(failed)))} were not written and may still "
            "use its grants"
        )
        rest = withhold(change, failed, owner, one.registry)
        if rest.after == withhold(change, change.needs, owner, one.registry).after:
            self._skip(one, change, self._because[one.registry])
            return
        await self._write(one, rest)

    def _rules_written(self, source: Registry) -> bool:
        return any(
            change.resource is Resource.REPLICATION_CONFIGURATION and change.outcome in _DONE
            for change in self._done[source]
        )

    async def _write(self, one: RegistryPlan, change: Change) -> None:
        self._how.on_event(
            WriteStarted(registry=one.registry, resource=change.resource, action=change.action)
        )
        if change.resource is Resource.REGISTRY_POLICY:
            earlier = tuple(
                done.before
                for done in self._done[one.registry]
                if done.resource is change.resource and done.outcome is Outcome.APPLIED
            )
            policy = await self._how.writing.policy(one.registry, change, earlier)
            self._settled(one, change, policy.outcome, policy.request_id, policy.error)
            if policy.outcome not in _DONE:
                self._block(one.registry, change, policy.error, policy.found)
        else:
            rules = await self._how.writing.rules(one.registry, change)
            self._settled(one, change, rules.outcome, rules.request_id, rules.error)

    def _settled(
        self,
        one: RegistryPlan,
        change: Change,
        outcome: Outcome,
        request_id: str | None,
        error: Fault | None,
    ) -> None:
        self._record(one, change, outcome, request_id, error)
        self._how.on_event(
            WriteSettled(
                registry=one.registry,
                resource=change.resource,
                outcome=outcome,
                error=error,
            )
        )

    def _record(
        self,
        one: RegistryPlan,
        change: Change,
        outcome: Outcome,
        request_id: str | None = None,
        error: Fault | None = None,
    ) -> None:
        self._done[one.registry].append(change_outcome(change, outcome, request_id))
        if error is not None:
            self._errors.setdefault(one.registry, error)
        elif outcome not in _DONE:
            self._because.setdefault(one.registry, self._how.stop.because)

    def _block(
        self, registry: Registry, change: Change, fault: Fault | None, found: Policy | None
    ) -> None:
        """Remember that rules cannot count on the new grants of this policy."""
        if change.phase is not Phase.GRANTS:
            return
        in_force = None
        if found is not None:
            in_force = Permissions(
                registry=registry,
                partition=self._how.desired.owner.partition,
                grants=found.grants,
                statements=(*found.foreign, *found.opaque),
            )
        why = f" ({fault.kind})" if fault is not None else ""
        self._blocked[registry] = _Blocked(
            in_force=in_force, because=f"{registry}: its registry policy was not written{why}"
        )

    def _fail(self, one: RegistryPlan, change: Change, fault: Fault) -> None:
        self._record(one, change, Outcome.FAILED, error=fault)

    def _skip(self, one: RegistryPlan, change: Change, because: str) -> None:
        self._because[one.registry] = because
        self._record(one, change, Outcome.SKIPPED)

    def _leave_rest(self, one: RegistryPlan) -> None:
        """What was never started is named as such."""
        stop = self._how.stop
        done = self._done[one.registry]
        for change in one.changes[len(done) :]:
            done.append(change_outcome(change, stop.outcome))
            self._because.setdefault(one.registry, stop.because)
        self._conclude(one)

    def _conclude(self, one: RegistryPlan) -> None:
        outcome = registry_outcome(
            one,
            self._done[one.registry],
            held=self._held.get(one.registry, one.held),
            effort=self._efforts.get(one.registry, Effort()),
            error=self._errors.get(one.registry),
            because=self._because.get(one.registry),
        )
        self._outcomes[one.registry] = outcome
        self._how.on_event(RegistryFinished(outcome=outcome))
