"""Planning: desired and observed state → what to write to each registry, in which order.

Pure: it asks nothing and knows no clock. Grants are decided first, then the rules of every
source by what its destinations will grant, then withdrawals by what the rules will be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from fleet_repl.ecr.rules import Outgoing, compare
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.held_links import Lacks
from fleet_repl.planning.needed_grants import Granting, granting, settled
from fleet_repl.planning.observed import (
    Observation,
    Observed,
    Unreadable,
    gone_accounts,
    silence_of,
)
from fleet_repl.planning.ownership import Applied, Record
from fleet_repl.planning.plan import (
    Change,
    Phase,
    RegistryPlan,
    Resource,
    State,
    Summary,
    Vouched,
    Warning,
)
from fleet_repl.planning.plan_warnings import (
    deletes_started,
    given_up,
    kept_grants,
    lint,
    no_room,
    strange_rules,
    trusted_in_vain,
    unknown_fields,
    unlisted,
)
from fleet_repl.planning.policy_changes import NO_WRITES, PolicyWrites, policy_changes
from fleet_repl.planning.revocations import Uses, left_behind
from fleet_repl.planning.rule_changes import Source, decide_rules, rule_changes
from fleet_repl.planning.template_changes import Furnishing, template_changes
from fleet_repl.planning.wave_warnings import delayed_links, early_grants
from fleet_repl.topology import Waves
from fleet_repl.values.names import Registry

NOTHING_RECORDED: Final[Record] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Every registry in scope, and what the reader should know."""

    registries: tuple[RegistryPlan, ...]
    warnings: tuple[Warning, ...]
    vouched: tuple[Vouched, ...] = ()


def plan_registries(
    desired: Desired,
    observation: Observation,
    scope: Collection[Registry],
    *,
    record: Record = NOTHING_RECORDED,
    allow: Collection[str] = (),
    force: bool = False,
) -> Planned:
    """Decide every write to the registries in `scope`.

    `observation` holds at least the scope, the destinations of its links and the sources of
    links into it; what is outside the scope is only looked at. `record` is what the fleet last
    applied. `force`: where the fleet speaks alone, rules of unknown meaning go.
    """
    gone = gone_accounts(observation, desired.retired)
    uses = Uses(
        desired=desired,
        observation=observation,
        gone=gone,
        left_behind=left_behind(desired, record),
    )
    grantings = {
        registry: granting(registry, seen, uses, in_scope=registry in scope)
        for registry, seen in observation.items()
        if desired.manages_grants and isinstance(seen, Observed)
    }
    sources = _sources(desired, observation, scope, grantings, record, allow, force=force)
    # Links that do not fit into their own wave are granted in that of their rules.
    desired = _delayed(desired, sources)
    vouched = tuple(one for registry in sorted(grantings) for one in grantings[registry].vouched())
    known = replace(uses, desired=desired, written=_written(sources))
    grantings = {
        registry: settled(one, known) for registry, one in grantings.items() if registry in scope
    }
    policies = {registry: policy_changes(one, desired) for registry, one in grantings.items()}
    furnished = _furnished(sources, desired)
    registries = tuple(
        _registry_plan(
            one,
            observation[one],
            desired,
            sources.get(one),
            policies.get(one, NO_WRITES),
            template_changes(
                one,
                observation[one],
                desired,
                record.get(one),
                allow,
                desired.waves.names[furnished.get(one, desired.waves.position(one))],
            ),
            gone=one.account in gone,
        )
        for one in sorted(scope)
    )
    warnings = (
        *unknown_fields(observation, scope),
        *strange_rules(observation, registries),
        *kept_grants(grantings, desired),
        *no_room(grantings),
        *lint(grantings, observation, desired),
        *deletes_started(registries),
        *delayed_links({one: source.stages for one, source in sources.items()}, desired),
        *early_grants(policies, desired),
        *unlisted(desired, record),
        *trusted_in_vain(desired, observation),
        *given_up(record, observation, gone),
    )
    return Planned(registries=registries, warnings=warnings, vouched=vouched)


def _delayed(desired: Desired, sources: Mapping[Registry, Source]) -> Desired:
    """The desired state with the links that sources write in a later wave than their own."""
    delayed = {
        (registry, end): wave
        for registry, source in sources.items()
        for end, wave in source.stages.delayed.items()
    }
    if not delayed:
        return desired
    return replace(desired, waves=replace(desired.waves, delayed=delayed))


def _written(sources: Mapping[Registry, Source]) -> Mapping[Registry, Outgoing]:
    """What is left of the rules that will be written, at the most."""
    return {
        registry: source.may_use
        for registry, source in sources.items()
        if source.changes and source.refusal is None
    }


def _sources(
    desired: Desired,
    observation: Observation,
    scope: Collection[Registry],
    grantings: Mapping[Registry, Granting],
    record: Record,
    allow: Collection[str],
    *,
    force: bool,
) -> dict[Registry, Source]:
    """What each registry in scope shall replicate, by what its destinations will grant."""
    return {
        registry: decide_rules(
            registry,
            seen,
            desired,
            _lacks(registry, desired, observation, grantings),
            record.get(registry),
            allow,
            force=force,
        )
        for registry, seen in observation.items()
        if registry in scope and isinstance(seen, Observed)
    }


def _furnished(sources: Mapping[Registry, Source], desired: Desired) -> dict[Registry, int]:
    """Registries that get images from new links before their own wave → the first such wave:
    a repository keeps for good what it was created with."""
    waves = desired.waves
    found: dict[Registry, int] = {}
    if len(waves.names) == 1:
        return found
    for registry, source in sources.items():
        for end in compare(source.present.outgoing, source.merged.outgoing).added:
            wave = waves.of_link(registry, end)
            found[end] = min(wave, found.get(end, waves.position(end)))
    return found


def summarize(registries: tuple[RegistryPlan, ...]) -> Summary:
    """Totals over a plan's registries; links count once, at their source."""
    rules = [
        change
        for one in registries
        for change in one.changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
    ]
    states = [one.state for one in registries]
    return Summary(
        registries=len(registries),
        changed=states.count(State.CHANGED),
        unchanged=states.count(State.UNCHANGED),
        unreadable=states.count(State.UNREADABLE),
        held=sum(len(one.held) for one in registries),
        links_added=sum(len(change.links_added) for change in rules),
        links_removed=sum(len(change.links_removed) for change in rules),
    )


def _registry_plan(
    registry: Registry,
    seen: Observed | Unreadable,
    desired: Desired,
    source: Source | None,
    policy: PolicyWrites,
    templates: Furnishing,
    *,
    gone: bool,
) -> RegistryPlan:
    name, wave = desired.names[registry.account], desired.waves.name(registry)
    if isinstance(seen, Unreadable):
        return RegistryPlan(
            registry=registry,
            name=name,
            wave=wave,
            state=State.UNREADABLE,
            error=seen.error,
            retired=registry.account in desired.retired,
            gone=gone,
        )
    rules = rule_changes(registry, desired, source)
    refusals = {
        Resource.REPLICATION_CONFIGURATION: source.refusal if source else None,
        Resource.REGISTRY_POLICY: policy.refusal,
    }
    changes = _in_order((*templates.changes, *policy.changes, *rules), desired.waves)
    refused = {resource: fault for resource, fault in refusals.items() if fault is not None}
    return RegistryPlan(
        registry=registry,
        name=name,
        wave=wave,
        state=State.CHANGED if changes else State.UNCHANGED,
        changes=changes,
        held=source.held if source else (),
        error=next(iter((*refused.values(), *templates.faults)), None),
        refused=refused,
        owned=Applied(links=source.owned if source else {}, templates=templates.owned),
        retired=registry.account in desired.retired,
        in_place=len(seen.replication.outgoing),
    )


def _in_order(changes: tuple[Change, ...], waves: Waves) -> tuple[Change, ...]:
    """By wave, then by phase; those of one phase as they come."""
    phases = tuple(Phase)
    turn = {name: position for position, name in enumerate(waves.names)}
    return tuple(sorted(changes, key=lambda one: (turn[one.wave], phases.index(one.phase))))


def _lacks(
    source: Registry,
    desired: Desired,
    observation: Observation,
    grantings: Mapping[Registry, Granting],
) -> Lacks:
    """Why a destination will not let a prefix of `source` in, once the new grants are put."""
    links = {link.destination: link for link in desired.outgoing.get(source, ())}

    def lacks(destination: Registry, prefix: str) -> str | None:
        if not desired.must_be_granted(links[destination]):
            return None
        silence = silence_of(destination, observation)
        if silence is not None:
            return silence
        return grantings[destination].lacks(source, prefix, desired.actions)

    return lacks
