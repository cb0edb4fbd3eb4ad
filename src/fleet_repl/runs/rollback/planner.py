"""Planning a rollback: targets and what is in place → what to write to each registry.

Pure, like planning from the inventory, and its plans are carried out just so: templates, grants
that come back, rules, and grants that go once the rules are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import REPLICATE_IMAGE, parse_policy
from fleet_repl.ecr.rules import Replication
from fleet_repl.planning.change import Change, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed, Unreadable
from fleet_repl.planning.ownership import Applied, Record, taken_out, without
from fleet_repl.planning.plan import RegistryPlan, State, Warning
from fleet_repl.planning.plan_warnings import deletes_started, unknown_fields, unknown_rules
from fleet_repl.planning.planner import Planned
from fleet_repl.planning.rule_changes import rewriting
from fleet_repl.runs.history import Fingerprints
from fleet_repl.runs.overwritten import prefix_of
from fleet_repl.runs.rollback.draft import Draft, draft_of
from fleet_repl.runs.rollback.outlook import Outlook
from fleet_repl.runs.rollback.policies import policy_changes
from fleet_repl.runs.rollback.refusals import cautious, insisted
from fleet_repl.runs.rollback.targets import FOREIGN_RULES, Target
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.prefixes import LinkScope, reduce
from fleet_repl.values.text import listed

_UNLISTED = Fault(
    kind=FaultKind.INVALID,
    operation="DescribeRegistry",
    message="the inventory does not list it any more, so there is no role to reach it with",
    hint="list its account and region again for the rollback",
)
_UNREAD = replace(_UNLISTED, message="it was not read", hint=None)
_NOTHING = Applied()


def plan_rollback(
    targets: Iterable[Target],
    observation: Observation,
    desired: Desired,
    record: Record,
    fingerprints: Fingerprints,
    *,
    force: bool,
) -> Planned:
    """Decides every write that puts `targets` back.

    `observation` holds the listed targets, with the creation templates of targets that have
    templates to put back, and the registries of `needed_observation`. Writes are refused where
    somebody has changed the registry since, and where they would leave rules without their grants.
    With `force`, warnings take the place of these refusals.
    """
    wanted = sorted(targets, key=lambda target: target.registry)
    outlook = _outlook(wanted, observation, desired, record, fingerprints, force=force)
    outlook, warnings = insisted(outlook) if force else (cautious(outlook), ())
    registries = tuple(_registry_plan(target, outlook) for target in wanted)
    return Planned(
        registries=registries,
        warnings=(
            *unknown_fields(observation, outlook.drafts),
            *unknown_rules(observation, registries),
            *warnings,
            *_foreign_rules(registries, record),
            *deletes_started(registries),
        ),
    )


def _outlook(
    wanted: Iterable[Target],
    observation: Observation,
    desired: Desired,
    record: Record,
    fingerprints: Fingerprints,
    *,
    force: bool,
) -> Outlook:
    """Returns the documents that each registry goes back to, whatever its neighbours need."""
    listed = set(desired.registries)
    desired = replace(desired, actions=_actions(wanted, desired))
    return Outlook(
        desired=desired,
        observation=observation,
        record=record,
        drafts={
            at: draft_of(target, seen, desired, fingerprints.get(at), force=force)
            for target in wanted
            if (at := target.registry) in listed
            and isinstance(seen := observation.get(at), Observed)
        },
        unlisted=frozenset(
            target.registry
            for target in wanted
            if target.registry not in listed and Resource.REGISTRY_POLICY in target.documents
        ),
    )


def restored(desired: Desired, registries: Iterable[RegistryPlan]) -> Desired:
    """Returns `desired` with the links of a rollback's registries in place of the links of routes.

    The engine needs it to carry the rollback out: it holds the links whose grants fail, as it does
    for links of routes. Links of others are missing, as they are not the fleet's to hold.
    """
    put = {planned.registry: planned.owned.links for planned in registries}
    links = [
        *(link for source, sent in desired.outgoing.items() if source not in put for link in sent),
        *(
            Link(source=source, destination=end, scope=LinkScope(reduce(prefixes)), routes=())
            for source, cells in put.items()
            for end, prefixes in cells.items()
        ),
    ]
    links.sort(key=lambda link: (link.source, link.destination))
    # Whether repositories may be created is as it was, and no matter of the order of writes.
    return replace(desired.linked_by(links), actions=(REPLICATE_IMAGE,))


def _actions(wanted: Iterable[Target], desired: Desired) -> tuple[str, ...]:
    """Returns the actions that a link in place must keep: no more than the inventory asks for,
    nor than the fleet's grants from before the run gave, which may have left out creating
    repositories."""
    given = {
        grant.action
        for target in wanted
        if (policy := target.documents.get(Resource.REGISTRY_POLICY)) is not None
        for grant in parse_policy(policy.before, desired.owner, target.registry).grants
    }
    if REPLICATE_IMAGE not in given:
        return desired.actions
    return tuple(action for action in desired.actions if action in given)


def _registry_plan(target: Target, outlook: Outlook) -> RegistryPlan:
    registry, desired = target.registry, outlook.desired
    name = desired.names.get(registry.account, target.name)
    if (draft := outlook.drafts.get(registry)) is None:
        seen = outlook.observation.get(registry)
        error = seen.error if isinstance(seen, Unreadable) else _UNREAD
        if registry not in desired.by_account.get(registry.account, ()):
            error = _UNLISTED
        return RegistryPlan(registry=registry, name=name, state=State.UNREADABLE, error=error)
    changes = _changes(draft, outlook)
    return RegistryPlan(
        registry=registry,
        name=name,
        state=State.CHANGED if changes else State.UNCHANGED,
        changes=changes,
        error=next(iter(draft.refused.values()), None),
        refused=draft.refused,
        owned=Applied(
            links=draft.owned_links(outlook.record),
            templates=_owned_templates(draft, outlook.record),
        ),
        in_place=len(draft.seen.replication.links),
    )


def _changes(draft: Draft, outlook: Outlook) -> tuple[Change, ...]:
    """The writes that put one registry back, refused ones included, in their order."""
    changes = [*draft.templates, *policy_changes(draft, outlook)]
    if draft.rules is not None:
        now = draft.seen.replication
        changes.append(rewriting(draft.registry, now, draft.rules, outlook.desired))
    return tuple(sorted(changes, key=lambda change: tuple(Phase).index(change.phase)))


def _owned_templates(draft: Draft, record: Record) -> tuple[str, ...]:
    """Returns the fleet's own templates after the rollback: those on record, without those that go
    and with those that come back. A run writes none but ours."""
    owned = set(record.get(draft.registry, _NOTHING).templates)
    for change in draft.templates:
        keep = owned.discard if change.after.document is None else owned.add
        keep(prefix_of(change) or "")
    return tuple(sorted(owned))


def _foreign_rules(registries: Iterable[RegistryPlan], record: Record) -> Iterator[Warning]:
    """Links that go and that nothing shows to be the fleet's own.

    Whoever rolls this rollback back cannot tell either, and does not count them as its own. So
    unlike the objection of the same kind, this counts what a wider link covers, too.
    """
    losing = [
        planned.registry
        for planned in registries
        for change in planned.changes
        if change.resource is Resource.REPLICATION_CONFIGURATION
        and change.resource not in planned.refused
        and without(
            taken_out(*contents(change, Replication), covered=True),
            record.get(planned.registry, _NOTHING).links,
        )
    ]
    if losing:
        yield Warning(
            kind=FOREIGN_RULES,
            message=f"{listed(losing, 1)}: links go that nothing records to be fleet-repl's, so "
            "they may be somebody else's",
        )
