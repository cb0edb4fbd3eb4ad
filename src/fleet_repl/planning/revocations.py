"""Grants in one destination that no link needs any more: which may go, and when.

A grant goes only once every listed registry of its account was read, in this run, without a
link that may use it. One that is used until the rules are written waits for them; one whose
account cannot be asked stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from fleet_repl.ecr.policy import (
    REPLICATE_IMAGE,
    Grant,
    GrantIndex,
    Owner,
    Policy,
    compose,
    parse_policy,
    reduced,
)
from fleet_repl.ecr.rules import Outgoing
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed
from fleet_repl.planning.ownership import Cells, Record
from fleet_repl.planning.plan import Action, Change
from fleet_repl.values.canonical_json import JsonObject
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import NOTHING, Prefixes, beyond, reduce, touches


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Grants of ours that no link asks for, by what has to happen before they go."""

    unlisted: frozenset[Grant] = frozenset()
    """Of accounts that the inventory does not list: nobody can be asked."""
    kept: frozenset[Grant] = frozenset()
    """A source could not be read, or keeps its link for now."""
    pending: Mapping[Grant, frozenset[Registry]]
    """Used until the rules of these registries are written."""
    free: frozenset[Grant] = frozenset()
    """Used by nobody."""

    @property
    def staying(self) -> frozenset[Grant]:
        return self.unlisted | self.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Uses:
    """Who uses grants: what rules there are, and what will be left of them."""

    desired: Desired
    observation: Observation
    gone: frozenset[AccountId] = frozenset()
    """Retired accounts that are not there any more."""
    left_behind: Mapping[AccountId, tuple[Cells, ...]] = field(default_factory=dict)
    """Links that the fleet made in registries that the inventory lists no longer."""
    written: Mapping[Registry, Outgoing] | None = None
    """For each source whose rules this run will write, what it will be left with; None while
    that is not decided yet: then every grant in use is kept."""
    _found: dict[tuple[Registry, Registry], tuple[Prefixes, Prefixes | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What `_unwanted` has worked out: a source may have thousands of grants."""

    def of(self, source: Registry, destination: Registry, grant: Grant) -> bool | None:
        """Whether a source uses the grant until its rules are written; None: after that, too,
        or nobody knows."""
        seen = self.observation.get(source)
        if not isinstance(seen, Observed):
            # Nothing may come out of a retired account, and if it is gone nothing does.
            return False if seen is not None and source.account in self.gone else None
        now, then = self._unwanted(source, destination, seen)
        if not touches(now, grant.prefix):
            return False
        return True if then is not None and not touches(then, grant.prefix) else None

    def _unwanted(
        self, source: Registry, destination: Registry, seen: Observed
    ) -> tuple[Prefixes, Prefixes | None]:
        """What no route asks for of the links from one registry to another: now, and once the
        rules are written; None where they are not, or nobody knows."""
        key = source, destination
        if key not in self._found:
            wanted = self.desired.links_out(source).get(destination, NOTHING)
            now = beyond(seen.replication.may_use.get(destination, NOTHING), wanted)
            then = None
            if self.written is not None and source in self.written:
                then = beyond(self.written[source].get(destination, NOTHING), wanted)
            self._found[key] = now, then
        return self._found[key]

    def linger(self, destination: Registry, grant: Grant) -> bool:
        """Whether a registry that is listed no longer still uses the grant."""
        return any(
            touches(links.get(destination, NOTHING), grant.prefix)
            for links in self.left_behind.get(grant.source, ())
        )


def left_behind(desired: Desired, record: Record) -> Mapping[AccountId, tuple[Cells, ...]]:
    """The links on record of registries that the inventory lists no longer, by account."""
    found: dict[AccountId, tuple[Cells, ...]] = {}
    for registry in record.keys() - set(desired.registries):
        applied = record[registry]
        if applied.links:
            found[registry.account] = (*found.get(registry.account, ()), applied.links)
    return found


def stale_grants(
    destination: Registry, existing: frozenset[Grant], needed: frozenset[Grant], uses: Uses
) -> Stale:
    """Sort out what `existing` has beyond `needed`."""
    found: dict[str, set[Grant]] = {"unlisted": set(), "kept": set(), "free": set()}
    pending: dict[Grant, frozenset[Registry]] = {}
    wanted = GrantIndex(needed)
    for grant in existing - needed:
        if wanted.covers(grant):
            continue
        sources = uses.desired.by_account.get(grant.source)
        if sources is None:
            found["unlisted"].add(grant)
            continue
        using = [uses.of(source, destination, grant) for source in sources]
        if uses.linger(destination, grant) or any(use is None for use in using):
            found["kept"].add(grant)
        elif waits := frozenset(source for source, use in zip(sources, using, strict=True) if use):
            pending[grant] = waits
        else:
            found["free"].add(grant)
    return Stale(pending=pending, **{kind: frozenset(some) for kind, some in found.items()})


def withhold(change: Change, failed: frozenset[Registry], owner: Owner, at: Registry) -> Change:
    """A withdrawal without the grants of accounts whose rules were not written after all.

    What it leaves equals `before` where nothing else was to be withdrawn.
    """
    before = parse_policy(change.before, owner, at)
    after = parse_policy(change.after, owner, at)
    accounts = {one.account for one in failed}
    stay = {grant for grant in before.in_use if grant.source in accounts}
    document = compose(before, reduced(after.grants | stay), owner, at)
    return replace(change, after=document, action=action_of(change.before, document))


def rebased(change: Change, left: JsonObject | None, owner: Owner, at: Registry) -> Change:
    """A write of a policy that an earlier one has left with more grants than the plan has there:
    what was to stay withheld then stays now as well."""
    before = parse_policy(change.before, owner, at)
    after = parse_policy(change.after, owner, at)
    there = parse_policy(left, owner, at)
    expected = GrantIndex(before.in_use)
    more = {one for one in there.in_use if not expected.covers(one)}
    document = compose(there, reduced(after.grants | more), owner, at)
    return replace(change, before=left, after=document, action=action_of(left, document))


def merged(change: Change, there: Policy, owner: Owner, at: Registry) -> Change | None:
    """A write of a policy in which others have changed their statements meanwhile, with these as
    they are now. None where it is not only theirs that differ, or not only ours that it writes."""
    before = parse_policy(change.before, owner, at)
    after = parse_policy(change.after, owner, at)
    if after.is_untidy or not after.theirs_as(before):
        return None
    if there.ours_as(after):
        document = there.document
    elif there.ours_as(before):
        document = compose(there, after.grants, owner, at)
    else:
        return None
    action = action_of(there.document, document)
    return replace(change, before=there.document, after=document, action=action)


def has_granted(change: Change, found: JsonObject | None, owner: Owner, at: Registry) -> bool:
    """Whether a policy grants everything that a write was to add."""
    before = parse_policy(change.before, owner, at)
    there = GrantIndex(parse_policy(found, owner, at).grants)
    added = parse_policy(change.after, owner, at).grants - before.grants
    return all(map(there.covers, added))


def action_of(before: JsonObject | None, after: JsonObject | None) -> Action:
    """What a write does to a document."""
    if before is None:
        return Action.CREATE
    return Action.DELETE if after is None else Action.UPDATE


def replicating(grants: Iterable[Grant]) -> dict[AccountId, Prefixes]:
    """The prefixes that each account may replicate."""
    found: dict[AccountId, list[str]] = {}
    for grant in grants:
        if grant.action == REPLICATE_IMAGE:
            found.setdefault(grant.source, []).append(grant.prefix)
    return {account: reduce(prefixes) for account, prefixes in found.items()}
