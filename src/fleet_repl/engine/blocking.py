"""Destinations whose new grants could not be put, and what follows for their sources."""

from __future__ import annotations

from dataclasses import replace

from fleet_repl.desired import Desired
from fleet_repl.errors import Fault
from fleet_repl.grants import Policy
from fleet_repl.holding import Holding, hold, rules_within
from fleet_repl.names import Registry
from fleet_repl.permissions import Permissions, in_force
from fleet_repl.plan import Change, HeldLink
from fleet_repl.rules import Outgoing, document_of, parse_document


class Blocked:
    """The destinations that rules cannot count on, and what they allow all the same."""

    def __init__(self, desired: Desired) -> None:
        self._desired = desired
        self._reasons: dict[Registry, str] = {}
        self._in_force: dict[Registry, Permissions] = {}

    def add(self, registry: Registry, fault: Fault | None, found: Policy | None) -> None:
        """A policy was not written. `found`: what is in place instead, None if nobody knows."""
        why = f" ({fault.kind})" if fault is not None else ""
        self._reasons[registry] = f"{registry}: its registry policy was not written{why}"
        if found is not None:
            partition = self._desired.owner.partition
            self._in_force[registry] = in_force(found, registry, partition)

    def narrowed(self, source: Registry, change: Change) -> tuple[Change | Fault, Holding]:
        """New rules without what is not granted, or why they cannot be written so."""
        present = parse_document(change.before or {"rules": []}).outgoing
        wanted = parse_document(change.after or {"rules": []}).outgoing
        if not self._reasons.keys() & wanted.keys():
            return change, Holding(outgoing=wanted, held=())
        holding = self._hold(source, wanted, present)
        rules = rules_within(self._desired.limits, holding.outgoing)
        if isinstance(rules, Fault):
            return rules, holding
        return replace(change, after=document_of(rules)), holding

    def ungranted(self, source: Registry) -> tuple[HeldLink, ...]:
        """Links of a source whose rules stay as they are, into blocked destinations."""
        links = self._desired.links_out(source)
        concerned = {one: links[one] for one in links if one in self._reasons}
        return self._hold(source, concerned, concerned).held if concerned else ()

    def _hold(self, source: Registry, wanted: Outgoing, present: Outgoing) -> Holding:
        def lacks(destination: Registry, prefix: str) -> str | None:
            if destination not in self._reasons or destination.account == source.account:
                return None
            allowed = self._in_force.get(destination)
            actions = self._desired.actions
            if allowed is not None and allowed.lacks(source.account, prefix, actions) is None:
                return None
            return self._reasons[destination]

        return hold(wanted, present, lacks)
