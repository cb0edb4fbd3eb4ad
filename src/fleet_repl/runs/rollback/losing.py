"""Losing: who may still use a grant that goes when a policy is put back.

A link that is in place before, during and after the rollback keeps what lets it in. One whose
registry cannot be asked counts as using all that its account is granted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fleet_repl.ecr.policy import Grant, Policy
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.runs.rollback.outlook import Outlook
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import Prefixes, touches


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Somebody who uses what goes, or may."""

    because: str
    keep: frozenset[Grant] = frozenset()
    """Grants that the fleet's own rules need of it."""


class Losing:
    """One policy that is put back, and what that takes away."""

    def __init__(self, draft: Draft, around: Outlook) -> None:
        self._registry = draft.registry
        self._around = around
        now, then = draft.seen.policy or _NONE, draft.policy or _NONE
        self._now = around.desired.in_force(now, draft.registry)
        self._then = around.desired.in_force(then, draft.registry)
        self.grants = frozenset(
            one
            for one in now.in_use - then.grants
            if one.source != draft.registry.account and not _allows(self._then, one)
        )
        """Of ours: what is in force now, and will not be."""
        self._by_account: dict[AccountId, list[Grant]] = {}
        for one in self.grants:
            self._by_account.setdefault(one.source, []).append(one)
        self.gains = any(not _allows(self._now, one) for one in then.in_use - now.grants)
        """Whether grants come back."""

    def waits(self) -> frozenset[Registry]:
        """Sources whose rules are put back too, and use until then what goes."""
        return frozenset(
            one
            for one in self._around.users.get(self._registry, ())
            if (draft := self._around.drafts.get(one)) is not None
            and draft.writes_rules
            and self._missing(one, self._around.links_now(one, self._registry))
        )

    def losses(self) -> tuple[Loss, ...]:
        """Who uses what goes once the rollback is done; the surest first."""
        return (*self._linked(), *self._unasked(), *self._left_behind())

    def _linked(self) -> Iterator[Loss]:
        for source in self._around.users.get(self._registry, ()):
            staying = self._around.links_staying(source, self._registry)
            if missing := self._missing(source, staying):
                own = self._around.own_links(source).get(self._registry, ())
                used = tuple(one for one in missing if touches(own, one))
                yield Loss(because=f"{source} replicates here", keep=self._kept(source, used))

    def _unasked(self) -> Iterator[Loss]:
        for account in sorted({one.source for one in self.grants}):
            if account not in self._around.desired.by_account:
                yield Loss(because=f"account {account} is not listed, so nobody can be asked")
            for one, because in self._around.unasked(account):
                own = self._around.own_links(one).get(self._registry, ())
                yield Loss(because=because, keep=self._kept(one, own))

    def _left_behind(self) -> Iterator[Loss]:
        """Links that the fleet made in registries that the inventory lists no longer."""
        listed = set(self._around.desired.registries)
        for one in sorted(self._around.record.keys() - listed):
            links = self._around.record[one].links.get(self._registry, ())
            if self._missing(one, links):
                because = f"{one} has links here on record, and is not listed any more"
                yield Loss(because=because, keep=self._kept(one, links))

    def _missing(self, source: Registry, links: Prefixes) -> Prefixes:
        """Those of the links that lose what lets them in, in whole or in part."""
        actions, account = self._around.desired.actions, source.account
        return tuple(
            one
            for one in links
            if self._then.lacks(account, one, actions) is not None
            and (self._now.lacks(account, one, actions) is None or self._touching(account, one))
        )

    def _kept(self, source: Registry, links: Prefixes) -> frozenset[Grant]:
        """No more than the links need; where that cannot be told, what they touch."""
        kept: set[Grant] = set()
        for one in links:
            needed = {Grant(source.account, one, action) for action in self._around.desired.actions}
            there = {grant for grant in needed if _allows(self._now, grant)}
            kept |= there or self._touching(source.account, one)
        return frozenset(one for one in kept if not _allows(self._then, one))

    def _touching(self, account: AccountId, prefix: str) -> set[Grant]:
        grants = self._by_account.get(account, ())
        return {one for one in grants if touches((prefix,), one.prefix)}


_NONE = Policy(document=None)


def _allows(there: Permissions, grant: Grant) -> bool:
    return there.lacks(grant.source, grant.prefix, (grant.action,)) is None
