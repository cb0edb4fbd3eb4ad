"""Destinations whose grants are not in place, and the links into them that are held therefore.

New rules may need grants that this run does not write, because they were in place when the plan
was made. That may have been yesterday, or before a pause of an hour. So these grants are read once
more right before the rules are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Policy
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.ecr.rules import Links, Outgoing, Replication, compare, prefixes_of, within
from fleet_repl.engine.answers import answer_of
from fleet_repl.engine.registry_documents import DocumentWriter
from fleet_repl.planning.change import Change, HeldLink
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.held_links import ALL_LET_IN, LinkSplit, over_limits, split_held
from fleet_repl.planning.ownership import narrowed
from fleet_repl.planning.plan import RegistryPlan
from fleet_repl.values.errors import Fault
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import NO_SCOPE, Prefixes, intersect

CHANGED: Final = "its registry policy has been changed since the plan was made"


class BlockedDestinations:
    """The destinations whose policy is not as planned, and the permissions in force there."""

    def __init__(self, desired: Desired) -> None:
        self._desired = desired
        self._reasons: dict[Registry, str] = {}
        self._in_force: dict[Registry, Permissions] = {}
        self._suspected: set[Registry] = set()
        """Blocked destinations none of whose writes has failed: a look may lift the block."""

    def add(
        self,
        registry: Registry,
        fault: Fault | None,
        present: Policy | None,
        *,
        in_doubt: bool = False,
    ) -> None:
        """Block a destination whose policy was not written, or may not have been (`in_doubt`).
        `present`: the policy that is in place instead; None where that is unknown."""
        kind = f" ({fault.kind})" if fault is not None else ""
        reason = "its registry policy was not written"
        if in_doubt:
            reason = "it is not known whether its registry policy was written"
        self._suspected.discard(registry)
        self._block(registry, f"{reason}{kind}", present)

    def suspect(self, registry: Registry, because: str, present: Policy | None) -> None:
        """Block a destination whose policy, not written by this run, lacks planned grants."""
        if registry not in self._reasons:
            self._suspected.add(registry)
        if registry in self._suspected:
            self._block(registry, because, present)

    def lift(self, registry: Registry) -> None:
        """Lift the block of a suspected destination: its policy has the planned grants."""
        if registry in self._suspected:
            self._suspected.remove(registry)
            del self._reasons[registry]
            self._in_force.pop(registry, None)

    def _block(self, registry: Registry, because: str, present: Policy | None) -> None:
        self._reasons[registry] = f"{registry}: {because}"
        self._in_force.pop(registry, None)
        if present is not None:
            self._in_force[registry] = self._desired.in_force(present, registry)

    def narrowed(
        self, planned: RegistryPlan, change: Change
    ) -> tuple[Change | Fault, tuple[HeldLink, ...]]:
        """New rules without the links that are not granted, and those links as held; or the fault
        for rules that would exceed ECR's limits then.

        For example, new rules send `base/` to registries A and B, and the grant at B has failed.
        Then the rules are written for A, and the link to B is held. A link to B that is in place
        already stays in the rules.
        """
        if not self._reasons:
            return change, ()
        before, after = contents(change, Replication)
        # Links of others' rules are never held.
        requested = {
            **self._desired.links_kept(after.links),
            **within(self._desired.links_out(planned.registry), after.outgoing),
        }
        split = self._hold(planned.registry, requested, before.outgoing)
        if not split.held:
            return change, ()
        limits = self._desired.limits
        rest, kept = narrowed(
            after, planned.owned.links, prefixes_of(split.links), filters=limits.filters
        )
        fault = over_limits(
            limits, rules=len(rest.rules), foreign=kept, destinations=len(rest.links)
        )
        return fault or replace(change, after=rest), split.held

    def ungranted(self, planned: RegistryPlan, held: tuple[HeldLink, ...]) -> tuple[HeldLink, ...]:
        """The links into blocked destinations of a source whose rules stay as they are, without
        those that are `held` already."""
        links = self._desired.links_out(planned.registry)
        concerned = {end: links[end] for end in links if end in self._reasons}
        if not concerned:
            return ()
        # Held links are not in place, or have been recorded already.
        missing = {(link.destination, prefix) for link in held for prefix in link.prefixes}
        present = {
            end: tuple(prefix for prefix in scope.prefixes if (end, prefix) not in missing)
            for end, scope in concerned.items()
        }
        return self._hold(planned.registry, within(concerned, present), present).held

    def _hold(self, source: Registry, requested: Links, present: Outgoing) -> LinkSplit:
        def lacks(destination: Registry, prefixes: Prefixes) -> Mapping[str, str]:
            if destination not in self._reasons or destination.account == source.account:
                return ALL_LET_IN
            allowed = self._in_force.get(destination)
            account, actions = source.account, self._desired.actions
            return {
                prefix: self._reasons[destination]
                for prefix in prefixes
                if allowed is None or allowed.lacks(account, prefix, actions) is not None
            }

        return split_held(requested, present, lacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeededGrants:
    """A destination, and the grants there that the new rules of a wave need."""

    destination: Registry
    grants: frozenset[tuple[AccountId, str]]
    """Source accounts and prefixes."""


def needed_grants(
    changes: Iterable[tuple[Registry, Change]], desired: Desired
) -> tuple[NeededGrants, ...]:
    """The grants that the new links of these changes of rules need, by destination."""
    grants: dict[Registry, set[tuple[AccountId, str]]] = {}
    for source, change in changes:
        before, after = contents(change, Replication)
        requested = desired.links_out(source)
        for destination, prefixes in compare(before.links, after.links).added.items():
            # Links of others' rules are never held.
            ours = intersect(prefixes, requested.get(destination, NO_SCOPE).prefixes)
            if ours and desired.must_be_granted(source, destination):
                grants.setdefault(destination, set()).update(
                    (source.account, prefix) for prefix in ours
                )
    return tuple(
        NeededGrants(destination=destination, grants=frozenset(pairs))
        for destination, pairs in sorted(grants.items())
    )


class GrantCheck:
    """Reads policies that this run has not written once more, right before rules need them."""

    def __init__(
        self, desired: Desired, documents: DocumentWriter, blocked: BlockedDestinations
    ) -> None:
        self._desired = desired
        self._documents = documents
        self._blocked = blocked

    async def look(self, needed: NeededGrants) -> None:
        """Read the policy of a destination, and block or lift it by the grants in the policy."""
        destination = needed.destination
        policy = await answer_of("GetRegistryPolicy", self._documents.read_policy(destination))
        if isinstance(policy, Fault):
            because = f"its registry policy could not be read again ({policy.kind})"
            self._blocked.suspect(destination, because, None)
            return
        allowed = self._desired.in_force(policy, destination)
        actions = self._desired.actions
        if all(allowed.lacks(source, prefix, actions) is None for source, prefix in needed.grants):
            self._blocked.lift(destination)
        else:
            self._blocked.suspect(destination, CHANGED, policy)
