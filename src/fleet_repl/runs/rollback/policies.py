"""Policies put back: the one or two writes that make a registry's policy what it was.

What comes back is granted before rules use it; what goes is withdrawn once they do not. In
between the policy holds both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet_repl.ecr.policy import (
    VERSION,
    Grant,
    Policy,
    as_tuple,
    compose,
    foreign_sids,
    policy_size,
    reduced,
)
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.plan import Change, LinkEnd, Phase, Resource
from fleet_repl.planning.revocations import action_of, replicating
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.runs.rollback.losing import Losing
from fleet_repl.runs.rollback.outlook import Outlook
from fleet_repl.values.canonical_json import JsonObject, canonical_json, policy_meaning, short_hash
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import beyond

_NONE = Policy(document=None)


def policy_changes(draft: Draft, around: Outlook) -> tuple[Change, ...]:
    """The writes of a policy that is put back, in their order; none where it stays."""
    now, then = draft.seen.policy, draft.policy
    if now is None or then is None:
        return ()
    losing = Losing(draft, around)
    waits = losing.waits()
    come, go = _ends(draft, then, now, around), _ends(draft, now, then, around)
    first, last = now.document, then.document
    if not waits:
        return (_change(Phase.GRANTS, first, last, added=come, removed=go),)
    if not losing.gains:
        return (_change(Phase.WITHDRAWALS, first, last, removed=go, needs=waits),)
    both = joined(now, then.grants, then.opaque, around.desired, draft.registry)
    return (
        _change(Phase.GRANTS, first, both, added=come),
        _change(Phase.WITHDRAWALS, both, last, removed=go, needs=waits),
    )


def too_long(draft: Draft, around: Outlook) -> Fault | None:
    """Why ECR would not take one of the writes, or None where it would."""
    changes = policy_changes(draft, around)
    size = max((policy_size(change.after) for change in changes), default=0)
    limit = around.desired.limits.policy_bytes
    if size <= limit:
        return None
    names = foreign_sids(draft.seen.policy or _NONE)
    listed = f": {', '.join(names)}" if names else ""
    meanwhile = " while rules are put back" if len(changes) > 1 else ""
    return Fault(
        kind=FaultKind.INVALID,
        operation="PutRegistryPolicy",
        message=f"the registry policy would take {size:,} characters{meanwhile}, and ECR takes "
        f"{limit:,}",
        hint=f"shorten or remove statements that are not fleet-repl's{listed}",
    )


def joined(
    policy: Policy,
    grants: Iterable[Grant],
    opaque: Iterable[JsonObject],
    desired: Desired,
    registry: Registry,
) -> JsonObject | None:
    """A policy with more of ours: its own statements stay as they mean, what is foreign to the
    letter. `opaque` are statements of ours that somebody edited once, and that come along."""
    composed = compose(policy, reduced({*policy.grants, *grants}), desired.owner, registry)
    statements = _without_doubles((*policy.opaque, *opaque))
    if not statements:
        return composed
    frame = composed if composed is not None else policy.document or {"Version": VERSION}
    ours = () if composed is None else _statements(composed)
    taken = {one.get("Sid") for one in ours}
    extra: list[JsonObject] = []
    for one in statements:
        # An edited statement may have the Sid of the one that stands in its place now.
        anew = one if one.get("Sid") not in taken else {**one, "Sid": _sid(one, desired)}
        taken.add(anew.get("Sid"))
        extra.append(anew)
    return {**frame, "Statement": (*ours, *extra)}


def _statements(document: JsonObject) -> tuple[JsonObject, ...]:
    return tuple(one for one in as_tuple(document.get("Statement")) if isinstance(one, Mapping))


def _without_doubles(statements: Iterable[JsonObject]) -> tuple[JsonObject, ...]:
    return tuple({canonical_json(policy_meaning(one)): one for one in statements}.values())


def _sid(statement: JsonObject, desired: Desired) -> str:
    return desired.owner.mark + short_hash("beside " + canonical_json(statement))


def _change(
    phase: Phase,
    before: JsonObject | None,
    after: JsonObject | None,
    *,
    added: tuple[LinkEnd, ...] = (),
    removed: tuple[LinkEnd, ...] = (),
    needs: frozenset[Registry] = frozenset(),
) -> Change:
    return Change(
        resource=Resource.REGISTRY_POLICY,
        action=action_of(before, after),
        phase=phase,
        before=before,
        after=after,
        links_added=added,
        links_removed=removed,
        needs=needs,
    )


def _ends(draft: Draft, these: Policy, than: Policy, around: Outlook) -> tuple[LinkEnd, ...]:
    """Registries of the accounts that one policy grants more than the other: those with a link
    that it may be for, or, where none has one, all that are listed."""
    had, at = replicating(than.grants), draft.registry
    found: list[LinkEnd] = []
    for account, prefixes in sorted(replicating(these.grants).items()):
        more = beyond(prefixes, had.get(account, ()))
        if more:
            listed = around.desired.by_account.get(account, ())
            using = [one for one in listed if _links(one, at, around)]
            found += [LinkEnd(registry=one, prefixes=more) for one in using or listed]
    return tuple(found)


def _links(source: Registry, destination: Registry, around: Outlook) -> bool:
    draft = around.drafts.get(source)
    then = draft.rules_then.may_use if draft is not None else {}
    return destination in then or bool(around.links_now(source, destination))
