"""Policies put back: the one or two writes that each takes.

What comes back is granted before rules use it; what goes is withdrawn once they do not. In
between the policy holds both.

Example: a run replaced the grant of account A by a grant of account B, and the rules of both. So
the policy is written with A and B, then the rules of A and B are, and then the policy with A alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from fleet_repl.ecr.policy import VERSION, Grant, Policy, as_tuple, compose, parse_policy, reduced
from fleet_repl.planning.change import Change, LinkEnd, Phase, Resource
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.revocations import action_of, replicating
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.runs.rollback.outlook import Outlook, allows
from fleet_repl.values.canonical_json import JsonObject, canonical_json, policy_meaning, short_hash
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import beyond


def policy_changes(draft: Draft, outlook: Outlook) -> tuple[Change, ...]:
    """Returns the writes of a policy that is put back, in their order; none where it stays."""
    now, then, desired = draft.seen.policy, draft.policy, outlook.desired
    if now is None or then is None:
        return ()
    at_once = Change(
        resource=Resource.REGISTRY_POLICY,
        action=action_of(now, then),
        phase=Phase.GRANTS,
        before=now,
        after=then,
        links_added=_ends(draft, then, now, outlook),
        links_removed=_ends(draft, now, then, outlook),
    )
    waits = outlook.waits(draft.registry)
    if not waits:
        return (at_once,)
    withdrawal = replace(at_once, phase=Phase.WITHDRAWALS, links_added=(), needs=waits)
    there = desired.in_force(now, draft.registry)
    if all(allows(there, grant) for grant in then.in_use - now.grants):
        return (withdrawal,)
    both = joined(now, then.grants, then.opaque, desired, draft.registry)
    return (
        replace(at_once, action=action_of(now, both), after=both, links_removed=()),
        replace(withdrawal, action=action_of(both, then), before=both),
    )


def joined(
    policy: Policy,
    grants: Iterable[Grant],
    opaque: Iterable[JsonObject],
    desired: Desired,
    registry: Registry,
) -> Policy:
    """Returns a policy with more grants of ours. Our statements in it keep their meaning, and
    foreign statements every letter. `opaque` are further statements of ours to add, which somebody
    edited once."""
    owner = desired.owner
    composed = compose(policy, reduced({*policy.grants, *grants}), owner, registry)
    # The Sid of an edited statement belongs to the statement that stands in its place now.
    edited = {
        owner.sid_prefix
        + short_hash("beside " + canonical_json(policy_meaning(statement))): statement
        for statement in (*policy.opaque, *opaque)
    }
    if not edited:
        return composed
    frame = composed.document or policy.document or {"Version": VERSION}
    plain = as_tuple((composed.document or {}).get("Statement"))
    beside = ({**statement, "Sid": sid} for sid, statement in edited.items())
    return parse_policy({**frame, "Statement": (*plain, *beside)}, owner, registry)


def _ends(draft: Draft, these: Policy, than: Policy, outlook: Outlook) -> tuple[LinkEnd, ...]:
    """Registries of the accounts that one policy grants more than the other: those with a link
    that it may be for, now or later, or, where none has one, all that are listed."""
    had, ends, destination = replicating(than.grants), list[LinkEnd](), draft.registry
    for account, prefixes in sorted(replicating(these.grants).items()):
        if more := beyond(prefixes, had.get(account, ())):
            listed = outlook.desired.by_account.get(account, ())
            linked = [
                source
                for source in listed
                if (seen := outlook.observed.get(source)) is not None
                and destination in {**seen.replication.may_use, **outlook.links_then[source]}
            ]
            ends += [LinkEnd(registry=source, prefixes=more) for source in linked or listed]
    return tuple(ends)
