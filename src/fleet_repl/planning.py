"""Planning: desired and observed state → what to write to each registry, in which order.

Pure: it asks nothing and knows no clock. Grants are decided first, then the rules of every
source by what its destinations will grant, then withdrawals by what the rules will be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from fleet_repl.desired import Desired
from fleet_repl.errors import Fault, FaultKind
from fleet_repl.granting import Granting, granting, policy_changes, settled
from fleet_repl.grants import Grant
from fleet_repl.holding import Holding, Lacks, hold, rules_within
from fleet_repl.names import AccountId, Registry
from fleet_repl.observed import Observation, Observed, Unreadable
from fleet_repl.plan import (
    Action,
    Change,
    LinkEnd,
    Phase,
    RegistryPlan,
    Resource,
    State,
    Summary,
    Warning,
)
from fleet_repl.prefixes import covers
from fleet_repl.rules import Outgoing, compare, document_of, rules_for

UNKNOWN_FIELDS = "unknown-fields"
"""What `allow` holds to overwrite rules with fields that are not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Every registry in scope, and what the reader should know."""

    registries: tuple[RegistryPlan, ...]
    warnings: tuple[Warning, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What is decided about the rules of one registry."""

    present: Outgoing
    holding: Holding
    refusal: Fault | None

    @property
    def changes(self) -> bool:
        return self.holding.outgoing != self.present


def plan_registries(
    desired: Desired,
    observation: Observation,
    scope: Collection[Registry],
    *,
    allow: Collection[str] = (),
) -> Planned:
    """Decide every write to the registries in `scope`.

    `observation` holds at least the scope, the destinations of its links and the sources of
    links into it; what is outside the scope is only looked at.
    """
    grantings = {
        registry: granting(registry, seen, desired, observation, in_scope=registry in scope)
        for registry, seen in observation.items()
        if desired.manages_grants and isinstance(seen, Observed)
    }
    sources = {
        registry: _source(registry, seen, desired, observation, grantings, allow)
        for registry, seen in observation.items()
        if registry in scope and isinstance(seen, Observed)
    }
    written = {
        registry: source.holding.outgoing
        for registry, source in sources.items()
        if source.changes and source.refusal is None
    }
    grantings = {
        registry: settled(one, desired, observation, written)
        for registry, one in grantings.items()
        if registry in scope
    }
    registries = tuple(
        _registry_plan(one, observation[one], desired, sources.get(one), grantings.get(one))
        for one in sorted(scope)
    )
    return Planned(
        registries=registries,
        warnings=(*_unknown_fields(observation, scope), *_kept_grants(grantings, desired)),
    )


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
    observation: Observation,
    grantings: Mapping[Registry, Granting],
    allow: Collection[str],
) -> _Source:
    present = seen.replication.outgoing
    lacks = _lacks(registry, desired, observation, grantings)
    holding = hold(desired.links_out(registry), present, lacks)
    rules = rules_within(desired.limits, holding.outgoing)
    refusal = None
    if holding.outgoing != present:
        refusal = rules if isinstance(rules, Fault) else _refusal(seen, allow)
    return _Source(present=present, holding=holding, refusal=refusal)


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
) -> RegistryPlan:
    name = desired.names[registry.account]
    if isinstance(seen, Unreadable):
        return RegistryPlan(registry=registry, name=name, state=State.UNREADABLE, error=seen.error)
    rules = _rule_changes(registry, seen, desired, source)
    first, last = policy_changes(grants, desired) if grants is not None else ((), ())
    refusals = {
        Resource.REPLICATION_CONFIGURATION: source.refusal if source else None,
        Resource.REGISTRY_POLICY: grants.refusal if grants else None,
    }
    changes = (*first, *rules, *last)
    refused = {resource: fault for resource, fault in refusals.items() if fault is not None}
    return RegistryPlan(
        registry=registry,
        name=name,
        state=State.CHANGED if changes else State.UNCHANGED,
        changes=changes,
        held=source.holding.held if source else (),
        error=next(iter(refused.values()), None),
        refused=refused,
    )


def _rule_changes(
    registry: Registry, seen: Observed, desired: Desired, source: _Source | None
) -> tuple[Change, ...]:
    if source is None or not source.changes:
        return ()
    routes = {link.destination: link.routes for link in desired.outgoing.get(registry, ())}
    after = source.holding.outgoing
    links = compare(source.present, after)
    narrowed = {
        one: routes[one]
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
            after=document_of(rules_for(after, filters=desired.limits.filters)),
            links_added=_ends(links.added, routes),
            links_removed=_ends(links.removed, narrowed),
        ),
    )


def _ends(links: Outgoing, routes: Mapping[Registry, tuple[str, ...]]) -> tuple[LinkEnd, ...]:
    return tuple(
        LinkEnd(registry=one, prefixes=prefixes, routes=routes.get(one, ()))
        for one, prefixes in links.items()
    )


def _unknown_fields(observation: Observation, scope: Collection[Registry]) -> Iterator[Warning]:
    for registry in sorted(scope):
        seen = observation[registry]
        if isinstance(seen, Observed) and seen.replication.unknown:
            yield Warning(
                kind=UNKNOWN_FIELDS,
                message=f"{registry} answers with fields that this version does not know: "
                f"{', '.join(seen.replication.unknown)}",
            )


def _kept_grants(grantings: Mapping[Registry, Granting], desired: Desired) -> Iterator[Warning]:
    """One warning for each account whose grants nobody needs and nobody can ask about."""
    places: dict[AccountId, list[Registry]] = {}
    for registry, one in sorted(grantings.items(), key=lambda item: item[0]):
        stale = one.stale.unlisted | {
            grant for grant in one.stale.kept if not _wanted(grant, registry, desired)
        }
        for account in sorted({grant.source for grant in stale}):
            places.setdefault(account, []).append(registry)
    for account, registries in sorted(places.items()):
        yield Warning(
            kind="grant-kept",
            message=f"{_places(registries)} grants account {account} what no route asks for, and "
            f"the grant stays, because {_unasked(account, desired)}",
        )


def _wanted(grant: Grant, registry: Registry, desired: Desired) -> bool:
    """Whether a link asks for a grant, although its source could not be read this time."""
    return any(
        link.source.account == grant.source and covers(link.prefixes, grant.prefix)
        for link in desired.incoming.get(registry, ())
    )


def _unasked(account: AccountId, desired: Desired) -> str:
    """Why nobody can tell whether an account still uses a grant, and what to do about it."""
    if account in desired.by_account:
        return (
            f"a registry of that account ({desired.names[account]}) could not be read or keeps "
            "its link; if the account is closed, take the statement out by hand"
        )
    return (
        "that account is not managed here and nobody knows whether it is still used; list it under "
        "[[accounts]] to have the grant withdrawn, or take the statement out by hand"
    )


def _places(registries: list[Registry]) -> str:
    more = f" and {len(registries) - 1} more" if len(registries) > 1 else ""
    return f"{registries[0]}{more}"
