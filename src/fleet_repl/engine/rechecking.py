"""Grants that new rules count on although this run has not written them.

They were in place when the plan was made, which may be a file of yesterday, or before a pause of
an hour. So they are looked at once more right before the rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fleet_repl.ecr.rules import NO_RULES, compare, parse_document, within
from fleet_repl.engine.blocked import CHANGED, Blocked
from fleet_repl.engine.concluding import unforeseen
from fleet_repl.engine.registry_documents import Writing
from fleet_repl.planning.desired import Desired
from fleet_repl.planning.plan import Change
from fleet_repl.values.errors import CallError, Fault
from fleet_repl.values.names import AccountId, Registry


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
        links = {link.destination: link for link in desired.outgoing.get(source, ())}
        before, after = (
            parse_document(one or NO_RULES).outgoing for one in (change.before, change.after)
        )
        # Links of others are none of ours to hold.
        added = within(compare(before, after).added, desired.links_out(source))
        for destination, prefixes in added.items():
            if desired.must_be_granted(links[destination]):
                found.setdefault(destination, set()).update(
                    (source.account, prefix) for prefix in prefixes
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
