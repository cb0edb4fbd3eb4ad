"""The grants that one destination needs, and whether its sources can rely on them.

A new grant is written before the rules that need it. A grant that rules still use is revoked after
those rules are written. `policy_changes` divides both among the writes of the policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from fleet_repl.ecr.policy import (
    NO_POLICY,
    Grant,
    Policy,
    compose,
    foreign_sids,
    grants_for,
    reduced,
)
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.enrolment import NONE_JOINING
from fleet_repl.planning.held_links import ALL_LET_IN, Lacks
from fleet_repl.planning.observed import Observation, Observed, silence_of
from fleet_repl.planning.plan import Vouched
from fleet_repl.planning.revocations import GrantUses, StaleGrants, stale_grants
from fleet_repl.topology import Link
from fleet_repl.values.errors import Fault, FaultKind
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import Prefixes

_SHORTER: Final = "let the routes into it ask for fewer prefixes: all that is in it is fleet-repl's"
"""The remedy for a long policy that holds no foreign statements."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantDecision:
    """The decision about the policy of one registry."""

    registry: Registry
    policy: Policy
    needed: frozenset[Grant]
    links: tuple[Link, ...] = ()
    """The links that need the grants."""
    stale: StaleGrants
    permissions: Permissions
    """The permissions of the policy at the time when rules are written."""
    shortfall: str | None = None
    """The reason why new grants cannot be written before the rules."""
    refusal: Fault | None = None
    """The reason why the policy is not written although it differs."""
    given_by_others: frozenset[Grant] = frozenset()
    """Grants that do not fit into the policy, and that statements of others give already."""
    composed: Policy | None = None
    """The policy with the grants of `first`, where its size had to be known."""

    @property
    def final(self) -> frozenset[Grant]:
        """Our grants once everything is written."""
        return self.stale.final(self.needed)

    @property
    def first(self) -> frozenset[Grant]:
        """Our grants while rules are written: what they will use and what they still use."""
        return self.stale.first(self.needed)

    @property
    def differs(self) -> bool:
        """Returns whether the policy has to be written at all."""
        return bool(self.stale.pending or self.policy.is_untidy or self.final != self.policy.grants)

    def lacks(
        self, source: Registry, prefixes: Prefixes, actions: tuple[str, ...]
    ) -> Mapping[str, str]:
        """The prefixes that the registry does not let `source` replicate in, each with why."""
        permissions, account = self.permissions, source.account
        if permissions.give(grants_for(account, prefixes, actions)):
            return ALL_LET_IN
        more = f", {self.shortfall}" if self.shortfall else ""
        return {
            prefix: f"{self.registry}: {because}{more}"
            for prefix in prefixes
            if (because := permissions.lacks(account, prefix, actions)) is not None
        }

    def vouched(self) -> Iterator[Vouched]:
        """The statements that count as denying nothing because the operator vouches for them."""
        permissions, sids = self.permissions, set[str]()
        for statement in permissions.statements:
            if permissions.trusts(statement) and permissions.doubted_by(statement, self.needed):
                sids.add(str(statement["Sid"]))
        return (Vouched(registry=self.registry, sid=sid) for sid in sorted(sids))

    def with_grants(self, grants: frozenset[Grant], desired: Desired) -> Policy:
        """The policy with `grants` as ours."""
        if self.composed is not None and self.composed.grants == grants:
            return self.composed
        return compose(self.policy, grants, desired.owner, self.registry)


def decide_grants(
    registry: Registry, seen: Observed, uses: GrantUses, *, in_scope: bool
) -> GrantDecision:
    """Decides which grants are in force in `registry` when rules are written."""
    desired = uses.desired
    policy = seen.policy or NO_POLICY
    links = _granted_links(registry, desired, uses.observation)
    needed = needed_for(links, desired)
    stale = stale_grants(registry, policy.in_use, needed, uses)
    first = stale.first(needed)
    written, composed, shortfall = policy, None, None
    if not in_scope:
        shortfall = "and it is outside the selection"
    elif policy.opaque or not first <= policy.grants:
        composed = compose(policy, first, desired.owner, registry)
        size = composed.size
        if first != needed:
            # A short prefix that is to go may stand for many longer ones that stay.
            size = max(size, compose(policy, needed, desired.owner, registry).size)
        if size > desired.limits.policy_bytes:
            shortfall = f"and with it the policy would take {size:,} characters"
        else:
            written = composed
    return GrantDecision(
        registry=registry,
        policy=policy,
        needed=needed,
        links=links,
        stale=stale,
        permissions=desired.in_force(written, registry),
        composed=composed,
        shortfall=shortfall,
    )


def finish_grants(decision: GrantDecision, uses: GrantUses) -> GrantDecision:
    """Completes a decision once the rules of every source are decided.

    Grants that were kept because the rules were not known yet may now be revoked. A policy that
    ECR would not take is refused.
    """
    desired = uses.desired
    if decision.stale.kept:
        stale = stale_grants(decision.registry, decision.policy.in_use, decision.needed, uses)
        decision = replace(decision, stale=stale)
    if not decision.differs:
        return decision
    size = decision.with_grants(decision.final, desired).size
    if size > desired.limits.policy_bytes:
        decision = _left_to_others(decision, desired)
        size = decision.with_grants(decision.final, desired).size
    if size <= desired.limits.policy_bytes:
        return decision
    refusal = too_long(size, decision.policy, desired, ", foreign statements included,")
    if not foreign_sids(decision.policy):
        refusal = replace(refusal, hint=_SHORTER)
    return replace(decision, refusal=refusal)


def too_long(size: int, policy: Policy, desired: Desired, detail: str) -> Fault:
    """Returns the fault of a policy of `size` characters, too long for ECR, over `policy`."""
    names = foreign_sids(policy)
    listed = f": {', '.join(names)}" if names else ""
    return Fault(
        kind=FaultKind.INVALID,
        operation="PutRegistryPolicy",
        message=f"the registry policy would take {size:,} characters{detail} and ECR takes "
        f"{desired.limits.policy_bytes:,}",
        hint=f"shorten or remove statements that are not fleet-repl's{listed}",
    )


def _left_to_others(decision: GrantDecision, desired: Desired) -> GrantDecision:
    """The decision without new grants, where the policy in place allows already what they would."""
    adding = decision.final - decision.policy.grants
    permissions = desired.in_force(decision.policy, decision.registry)
    if any(
        permissions.lacks(grant.source, grant.prefix, (grant.action,)) is not None
        for grant in adding
    ):
        return decision
    return replace(decision, needed=decision.needed - adding, given_by_others=adding)


def _granted_links(
    registry: Registry, desired: Desired, observation: Observation
) -> tuple[Link, ...]:
    """Every link into the registry that a grant of ours is for, if its source could be read.

    An account that does not exist makes the service refuse a whole policy, so a source that
    does not answer gets nothing new.
    """
    links = desired.incoming.get(registry, ())
    granted = [
        link
        for link in links
        if desired.must_be_granted(link.source, registry)
        and isinstance(observation.get(link.source), Observed)
    ]
    return links if len(granted) == len(links) else tuple(granted)


def lacks_at(
    source: Registry,
    decisions: Mapping[Registry, GrantDecision],
    observation: Observation,
    desired: Desired,
    joining: Mapping[AccountId, str] = NONE_JOINING,
) -> Lacks:
    """Returns which prefixes of `source` a destination will not let in once `decisions` are carried
    out, each with the reason.

    `decisions` holds every destination that could be read and whose policy is ours to write. An
    account that is joining lets nothing in, whoever writes its policies.
    """

    def lacks(destination: Registry, prefixes: Prefixes) -> Mapping[str, str]:
        if destination.account in joining:
            return dict.fromkeys(prefixes, joining[destination.account])
        if not desired.must_be_granted(source, destination):
            return ALL_LET_IN
        silence = silence_of(destination, observation)
        if silence is not None:
            return dict.fromkeys(prefixes, silence)
        return decisions[destination].lacks(source, prefixes, desired.actions)

    return lacks


def needed_for(links: Iterable[Link], desired: Desired) -> frozenset[Grant]:
    asked = frozenset([(link.source.account, link.scope.prefixes) for link in links])
    return _needed(asked, desired.actions)


@lru_cache(maxsize=1_024)
def _needed(
    asked: frozenset[tuple[AccountId, Prefixes]], actions: tuple[str, ...]
) -> frozenset[Grant]:
    """The grants that accounts need for prefixes. Kept, because all registries that a hub
    replicates to have to grant it the same."""
    return reduced(
        grant for account, prefixes in asked for grant in grants_for(account, prefixes, actions)
    )
