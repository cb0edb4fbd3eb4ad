"""Revocations: the grants of one destination that no link needs any more, and when they go.

A grant may go at once if this run has read every listed registry of its account and no rule there
may use the grant. A grant that a rule uses until this run rewrites the rule waits for that write. A
grant stays if its account is not listed, or if one of its registries could not be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, TypeAlias

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import (
    REPLICATE_IMAGE,
    Grant,
    GrantIndex,
    Owner,
    Policy,
    PolicyDocument,
    compose,
    reduced,
)
from fleet_repl.ecr.rules import Outgoing
from fleet_repl.planning.change import Action, Change
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed
from fleet_repl.planning.ownership import Cells, Record
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import NO_SCOPE, NOTHING, Prefixes, beyond, reduce, touches

Ungranted: TypeAlias = Callable[[Registry, Registry, Prefixes], Prefixes]
"""Source, destination, prefixes → those of the prefixes that no needed grant lets in. If links of
those are in place, they rely on other grants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleGrants:
    """Grants of this fleet that no link needs, by what has to happen before they are revoked."""

    unlisted: frozenset[Grant] = frozenset()
    """Grants to accounts that the inventory does not list, whose rules cannot be read."""
    kept: Mapping[Grant, frozenset[Registry]] = field(default_factory=dict)
    """Grant → the registries whose rules use it after the run too, or that could not be read. No
    registries: only a registry that the inventory no longer lists uses it."""
    pending: Mapping[Grant, frozenset[Registry]]
    """Grant → the registries whose rules use it until this run writes them."""
    free: frozenset[Grant] = frozenset()
    """Grants that no rule uses."""

    @property
    def staying(self) -> frozenset[Grant]:
        return self.unlisted | self.kept.keys() if self.kept else self.unlisted

    def final(self, needed: frozenset[Grant]) -> frozenset[Grant]:
        """Our grants once everything is written."""
        return reduced(needed | self.staying) if self.unlisted or self.kept else needed

    def first(self, needed: frozenset[Grant]) -> frozenset[Grant]:
        """Our grants while rules are written: what they will use and what they still use."""
        final = self.final(needed)
        return reduced(final | self.pending.keys()) if self.pending else final


NOTHING_STALE: Final = StaleGrants(pending={})


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantUses:
    """The rules that use grants: those in place, and those that will be left after the run."""

    desired: Desired
    observation: Observation
    ungranted: Ungranted
    gone: frozenset[AccountId] = frozenset()
    """Retired accounts that count as gone."""
    left_behind: Mapping[AccountId, tuple[Cells, ...]] = field(default_factory=dict)
    """Links that the fleet made in registries that the inventory lists no longer."""
    written: Mapping[Registry, Outgoing] | None = None
    """Source → the links that it has after this run, where the run writes its rules. None while the
    rules are not decided: until then every grant in use is kept."""
    _found: dict[tuple[Registry, Registry], tuple[Prefixes, Prefixes | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """The answers of `_relying`: a source may have thousands of grants."""

    def of(self, source: Registry, destination: Registry, grant: Grant) -> bool | None:
        """Returns whether a source uses the grant: False if not, True if it does until its rules
        are written, None if it still does after that or could not be read."""
        seen = self.observation.get(source)
        if not isinstance(seen, Observed):
            # Nothing may come out of a retired account, and if it is gone nothing does.
            return False if seen is not None and source.account in self.gone else None
        now, then = self._relying(source, destination, seen)
        if not touches(now, grant.prefix):
            return False
        return True if then is not None and not touches(then, grant.prefix) else None

    def _relying(
        self, source: Registry, destination: Registry, seen: Observed
    ) -> tuple[Prefixes, Prefixes | None]:
        """The prefixes from one registry to another that rely on grants which no link needs: those
        in place, and those after the run, or None where the run does not write the rules."""
        key = source, destination
        if key not in self._found:
            links = seen.replication.may_use.get(destination, NOTHING)
            now, then = self.ungranted(source, destination, links), None
            if self.written is not None and source in self.written:
                links = self.written[source].get(destination, NOTHING)
                then = self.ungranted(source, destination, links)
            self._found[key] = now, then
        return self._found[key]

    def linger(self, destination: Registry, grant: Grant) -> bool:
        """Returns whether a registry that the inventory lists no longer still uses the grant."""
        return any(
            touches(links.get(destination, NOTHING), grant.prefix)
            for links in self.left_behind.get(grant.source, ())
        )


def unrequested(desired: Desired) -> Ungranted:
    """`Ungranted` where the needed grants are those of all links that routes ask for."""

    def ungranted(source: Registry, destination: Registry, prefixes: Prefixes) -> Prefixes:
        return beyond(prefixes, desired.links_out(source).get(destination, NO_SCOPE).prefixes)

    return ungranted


def left_behind(desired: Desired, record: Record) -> Mapping[AccountId, tuple[Cells, ...]]:
    """The links on record of registries that the inventory lists no longer, by account."""
    links_by_account: dict[AccountId, tuple[Cells, ...]] = {}
    for registry in record.keys() - set(desired.registries):
        applied = record[registry]
        if applied.links:
            links_by_account[registry.account] = (
                *links_by_account.get(registry.account, ()),
                applied.links,
            )
    return links_by_account


def stale_grants(
    destination: Registry, existing: frozenset[Grant], needed: frozenset[Grant], uses: GrantUses
) -> StaleGrants:
    """Sorts the grants that `existing` has beyond `needed`."""
    more = existing - needed
    if not more:
        return NOTHING_STALE
    unlisted, free = set[Grant](), set[Grant]()
    kept: dict[Grant, frozenset[Registry]] = {}
    pending: dict[Grant, frozenset[Registry]] = {}
    wanted = GrantIndex(needed)
    for grant in more:
        if wanted.covers(grant):
            continue
        sources = uses.desired.by_account.get(grant.source)
        if sources is None:
            unlisted.add(grant)
            continue
        using = {source: uses.of(source, destination, grant) for source in sources}
        staying = frozenset(source for source, use in using.items() if use is None)
        if staying or uses.linger(destination, grant):
            kept[grant] = staying
        elif waits := frozenset(source for source, use in using.items() if use):
            pending[grant] = waits
        else:
            free.add(grant)
    return StaleGrants(
        unlisted=frozenset(unlisted), kept=kept, pending=pending, free=frozenset(free)
    )


def withhold(change: Change, failed: frozenset[Registry], owner: Owner, at: Registry) -> Change:
    """Takes out of a revocation the grants of accounts whose rules were not written.

    Returns a change whose `after` equals its `before` where no other grant was to be revoked.
    """
    before, after = contents(change, Policy)
    accounts = {registry.account for registry in failed}
    stay = {grant for grant in before.in_use if grant.source in accounts}
    rest = compose(before, reduced(after.grants | stay), owner, at)
    return replace(change, after=rest, action=action_of(before, rest))


def rebased(change: Change, left: Policy, owner: Owner, at: Registry) -> Change:
    """Puts a policy write on top of `left`, the policy that an earlier write of this run left.

    `left` may hold more grants than the plan expects, as a failure made the run keep them; this
    write keeps them too.
    """
    before, after = contents(change, Policy)
    expected = GrantIndex(before.in_use)
    more = {grant for grant in left.in_use if not expected.covers(grant)}
    then = compose(left, reduced(after.grants | more), owner, at)
    return replace(change, before=left, after=then, action=action_of(left, then))


def merged(change: Change, current: Policy, owner: Owner, at: Registry) -> Change | None:
    """A write of a policy in which others have changed their statements meanwhile, with these as
    they are now. None where it is not only theirs that differ, or not only ours that it writes."""
    before, after = contents(change, Policy)
    if after.is_untidy or not after.theirs_as(before):
        return None
    if current.ours_as(after):
        then = current
    elif current.ours_as(before):
        then = compose(current, after.grants, owner, at)
    else:
        return None
    return replace(change, before=current, after=then, action=action_of(current, then))


def has_granted(change: Change, policy: Policy) -> bool:
    """Returns whether a policy grants everything that a write was to add."""
    before, after = contents(change, Policy)
    granted = GrantIndex(policy.grants)
    return all(map(granted.covers, after.grants - before.grants))


def action_of(before: PolicyDocument, after: PolicyDocument) -> Action:
    """The action that takes one policy to the other."""
    if before.is_missing:
        return Action.CREATE
    return Action.DELETE if after.is_missing else Action.UPDATE


@lru_cache(maxsize=1_024)
def replicating(grants: frozenset[Grant]) -> Mapping[AccountId, Prefixes]:
    """The prefixes that each account may replicate."""
    by_account: dict[AccountId, list[str]] = {}
    for grant in grants:
        if grant.action == REPLICATE_IMAGE:
            by_account.setdefault(grant.source, []).append(grant.prefix)
    return {account: reduce(prefixes) for account, prefixes in by_account.items()}
