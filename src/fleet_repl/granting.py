"""Grants of one destination: what it shall allow, and the one or two policy writes to it.

New grants are put before rules use them. Grants that rules still use go after those rules;
where there is nothing to wait for, one write does both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleet_repl.canonical import JsonObject
from fleet_repl.desired import Desired
from fleet_repl.errors import Fault, FaultKind
from fleet_repl.grants import (
    REPLICATE_IMAGE,
    Grant,
    Policy,
    compose,
    foreign_sids,
    grants_for,
    policy_size,
    reduced,
)
from fleet_repl.names import AccountId, Registry
from fleet_repl.observed import Observation, Observed
from fleet_repl.permissions import Permissions, in_force
from fleet_repl.plan import Action, Change, LinkEnd, Phase, Resource
from fleet_repl.prefixes import Prefixes, beyond, intersect, reduce
from fleet_repl.withdrawals import Stale, Uses, stale_grants


@dataclass(frozen=True, slots=True, kw_only=True)
class Granting:
    """What is decided about the policy of one registry."""

    registry: Registry
    policy: Policy
    needed: frozenset[Grant]
    stale: Stale
    permissions: Permissions
    """What is in force when rules are written."""
    shortfall: str | None = None
    """Why new grants cannot be put before the rules."""
    refusal: Fault | None = None
    """Why the policy must not be written although it differs."""
    spared: frozenset[Grant] = frozenset()
    """Grants for which there is no room, and which statements of others give already."""

    @property
    def final(self) -> frozenset[Grant]:
        """Our grants once everything is written."""
        staying = self.stale.staying
        return reduced(self.needed | staying) if staying else self.needed

    @property
    def first(self) -> frozenset[Grant]:
        """Our grants while rules are written: what they will use and what they still use."""
        pending = self.stale.pending
        return reduced(self.final | pending.keys()) if pending else self.final

    @property
    def differs(self) -> bool:
        """Whether the policy has to be written at all."""
        return bool(self.stale.pending or self.policy.is_untidy or self.final != self.policy.grants)

    def lacks(self, source: Registry, prefix: str, actions: tuple[str, ...]) -> str | None:
        """Why rules of `source` would not get `prefix` in here, or None where they would."""
        because = self.permissions.lacks(source.account, prefix, actions)
        if because is None:
            return None
        return f"{self.registry}: {because}" + (f", {self.shortfall}" if self.shortfall else "")

    def document(self, grants: frozenset[Grant], desired: Desired) -> JsonObject | None:
        """The policy with `grants` as ours."""
        return compose(self.policy, grants, desired.owner, self.registry)


def granting(
    registry: Registry,
    seen: Observed,
    uses: Uses,
    *,
    in_scope: bool,
) -> Granting:
    """Decide which grants are in force in `registry` when rules are written."""
    desired = uses.desired
    policy = seen.policy or Policy(document=None)
    needed = _needed(registry, desired, uses.observation)
    stale = stale_grants(registry, policy.in_use, needed, uses)
    found = Granting(
        registry=registry,
        policy=policy,
        needed=needed,
        stale=stale,
        permissions=in_force(policy, registry, desired.owner.partition),
    )
    if not in_scope:
        return replace(found, shortfall="and it is outside the selection")
    if found.first <= policy.grants and not policy.opaque:
        return found
    size = policy_size(found.document(found.first, desired))
    if found.first != needed:
        # A short prefix that is to go may stand for many longer ones that stay.
        size = max(size, policy_size(found.document(needed, desired)))
    if size > desired.limits.policy_bytes:
        shortfall = f"and with it the policy would take {size:,} characters"
        return replace(found, shortfall=shortfall)
    permissions = replace(found.permissions, grants=found.first, statements=policy.foreign)
    return replace(found, permissions=permissions)


def settled(found: Granting, uses: Uses) -> Granting:
    """The decision once it is known what every source will be left with."""
    desired = uses.desired
    if found.stale.kept:
        stale = stale_grants(found.registry, found.policy.in_use, found.needed, uses)
        found = replace(found, stale=stale)
    if not found.differs:
        return found
    size = policy_size(found.document(found.final, desired))
    if size > desired.limits.policy_bytes:
        found = _spare(found, desired)
        size = policy_size(found.document(found.final, desired))
    if size <= desired.limits.policy_bytes:
        return found
    refusal = Fault(
        kind=FaultKind.INVALID,
        operation="PutRegistryPolicy",
        message=f"the registry policy would take {size:,} characters, foreign statements "
        f"included, and ECR takes {desired.limits.policy_bytes:,}",
        hint=f"shorten or remove statements that are not fleet-repl's{_listed(found.policy)}",
    )
    return replace(found, refusal=refusal)


def _spare(found: Granting, desired: Desired) -> Granting:
    """Without what would have to be added, if all of it is in force as the policy stands."""
    adding = found.final - found.policy.grants
    there = in_force(found.policy, found.registry, desired.owner.partition)
    if any(there.lacks(one.source, one.prefix, (one.action,)) is not None for one in adding):
        return found
    return replace(found, needed=found.needed - adding, spared=adding)


def policy_changes(
    found: Granting, desired: Desired
) -> tuple[tuple[Change, ...], tuple[Change, ...]]:
    """The writes before and after the rules; together at most two."""
    if not found.differs:
        return (), ()
    before, final = found.policy.document, found.document(found.final, desired)
    early = found.policy.is_untidy or not found.first <= found.policy.grants
    if not found.stale.pending or found.refusal is not None:
        phase = Phase.GRANTS if early else Phase.WITHDRAWALS
        change = _change(found, desired, phase, before, final)
        return ((change,), ()) if early else ((), (change,))
    if not early or found.shortfall is not None:
        return (), (_change(found, desired, Phase.WITHDRAWALS, before, final),)
    between = found.document(found.first, desired)
    return (
        (_change(found, desired, Phase.GRANTS, before, between),),
        (_change(found, desired, Phase.WITHDRAWALS, between, final),),
    )


def _needed(registry: Registry, desired: Desired, observation: Observation) -> frozenset[Grant]:
    """Grants for every link into the registry whose source could be read.

    An account that does not exist makes the service refuse a whole policy, so a source that
    does not answer gets nothing new.
    """
    needed: set[Grant] = set()
    for link in desired.incoming.get(registry, ()):
        if desired.must_be_granted(link) and isinstance(observation.get(link.source), Observed):
            needed |= grants_for(link.source.account, link.prefixes, desired.actions)
    return reduced(needed)


def _change(
    found: Granting,
    desired: Desired,
    phase: Phase,
    before: JsonObject | None,
    after: JsonObject | None,
) -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    withdraws = phase is Phase.WITHDRAWALS or not found.stale.pending
    return Change(
        resource=Resource.REGISTRY_POLICY,
        action=action,
        phase=phase,
        before=before,
        after=after,
        links_added=_granted(found, desired) if phase is Phase.GRANTS else (),
        links_removed=_withdrawn(found, desired) if withdraws else (),
        needs=frozenset().union(*found.stale.pending.values())
        if phase is Phase.WITHDRAWALS
        else frozenset(),
    )


def _granted(found: Granting, desired: Desired) -> tuple[LinkEnd, ...]:
    """Sources of links that the policy did not grant before."""
    had, has = _replicating(found.policy.grants), _replicating(found.needed)
    ends = []
    for link in desired.incoming.get(found.registry, ()):
        account = link.source.account
        granted = intersect(link.prefixes, has.get(account, ()))
        new = beyond(granted, had.get(account, ()))
        if new:
            ends.append(LinkEnd(registry=link.source, prefixes=new, routes=link.routes))
    return tuple(ends)


def _withdrawn(found: Granting, desired: Desired) -> tuple[LinkEnd, ...]:
    """Listed registries of accounts whose grants go."""
    keeps = _replicating(found.final)
    return tuple(
        LinkEnd(registry=registry, prefixes=gone)
        for account, prefixes in sorted(_replicating(found.policy.grants).items())
        if (gone := beyond(prefixes, keeps.get(account, ())))
        for registry in desired.by_account.get(account, ())
    )


def _replicating(grants: frozenset[Grant]) -> dict[AccountId, Prefixes]:
    """The prefixes that each account may replicate."""
    found: dict[AccountId, list[str]] = {}
    for grant in grants:
        if grant.action == REPLICATE_IMAGE:
            found.setdefault(grant.source, []).append(grant.prefix)
    return {account: reduce(prefixes) for account, prefixes in found.items()}


def _listed(policy: Policy) -> str:
    names = foreign_sids(policy)
    return f": {', '.join(names)}" if names else ""
