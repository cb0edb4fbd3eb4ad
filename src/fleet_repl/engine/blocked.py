"""Destinations whose grants are not in place, and what follows for their sources.

Grants that new rules count on, and that this run has not written, were in place when the plan was
made: that may be a file of yesterday, or before a pause of an hour. So they are read once more
right before the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from fleet_repl.ecr.content import contents
from fleet_repl.ecr.policy import Policy
from fleet_repl.ecr.policy.evaluate import Permissions
from fleet_repl.ecr.rules import Links, Outgoing, Replication, compare, prefixes_of, within
from fleet_repl.engine.registry_documents import Writing
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.held_links import LinkSplit, over_limits, split_held
from fleet_repl.planning.ownership import narrowed
from fleet_repl.planning.plan import Change, HeldLink, RegistryPlan
from fleet_repl.values.errors import CallError, Fault, unforeseen
from fleet_repl.values.names import AccountId, Registry
from fleet_repl.values.prefixes import NO_SCOPE, intersect

CHANGED: Final = "its registry policy has been changed since the plan was made"


class Blocked:
    """The destinations that rules cannot count on, and what they allow all the same."""

    def __init__(self, desired: Desired) -> None:
        self._desired = desired
        self._reasons: dict[Registry, str] = {}
        self._in_force: dict[Registry, Permissions] = {}
        self._suspected: set[Registry] = set()
        """Those of which no write has failed."""

    def add(
        self,
        registry: Registry,
        fault: Fault | None,
        found: Policy | None,
        *,
        in_doubt: bool = False,
    ) -> None:
        """A policy was not written, or nobody knows whether it was. `found`: what is in place
        instead, None if nobody knows."""
        why = f" ({fault.kind})" if fault is not None else ""
        what = "it is not known whether its registry policy was written"
        self._suspected.discard(registry)
        self._block(
            registry, f"{what if in_doubt else 'its registry policy was not written'}{why}", found
        )

    def suspect(self, registry: Registry, because: str, found: Policy | None) -> None:
        """A policy that this run has not written does not grant what it should."""
        if registry not in self._reasons:
            self._suspected.add(registry)
        if registry in self._suspected:
            self._block(registry, because, found)

    def lift(self, registry: Registry) -> None:
        """What was suspected of a policy is not so any more."""
        if registry in self._suspected:
            self._suspected.remove(registry)
            del self._reasons[registry]
            self._in_force.pop(registry, None)

    def _block(self, registry: Registry, because: str, found: Policy | None) -> None:
        self._reasons[registry] = f"{registry}: {because}"
        self._in_force.pop(registry, None)
        if found is not None:
            self._in_force[registry] = self._desired.in_force(found, registry)

    def narrowed(
        self, one: RegistryPlan, change: Change
    ) -> tuple[Change | Fault, tuple[HeldLink, ...]]:
        """New rules without what is not granted, or why they cannot be written so."""
        if not self._reasons:
            return change, ()
        before, after = contents(change, Replication)
        # Links of others are none of ours to hold.
        asked = within(self._desired.links_out(one.registry), after.outgoing)
        holding = self._hold(one.registry, asked, before.outgoing)
        if not holding.held:
            return change, ()
        limits = self._desired.limits
        rest, kept = narrowed(
            after, one.owned.links, prefixes_of(holding.links), filters=limits.filters
        )
        fault = over_limits(
            limits, rules=len(rest.rules), foreign=kept, destinations=len(rest.links)
        )
        return fault or replace(change, after=rest), holding.held

    def ungranted(self, one: RegistryPlan, held: tuple[HeldLink, ...]) -> tuple[HeldLink, ...]:
        """Links of a source whose rules stay as they are, into blocked destinations, beside those
        that are `held` already."""
        links = self._desired.links_out(one.registry)
        concerned = {end: links[end] for end in links if end in self._reasons}
        if not concerned:
            return ()
        # These are not in place, or named.
        missing = {(link.destination, prefix) for link in held for prefix in link.prefixes}
        present = {
            end: tuple(prefix for prefix in scope.prefixes if (end, prefix) not in missing)
            for end, scope in concerned.items()
        }
        return self._hold(one.registry, within(concerned, present), present).held

    def _hold(self, source: Registry, wanted: Links, present: Outgoing) -> LinkSplit:
        def lacks(destination: Registry, prefix: str) -> str | None:
            if destination not in self._reasons or destination.account == source.account:
                return None
            allowed = self._in_force.get(destination)
            actions = self._desired.actions
            if allowed is not None and allowed.lacks(source.account, prefix, actions) is None:
                return None
            return self._reasons[destination]

        return split_held(wanted, present, lacks)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedOn:
    """A destination, and what rules of a wave count on being let in there."""

    destination: Registry
    needed: frozenset[tuple[AccountId, str]]
    """Source accounts and prefixes."""


def counted_on(
    changes: Iterable[tuple[Registry, Change]], desired: Desired
) -> tuple[CountedOn, ...]:
    """What new links of these changes of rules need to be granted, by destination."""
    found: dict[Registry, set[tuple[AccountId, str]]] = {}
    for source, change in changes:
        before, after = contents(change, Replication)
        requested = desired.links_out(source)
        for destination, prefixes in compare(before.links, after.links).added.items():
            # Links of others are none of ours to hold.
            ours = intersect(prefixes, requested.get(destination, NO_SCOPE).prefixes)
            if ours and desired.must_be_granted(source, destination):
                found.setdefault(destination, set()).update(
                    (source.account, prefix) for prefix in ours
                )
    return tuple(
        CountedOn(destination=one, needed=frozenset(needed))
        for one, needed in sorted(found.items())
    )


class Rechecking:
    """Looks once more at policies that this run has not written."""

    def __init__(self, desired: Desired, writing: Writing, blocked: Blocked) -> None:
        self._desired = desired
        self._writing = writing
        self._blocked = blocked

    async def look(self, one: CountedOn) -> None:
        """See whether a destination still lets in what it has to; what it does not is blocked."""
        try:
            document = await self._writing.reader.read_policy(one.destination)
            policy = self._writing.parse(document, one.destination)
        except CallError as error:
            self._unread(one, error.fault)
            return
        except Exception as error:  # noqa: BLE001 - one registry's failure is a value, whatever it is
            self._unread(one, unforeseen("GetRegistryPolicy", error))
            return
        allowed = self._desired.in_force(policy, one.destination)
        actions = self._desired.actions
        if all(allowed.lacks(source, prefix, actions) is None for source, prefix in one.needed):
            self._blocked.lift(one.destination)
        else:
            self._blocked.suspect(one.destination, CHANGED, policy)

    def _unread(self, one: CountedOn, fault: Fault) -> None:
        because = f"its registry policy could not be read again ({fault.kind})"
        self._blocked.suspect(one.destination, because, None)
