"""Planning a rollback: targets and what is in place → what to write to each registry.

Pure, like planning from the inventory, and its plans are carried out just so: templates, grants
that come back, rules, and grants that go once the rules are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from fleet_repl.ecr.policy import REPLICATE_IMAGE, parse_policy
from fleet_repl.ecr.rules import NO_RULES, parse_document
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.ownership import Applied, Record, cells_of
from fleet_repl.planning.plan import (
    Change,
    Phase,
    RegistryPlan,
    Resource,
    State,
    Warning,
)
from fleet_repl.planning.plan_warnings import deletes_started, strange_rules, unknown_fields
from fleet_repl.planning.rule_changes import rewriting
from fleet_repl.runs.history import Traces
from fleet_repl.runs.rollback.draft import Draft, draft
from fleet_repl.runs.rollback.outlook import Outlook, outlook, owned_links
from fleet_repl.runs.rollback.policies import policy_changes
from fleet_repl.runs.rollback.refusals import cautious, insisted
from fleet_repl.runs.rollback.targets import FOREIGN_RULES, Target
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import reduce

_UNLISTED = Fault(
    kind=FaultKind.INVALID,
    operation="DescribeRegistry",
    message="the inventory does not list it any more, so there is no role to reach it with",
    hint="list its account and region again for the rollback",
)
_UNREAD = replace(_UNLISTED, message="it was not read", hint=None)
_NOTHING = Applied()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRollback:
    """Every target, and what the reader should know."""

    registries: tuple[RegistryPlan, ...]
    warnings: tuple[Warning, ...]


def plan_rollback(
    targets: Iterable[Target],
    observation: Observation,
    desired: Desired,
    record: Record,
    traces: Traces,
    *,
    force: bool,
) -> PlannedRollback:
    """Decide every write that puts `targets` back.

    `observation` holds the targets that are listed, with the creation templates of those that
    have some to put back, and `needed_observation`. What was changed since, and what would leave
    rules without their grants, is refused; with `force` it is written, and warned of.
    """
    wanted = sorted(targets, key=lambda one: one.registry)
    listed = set(desired.registries)
    desired = replace(desired, actions=_actions(wanted, desired))
    drafts = {
        one.registry: draft(one, seen, desired, traces.get(one.registry), force=force)
        for one in wanted
        if one.registry in listed and isinstance(seen := observation.get(one.registry), Observed)
    }
    unlisted = frozenset(
        one.registry
        for one in wanted
        if one.registry not in listed and Resource.REGISTRY_POLICY in one.documents
    )
    around = outlook(drafts, observation, desired, record, unlisted=unlisted)
    around, warnings = insisted(around) if force else (cautious(around), ())
    registries = tuple(
        _planned(around.drafts[one.registry], around)
        if one.registry in around.drafts
        else _unreadable(one, observation, desired)
        for one in wanted
    )
    return PlannedRollback(
        registries=registries,
        warnings=(
            *unknown_fields(observation, drafts),
            *strange_rules(observation, registries),
            *warnings,
            *_foreign_rules(registries, record),
            *deletes_started(registries),
        ),
    )


def restored(desired: Desired, registries: Iterable[RegistryPlan]) -> Desired:
    """`desired` with the links of a rollback's registries in place of those that are asked for.

    For carrying it out: links whose grant fails after all are held, as those of routes are.
    """
    put = {one.registry: tuple(_links(one)) for one in registries}
    outgoing = dict(sorted({**desired.outgoing, **put}.items()))
    incoming: dict[Registry, list[Link]] = {}
    for links in outgoing.values():
        for link in links:
            incoming.setdefault(link.destination, []).append(link)
    return replace(
        desired,
        outgoing=outgoing,
        incoming={one: tuple(links) for one, links in incoming.items()},
        # Whether repositories may be created is as it was, and no matter of the order of writes.
        actions=(REPLICATE_IMAGE,),
    )


def _actions(wanted: Iterable[Target], desired: Desired) -> tuple[str, ...]:
    """What a link in place must not lose: no more than the inventory asks for, nor than the
    fleet's grants from before the run gave, which may have left out creating repositories."""
    given = {
        grant.action
        for one in wanted
        if (policy := one.documents.get(Resource.REGISTRY_POLICY)) is not None
        for grant in parse_policy(policy.before, desired.owner, one.registry).grants
    }
    if REPLICATE_IMAGE not in given:
        return desired.actions
    return tuple(action for action in desired.actions if action in given)


def _links(one: RegistryPlan) -> Iterator[Link]:
    """The fleet's own: links of others are none of ours to hold."""
    for end, prefixes in sorted(one.owned.links.items()):
        yield Link(source=one.registry, destination=end, prefixes=reduce(prefixes), routes=())


def _unreadable(one: Target, observation: Observation, desired: Desired) -> RegistryPlan:
    seen = observation.get(one.registry)
    error = seen.error if isinstance(seen, Unreadable) else _UNREAD
    return RegistryPlan(
        registry=one.registry,
        name=desired.names.get(one.registry.account, one.name),
        state=State.UNREADABLE,
        error=error if one.registry in set(desired.registries) else _UNLISTED,
    )


def _planned(one: Draft, around: Outlook) -> RegistryPlan:
    policy = policy_changes(one, around)
    changes = (
        *one.templates,
        *(change for change in policy if change.phase is Phase.GRANTS),
        *_rule_changes(one, around.desired),
        *(change for change in policy if change.phase is Phase.WITHDRAWALS),
    )
    registry = one.registry
    return RegistryPlan(
        registry=registry,
        name=around.desired.names.get(registry.account, one.target.name),
        state=State.CHANGED if changes else State.UNCHANGED,
        changes=changes,
        error=next(iter(one.refused.values()), None),
        refused=one.refused,
        owned=Applied(
            links=owned_links(one, around.record), templates=_owned_templates(one, around.record)
        ),
        in_place=len(one.seen.replication.outgoing),
    )


def _rule_changes(one: Draft, desired: Desired) -> tuple[Change, ...]:
    now, then = one.seen.replication, one.rules
    if then is None:
        return ()
    links = then.outgoing, then.deleting
    return (rewriting(one.registry, now, links, then.document, desired),)


def _owned_templates(one: Draft, record: Record) -> tuple[str, ...]:
    """Those on record, without what goes and with what comes back: a run writes none but ours."""
    found = set(record.get(one.registry, _NOTHING).templates)
    for change in one.templates:
        found -= {str((change.before or {}).get("prefix", ""))}
        if change.after is not None:
            found.add(str(change.after["prefix"]))
    return tuple(sorted(found))


def _foreign_rules(registries: Iterable[RegistryPlan], record: Record) -> Iterator[Warning]:
    """Links that go and that nothing shows to be the fleet's own.

    Whoever rolls this rollback back cannot tell either, and does not count them as its own.
    """
    losing = [
        one.registry
        for one in registries
        for change in one.changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
        and change.resource not in one.refused
        and _takes_strange(change, record.get(one.registry, _NOTHING))
    ]
    if losing:
        more = f" and {len(losing) - 1} more" if losing[1:] else ""
        yield Warning(
            kind=FOREIGN_RULES,
            message=f"{losing[0]}{more}: links go that nothing records to be fleet-repl's, so "
            "they may be somebody else's",
        )


def _takes_strange(change: Change, applied: Applied) -> bool:
    """To the letter, unlike the objection of the same kind: what is covered counts too."""
    after = cells_of(parse_document(change.after or NO_RULES).rules)
    found = cells_of(parse_document(change.before or NO_RULES).rules)
    return any(
        prefix not in applied.links.get(end, ()) and prefix not in after.get(end, ())
        for end, prefixes in found.items()
        for prefix in prefixes
    )
