"""The plan of a registry, from its decided rules, policy and templates; and totals of plans."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from fleet_repl.planning.change import Change, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observed, Unreadable
from fleet_repl.planning.ownership import NOTHING_APPLIED, Applied
from fleet_repl.planning.plan import RegistryPlan, State, Summary
from fleet_repl.planning.policy_changes import PolicyWrites
from fleet_repl.planning.rule_changes import RuleDecision, rule_changes
from fleet_repl.planning.template_changes import TemplateDecision
from fleet_repl.topology import Waves
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import Registry

_NONE_REFUSED: Final[Mapping[Resource, Fault]] = MappingProxyType({})


def registry_plan(
    registry: Registry,
    seen: Observed | Unreadable,
    desired: Desired,
    source: RuleDecision | None,
    policy: PolicyWrites,
    templates: TemplateDecision,
    *,
    gone: bool,
) -> RegistryPlan:
    """The plan of a registry, with its changes in the order in which they are written.

    `source`: None where the registry was not read. `gone`: its account is retired and gone.
    """
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
    changes = _in_order((*templates.changes, *policy.changes, *rules), desired.waves)
    refused = _refused(source, policy)
    return RegistryPlan(
        registry=registry,
        name=name,
        wave=wave,
        state=State.CHANGED if changes else State.UNCHANGED,
        changes=changes,
        held=source.held if source else (),
        error=next(iter((*refused.values(), *templates.faults)), None),
        refused=refused,
        owned=_owned(source, templates),
        retired=registry.account in desired.retired,
        in_place=len(seen.replication.links),
    )


def _refused(source: RuleDecision | None, policy: PolicyWrites) -> Mapping[Resource, Fault]:
    """The resources whose changes are shown but must not be written."""
    if policy.refusal is None and (source is None or source.refusal is None):
        return _NONE_REFUSED
    refusals = {
        Resource.REPLICATION_CONFIGURATION: source.refusal if source else None,
        Resource.REGISTRY_POLICY: policy.refusal,
    }
    return {resource: fault for resource, fault in refusals.items() if fault is not None}


def _owned(source: RuleDecision | None, templates: TemplateDecision) -> Applied:
    """Returns the links and templates that are the fleet's own once all is done. Most registries
    share the value for nothing."""
    links = source.owned if source else {}
    if not links and not templates.owned:
        return NOTHING_APPLIED
    return Applied(links=links, templates=templates.owned)


def _in_order(changes: tuple[Change, ...], waves: Waves) -> tuple[Change, ...]:
    """Sorts changes by wave, then by phase; changes of one phase keep their order."""
    if len(changes) < 2:
        return changes
    phases = tuple(Phase)
    turn = {name: position for position, name in enumerate(waves.names)}
    return tuple(
        sorted(changes, key=lambda change: (turn[change.wave], phases.index(change.phase)))
    )


def summarize(registries: tuple[RegistryPlan, ...]) -> Summary:
    """Totals over a plan's registries; links count once, at their source."""
    rules = [
        change
        for planned in registries
        for change in planned.changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
    ]
    states = [planned.state for planned in registries]
    return Summary(
        registries=len(registries),
        changed=states.count(State.CHANGED),
        unchanged=states.count(State.UNCHANGED),
        unreadable=states.count(State.UNREADABLE),
        held=sum(len(planned.held) for planned in registries),
        links_added=sum(len(change.links_added) for change in rules),
        links_removed=sum(len(change.links_removed) for change in rules),
    )
