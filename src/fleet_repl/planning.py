"""Planning: desired and observed state → what to write to each registry, in which order.

Pure: it asks nothing and knows no clock. Grants are decided first, then the rules of every
source by what its destinations will grant, then withdrawals by what the rules will be.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from fleet_repl.cautions import (
    UNKNOWN_FIELDS,
    deletes_started,
    kept_grants,
    lint,
    no_room,
    unknown_fields,
    unlisted,
)
from fleet_repl.desired import Desired
from fleet_repl.errors import Fault, FaultKind
from fleet_repl.furnishing import Furnishing, template_changes
from fleet_repl.granting import Granting, granting, policy_changes, settled
from fleet_repl.holding import Lacks, hold, over_limits
from fleet_repl.names import Registry
from fleet_repl.observed import Observation, Observed, Unreadable
from fleet_repl.ownership import Applied, Cells, Merged, Record, Wanted, alone, beside, both
from fleet_repl.plan import (
    Action,
    Change,
    HeldLink,
    LinkEnd,
    Phase,
    RegistryPlan,
    Resource,
    State,
    Summary,
    Warning,
)
from fleet_repl.prefixes import covers
from fleet_repl.rules import Outgoing, Replication, compare
from fleet_repl.withdrawals import Uses, left_behind

NOTHING_RECORDED: Final[Record] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Every registry in scope, and what the reader should know."""

    registries: tuple[RegistryPlan, ...]
    warnings: tuple[Warning, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What is decided about the rules of one registry."""

    present: Replication
    merged: Merged
    held: tuple[HeldLink, ...]
    refusal: Fault | None

    @property
    def changes(self) -> bool:
        """Whether its rules have to be written: the same links in other rules are no change."""
        present, merged = self.present, self.merged
        return (merged.outgoing, merged.deleting) != (present.outgoing, present.deleting)

    @property
    def owned(self) -> Cells:
        """What is ours afterwards. Where nothing is written, all that is ours now stays: others
        may cover it, and leave one day."""
        merged = self.merged
        return merged.owned if self.changes else both(merged.owned, merged.present)


def plan_registries(
    desired: Desired,
    observation: Observation,
    scope: Collection[Registry],
    *,
    record: Record = NOTHING_RECORDED,
    allow: Collection[str] = (),
) -> Planned:
    """Decide every write to the registries in `scope`.

    `observation` holds at least the scope, the destinations of its links and the sources of
    links into it; what is outside the scope is only looked at. `record` is what the fleet last
    applied.
    """
    uses = Uses(desired=desired, observation=observation, left_behind=left_behind(desired, record))
    grantings = {
        registry: granting(registry, seen, uses, in_scope=registry in scope)
        for registry, seen in observation.items()
        if desired.manages_grants and isinstance(seen, Observed)
    }
    sources = _sources(desired, observation, scope, grantings, record, allow)
    written = {
        registry: source.merged.outgoing
        for registry, source in sources.items()
        if source.changes and source.refusal is None
    }
    known = replace(uses, written=written)
    grantings = {
        registry: settled(one, known) for registry, one in grantings.items() if registry in scope
    }
    registries = tuple(
        _registry_plan(
            one,
            observation[one],
            desired,
            sources.get(one),
            grantings.get(one),
            template_changes(one, observation[one], desired, record.get(one), allow),
        )
        for one in sorted(scope)
    )
    return Planned(
        registries=registries,
        warnings=(
            *unknown_fields(observation, scope),
            *kept_grants(grantings, desired),
            *no_room(grantings),
            *lint(grantings, observation, desired.owner.partition),
            *deletes_started(registries),
            *unlisted(desired, record),
        ),
    )


def _sources(
    desired: Desired,
    observation: Observation,
    scope: Collection[Registry],
    grantings: Mapping[Registry, Granting],
    record: Record,
    allow: Collection[str],
) -> dict[Registry, _Source]:
    """What each registry in scope shall replicate, by what its destinations will grant."""
    return {
        registry: _source(
            registry,
            seen,
            desired,
            _lacks(registry, desired, observation, grantings),
            record.get(registry),
            allow,
        )
        for registry, seen in observation.items()
        if registry in scope and isinstance(seen, Observed)
    }


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


def _source(
    registry: Registry,
    seen: Observed,
    desired: Desired,
    lacks: Lacks,
    recorded: Applied | None,
    allow: Collection[str],
) -> _Source:
    asked = Wanted(links=desired.links_out(registry), deleting=desired.deletes_out(registry))
    holding = hold(asked.links, seen.replication.outgoing, lacks)
    wanted = Wanted(links=holding.outgoing, deleting=asked.deleting)
    filters = desired.limits.filters
    ours = None if recorded is None else recorded.links
    if desired.is_additive(registry):
        merged = beside(seen.replication, wanted, asked, ours, filters=filters)
    else:
        merged = alone(seen.replication, wanted, asked, ours, filters=filters)
    source = _Source(
        present=seen.replication, merged=merged, held=holding.held, refusal=_clash(merged)
    )
    if source.changes and source.refusal is None:
        source = replace(source, refusal=_too_much(merged, desired) or _refusal(seen, allow))
    return source


def _too_much(merged: Merged, desired: Desired) -> Fault | None:
    return over_limits(
        desired.limits,
        rules=merged.count,
        foreign=len(merged.kept),
        destinations=len(merged.outgoing),
    )


def _clash(merged: Merged) -> Fault | None:
    """Why others' rules and ours cannot both be."""
    if not merged.clashes:
        return None
    end, prefix = merged.clashes[0]
    more = f" and {len(merged.clashes) - 1} more" if merged.clashes[1:] else ""
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="PutReplicationConfiguration",
        message=f"a rule that is not fleet-repl's replicates {prefix or 'every repository'} to "
        f"{end}{more} with another deleteReplication than the routes ask for, so none of the "
        "registry's rules is written",
        hint="give the route the replicate_deletes of that rule, or have the rule changed",
    )


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
        match observation.get(destination):
            case Unreadable(error=error):
                return f"{destination} could not be read ({error.kind})"
            case Observed():
                return grantings[destination].lacks(source, prefix, desired.actions)
            case None:
                return f"{destination} was not read"

    return lacks


def _refusal(seen: Observed, allow: Collection[str]) -> Fault | None:
    """Why the rules must not be written although they differ."""
    if seen.replication.unknown and UNKNOWN_FIELDS not in allow:
        return Fault(
            kind=FaultKind.UNKNOWN_FIELDS,
            operation="DescribeRegistry",
            message="the replication configuration holds fields that this version does not know "
            f"and would lose: {', '.join(seen.replication.unknown)}",
            hint="use a version that knows them, or overwrite them with --allow unknown-fields",
        )
    return None


def _registry_plan(
    registry: Registry,
    seen: Observed | Unreadable,
    desired: Desired,
    source: _Source | None,
    grants: Granting | None,
    templates: Furnishing,
) -> RegistryPlan:
    name = desired.names[registry.account]
    if isinstance(seen, Unreadable):
        return RegistryPlan(
            registry=registry,
            name=name,
            state=State.UNREADABLE,
            error=seen.error,
            retired=registry.account in desired.retired,
        )
    rules = _rule_changes(registry, seen, desired, source)
    first, last = policy_changes(grants, desired) if grants is not None else ((), ())
    refusals = {
        Resource.REPLICATION_CONFIGURATION: source.refusal if source else None,
        Resource.REGISTRY_POLICY: grants.refusal if grants else None,
    }
    changes = (*templates.changes, *first, *rules, *last)
    refused = {resource: fault for resource, fault in refusals.items() if fault is not None}
    return RegistryPlan(
        registry=registry,
        name=name,
        state=State.CHANGED if changes else State.UNCHANGED,
        changes=changes,
        held=source.held if source else (),
        error=next(iter((*refused.values(), *templates.faults)), None),
        refused=refused,
        owned=Applied(links=source.owned if source else {}, templates=templates.owned),
        retired=registry.account in desired.retired,
    )


def _rule_changes(
    registry: Registry, seen: Observed, desired: Desired, source: _Source | None
) -> tuple[Change, ...]:
    if source is None or not source.changes:
        return ()
    routes = {link.destination: link.routes for link in desired.outgoing.get(registry, ())}
    present, merged = source.present, source.merged
    after = merged.outgoing
    links = compare(present.outgoing, after)
    deletes = compare(present.deleting, merged.deleting)
    narrowed = {
        one: routes.get(one, ())
        for one, prefixes in links.removed.items()
        if any(covers(prefixes, kept) for kept in after.get(one, ()))
    }
    return (
        Change(
            resource=Resource.REPLICATION_CONFIGURATION,
            # The document always exists; an empty list of rules is how it is emptied.
            action=Action.UPDATE,
            phase=Phase.RULES,
            before=seen.replication.document,
            after=merged.document(),
            links_added=_ends(links.added, routes),
            links_removed=_ends(links.removed, narrowed),
            deletes_started=_ends(deletes.added, routes),
            deletes_stopped=_ends(deletes.removed, routes),
        ),
    )


def _ends(links: Outgoing, routes: Mapping[Registry, tuple[str, ...]]) -> tuple[LinkEnd, ...]:
    return tuple(
        LinkEnd(registry=one, prefixes=prefixes, routes=routes.get(one, ()))
        for one, prefixes in links.items()
    )
