"""The outlook of a rollback: what the planner says of every grant once the rollback is done.

Nothing is decided here. The planner's functions are asked about the documents that are put back
in place of what the inventory wants: which grants rules still use that go (`stale_grants`), and
which links no grant lets in (`lacks_at`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.ecr.policy import REPLICATE_IMAGE, Grant, Policy, grants_for
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.ecr.rules import Outgoing, compare, prefixes_of
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.held_links import split_held
from fleet_repl.planning.needed_grants import GrantDecision, lacks_at
from fleet_repl.planning.observed import Observation, Observed, gone_accounts
from fleet_repl.planning.ownership import Applied, Cells, Record, both, cells_of, common
from fleet_repl.planning.plan import HeldLink
from fleet_repl.planning.revocations import (
    GrantUses,
    StaleGrants,
    Ungranted,
    left_behind,
    stale_grants,
)
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope, Prefixes

_NO_POLICY: Final = Policy(document=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """The drafts of a rollback, and what becomes of the grants in all registries that were read."""

    desired: Desired
    observation: Observation
    record: Record
    drafts: Mapping[Registry, Draft]
    """In order of account and region."""
    unlisted: frozenset[Registry]
    """Registries whose policy the run wrote, and that the inventory lists no longer."""
    links_then: Mapping[Registry, Outgoing]
    """What each source that was read may replicate at the most once the rollback is done."""
    left_behind: Record
    """Links on record of registries that the inventory lists no longer, as far as no policy lets
    them in once the rollback is done."""
    decisions: Mapping[Registry, GrantDecision]
    """By registry: the policy in place, what is in force once the rollback is done, and the grants
    that go by then."""
    uses: GrantUses

    def with_drafts(self, drafts: Mapping[Registry, Draft]) -> Outlook:
        """Returns the outlook in which these drafts take the place of earlier ones."""
        drafts = {**self.drafts, **drafts}
        return outlook_of(
            drafts, self.observation, self.desired, self.record, unlisted=self.unlisted
        )

    def lost(self, registry: Registry) -> frozenset[Grant]:
        """The grants that the policy of a registry gives now, and not once the rollback is done."""
        stale = self.decisions[registry].stale
        return stale.staying | stale.pending.keys() | stale.free

    def waits(self, registry: Registry) -> frozenset[Registry]:
        """The sources that use grants which go, and whose rules are put back before they go."""
        return frozenset(
            source
            for grant in self.lost(registry)
            for source in self.desired.by_account.get(grant.source, ())
            if source in self.drafts
            and self.drafts[source].writes_rules
            and self.uses.of(source, registry, grant) is not False
        )

    def ungranted(self) -> Iterator[tuple[Registry, HeldLink]]:
        """Yields the sources of links that come back and that their destinations will not let in,
        each with the first of these links."""
        for source, draft in self.drafts.items():
            for link in self._held(draft)[:1] if draft.writes_rules else ():
                yield source, link

    def _held(self, draft: Draft) -> tuple[HeldLink, ...]:
        source = draft.registry
        # Whether repositories may be created there is as it was before the run, too.
        desired = replace(self.desired, actions=(REPLICATE_IMAGE,))
        planned = lacks_at(source, self.decisions, self.observation, desired)

        def lacks(destination: Registry, prefix: str) -> str | None:
            if destination in self.unlisted and destination.account != source.account:
                return f"{destination} is not listed any more, so its policy cannot be put back"
            return planned(destination, prefix)

        added = compare(draft.seen.replication.links, draft.rules_then.links).added
        links = {end: LinkScope(prefixes) for end, prefixes in added.items()}
        return split_held(links, {}, lacks).held

    def links(self, source: Registry, destination: Registry) -> bool:
        """Whether a source has links to a destination, now or once the rollback is done."""
        seen = self.observation.get(source)
        if not isinstance(seen, Observed):
            return False
        return destination in {**seen.replication.may_use, **self.links_then[source]}

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
    """Returns the cells of the rules to put back that are the fleet's own.

    They are on record, or are known to have been the fleet's own when the run took them out. Any
    other cell may be somebody else's.
    """
    recorded = record.get(draft.registry, Applied()).links
    if draft.rules is None:
        return recorded
    return common(cells_of(draft.rules.rules), both(recorded, draft.target.lost))


def outlook_of(
    drafts: Mapping[Registry, Draft],
    observation: Observation,
    desired: Desired,
    record: Record,
    *,
    unlisted: frozenset[Registry],
) -> Outlook:
    """Asks the planner about every policy as it will be once the drafts are written."""
    observed = {at: seen for at, seen in observation.items() if isinstance(seen, Observed)}
    # A policy whose write is refused is judged as if it were written.
    put = {at: draft.policy for at, draft in drafts.items() if draft.policy is not None}
    shown = {
        at: desired.in_force(put.get(at, seen.policy) or _NO_POLICY, at)
        for at, seen in observed.items()
    }
    links_then = {
        at: (drafts[at].rules_then if at in drafts else seen.replication).may_use
        for at, seen in observed.items()
    }
    ungranted = _ungranted(shown, desired.actions)
    relying = {
        source: Applied(
            links={
                end: ungranted(source, end, prefixes)
                for end, prefixes in record[source].links.items()
                if end in shown
            }
        )
        for source in record.keys() - set(desired.registries)
    }
    uses = GrantUses(
        desired=desired,
        observation=observation,
        ungranted=ungranted,
        gone=gone_accounts(observation, desired.retired),
        left_behind=left_behind(desired, relying),
        written={at: links_then[at] for at, draft in drafts.items() if draft.writes_rules},
    )
    needed = _needed(observed, desired)
    return Outlook(
        desired=desired,
        observation=observation,
        record=record,
        drafts=drafts,
        unlisted=unlisted,
        links_then=links_then,
        left_behind=relying,
        decisions={
            at: _decision(seen, drafts.get(at), shown[at], needed.get(at, set()), uses)
            for at, seen in observed.items()
        },
        uses=uses,
    )


def _decision(
    seen: Observed, draft: Draft | None, then: Permissions, needed: set[Grant], uses: GrantUses
) -> GrantDecision:
    """The decision about the policy of one registry. `then`: what is allowed once the policy of the
    draft is written; `needed`: the grants that links in place need."""
    policy, stale = seen.policy or _NO_POLICY, StaleGrants(pending={})
    before = uses.desired.in_force(policy, then.registry)
    if draft is not None and draft.policy is not None:
        lost = _lost(policy, before, then, needed)
        stale = stale_grants(then.registry, lost, frozenset(), uses)
    return GrantDecision(
        registry=then.registry,
        policy=policy,
        needed=frozenset(),
        stale=stale,
        permissions=then if draft is not None and draft.writes_policy else before,
    )


def allows(there: Permissions, grant: Grant) -> bool:
    """Returns whether a policy allows all that a grant would allow."""
    return there.lacks(grant.source, grant.prefix, (grant.action,)) is None


def _ungranted(then: Mapping[Registry, Permissions], actions: tuple[str, ...]) -> Ungranted:
    """Returns a function that tells, for a link, the prefixes that the policies put back do not let
    in."""

    def ungranted(source: Registry, destination: Registry, prefixes: Prefixes) -> Prefixes:
        lacks = then[destination].lacks
        return tuple(prefix for prefix in prefixes if lacks(source.account, prefix, actions))

    return ungranted


def _needed(
    observed: Mapping[Registry, Observed], desired: Desired
) -> Mapping[Registry, set[Grant]]:
    """The grants that links in place need, by destination. Statements of others may give them."""
    needed: dict[Registry, set[Grant]] = {}
    for source, seen in observed.items():
        for end, prefixes in seen.replication.may_use.items():
            grants = grants_for(source.account, prefixes, desired.actions)
            needed.setdefault(end, set()).update(grants)
    return needed


def _lost(
    now: Policy, before: Permissions, then: Permissions, needed: set[Grant]
) -> frozenset[Grant]:
    """Returns the grants that the policy in place gives and the policy put back does not: our own,
    and those that links in place need."""
    given = now.in_use | {grant for grant in needed if allows(before, grant)}
    return frozenset(
        grant
        for grant in given
        if grant.source != then.registry.account and not allows(then, grant)
    )
