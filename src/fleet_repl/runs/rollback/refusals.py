"""Carries a refusal over to the other writes, until no rule is left without its grant.

A policy keeps what rules in place still use, and rules come back only where they are let in: the
planner says so link by link and grant by grant (`outlook`), and here this becomes the refusal of a
whole document. As a policy that is refused also brings no grant back, one refusal may be the cause
of another; that is why the planner is asked again after each. With `force`, warnings take the place
of refusals, and the fleet's own rules keep their grants all the same.

Example: the policy of the shop was edited since, so it is refused. So are the rules of the hub that
would need its old grant, and so is the policy of the club, whose grant these rules then still use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from fleet_repl.ecr.policy import Grant, policy_size
from fleet_repl.planning.change import HeldLink, Resource
from fleet_repl.planning.needed_grants import too_long
from fleet_repl.planning.observed import silence_of
from fleet_repl.planning.plan import Warning
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.runs.rollback.outlook import Outlook, allows
from fleet_repl.runs.rollback.policies import joined, policy_changes
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import NOTHING, intersect, touches
from fleet_repl.values.text import listed

Refusal: TypeAlias = tuple[Registry, Resource, Fault]


class Loss(NamedTuple):
    """A source that uses grants which go, or may use them."""

    because: str
    keep: frozenset[Grant] = frozenset()
    """The lost grants that the fleet's own rules need."""


def cautious(outlook: Outlook) -> Outlook:
    """Refuses every write that would leave rules without a grant.

    No refusal is ever taken back, so the loop ends.
    """
    outlook = _refusing(outlook, _over_long(outlook))
    while refusals := tuple(_refusals(outlook)):
        outlook = _refusing(outlook, refusals)
    return outlook


def insisted(outlook: Outlook) -> tuple[Outlook, tuple[Warning, ...]]:
    """Writes all that can be written, with the grants that the fleet's own rules still use, and
    returns warnings in place of refusals."""
    warnings: list[Warning] = []
    keeping: dict[Registry, Draft] = {}
    for registry, losses in _losing(outlook):
        warnings += _loss_warnings(registry, losses)
        keeping[registry] = _keeping(outlook.drafts[registry], losses, outlook)
    outlook = outlook.with_drafts(keeping)
    outlook = _refusing(outlook, _over_long(outlook))
    warnings += [
        Warning(
            kind="ungranted",
            message=f"{registry}: links into {link.destination} come back that it will not "
            f"let in: {link.because}",
        )
        for registry, link in outlook.ungranted()
    ]
    return outlook, tuple(warnings)


def _refusing(outlook: Outlook, refusals: Iterable[Refusal]) -> Outlook:
    """The outlook without these writes."""
    drafts = dict(outlook.drafts)
    for registry, resource, fault in refusals:
        drafts[registry] = drafts[registry].refuse(resource, fault)
    return outlook.with_drafts(drafts)


def _over_long(outlook: Outlook) -> Iterator[Refusal]:
    """Refuses the policies of which ECR would not take one of the writes."""
    desired = outlook.desired
    for registry, draft in outlook.drafts.items():
        changes = policy_changes(draft, outlook) if draft.writes_policy else ()
        size = max((policy_size(change.after.document) for change in changes), default=0)
        if draft.seen.policy is not None and size > desired.limits.policy_bytes:
            meanwhile = " while rules are put back," if len(changes) > 1 else ","
            fault = too_long(size, draft.seen.policy, desired, meanwhile)
            yield registry, Resource.REGISTRY_POLICY, fault


def _refusals(outlook: Outlook) -> Iterator[Refusal]:
    for registry, losses in _losing(outlook):
        yield registry, Resource.REGISTRY_POLICY, _still_used(losses)
    for registry, link in outlook.ungranted():
        yield registry, Resource.REPLICATION_CONFIGURATION, _not_let_in(link)


def _losing(outlook: Outlook) -> Iterator[tuple[Registry, tuple[Loss, ...]]]:
    """The policies that lose grants which a source still uses once the rollback is done, or may."""
    for registry, draft in outlook.drafts.items():
        if draft.writes_policy and (losses := tuple(_losses(registry, outlook))):
            yield registry, losses


def _losses(registry: Registry, outlook: Outlook) -> Iterator[Loss]:
    """The losses of one policy: first those that are certain."""
    stale = outlook.decisions[registry].stale
    users = sorted({source for sources in stale.kept.values() for source in sources})
    silences = {source: silence_of(source, outlook.observation) for source in users}
    for source in users:
        if silences[source] is None:
            yield _loss(f"{source} replicates here", source, registry, outlook)
    for account in sorted({grant.source for grant in stale.unlisted}):
        yield Loss(f"account {account} is not listed, so nobody can be asked")
    for source in users:
        if (silence := silences[source]) is not None:
            yield _loss(silence, source, registry, outlook)
    for source, applied in sorted(outlook.left_behind.items(), key=lambda item: item[0]):
        links = applied.links.get(registry, NOTHING)
        account = source.account
        if any(touches(links, grant.prefix) for grant in stale.staying if grant.source == account):
            because = f"{source} has links here on record, and is not listed any more"
            yield _loss(because, source, registry, outlook)


def _loss(because: str, source: Registry, registry: Registry, outlook: Outlook) -> Loss:
    """The loss of a source, with the lost grants that the fleet's own links out of it need."""
    links = outlook.own_links(source).get(registry, NOTHING)
    if source in outlook.links_then:
        links = intersect(links, outlook.links_then[source].get(registry, NOTHING))
    used = {
        grant._replace(prefix=prefix)
        for grant in outlook.lost(registry)
        if grant.source == source.account and grant.action in outlook.desired.actions
        for prefix in intersect(links, (grant.prefix,))
    }
    then = outlook.decisions[registry].permissions
    return Loss(because, frozenset(grant for grant in used if not allows(then, grant)))


def _still_used(losses: Iterable[Loss]) -> Fault:
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="PutRegistryPolicy",
        message="putting the registry policy back would take grants away that are in use, or may "
        f"be: {_some(losses)}; it is left as it is",
        hint="take those links away first; --force puts it back but for the grants that the "
        "fleet's own rules use",
    )


def _not_let_in(link: HeldLink) -> Fault:
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="PutReplicationConfiguration",
        message=f"putting the rules back would bring back links into {link.destination}, which "
        f"will not let them in ({link.because}); they are left as they are",
        hint="have the destination grant them, or put them back without a grant with --force",
    )


def _keeping(draft: Draft, losses: Iterable[Loss], outlook: Outlook) -> Draft:
    """The draft whose policy keeps the grants that the fleet's own rules use."""
    grants = frozenset(grant for loss in losses for grant in loss.keep)
    if not grants or draft.policy is None:
        return draft
    policy = joined(draft.policy, grants, (), outlook.desired, draft.registry)
    same = draft.seen.policy is not None and draft.seen.policy.same_as(policy)
    return replace(draft, policy=None if same else policy)


def _loss_warnings(registry: Registry, losses: tuple[Loss, ...]) -> Iterator[Warning]:
    if kept := [loss for loss in losses if loss.keep]:
        yield Warning(
            kind="grants-in-use",
            message=f"{registry}: the registry policy keeps grants that it did not have before "
            f"the run, because the fleet's own rules use them: {_some(kept)}",
        )
    if taken := [loss for loss in losses if not loss.keep]:
        yield Warning(
            kind="grants-taken",
            message=f"{registry}: grants go from the registry policy that are in use, or may be: "
            f"{_some(taken)}",
        )


def _some(losses: Iterable[Loss]) -> str:
    return listed(list(dict.fromkeys(loss.because for loss in losses)), 1)
