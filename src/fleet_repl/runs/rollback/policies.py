"""Policies put back: who may still use what goes, and the one or two writes that it takes.

What comes back is granted before rules use it; what goes is withdrawn once they do not. In
between the policy holds both. A link that is in place before, during and after the rollback keeps
what lets it in. Of a registry that cannot be asked, all that its account is granted counts as used.

Example: a run replaced the grant of account A by one of account B, and the rules of both. So the
policy is written with A and B, then the rules of A and B are, and then the policy with A alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fleet_repl.ecr.policy import (
    VERSION,
    Grant,
    Policy,
    as_tuple,
    compose,
    parse_policy,
    policy_size,
    reduced,
)
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.needed_grants import too_long
from fleet_repl.planning.plan import Change, LinkEnd, Phase, Resource
from fleet_repl.planning.revocations import action_of, replicating
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.runs.rollback.outlook import Outlook
from fleet_repl.values.canonical_json import JsonObject, canonical_json, policy_meaning, short_hash
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import Prefixes, beyond, touches

_NONE = Policy(document=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Somebody who uses what goes, or may."""

    because: str
    keep: frozenset[Grant] = frozenset()
    """The lost grants that the fleet's own rules need."""


class Losing:
    """One policy that is put back, and what that takes away."""

    def __init__(self, draft: Draft, around: Outlook) -> None:
        self._registry = draft.registry
        self._around = around
        now, then = draft.seen.policy or _NONE, draft.policy or _NONE
        self._now = around.desired.in_force(now, draft.registry)
        self._then = around.desired.in_force(then, draft.registry)
        self._lost: dict[AccountId, list[Grant]] = {}
        """Grants of ours that are in force now, and will not be, by account."""
        for grant in now.in_use - then.grants:
            if grant.source != draft.registry.account and not _allows(self._then, grant):
                self._lost.setdefault(grant.source, []).append(grant)
        self.gains = any(not _allows(self._now, grant) for grant in then.in_use - now.grants)
        """Whether grants come back."""

    def waits(self) -> frozenset[Registry]:
        """Sources whose rules are put back too, and use until then what goes."""
        return frozenset(
            source
            for source in self._around.users.get(self._registry, ())
            if (draft := self._around.drafts.get(source)) is not None
            and draft.writes_rules
            and self._missing(source, self._around.links_now(source, self._registry))
        )

    def losses(self) -> tuple[Loss, ...]:
        """Who uses what goes once the rollback is done; the surest first."""
        return (*self._linked(), *self._unasked(), *self._left_behind())

    def _linked(self) -> Iterator[Loss]:
        for source in self._around.users.get(self._registry, ()):
            staying = self._around.links_staying(source, self._registry)
            if missing := self._missing(source, staying):
                own = self._around.own_links(source).get(self._registry, ())
                used = tuple(prefix for prefix in missing if touches(own, prefix))
                yield Loss(because=f"{source} replicates here", keep=self._kept(source, used))

    def _unasked(self) -> Iterator[Loss]:
        for account in sorted(self._lost):
            if account not in self._around.desired.by_account:
                yield Loss(because=f"account {account} is not listed, so nobody can be asked")
            for source, because in self._around.unasked(account):
                own = self._around.own_links(source).get(self._registry, ())
                yield Loss(because=because, keep=self._kept(source, own))

    def _left_behind(self) -> Iterator[Loss]:
        """Links that the fleet made in registries that the inventory lists no longer."""
        listed = set(self._around.desired.registries)
        for source in sorted(self._around.record.keys() - listed):
            links = self._around.record[source].links.get(self._registry, ())
            if self._missing(source, links):
                because = f"{source} has links here on record, and is not listed any more"
                yield Loss(because=because, keep=self._kept(source, links))

    def _missing(self, source: Registry, links: Prefixes) -> Prefixes:
        """Those of the links that lose what lets them in, in whole or in part."""
        actions, account = self._around.desired.actions, source.account
        return tuple(
            prefix
            for prefix in links
            if self._then.lacks(account, prefix, actions) is not None
            and (self._now.lacks(account, prefix, actions) is None or self._used(source, prefix))
        )

    def _kept(self, source: Registry, links: Prefixes) -> frozenset[Grant]:
        """What the links need of what is granted now; where that is not all of their prefixes,
        every grant that they may use."""
        kept: set[Grant] = set()
        for prefix in links:
            actions = self._around.desired.actions
            needed = {Grant(source.account, prefix, action) for action in actions}
            there = {grant for grant in needed if _allows(self._now, grant)}
            kept |= there or self._used(source, prefix)
        return frozenset(grant for grant in kept if not _allows(self._then, grant))

    def _used(self, source: Registry, prefix: str) -> set[Grant]:
        """What goes and has to do with a link."""
        lost = self._lost.get(source.account, ())
        return {grant for grant in lost if touches((prefix,), grant.prefix)}


def policy_changes(draft: Draft, around: Outlook) -> tuple[Change, ...]:
    """The writes of a policy that is put back, in their order; none where it stays."""
    now, then = draft.seen.policy, draft.policy
    if now is None or then is None:
        return ()
    losing = Losing(draft, around)
    waits = losing.waits()
    at_once = Change(
        resource=Resource.REGISTRY_POLICY,
        action=action_of(now, then),
        phase=Phase.GRANTS,
        before=now,
        after=then,
        links_added=_ends(draft, then, now, around),
        links_removed=_ends(draft, now, then, around),
    )
    if not waits:
        return (at_once,)
    withdrawal = replace(at_once, phase=Phase.WITHDRAWALS, links_added=(), needs=waits)
    if not losing.gains:
        return (withdrawal,)
    both = joined(now, then.grants, then.opaque, around.desired, draft.registry)
    return (
        replace(at_once, action=action_of(now, both), after=both, links_removed=()),
        replace(withdrawal, action=action_of(both, then), before=both),
    )


def over_long(draft: Draft, around: Outlook) -> Fault | None:
    """Why ECR would not take one of the writes, or None where it would."""
    changes = policy_changes(draft, around)
    size = max((policy_size(change.after.document) for change in changes), default=0)
    if size <= around.desired.limits.policy_bytes:
        return None
    meanwhile = " while rules are put back," if len(changes) > 1 else ","
    return too_long(size, draft.seen.policy or _NONE, around.desired, meanwhile)


def joined(
    policy: Policy,
    grants: Iterable[Grant],
    opaque: Iterable[JsonObject],
    desired: Desired,
    registry: Registry,
) -> Policy:
    """A policy with more grants of ours. Its own statements keep their meaning, and foreign
    statements every letter. `opaque` are statements of ours that somebody edited once, and that
    come along."""
    composed = compose(policy, reduced({*policy.grants, *grants}), desired.owner, registry)
    edited = {
        canonical_json(policy_meaning(statement)): statement
        for statement in (*policy.opaque, *opaque)
    }
    if not edited:
        return composed
    frame = composed.document or policy.document or {"Version": VERSION}
    composed_statements = as_tuple((composed.document or {}).get("Statement"))
    statements = [item for item in composed_statements if isinstance(item, Mapping)]
    taken = {statement.get("Sid") for statement in statements}
    for statement in edited.values():
        sid = statement.get("Sid")
        if sid in taken:
            # The Sid of an edited statement belongs to the statement that stands in its place now.
            sid = desired.owner.mark + short_hash("beside " + canonical_json(statement))
        taken.add(sid)
        statements.append({**statement, "Sid": sid})
    document: JsonObject = {**frame, "Statement": tuple(statements)}
    return parse_policy(document, desired.owner, registry)


def _ends(draft: Draft, these: Policy, than: Policy, around: Outlook) -> tuple[LinkEnd, ...]:
    """Registries of the accounts that one policy grants more than the other: those with a link
    that it may be for, or, where none has one, all that are listed."""
    had, ends = replicating(than.grants), list[LinkEnd]()
    for account, prefixes in sorted(replicating(these.grants).items()):
        if more := beyond(prefixes, had.get(account, ())):
            listed = around.desired.by_account.get(account, ())
            using = [source for source in listed if _links(source, draft.registry, around)]
            ends += [LinkEnd(registry=source, prefixes=more) for source in using or listed]
    return tuple(ends)


def _links(source: Registry, destination: Registry, around: Outlook) -> bool:
    draft = around.drafts.get(source)
    then = draft.rules_then.may_use if draft is not None else {}
    return destination in then or bool(around.links_now(source, destination))


def _allows(there: Permissions, grant: Grant) -> bool:
    return there.lacks(grant.source, grant.prefix, (grant.action,)) is None
