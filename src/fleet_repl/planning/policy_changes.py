"""The writes of one registry policy as changes of a plan; `policy_waves` says in which waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fleet_repl.planning.change import Change, LinkEnd, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.needed_grants import GrantDecision
from fleet_repl.planning.policy_waves import PolicyStep, concerned_waves, in_few_steps, step_by_wave
from fleet_repl.planning.revocations import action_of, replicating
from fleet_repl.values.errors import Fault
from fleet_repl.values.prefixes import beyond, intersect


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyWrites:
    changes: tuple[Change, ...] = ()
    """In order of wave and phase."""
    too_long: int = 0
    """Characters that the policy would take in one of its waves if its grants came and went with
    their links. Then they come in the first of the waves and go in the last. 0 where it fits."""
    refusal: Fault | None = None
    """The fault that keeps all of the changes from being written."""


NO_WRITES: Final = PolicyWrites()


def policy_changes(decision: GrantDecision, desired: Desired) -> PolicyWrites:
    """Returns every write of the policy."""
    if not decision.differs:
        return NO_WRITES
    waves = concerned_waves(decision, desired)
    steps: tuple[PolicyStep, ...] = ()
    too_long = 0
    if len(waves) > 1 and decision.refusal is None and decision.shortfall is None:
        steps = tuple(step_by_wave(decision, desired, waves))
        longest = max((decision.with_grants(step.after, desired).size for step in steps), default=0)
        if longest > desired.limits.policy_bytes:
            steps, too_long = (), longest
    steps = steps or tuple(in_few_steps(decision, waves[0], waves[-1]))
    changes = tuple(_change(step, decision, desired) for step in steps)
    return PolicyWrites(changes=changes, too_long=too_long, refusal=decision.refusal)


def _change(step: PolicyStep, decision: GrantDecision, desired: Desired) -> Change:
    before = decision.policy
    if step.before is not None:
        before = decision.with_grants(step.before, desired)
    after = decision.with_grants(step.after, desired)
    return Change(
        resource=Resource.REGISTRY_POLICY,
        action=action_of(before, after),
        phase=step.phase,
        wave=desired.waves.names[step.wave],
        before=before,
        after=after,
        links_added=_granted(step, decision, desired) if step.phase is Phase.GRANTS else (),
        links_removed=_withdrawn(step, desired) if step.withdraws else (),
        needs=step.needs,
    )


def _granted(step: PolicyStep, decision: GrantDecision, desired: Desired) -> tuple[LinkEnd, ...]:
    """Sources of links that the policy did not grant before."""
    had, has = replicating(step.had), replicating(step.needed)
    ends = []
    for link in desired.incoming.get(decision.registry, ()):
        account, prefixes = link.source.account, link.scope.prefixes
        given = has.get(account, ())
        # Mostly equal, and then one value for all registries.
        granted = prefixes if given == prefixes else intersect(prefixes, given)
        new = beyond(granted, had.get(account, ()))
        if new:
            routes = desired.asking(link.routes, new)
            ends.append(LinkEnd(registry=link.source, prefixes=new, routes=routes))
    return tuple(ends)


def _withdrawn(step: PolicyStep, desired: Desired) -> tuple[LinkEnd, ...]:
    """Listed registries of accounts whose grants go."""
    if step.had <= step.after:
        return ()
    keeps = replicating(step.after)
    return tuple(
        LinkEnd(registry=registry, prefixes=gone)
        for account, prefixes in sorted(replicating(step.had).items())
        if (gone := beyond(prefixes, keeps.get(account, ())))
        for registry in desired.by_account.get(account, ())
    )
