"""The outlook of a rollback: which rules and policies will be in place once it is done.

What a neighbour needs is judged by these, never by what the inventory asks for: a rollback puts
back what was, whether it is wanted or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fleet_repl.ecr.policy import REPLICATE_IMAGE, Policy
from fleet_repl.ecr.rules import compare, prefixes_of
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.observed import Observation, Observed, gone_accounts, silence_of
from fleet_repl.planning.ownership import Applied, Cells, Record, both, cells_of, common
from fleet_repl.planning.plan import Resource
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import Prefixes, intersect


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The drafts of a rollback, and everything around them."""

    desired: Desired
    observation: Observation
    record: Record
    drafts: Mapping[Registry, Draft]
    users: Mapping[Registry, tuple[Registry, ...]]
    """Destination → sources of other accounts that have a link into it now, sorted."""
    unlisted: frozenset[Registry] = frozenset()
    """Those whose policy the run wrote, and that nobody can reach any more."""
    gone: frozenset[AccountId] = frozenset()
    """Retired accounts that are not there any more."""

    def refusing(self, refusals: Iterable[tuple[Registry, Resource, Fault]]) -> Outlook:
        """The same outlook without these writes."""
        drafts = dict(self.drafts)
        for registry, resource, fault in refusals:
            drafts[registry] = drafts[registry].refuse(resource, fault)
        return replace(self, drafts=drafts)

    def with_policy(self, registry: Registry, policy: Policy | None) -> Outlook:
        """The same outlook with another policy to put, or none."""
        changed = replace(self.drafts[registry], policy=policy)
        return replace(self, drafts={**self.drafts, registry: changed})

    def links_now(self, source: Registry, destination: Registry) -> Prefixes:
        """What a registry that was read may replicate at the most."""
        seen = self.observation.get(source)
        if not isinstance(seen, Observed):
            return ()
        return seen.replication.may_use.get(destination, ())

    def links_staying(self, source: Registry, destination: Registry) -> Prefixes:
        """The part of `links_now` that is in place before, during and after the rollback."""
        now = self.links_now(source, destination)
        draft = self.drafts.get(source)
        if draft is None or not draft.writes_rules:
            return now
        return intersect(now, draft.rules_then.may_use.get(destination, ()))

    def links_back(self, draft: Draft) -> Iterator[tuple[Registry, Prefixes]]:
        """The links that come back and that a policy of this fleet has to let in."""
        if draft.rules is None or not self.desired.manages_grants:
            return
        added = compare(draft.seen.replication.links, draft.rules.links).added
        for end, prefixes in added.items():
            listed = end.account in self.desired.by_account or end in self.unlisted
            if listed and end.account != draft.registry.account:
                yield end, prefixes

    def lacks(self, destination: Registry, source: Registry, prefixes: Prefixes) -> str | None:
        """Why a destination will not let some of the prefixes in, or None where it will.

        Whether repositories may be created there is as it was before, too.
        """
        if destination in self.unlisted:
            return f"{destination} is not listed any more, so its policy cannot be put back"
        seen = self.observation.get(destination)
        if not isinstance(seen, Observed):
            return silence_of(destination, self.observation)
        draft = self.drafts.get(destination)
        policy = seen.policy if draft is None else draft.policy_then
        there = self.desired.in_force(policy or Policy(document=None), destination)
        reasons = (there.lacks(source.account, prefix, (REPLICATE_IMAGE,)) for prefix in prefixes)
        because = next((reason for reason in reasons if reason is not None), None)
        return None if because is None else f"{destination}: {because}"

    def unasked(self, account: AccountId) -> Iterator[tuple[Registry, str]]:
        """Listed registries of an account of which nobody knows what they use, and why.

        Nothing may come out of a retired account, and if it is gone nothing does.
        """
        for registry in self.desired.by_account.get(account, ()):
            silence = silence_of(registry, self.observation)
            was_asked = registry in self.observation
            if silence is not None and not (was_asked and account in self.gone):
                yield registry, silence

    def own_links(self, source: Registry) -> Cells:
        """The fleet's own links out of a registry once the rollback is done."""
        draft = self.drafts.get(source)
        if draft is not None and draft.writes_rules:
            return owned_links(draft, self.record)
        if source in self.record:
            return self.record[source].links
        # Where nothing is on record, what is asked for counts as ours.
        return prefixes_of(self.desired.links_out(source))


def owned_links(draft: Draft, record: Record) -> Cells:
    """What of the rules to put back is the fleet's own.

    What is on record still, and what the run took out, where that was. Anything else may be
    somebody else's.
    """
    recorded = record.get(draft.registry, Applied()).links
    if draft.rules is None:
        return recorded
    return common(cells_of(draft.rules.rules), both(recorded, draft.target.lost))


def outlook(
    drafts: Mapping[Registry, Draft],
    observation: Observation,
    desired: Desired,
    record: Record,
    *,
    unlisted: frozenset[Registry] = frozenset(),
) -> Outlook:
    """The drafts as they are, with who uses what now."""
    users: dict[Registry, list[Registry]] = {}
    for source, seen in sorted(observation.items(), key=lambda item: item[0]):
        for end in seen.replication.may_use if isinstance(seen, Observed) else ():
            if end.account != source.account:
                users.setdefault(end, []).append(source)
    return Outlook(
        desired=desired,
        observation=observation,
        record=record,
        drafts=drafts,
        users={end: tuple(sources) for end, sources in users.items()},
        unlisted=unlisted,
        gone=gone_accounts(observation, desired.retired),
    )
