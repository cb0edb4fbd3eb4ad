"""The planner: from the desired and the observed state to the writes of every registry, in order.

Pure: it makes no call and knows no clock. It decides in three steps, as each needs the one before:

1. the new grants of every destination (`needed_grants`);
2. the rules of every source, without the links that no destination grants (`rule_changes`);
3. which old grants can be revoked, as by then the rules that remain are known (`revocations`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from fleet_repl.ecr.rules import Outgoing
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.enrolment import NONE_JOINING, excused, joining_accounts
from fleet_repl.planning.needed_grants import decide_grants, finish_grants, lacks_at
from fleet_repl.planning.observed import Observation, Observed, refused_accounts
from fleet_repl.planning.ownership import NO_RECORD, Record
from fleet_repl.planning.plan import RegistryPlan, Vouched, Warning
from fleet_repl.planning.plan_warnings import (
    deletes_started,
    given_up,
    kept_grants,
    lint,
    no_room,
    trusted_in_vain,
    unknown_fields,
    unknown_rules,
    unlisted,
)
from fleet_repl.planning.policy_changes import NO_WRITES, PolicyWrites, policy_changes
from fleet_repl.planning.registry_plan import registry_plan
from fleet_repl.planning.revocations import GrantUses, left_behind, unrequested
from fleet_repl.planning.rule_changes import RuleDecision, decide_rules
from fleet_repl.planning.template_changes import decide_templates, template_waves
from fleet_repl.planning.wave_warnings import delayed_links, early_grants
from fleet_repl.values.names import AccountId, Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The plans of all registries in scope, and warnings for the reader."""

    registries: tuple[RegistryPlan, ...]
    warnings: tuple[Warning, ...]
    vouched: tuple[Vouched, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decisions:
    desired: Desired
    """With the links that sources write in a later wave than their own."""
    about_grants: tuple[Warning, ...]
    rules: Mapping[Registry, RuleDecision]
    policies: Mapping[Registry, PolicyWrites]
    vouched: tuple[Vouched, ...]
    gone: Collection[AccountId]
    joining: Mapping[AccountId, str]


def plan_registries(
    desired: Desired,
    observation: Observation,
    scope: Collection[Registry],
    *,
    record: Record = NO_RECORD,
    joining: Mapping[AccountId, str] = NONE_JOINING,
    allow: Collection[str] = (),
    force: bool = False,
) -> Planned:
    """Decide every write to the registries in `scope`.

    `observation` holds at least the scope, the destinations of its links and the sources of
    links into it; registries outside the scope are not written. `record` holds the links and
    templates that the fleet last applied. `joining`: accounts that are joining if AWS refuses their
    roles, each with a sentence. `force` removes rules of unknown meaning, except from registries
    whose rules are additive.
    """
    joining = joining_accounts(observation, joining)
    decisions = _decide(desired, observation, scope, record, joining, allow, force=force)
    registries = _registry_plans(decisions, observation, scope, record, allow)
    warnings = (
        *unknown_fields(observation, scope),
        *unknown_rules(observation, registries),
        *decisions.about_grants,
        *deletes_started(registries),
        *delayed_links(
            {registry: rules.schedule for registry, rules in decisions.rules.items()},
            decisions.desired,
        ),
        *early_grants(decisions.policies, decisions.desired),
        *unlisted(decisions.desired, record),
        *trusted_in_vain(decisions.desired, observation),
        *given_up(record, observation, decisions.gone),
    )
    return Planned(registries=registries, warnings=warnings, vouched=decisions.vouched)


def _decide(
    desired: Desired,
    observation: Observation,
    scope: Collection[Registry],
    record: Record,
    joining: Mapping[AccountId, str],
    allow: Collection[str],
    *,
    force: bool,
) -> _Decisions:
    """Decides new grants, then rules, then which old grants can be revoked."""
    gone = refused_accounts(observation, desired.retired)
    uses = GrantUses(
        desired=desired,
        observation=observation,
        ungranted=unrequested(desired),
        gone=gone,
        left_behind=left_behind(desired, record),
    )
    observed = {at: seen for at, seen in observation.items() if isinstance(seen, Observed)}
    new_grants = {
        registry: decide_grants(registry, seen, uses, in_scope=registry in scope)
        for registry, seen in (observed.items() if desired.manages_grants else ())
    }
    rules = {
        registry: decide_rules(
            registry,
            seen,
            desired,
            lacks_at(registry, new_grants, observation, desired, joining),
            record.get(registry),
            allow,
            force=force,
        )
        for registry, seen in observed.items()
        if registry in scope
    }
    # Links that do not fit into their own wave are granted in that of their rules.
    desired = _delayed(desired, rules)
    uses = replace(uses, desired=desired, written=_written(rules))
    grants = {
        registry: finish_grants(decision, uses)
        for registry, decision in new_grants.items()
        if registry in scope
    }
    return _Decisions(
        desired=desired,
        about_grants=(
            *kept_grants(grants, desired),
            *no_room(grants),
            *lint(grants, observation, desired),
        ),
        rules=rules,
        policies={at: policy_changes(decision, desired) for at, decision in grants.items()},
        vouched=tuple(
            statement for at in sorted(new_grants) for statement in new_grants[at].vouched()
        ),
        gone=gone,
        joining=joining,
    )


def _registry_plans(
    decisions: _Decisions,
    observation: Observation,
    scope: Collection[Registry],
    record: Record,
    allow: Collection[str],
) -> tuple[RegistryPlan, ...]:
    desired = decisions.desired
    waves = template_waves(decisions.rules, desired)

    def plan(registry: Registry) -> RegistryPlan:
        seen = observation[registry]
        wave = waves.get(registry, desired.waves.position(registry))
        return registry_plan(
            registry,
            seen,
            desired,
            decisions.rules.get(registry),
            decisions.policies.get(registry, NO_WRITES),
            decide_templates(
                registry, seen, desired, record.get(registry), allow, desired.waves.names[wave]
            ),
            gone=registry.account in decisions.gone,
        )

    planned = map(plan, sorted(scope))
    if not decisions.joining:
        return tuple(planned)
    return tuple(excused(registry, decisions.joining) for registry in planned)


def _delayed(desired: Desired, rule_decisions: Mapping[Registry, RuleDecision]) -> Desired:
    """The desired state with the links that sources write in a later wave than their own."""
    delayed = {
        (registry, end): wave
        for registry, source in rule_decisions.items()
        for end, wave in source.schedule.delayed.items()
    }
    if not delayed:
        return desired
    return replace(desired, waves=replace(desired.waves, delayed=delayed))


def _written(rule_decisions: Mapping[Registry, RuleDecision]) -> Mapping[Registry, Outgoing]:
    """The links that the rules will make at the most, of every source whose rules are written."""
    return {
        registry: source.may_use
        for registry, source in rule_decisions.items()
        if source.changes and source.refusal is None
    }
