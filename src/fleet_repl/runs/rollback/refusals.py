"""What one refusal means for the other writes, until no rule is left without its grant.

A policy keeps what rules in place still use, and rules come back only where they are let in. With
`force`, warnings take the place of refusals, and the fleet's own rules keep their grants all the
same.

Example: the policy of the shop was edited since, so it is refused. So are the rules of the hub that
would need its old grant, and so is the policy of the club, whose grant these rules then still use.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from fleet_repl.planning.plan import Resource, Warning
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.runs.rollback.outlook import Outlook
from fleet_repl.runs.rollback.policies import Losing, Loss, joined, over_long
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.text import listed

Refusal: TypeAlias = tuple[Registry, Resource, Fault]


def cautious(around: Outlook) -> Outlook:
    """Refuse every write that would leave rules without a grant.

    A refusal can only be the cause of more, so it ends.
    """
    around = around.refusing(_over_long(around))
    while refusals := tuple(_refusals(around)):
        around = around.refusing(refusals)
    return around


def insisted(around: Outlook) -> tuple[Outlook, tuple[Warning, ...]]:
    """Put back all that can be, with grants that the fleet's own rules still use, and say what
    is the matter with it."""
    warnings: list[Warning] = []
    for registry, draft in sorted(around.drafts.items(), key=lambda item: item[0]):
        if draft.writes_policy and (losses := Losing(draft, around).losses()):
            warnings += _loss_warnings(registry, losses)
            around = _keeping(draft, losses, around)
    around = around.refusing(_over_long(around))
    return around, (*warnings, *_ungranted_warnings(around))


def _over_long(around: Outlook) -> Iterator[Refusal]:
    for registry, draft in around.drafts.items():
        fault = over_long(draft, around) if draft.writes_policy else None
        if fault is not None:
            yield registry, Resource.REGISTRY_POLICY, fault


def _refusals(around: Outlook) -> Iterator[Refusal]:
    for registry, draft in around.drafts.items():
        if draft.writes_policy and (losses := Losing(draft, around).losses()):
            yield registry, Resource.REGISTRY_POLICY, _still_used(losses)
        if draft.writes_rules and (lacks := _ungranted(draft, around)) is not None:
            yield registry, Resource.REPLICATION_CONFIGURATION, _not_let_in(*lacks)


def _still_used(losses: Iterable[Loss]) -> Fault:
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="PutRegistryPolicy",
        message="putting the registry policy back would take grants away that are in use, or may "
        f"be: {_some(losses)}; it is left as it is",
        hint="take those links away first; --force puts it back but for the grants that the "
        "fleet's own rules use",
    )


def _ungranted(draft: Draft, around: Outlook) -> tuple[Registry, str] | None:
    """The first destination that will not let a link in that comes back, and why."""
    for end, prefixes in around.links_back(draft):
        because = around.lacks(end, draft.registry, prefixes)
        if because is not None:
            return end, because
    return None


def _not_let_in(end: Registry, because: str) -> Fault:
    return Fault(
        kind=FaultKind.CONFLICT,
        operation="PutReplicationConfiguration",
        message=f"putting the rules back would bring back links into {end}, which will not let "
        f"them in ({because}); they are left as they are",
        hint="have the destination grant them, or put them back without a grant with --force",
    )


def _keeping(draft: Draft, losses: Iterable[Loss], around: Outlook) -> Outlook:
    """The policy to put, with what the fleet's own rules use of what would go."""
    grants = frozenset(grant for loss in losses for grant in loss.keep)
    if not grants or draft.policy is None:
        return around
    registry = draft.registry
    policy = joined(draft.policy, grants, (), around.desired, registry)
    same = draft.seen.policy is not None and draft.seen.policy.same_as(policy)
    return around.with_policy(registry, None if same else policy)


def _loss_warnings(registry: Registry, losses: Iterable[Loss]) -> Iterator[Warning]:
    losses = tuple(losses)
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


def _ungranted_warnings(around: Outlook) -> Iterator[Warning]:
    for registry, draft in sorted(around.drafts.items(), key=lambda item: item[0]):
        lacks = _ungranted(draft, around) if draft.writes_rules else None
        if lacks is not None:
            yield Warning(
                kind="ungranted",
                message=f"{registry}: links into {lacks[0]} come back that it will not let in: "
                f"{lacks[1]}",
            )


def _some(losses: Iterable[Loss]) -> str:
    return listed(list(dict.fromkeys(loss.because for loss in losses)), 1)
