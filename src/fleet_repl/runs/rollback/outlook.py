"""The outlook of a rollback: what the planner says of every grant once the rollback is done.

Nothing is decided here. The planner's functions are asked about the documents that are put back
in place of what the inventory wants: which grants rules still use that go (`stale_grants`), and
which links no grant lets in (`lacks_at`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from fleet_repl.ecr.policy import NO_POLICY, REPLICATE_IMAGE, Grant, grants_for
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.ecr.rules import Outgoing, compare, prefixes_of
from fleet_repl.planning.change import HeldLink
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.held_links import split_held
from fleet_repl.planning.needed_grants import GrantDecision, lacks_at
from fleet_repl.planning.observed import Observation, Observed, refused_accounts
from fleet_repl.planning.ownership import Applied, Cells, Record
from fleet_repl.planning.revocations import GrantUses, StaleGrants, left_behind, stale_grants
from fleet_repl.runs.rollback.draft import Draft
from fleet_repl.values.names import Registry
from fleet_repl.values.prefixes import LinkScope, Prefixes


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """The drafts of a rollback, and what becomes of the grants in all registries that were read.

    It has no slots, as each answer of the planner is kept once it is asked for.
    """

    desired: Desired
    observation: Observation
    record: Record
    drafts: Mapping[Registry, Draft]
    """In order of account and region."""
    unlisted: frozenset[Registry]
    """Registries whose policy the run wrote, and that the inventory lists no longer."""

    def with_drafts(self, drafts: Mapping[Registry, Draft]) -> Outlook:
        """Returns the outlook in which these drafts take the place of earlier ones."""
        return replace(self, drafts={**self.drafts, **drafts})

    @cached_property
    def observed(self) -> Mapping[Registry, Observed]:
        """The registries that could be read."""
        return {at: seen for at, seen in self.observation.items() if isinstance(seen, Observed)}

    @cached_property
    def permissions(self) -> Mapping[Registry, Permissions]:
        """Returns the permissions once all policies are put back, the refused ones included."""
        policies = {at: seen.policy for at, seen in self.observed.items()}
        policies |= {at: draft.policy for at, draft in self.drafts.items() if draft.policy}
        return {
            at: self.desired.in_force(policy or NO_POLICY, at) for at, policy in policies.items()
        }

    @cached_property
    def links_then(self) -> Mapping[Registry, Outgoing]:
        """Returns the most that each source read may replicate once the rollback is done."""
        rules = {at: seen.replication for at, seen in self.observed.items()}
        rules |= {at: draft.rules_then for at, draft in self.drafts.items()}
        return {at: replication.may_use for at, replication in rules.items()}

    @cached_property
    def left_behind(self) -> Record:
        """Links on record of registries that the inventory lists no longer, as far as no policy
        lets them in once the rollback is done."""
        return {
            source: Applied(
                links={
                    end: self._ungranted(source, end, prefixes)
                    for end, prefixes in self.record[source].links.items()
                    if end in self.permissions
                }
            )
            for source in self.record.keys() - set(self.desired.registries)
        }

    @cached_property
    def uses(self) -> GrantUses:
        """The rules that use grants, in place and once the rollback is done."""
        written = [at for at, draft in self.drafts.items() if draft.writes_rules]
        return GrantUses(
            desired=self.desired,
            observation=self.observation,
            ungranted=self._ungranted,
            gone=refused_accounts(self.observation, self.desired.retired),
            left_behind=left_behind(self.desired, self.left_behind),
            written={at: self.links_then[at] for at in written},
        )

    @cached_property
    def decisions(self) -> Mapping[Registry, GrantDecision]:
        """By registry: the policy in place, what is in force once the rollback is done, and the
        grants that go by then."""
        # Links in place may need grants that statements of others give.
        needed: dict[Registry, set[Grant]] = {}
        for source, seen in self.observed.items():
            for end, prefixes in seen.replication.may_use.items():
                grants = grants_for(source.account, prefixes, self.desired.actions)
                needed.setdefault(end, set()).update(grants)
        return {at: self._decision(at, needed.get(at, set())) for at in self.observed}

    def _decision(self, at: Registry, needed: set[Grant]) -> GrantDecision:
        """The decision about one policy, some of whose grants are `needed` by links in place."""
        policy, then = self.observed[at].policy or NO_POLICY, self.permissions[at]
        now, draft = self.desired.in_force(policy, at), self.drafts.get(at)
        stale = StaleGrants(pending={})
        if draft is not None and draft.policy is not None:
            given = policy.in_use | {grant for grant in needed if allows(now, grant)}
            foreign = (grant for grant in given if grant.source != at.account)
            lost = frozenset(grant for grant in foreign if not allows(then, grant))
            stale = stale_grants(at, lost, frozenset(), self.uses)
        return GrantDecision(
            registry=at,
            policy=policy,
            needed=frozenset(),
            stale=stale,
            permissions=then if draft is not None and draft.writes_policy else now,
        )

    def _ungranted(self, source: Registry, destination: Registry, prefixes: Prefixes) -> Prefixes:
        """The prefixes of a link that the policies put back do not let in."""
        lacks, actions = self.permissions[destination].lacks, self.desired.actions
        return tuple(prefix for prefix in prefixes if lacks(source.account, prefix, actions))

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
            if (draft := self.drafts.get(source)) is not None
            and draft.writes_rules
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

        def lacks(destination: Registry, prefixes: Prefixes) -> Mapping[str, str]:
            if destination in self.unlisted and destination.account != source.account:
                why = f"{destination} is not listed any more, so its policy cannot be put back"
                return dict.fromkeys(prefixes, why)
            return planned(destination, prefixes)

        added = compare(draft.seen.replication.links, draft.rules_then.links).added
        return split_held({end: LinkScope(added[end]) for end in added}, {}, lacks).held

    def own_links(self, source: Registry) -> Cells:
        """The fleet's own links out of a registry once the rollback is done."""
        draft = self.drafts.get(source)
        if draft is not None and draft.writes_rules:
            return draft.owned_links(self.record)
        if source in self.record:
            return self.record[source].links
        # Where nothing is on record, what is asked for counts as ours.
        return prefixes_of(self.desired.links_out(source))


def allows(there: Permissions, grant: Grant) -> bool:
    """Returns whether a policy allows all that a grant would allow."""
    return there.lacks(grant.source, grant.prefix, (grant.action,)) is None
