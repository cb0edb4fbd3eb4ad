"""Grants in one destination that no link needs any more: which may go, and when.

A grant goes only once every listed registry of its account was read, in this run, without a
link that may use it. One that is used until the rules are written waits for them; one whose
account cannot be asked stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fleet_repl.desired import Desired
from fleet_repl.grants import Grant, Owner, compose, parse_policy, reduced
from fleet_repl.names import Registry
from fleet_repl.observed import Observation, Observed
from fleet_repl.plan import Change
from fleet_repl.prefixes import NOTHING, Prefixes, beyond, covers, touches
from fleet_repl.rules import Outgoing


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


def stale_grants(
    destination: Registry,
    existing: frozenset[Grant],
    needed: frozenset[Grant],
    desired: Desired,
    observation: Observation,
    written: Mapping[Registry, Outgoing],
) -> Stale:
    """Sort out what `existing` has beyond `needed`.

    `written` holds, for each source whose rules this run will write, what it will be left with.
    """
    found: dict[str, set[Grant]] = {"unlisted": set(), "kept": set(), "free": set()}
    pending: dict[Grant, frozenset[Registry]] = {}
    for grant in existing - needed:
        wanted = _prefixes(needed, grant)
        if covers(wanted, grant.prefix):
            continue
        sources = desired.by_account.get(grant.source)
        if sources is None:
            found["unlisted"].add(grant)
            continue
        uses = [
            _use(source, destination, grant, desired, observation, written) for source in sources
        ]
        if any(use is None for use in uses):
            found["kept"].add(grant)
        elif waits := frozenset(source for source, use in zip(sources, uses, strict=True) if use):
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
    return replace(change, after=document)


def _use(
    source: Registry,
    destination: Registry,
    grant: Grant,
    desired: Desired,
    observation: Observation,
    written: Mapping[Registry, Outgoing],
) -> bool | None:
    """Whether a source uses the grant until its rules are written; None: after that, too,
    or nobody knows."""
    seen = observation.get(source)
    if not isinstance(seen, Observed):
        return None
    wanted = desired.links_out(source).get(destination, NOTHING)
    now = beyond(seen.replication.may_use.get(destination, NOTHING), wanted)
    if not touches(now, grant.prefix):
        return False
    if source not in written:
        return None
    then = beyond(written[source].get(destination, NOTHING), wanted)
    return None if touches(then, grant.prefix) else True


def _prefixes(grants: frozenset[Grant], like: Grant) -> Prefixes:
    return tuple(
        one.prefix for one in grants if one.source == like.source and one.action == like.action
    )
